-- Facts about this installation: the check of the data key, the probe of readiness. Written by models/state.go.
-- +goose Up
CREATE TABLE bridge_state (
    name             TEXT NOT NULL PRIMARY KEY,
    value            BLOB NOT NULL,
    updated_at       INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE bridge_state;
