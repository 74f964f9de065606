-- Comparisons of our people with the cloud's, and whom the one under way has met in the cloud's list. Written by models/reconcile.go.
-- +goose Up
CREATE TABLE reconcile_runs (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    open_key         VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL,
    started_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    finished_at      BIGINT NULL,
    options          VARCHAR(500) NOT NULL DEFAULT '{}',
    page_cursor      VARCHAR(500) NOT NULL DEFAULT '',
    counts           MEDIUMTEXT NOT NULL,
    lease_owner      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until      BIGINT NOT NULL DEFAULT 0,
    UNIQUE KEY reconcile_runs_open (open_key)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE reconcile_people (
    run_id           CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    im_id            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (run_id, im_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE reconcile_people;
DROP TABLE reconcile_runs;
