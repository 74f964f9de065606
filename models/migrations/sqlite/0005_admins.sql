-- People who steer. Written by models/admin.go.
-- +goose Up
CREATE TABLE admins (
    id               TEXT NOT NULL PRIMARY KEY,
    name             TEXT NOT NULL,
    name_key         TEXT NOT NULL,
    password_hash    TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX admins_name_key ON admins (name_key);

-- +goose Down
DROP TABLE admins;
