-- People who steer. Written by models/admin.go.
-- +goose Up
CREATE TABLE admins (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    name             VARCHAR(64) NOT NULL,
    name_key         VARCHAR(128) NOT NULL,
    password_hash    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    UNIQUE KEY admins_name_key (name_key)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE admins;
