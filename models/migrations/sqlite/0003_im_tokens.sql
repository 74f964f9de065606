-- Connect tokens, one row for each person and app at a cloud. Written by models/token.go.
-- +goose Up
CREATE TABLE im_tokens (
    cloud_app        TEXT NOT NULL,
    user_id          TEXT NOT NULL,
    token_sealed     BLOB NULL,
    fingerprint      TEXT NOT NULL DEFAULT '',
    generation       INTEGER NOT NULL DEFAULT 0,
    secret_version   INTEGER NOT NULL DEFAULT 0,
    issued_at        INTEGER NOT NULL DEFAULT 0,
    cloud_expires_at INTEGER NULL,
    epoch            INTEGER NOT NULL DEFAULT 0,
    lease_owner      TEXT NOT NULL DEFAULT '',
    lease_until      INTEGER NOT NULL DEFAULT 0,
    last_fetched_at  INTEGER NOT NULL DEFAULT 0,
    refused_since    INTEGER NOT NULL DEFAULT 0,
    refused_count    INTEGER NOT NULL DEFAULT 0,
    revoke_before    INTEGER NULL,
    revoke_at        INTEGER NULL,
    PRIMARY KEY (cloud_app, user_id)
) WITHOUT ROWID;
CREATE INDEX im_tokens_user ON im_tokens (user_id);
CREATE INDEX im_tokens_fetched ON im_tokens (cloud_app, last_fetched_at);
CREATE INDEX im_tokens_revoke ON im_tokens (cloud_app, revoke_at);

-- +goose Down
DROP TABLE im_tokens;
