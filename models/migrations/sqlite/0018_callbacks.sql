-- Signatures of the cloud's callbacks, so that each counts once. Written by models/callback.go.
-- +goose Up
CREATE TABLE callbacks (
    id               TEXT NOT NULL PRIMARY KEY,
    expires_at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX callbacks_expires ON callbacks (expires_at);

-- +goose Down
DROP TABLE callbacks;
