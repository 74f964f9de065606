-- What an admin should know, and how far its delivery has come. Written by models/notice.go.
-- +goose Up
CREATE TABLE notices (
    id               TEXT NOT NULL PRIMARY KEY,
    kind             TEXT NOT NULL,
    subject          TEXT NOT NULL,
    open_key         TEXT NULL,
    message          TEXT NOT NULL,
    cure             TEXT NOT NULL,
    count            INTEGER NOT NULL DEFAULT 1,
    first_at         INTEGER NOT NULL,
    last_at          INTEGER NOT NULL,
    resolved_at      INTEGER NULL,
    resolved_by      TEXT NOT NULL DEFAULT '',
    announcement     INTEGER NOT NULL DEFAULT 1,
    announced_at     INTEGER NOT NULL,
    next_at          INTEGER NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    lease_owner      TEXT NOT NULL DEFAULT '',
    lease_until      INTEGER NOT NULL DEFAULT 0,
    delivered        TEXT NOT NULL DEFAULT '',
    last_error       TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE UNIQUE INDEX notices_open_key ON notices (open_key);
CREATE INDEX notices_next ON notices (next_at);
CREATE INDEX notices_of ON notices (kind, subject, id);
CREATE INDEX notices_resolved ON notices (resolved_at);

-- +goose Down
DROP TABLE notices;
