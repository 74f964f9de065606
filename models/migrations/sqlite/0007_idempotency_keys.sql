-- Registrations that a client may repeat. Written by models/idempotency.go.
-- +goose Up
CREATE TABLE idempotency_keys (
    id               TEXT NOT NULL PRIMARY KEY,
    fingerprint      TEXT NOT NULL,
    user_id          TEXT NOT NULL,
    session_id       TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);

-- +goose Down
DROP TABLE idempotency_keys;
