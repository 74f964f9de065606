-- Attempts by account and by address. Written by models/throttle.go.
-- +goose Up
CREATE TABLE login_throttle (
    bucket           VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    attempts         BIGINT NOT NULL,
    next_at          BIGINT NOT NULL,
    last_at          BIGINT NOT NULL,
    KEY login_throttle_last (last_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE login_throttle;
