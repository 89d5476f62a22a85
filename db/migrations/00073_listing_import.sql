-- +goose Up
-- Files of listings that sellers send: docs/listing-files.md. The file lies here in parts until it is worked off, so that any server
-- goes on where one has stopped.
CREATE TABLE listing_import (
    id         uuid        PRIMARY KEY,
    seller_id  uuid        NOT NULL REFERENCES app_user (id),
    status     text        NOT NULL DEFAULT 'WAITING' CHECK (status IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
    bytes      bigint      NOT NULL CHECK (bytes BETWEEN 1 AND 67108864),
    bytes_done bigint      NOT NULL DEFAULT 0 CHECK (bytes_done BETWEEN 0 AND bytes),
    next_line  integer     NOT NULL DEFAULT 1 CHECK (next_line > 0), -- the line that begins at bytes_done
    rows_done  integer     NOT NULL DEFAULT 0,
    created    integer     NOT NULL DEFAULT 0, -- listings
    changed    integer     NOT NULL DEFAULT 0, -- listings
    refused    integer     NOT NULL DEFAULT 0, -- rows
    failure    text,                           -- the code of why the whole file was refused
    failed_at  text,                           -- and what of it is to blame
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    touched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    CONSTRAINT listing_import_failure CHECK ((status = 'FAILED') = (failure IS NOT NULL)),
    CONSTRAINT listing_import_ended CHECK ((status IN ('DONE', 'FAILED', 'CANCELLED')) = (ended_at IS NOT NULL))
);
CREATE INDEX listing_import_newest ON listing_import (seller_id, created_at DESC, id DESC);
CREATE INDEX listing_import_open ON listing_import (touched_at) WHERE status IN ('WAITING', 'RUNNING');

CREATE TABLE listing_import_part (
    import_id uuid    NOT NULL REFERENCES listing_import (id) ON DELETE CASCADE,
    number    integer NOT NULL CHECK (number >= 0),
    body      bytea   NOT NULL,
    PRIMARY KEY (import_id, number)
);

CREATE TABLE listing_import_error (
    import_id   uuid    NOT NULL REFERENCES listing_import (id) ON DELETE CASCADE,
    number      integer NOT NULL CHECK (number > 0),
    line        integer NOT NULL CHECK (line > 0),
    column_name text,
    code        text    NOT NULL,
    message     text    NOT NULL,
    PRIMARY KEY (import_id, number)
);

-- +goose Down
DROP TABLE listing_import_error, listing_import_part, listing_import;
