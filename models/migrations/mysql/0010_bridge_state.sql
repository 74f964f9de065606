-- Facts about this installation: the check of the data key, the probe of readiness. Written by models/state.go.
-- +goose Up
CREATE TABLE bridge_state (
    name             VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value            VARBINARY(512) NOT NULL,
    updated_at       BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE bridge_state;
