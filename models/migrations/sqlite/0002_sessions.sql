-- Logins. Written by models/session.go.
-- +goose Up
CREATE TABLE sessions (
    id               TEXT NOT NULL PRIMARY KEY,
    user_id          TEXT NOT NULL,
    counter          INTEGER NOT NULL,
    key_sealed       BLOB NOT NULL,
    device           TEXT NOT NULL DEFAULT '',
    ip               TEXT NOT NULL DEFAULT '',
    user_agent       TEXT NOT NULL DEFAULT '',
    created_at       INTEGER NOT NULL,
    rotated_at       INTEGER NOT NULL,
    last_used_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    revoked_at       INTEGER NULL,
    revoked_for      TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- +goose Down
DROP TABLE sessions;
