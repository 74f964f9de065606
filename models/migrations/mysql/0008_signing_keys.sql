-- Keys that sign access tokens. Written by models/signing_key.go.
-- +goose Up
CREATE TABLE signing_keys (
    seq              BIGINT NOT NULL PRIMARY KEY,
    kid              VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    public_key       VARBINARY(64) NOT NULL,
    private_sealed   VARBINARY(255) NOT NULL,
    created_at       BIGINT NOT NULL,
    active_at        BIGINT NOT NULL,
    UNIQUE KEY signing_keys_kid (kid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE signing_keys;
