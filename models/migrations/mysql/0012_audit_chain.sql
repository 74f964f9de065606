-- Audit rows carry a fingerprint from birth and a place in a chain soon after. Written by models/audit_chain.go.
-- +goose Up
ALTER TABLE audit
    ADD COLUMN mac       VARBINARY(32) NULL,
    ADD COLUMN seq       BIGINT NULL,
    ADD COLUMN prev_hash VARBINARY(32) NULL,
    ADD COLUMN hash      VARBINARY(32) NULL,
    ADD UNIQUE KEY audit_seq (seq),
    ADD KEY audit_actor (actor, id),
    ADD KEY audit_action (action, id);

-- +goose Down
ALTER TABLE audit
    DROP KEY audit_action,
    DROP KEY audit_actor,
    DROP KEY audit_seq,
    DROP COLUMN hash,
    DROP COLUMN prev_hash,
    DROP COLUMN seq,
    DROP COLUMN mac;
