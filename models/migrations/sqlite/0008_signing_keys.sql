-- Keys that sign access tokens. Written by models/signing_key.go.
-- +goose Up
CREATE TABLE signing_keys (
    seq              INTEGER NOT NULL PRIMARY KEY,
    kid              TEXT NOT NULL,
    public_key       BLOB NOT NULL,
    private_sealed   BLOB NOT NULL,
    created_at       INTEGER NOT NULL,
    active_at        INTEGER NOT NULL
);
CREATE UNIQUE INDEX signing_keys_kid ON signing_keys (kid);

-- +goose Down
DROP TABLE signing_keys;
