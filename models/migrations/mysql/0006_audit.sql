-- What was done, by whom, to whom. Append only. Written by models/audit.go.
-- +goose Up
CREATE TABLE audit (
    id               CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    at               BIGINT NOT NULL,
    actor            VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    action           VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject          VARCHAR(48) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    detail           VARCHAR(2000) NOT NULL DEFAULT '{}',
    request_id       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ip               VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    KEY audit_subject (subject, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE audit;
