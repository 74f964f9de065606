-- Signatures of the cloud's callbacks, so that each counts once. Written by models/callback.go.
-- +goose Up
CREATE TABLE callbacks (
    id               CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    expires_at       BIGINT NOT NULL,
    KEY callbacks_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE callbacks;
