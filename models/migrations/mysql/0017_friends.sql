-- Friends, each friendship as two rows, one for each owner; requests to become friends; and whom people block.
-- Written by models/friend.go, models/friend_request.go and models/block.go.
-- +goose Up
CREATE TABLE friends (
    owner_id         CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    friend_id        CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    remark           VARCHAR(100) NOT NULL DEFAULT '',
    remarked         TINYINT NOT NULL DEFAULT 0,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (owner_id, friend_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE friend_requests (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    from_id          CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    to_id            CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    pair_key         VARCHAR(53) CHARACTER SET ascii COLLATE ascii_bin NULL,
    message          VARCHAR(100) NOT NULL DEFAULT '',
    status           VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'pending',
    created_at       BIGINT NOT NULL,
    answered_at      BIGINT NULL,
    UNIQUE KEY friend_requests_pair (pair_key),
    KEY friend_requests_from (from_id, status, id),
    KEY friend_requests_to (to_id, status, id),
    KEY friend_requests_answered (answered_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE blocks (
    owner_id         CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    blocked_id       CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (owner_id, blocked_id),
    KEY blocks_blocked (blocked_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE relation_turns (
    user_id          CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    turn             BIGINT NOT NULL DEFAULT 1
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DELETE FROM outbox WHERE kind IN ('friend', 'block');
DROP TABLE relation_turns;
DROP TABLE blocks;
DROP TABLE friend_requests;
DROP TABLE friends;
