-- People of our own user system. Written by models/user.go.
-- +goose Up
CREATE TABLE users (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    im_id            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    username         VARCHAR(64) NOT NULL,
    username_key     VARCHAR(128) NULL,
    email            VARCHAR(254) NULL,
    email_key        VARCHAR(254) NULL,
    phone            VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
    nickname         VARCHAR(64) NOT NULL DEFAULT '',
    avatar_url       VARCHAR(1024) NOT NULL DEFAULT '',
    password_hash    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status           VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'active',
    im_state         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
    token_epoch      BIGINT NOT NULL DEFAULT 1,
    version          BIGINT NOT NULL DEFAULT 1,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    UNIQUE KEY users_im_id (im_id),
    UNIQUE KEY users_username_key (username_key),
    UNIQUE KEY users_email_key (email_key),
    UNIQUE KEY users_phone (phone)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE users;
