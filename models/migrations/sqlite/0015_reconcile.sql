-- Comparisons of our people with the cloud's, and whom the one under way has met in the cloud's list. Written by models/reconcile.go.
-- +goose Up
CREATE TABLE reconcile_runs (
    id               TEXT NOT NULL PRIMARY KEY,
    open_key         TEXT NULL,
    started_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    finished_at      INTEGER NULL,
    options          TEXT NOT NULL DEFAULT '{}',
    page_cursor      TEXT NOT NULL DEFAULT '',
    counts           TEXT NOT NULL,
    lease_owner      TEXT NOT NULL DEFAULT '',
    lease_until      INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX reconcile_runs_open ON reconcile_runs (open_key);
CREATE TABLE reconcile_people (
    run_id           TEXT NOT NULL,
    im_id            TEXT NOT NULL,
    PRIMARY KEY (run_id, im_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE reconcile_people;
DROP TABLE reconcile_runs;
