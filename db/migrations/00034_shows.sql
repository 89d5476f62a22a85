-- +goose Up
ALTER TABLE show
    ADD COLUMN description text NOT NULL DEFAULT '' CHECK (length(description) <= 5000),
    ADD COLUMN cover_id    uuid REFERENCES photo (id),
    ADD COLUMN language    text NOT NULL DEFAULT 'EN' CHECK (language IN ('AR', 'EN', 'FR')),
    ADD COLUMN categories  text[] NOT NULL DEFAULT '{}' CHECK (cardinality(categories) <= 3),
    ADD COLUMN ended_at    timestamptz, -- or cancelled
    ADD COLUMN pinned_lot  uuid REFERENCES auction (id),
    DROP CONSTRAINT show_status_check,
    ADD CONSTRAINT show_status CHECK (status IN ('SCHEDULED', 'LIVE', 'ENDED', 'CANCELLED'));
UPDATE show SET ended_at = clock_timestamp() WHERE status = 'ENDED';
ALTER TABLE show
    ADD CONSTRAINT show_ended CHECK ((ended_at IS NULL) = (status IN ('SCHEDULED', 'LIVE'))),
    ADD CONSTRAINT show_started CHECK (status NOT IN ('LIVE', 'ENDED') OR started_at IS NOT NULL) NOT VALID;
CREATE INDEX show_by_status ON show (status, starts_at, id);
CREATE INDEX show_by_host ON show (host_id, starts_at, id);

-- Hands out the versions of show:<id>: its changes, its lots, their bids, its chat. A row of its own, locked last but for
-- the ledger, so that nobody waits for a show's or a lot's row only to be heard after it.
CREATE TABLE show_feed (
    show_id uuid   PRIMARY KEY REFERENCES show (id),
    version bigint NOT NULL CHECK (version > 0)
);

-- Who follows whom. A row stays when it ends, and may begin again.
CREATE TABLE follow (
    followed_id uuid        NOT NULL REFERENCES app_user (id),
    follower_id uuid        NOT NULL REFERENCES app_user (id),
    since       timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at    timestamptz,
    PRIMARY KEY (followed_id, follower_id), -- in the order in which they are told
    CHECK (followed_id <> follower_id)
);
CREATE INDEX follow_by_follower ON follow (follower_id, since DESC, followed_id DESC) WHERE ended_at IS NULL;

-- How many follow a user, so that nobody counts them.
CREATE TABLE follower_count (
    user_id   uuid    PRIMARY KEY REFERENCES app_user (id),
    followers integer NOT NULL CHECK (followers >= 0)
);

-- How far the followers of a show's host have been told of it: in the order of their ids, up to after_id.
CREATE TABLE show_announcement (
    show_id  uuid    NOT NULL REFERENCES show (id),
    kind     text    NOT NULL CHECK (kind IN ('SHOW_SCHEDULED', 'SHOW_LIVE')),
    after_id uuid    NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    told     integer NOT NULL DEFAULT 0,
    done_at  timestamptz,
    PRIMARY KEY (show_id, kind)
);

-- +goose Down
DROP TABLE show_announcement;
DROP TABLE follower_count;
DROP TABLE follow;
DROP TABLE show_feed;
DROP INDEX show_by_host;
DROP INDEX show_by_status;
ALTER TABLE show
    DROP CONSTRAINT show_started, DROP CONSTRAINT show_ended, DROP CONSTRAINT show_status,
    DROP COLUMN pinned_lot, DROP COLUMN ended_at, DROP COLUMN categories, DROP COLUMN language, DROP COLUMN cover_id, DROP COLUMN description;
UPDATE show SET status = 'ENDED' WHERE status = 'CANCELLED';
ALTER TABLE show ADD CONSTRAINT show_status_check CHECK (status IN ('SCHEDULED', 'LIVE', 'ENDED'));
