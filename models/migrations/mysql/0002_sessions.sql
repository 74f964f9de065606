-- Logins. Written by models/session.go.
-- +goose Up
CREATE TABLE sessions (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    user_id          CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    counter          BIGINT NOT NULL,
    key_sealed       VARBINARY(255) NOT NULL,
    device           VARCHAR(128) NOT NULL DEFAULT '',
    ip               VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    user_agent       VARCHAR(256) NOT NULL DEFAULT '',
    created_at       BIGINT NOT NULL,
    rotated_at       BIGINT NOT NULL,
    last_used_at     BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    revoked_at       BIGINT NULL,
    revoked_for      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    KEY sessions_user (user_id, created_at),
    KEY sessions_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sessions;
