-- People of our own user system. Written by models/user.go.
-- +goose Up
CREATE TABLE users (
    id               TEXT NOT NULL PRIMARY KEY,
    im_id            TEXT NOT NULL,
    username         TEXT NOT NULL,
    username_key     TEXT NULL,
    email            TEXT NULL,
    email_key        TEXT NULL,
    phone            TEXT NULL,
    nickname         TEXT NOT NULL DEFAULT '',
    avatar_url       TEXT NOT NULL DEFAULT '',
    password_hash    TEXT NOT NULL,
    status           TEXT NOT NULL DEFAULT 'active',
    im_state         TEXT NOT NULL DEFAULT 'pending',
    token_epoch      INTEGER NOT NULL DEFAULT 1,
    version          INTEGER NOT NULL DEFAULT 1,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX users_im_id ON users (im_id);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE UNIQUE INDEX users_phone ON users (phone);

-- +goose Down
DROP TABLE users;
