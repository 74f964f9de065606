-- Friends, each friendship as two rows, one for each owner; requests to become friends; and whom people block.
-- Written by models/friend.go, models/friend_request.go and models/block.go.
-- +goose Up
CREATE TABLE friends (
    owner_id         TEXT NOT NULL,
    friend_id        TEXT NOT NULL,
    remark           TEXT NOT NULL DEFAULT '',
    remarked         INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (owner_id, friend_id)
) WITHOUT ROWID;
CREATE TABLE friend_requests (
    id               TEXT NOT NULL PRIMARY KEY,
    from_id          TEXT NOT NULL,
    to_id            TEXT NOT NULL,
    pair_key         TEXT NULL,
    message          TEXT NOT NULL DEFAULT '',
    status           TEXT NOT NULL DEFAULT 'pending',
    created_at       INTEGER NOT NULL,
    answered_at      INTEGER NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX friend_requests_pair ON friend_requests (pair_key);
CREATE INDEX friend_requests_from ON friend_requests (from_id, status, id);
CREATE INDEX friend_requests_to ON friend_requests (to_id, status, id);
CREATE INDEX friend_requests_answered ON friend_requests (answered_at);
CREATE TABLE blocks (
    owner_id         TEXT NOT NULL,
    blocked_id       TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (owner_id, blocked_id)
) WITHOUT ROWID;
CREATE INDEX blocks_blocked ON blocks (blocked_id);
CREATE TABLE relation_turns (
    user_id          TEXT NOT NULL PRIMARY KEY,
    turn             INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

-- +goose Down
DELETE FROM outbox WHERE kind IN ('friend', 'block');
DROP TABLE relation_turns;
DROP TABLE blocks;
DROP TABLE friend_requests;
DROP TABLE friends;
