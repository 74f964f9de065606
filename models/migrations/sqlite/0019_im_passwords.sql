-- Passwords at the cloud that are derived from those here, one for each person. Written by models/im_password.go.
-- +goose Up
CREATE TABLE im_passwords (
    user_id          TEXT NOT NULL PRIMARY KEY,
    password_sealed  BLOB NOT NULL,
    made_from        TEXT NOT NULL,
    version          INTEGER NOT NULL DEFAULT 1,
    set_app          TEXT NOT NULL DEFAULT '',
    revokes          INTEGER NULL
) WITHOUT ROWID;

-- +goose Down
DELETE FROM outbox WHERE kind = 'im_password';
DROP TABLE im_passwords;
