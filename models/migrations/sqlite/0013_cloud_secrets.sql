-- The app secrets that tokens were minted with, numbered in the order of their use. Written by models/cloud_secret.go.
-- +goose Up
CREATE TABLE cloud_secrets (
    cloud_app        TEXT NOT NULL,
    seq              INTEGER NOT NULL,
    fingerprint      TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (cloud_app, seq)
) WITHOUT ROWID;
UPDATE im_tokens SET secret_version = 0;

-- +goose Down
DROP TABLE cloud_secrets;
