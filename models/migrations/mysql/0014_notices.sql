-- What an admin should know, and how far its delivery has come. Written by models/notice.go.
-- +goose Up
CREATE TABLE notices (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    kind             VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject          VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    open_key         VARCHAR(130) CHARACTER SET ascii COLLATE ascii_bin NULL,
    message          VARCHAR(1000) NOT NULL,
    cure             VARCHAR(1000) NOT NULL,
    count            BIGINT NOT NULL DEFAULT 1,
    first_at         BIGINT NOT NULL,
    last_at          BIGINT NOT NULL,
    resolved_at      BIGINT NULL,
    resolved_by      VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    announcement     BIGINT NOT NULL DEFAULT 1,
    announced_at     BIGINT NOT NULL,
    next_at          BIGINT NULL,
    attempts         BIGINT NOT NULL DEFAULT 0,
    lease_owner      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until      BIGINT NOT NULL DEFAULT 0,
    delivered        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    last_error       VARCHAR(500) NOT NULL DEFAULT '',
    UNIQUE KEY notices_open_key (open_key),
    KEY notices_next (next_at),
    KEY notices_of (kind, subject, id),
    KEY notices_resolved (resolved_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE notices;
