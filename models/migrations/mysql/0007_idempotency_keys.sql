-- Registrations that a client may repeat. Written by models/idempotency.go.
-- +goose Up
CREATE TABLE idempotency_keys (
    id               VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    fingerprint      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id          CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    session_id       CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    KEY idempotency_keys_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE idempotency_keys;
