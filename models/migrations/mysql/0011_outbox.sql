-- What the cloud must still be told, one row for each kind and person. Written by models/outbox.go.
-- +goose Up
CREATE TABLE outbox (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    kind             VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    generation       BIGINT NOT NULL DEFAULT 1,
    attempts         BIGINT NOT NULL DEFAULT 0,
    due_at           BIGINT NOT NULL,
    next_at          BIGINT NOT NULL,
    lease_owner      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until      BIGINT NOT NULL DEFAULT 0,
    last_error       VARCHAR(500) NOT NULL DEFAULT '',
    created_at       BIGINT NOT NULL,
    attempted_at     BIGINT NULL,
    buried_at        BIGINT NULL,
    UNIQUE KEY outbox_subject (subject, kind),
    KEY outbox_next (kind, buried_at, next_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at)
    SELECT user_id, 'revoke', user_id, MIN(revoke_at), MIN(revoke_at), MIN(revoke_at) FROM im_tokens WHERE revoke_at IS NOT NULL GROUP BY user_id;
INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at)
    SELECT CONCAT('7', SUBSTR(id, 2)), 'provision', id, created_at, created_at, created_at FROM users WHERE status = 'active' AND im_state = 'pending';
ALTER TABLE im_tokens DROP KEY im_tokens_revoke, DROP COLUMN revoke_at;
ALTER TABLE users ADD COLUMN ban_reason VARCHAR(500) NOT NULL DEFAULT '', ADD COLUMN deleted_at BIGINT NULL, ADD COLUMN scrubbed_at BIGINT NULL;
UPDATE users SET deleted_at = updated_at, scrubbed_at = updated_at WHERE status = 'deleted';

-- +goose Down
ALTER TABLE users DROP COLUMN ban_reason, DROP COLUMN deleted_at, DROP COLUMN scrubbed_at;
ALTER TABLE im_tokens ADD COLUMN revoke_at BIGINT NULL, ADD KEY im_tokens_revoke (cloud_app, revoke_at);
UPDATE im_tokens SET revoke_at = COALESCE((SELECT o.next_at FROM outbox o WHERE o.kind = 'revoke' AND o.subject = im_tokens.user_id), revoke_before)
    WHERE revoke_before IS NOT NULL;
DROP TABLE outbox;
