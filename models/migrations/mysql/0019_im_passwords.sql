-- Passwords at the cloud that are derived from those here, one for each person. Written by models/im_password.go.
-- +goose Up
CREATE TABLE im_passwords (
    user_id          CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    password_sealed  VARBINARY(512) NOT NULL,
    made_from        CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version          BIGINT NOT NULL DEFAULT 1,
    set_app          VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    revokes          BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DELETE FROM outbox WHERE kind = 'im_password';
DROP TABLE im_passwords;
