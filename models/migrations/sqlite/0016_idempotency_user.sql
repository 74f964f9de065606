-- A registration that is taken back finds its key by the person.
-- +goose Up
CREATE INDEX idempotency_keys_user ON idempotency_keys (user_id);

-- +goose Down
DROP INDEX idempotency_keys_user;
