-- Connect tokens, one row for each person and app at a cloud. Written by models/token.go.
-- +goose Up
CREATE TABLE im_tokens (
    cloud_app        VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id          CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token_sealed     VARBINARY(1024) NULL,
    fingerprint      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    generation       BIGINT NOT NULL DEFAULT 0,
    secret_version   BIGINT NOT NULL DEFAULT 0,
    issued_at        BIGINT NOT NULL DEFAULT 0,
    cloud_expires_at BIGINT NULL,
    epoch            BIGINT NOT NULL DEFAULT 0,
    lease_owner      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until      BIGINT NOT NULL DEFAULT 0,
    last_fetched_at  BIGINT NOT NULL DEFAULT 0,
    refused_since    BIGINT NOT NULL DEFAULT 0,
    refused_count    BIGINT NOT NULL DEFAULT 0,
    revoke_before    BIGINT NULL,
    revoke_at        BIGINT NULL,
    PRIMARY KEY (cloud_app, user_id),
    KEY im_tokens_user (user_id),
    KEY im_tokens_fetched (cloud_app, last_fetched_at),
    KEY im_tokens_revoke (cloud_app, revoke_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE im_tokens;
