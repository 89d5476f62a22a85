-- Lots that wait, pause and have terms; bids that are the most that their bidder pays. docs/auctions.md has the rules.

-- +goose Up
ALTER TABLE app_user
    ADD COLUMN birth_date date CHECK (birth_date BETWEEN '1900-01-01' AND '2100-01-01'),
    ADD COLUMN tier       text NOT NULL DEFAULT 'UNVERIFIED' CHECK (tier IN ('UNVERIFIED', 'VERIFIED', 'TRUSTED'));

ALTER TABLE auction
    DROP CONSTRAINT auction_status_check,
    DROP CONSTRAINT auction_check1, -- a leader with a bid
    DROP CONSTRAINT auction_check2, -- OPEN and not closed
    ADD COLUMN reserve        bigint  CHECK (reserve > 0),
    ADD COLUMN buy_now        bigint  CHECK (buy_now > 0),
    ADD COLUMN duration       integer NOT NULL DEFAULT 60 CHECK (duration BETWEEN 5 AND 604800),      -- seconds
    ADD COLUMN extension_cap  integer CHECK (extension_cap BETWEEN 0 AND 604800),                     -- seconds; NULL: none
    ADD COLUMN latest_end     timestamptz,                                                            -- what late bids may move the end to
    ADD COLUMN minimum_age    smallint CHECK (minimum_age BETWEEN 1 AND 120),                         -- years
    ADD COLUMN minimum_tier   text    CHECK (minimum_tier IN ('VERIFIED', 'TRUSTED')),
    ADD COLUMN leader_maximum bigint  NOT NULL DEFAULT 0 CHECK (leader_maximum >= 0),
    ADD COLUMN bid_seq        integer NOT NULL DEFAULT 0,                                             -- rows of bid; bid_count is those with a number
    ADD COLUMN opens_at       timestamptz,                                                            -- of a lot with a date
    ADD COLUMN time_left      bigint  CHECK (time_left > 0),                                          -- microseconds, while it is paused
    ADD COLUMN position       integer CHECK (position > 0),                                           -- among the lots that wait in a show
    ADD COLUMN relisted_from  uuid    REFERENCES auction (id),
    ALTER COLUMN opened_at DROP NOT NULL,
    ALTER COLUMN ends_at DROP NOT NULL;

UPDATE auction a
SET duration = least(604800, greatest(5, extract(epoch FROM coalesce(
        (SELECT (e.payload -> 'auction' ->> 'endsAt')::timestamptz FROM event e WHERE e.topic = 'auction:' || a.id AND e.version = 1),
        a.ends_at) - a.opened_at)::bigint)),
    leader_maximum = price, bid_seq = bid_count;
ALTER TABLE auction ALTER COLUMN duration DROP DEFAULT;

ALTER TABLE auction
    ADD CONSTRAINT auction_status_check CHECK (status IN ('QUEUED', 'SCHEDULED', 'OPEN', 'PAUSED', 'SOLD', 'UNSOLD', 'PASSED')),
    ADD CONSTRAINT auction_times CHECK ((opened_at IS NULL) = (ends_at IS NULL)
        AND (opened_at IS NOT NULL OR status IN ('QUEUED', 'SCHEDULED', 'PASSED'))
        AND (closed_at IS NULL) = (status IN ('QUEUED', 'SCHEDULED', 'OPEN', 'PAUSED'))
        AND (time_left IS NOT NULL) = (status = 'PAUSED')
        AND (status <> 'SCHEDULED' OR opens_at IS NOT NULL)
        AND (status <> 'QUEUED' OR show_id IS NOT NULL)),
    ADD CONSTRAINT auction_leader CHECK ((leader_id IS NULL) = (price = 0) AND (leader_id IS NULL) = (leader_maximum = 0)
        AND leader_maximum >= price AND bid_seq >= bid_count AND (leader_id IS NULL OR bid_count > 0)),
    ADD CONSTRAINT auction_terms CHECK (buy_now >= start_price AND buy_now >= reserve AND reserve >= start_price);

DROP INDEX auction_open_listing, auction_by_end, auction_listing;
-- A listing is in one lot at a time, from when the lot waits.
CREATE UNIQUE INDEX auction_live_listing ON auction (listing_id) WHERE status IN ('QUEUED', 'SCHEDULED', 'OPEN', 'PAUSED');
CREATE INDEX auction_opens ON auction (opens_at, id) WHERE status = 'SCHEDULED';
-- Lots without an end come first; those with a date, by when they would end.
CREATE INDEX auction_by_end ON auction (coalesce(ends_at, opens_at, '9999-01-01 00:00Z'::timestamptz) DESC, id DESC);
CREATE INDEX auction_listing ON auction (listing_id, id DESC);

ALTER TABLE bid
    DROP COLUMN hold_id, -- the hold is the leader's, and names its lot
    ALTER COLUMN number DROP NOT NULL,
    ADD COLUMN seq       integer,
    ADD COLUMN rule      text,
    ADD COLUMN price     bigint,
    ADD COLUMN leader_id uuid,
    ADD COLUMN ends_at   timestamptz;

-- What bids were before they had a maximum: the price was the last one's amount.
ALTER TABLE bid DISABLE TRIGGER bid_refuse_change;
UPDATE bid b
SET seq = b.number, rule = 'OUTCRY', price = b.amount, leader_id = b.bidder_id,
    ends_at = coalesce(
        (SELECT (e.payload -> 'auction' ->> 'endsAt')::timestamptz FROM event e WHERE e.topic = 'auction:' || b.auction_id AND e.version = b.version),
        (SELECT a.ends_at FROM auction a WHERE a.id = b.auction_id));
