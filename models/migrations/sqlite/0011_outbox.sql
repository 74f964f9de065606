-- What the cloud must still be told, one row for each kind and person. Written by models/outbox.go.
-- +goose Up
CREATE TABLE outbox (
    id               TEXT NOT NULL PRIMARY KEY,
    kind             TEXT NOT NULL,
    subject          TEXT NOT NULL,
    generation       INTEGER NOT NULL DEFAULT 1,
    attempts         INTEGER NOT NULL DEFAULT 0,
    due_at           INTEGER NOT NULL,
    next_at          INTEGER NOT NULL,
    lease_owner      TEXT NOT NULL DEFAULT '',
    lease_until      INTEGER NOT NULL DEFAULT 0,
    last_error       TEXT NOT NULL DEFAULT '',
    created_at       INTEGER NOT NULL,
    attempted_at     INTEGER NULL,
    buried_at        INTEGER NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_subject ON outbox (subject, kind);
CREATE INDEX outbox_next ON outbox (kind, buried_at, next_at);
INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at)
    SELECT user_id, 'revoke', user_id, MIN(revoke_at), MIN(revoke_at), MIN(revoke_at) FROM im_tokens WHERE revoke_at IS NOT NULL GROUP BY user_id;
INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at)
    SELECT '7' || SUBSTR(id, 2), 'provision', id, created_at, created_at, created_at FROM users WHERE status = 'active' AND im_state = 'pending';
DROP INDEX im_tokens_revoke;
ALTER TABLE im_tokens DROP COLUMN revoke_at;
ALTER TABLE users ADD COLUMN ban_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN deleted_at INTEGER NULL;
ALTER TABLE users ADD COLUMN scrubbed_at INTEGER NULL;
UPDATE users SET deleted_at = updated_at, scrubbed_at = updated_at WHERE status = 'deleted';

-- +goose Down
ALTER TABLE users DROP COLUMN ban_reason;
ALTER TABLE users DROP COLUMN deleted_at;
ALTER TABLE users DROP COLUMN scrubbed_at;
ALTER TABLE im_tokens ADD COLUMN revoke_at INTEGER NULL;
UPDATE im_tokens SET revoke_at = COALESCE((SELECT o.next_at FROM outbox o WHERE o.kind = 'revoke' AND o.subject = im_tokens.user_id), revoke_before)
    WHERE revoke_before IS NOT NULL;
CREATE INDEX im_tokens_revoke ON im_tokens (cloud_app, revoke_at);
DROP TABLE outbox;
