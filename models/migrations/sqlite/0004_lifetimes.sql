-- How long connect tokens live: the default and exceptions by user. Written by models/lifetime.go.
-- +goose Up
CREATE TABLE lifetimes (
    scope            TEXT NOT NULL PRIMARY KEY,
    seconds          INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    revision         INTEGER NOT NULL DEFAULT 0,
    updated_by       TEXT NOT NULL DEFAULT '',
    updated_at       INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE lifetimes;