ALTER TABLE bid ENABLE TRIGGER bid_refuse_change;

ALTER TABLE bid
    ALTER COLUMN seq SET NOT NULL,
    ALTER COLUMN rule SET NOT NULL,
    ALTER COLUMN price SET NOT NULL,
    ALTER COLUMN leader_id SET NOT NULL,
    ALTER COLUMN ends_at SET NOT NULL,
    ADD CONSTRAINT bid_seq_key UNIQUE (auction_id, seq),
    ADD CONSTRAINT bid_rule CHECK (rule IN ('LEADS', 'OUTBID_AT_ONCE', 'TIES_TO_EARLIER', 'RAISES', 'MEETS_RESERVE', 'BUYS_NOW', 'OUTCRY')),
    ADD CONSTRAINT bid_number CHECK ((number IS NULL) = (rule = 'RAISES') AND seq > 0 AND price > 0);
CREATE INDEX bid_of_bidder ON bid (auction_id, bidder_id, seq);

-- Support took a bid back, or its bidder could not back it when it came to lead again.
CREATE TABLE bid_cancellation (
    bid_id       uuid        PRIMARY KEY REFERENCES bid (id),
    auction_id   uuid        NOT NULL REFERENCES auction (id),
    cause        text        NOT NULL CHECK (cause IN ('STAFF', 'UNBACKED')),
    actor_id     uuid        NOT NULL REFERENCES app_user (id), -- who took the bid back; for UNBACKED, the one before it
    reason       text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    version      bigint      NOT NULL,                          -- of the lot, right after it
    seq          integer     NOT NULL,                          -- of the lot's last bid before it
    cancelled_at timestamptz NOT NULL
);
CREATE INDEX bid_cancellation_auction ON bid_cancellation (auction_id, version);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON bid_cancellation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What set a lot's end other than a bid: its opening, and each time that it went on after a pause. Replay needs it.
CREATE TABLE auction_end (
    auction_id uuid        NOT NULL REFERENCES auction (id),
    version    bigint      NOT NULL,
    seq        integer     NOT NULL, -- of the lot's last bid before it
    ends_at    timestamptz NOT NULL,
    latest_end timestamptz,
    set_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (auction_id, set_at)
);
INSERT INTO auction_end (auction_id, version, seq, ends_at)
SELECT a.id, 1, 0, coalesce(
    (SELECT (e.payload -> 'auction' ->> 'endsAt')::timestamptz FROM event e WHERE e.topic = 'auction:' || a.id AND e.version = 1),
    a.ends_at)
FROM auction a;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON auction_end
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An event tells all the bids of its commit.
UPDATE event e
SET kind = 'BIDS_PLACED',
    payload = ((e.payload::jsonb - 'bid') || jsonb_build_object('bids', jsonb_build_array(e.payload::jsonb -> 'bid')))::json
WHERE e.kind = 'BID_PLACED' AND e.topic LIKE 'auction:%';

-- +goose Down
UPDATE event e
SET kind = 'BID_PLACED', payload = ((e.payload::jsonb - 'bids') || jsonb_build_object('bid', e.payload::jsonb -> 'bids' -> 0))::json
WHERE e.kind = 'BIDS_PLACED' AND e.topic LIKE 'auction:%';
DROP TABLE auction_end;
DROP TABLE bid_cancellation;
ALTER TABLE bid
    DROP CONSTRAINT bid_rule, DROP CONSTRAINT bid_number, DROP CONSTRAINT bid_seq_key,
    DROP COLUMN seq, DROP COLUMN rule, DROP COLUMN price, DROP COLUMN leader_id, DROP COLUMN ends_at,
    ALTER COLUMN number SET NOT NULL,
    ADD COLUMN hold_id uuid UNIQUE REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED;
DROP INDEX auction_live_listing, auction_opens, auction_by_end, auction_listing;
ALTER TABLE auction
    DROP CONSTRAINT auction_status_check, DROP CONSTRAINT auction_times, DROP CONSTRAINT auction_leader, DROP CONSTRAINT auction_terms,
    DROP COLUMN reserve, DROP COLUMN buy_now, DROP COLUMN duration, DROP COLUMN extension_cap, DROP COLUMN latest_end,
    DROP COLUMN minimum_age, DROP COLUMN minimum_tier, DROP COLUMN leader_maximum, DROP COLUMN bid_seq, DROP COLUMN opens_at,
    DROP COLUMN time_left, DROP COLUMN position, DROP COLUMN relisted_from,
    ALTER COLUMN opened_at SET NOT NULL,
    ALTER COLUMN ends_at SET NOT NULL,
    ADD CONSTRAINT auction_status_check CHECK (status IN ('OPEN', 'SOLD', 'UNSOLD')),
    ADD CONSTRAINT auction_check1 CHECK ((leader_id IS NULL) = (bid_count = 0)),
    ADD CONSTRAINT auction_check2 CHECK ((status = 'OPEN') = (closed_at IS NULL));
CREATE UNIQUE INDEX auction_open_listing ON auction (listing_id) WHERE status = 'OPEN';
CREATE INDEX auction_by_end ON auction (ends_at DESC, id DESC);
CREATE INDEX auction_listing ON auction (listing_id, opened_at DESC);
ALTER TABLE app_user DROP COLUMN birth_date, DROP COLUMN tier;
