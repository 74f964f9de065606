-- How long connect tokens live: the default and exceptions by user. Written by models/lifetime.go.
-- +goose Up
CREATE TABLE lifetimes (
    scope            VARCHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    seconds          BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    revision         BIGINT NOT NULL DEFAULT 0,
    updated_by       VARCHAR(64) NOT NULL DEFAULT '',
    updated_at       BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE lifetimes;
