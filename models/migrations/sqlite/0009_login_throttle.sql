-- Attempts by account and by address. Written by models/throttle.go.
-- +goose Up
CREATE TABLE login_throttle (
    bucket           TEXT NOT NULL PRIMARY KEY,
    attempts         INTEGER NOT NULL,
    next_at          INTEGER NOT NULL,
    last_at          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX login_throttle_last ON login_throttle (last_at);

-- +goose Down
DROP TABLE login_throttle;
