-- What was done, by whom, to whom. Append only. Written by models/audit.go.
-- +goose Up
CREATE TABLE audit (
    id               TEXT NOT NULL PRIMARY KEY,
    at               INTEGER NOT NULL,
    actor            TEXT NOT NULL,
    action           TEXT NOT NULL,
    subject          TEXT NOT NULL DEFAULT '',
    detail           TEXT NOT NULL DEFAULT '{}',
    request_id       TEXT NOT NULL DEFAULT '',
    ip               TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX audit_subject ON audit (subject, id);

-- +goose Down
DROP TABLE audit;
