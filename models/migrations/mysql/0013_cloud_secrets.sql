-- The app secrets that tokens were minted with, numbered in the order of their use. Written by models/cloud_secret.go.
-- The column is made anew instead of updated: a cluster refuses a transaction over all rows of a large table.
-- +goose Up
CREATE TABLE cloud_secrets (
    cloud_app        VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq              BIGINT NOT NULL,
    fingerprint      CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (cloud_app, seq)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE im_tokens DROP COLUMN secret_version;
ALTER TABLE im_tokens ADD COLUMN secret_version BIGINT NOT NULL DEFAULT 0;

-- +goose Down
DROP TABLE cloud_secrets;
