-- A registration that is taken back finds its key by the person.
-- +goose Up
ALTER TABLE idempotency_keys ADD KEY idempotency_keys_user (user_id);

-- +goose Down
ALTER TABLE idempotency_keys DROP KEY idempotency_keys_user;
