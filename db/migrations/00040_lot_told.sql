-- +goose Up
-- Up to which version and which bid of a lot its bidders were told what became of their bids, and who led then. It is a row of its own, so
-- that telling never waits for the lot, nor the lot for telling.
CREATE TABLE lot_told (
    auction_id uuid    PRIMARY KEY REFERENCES auction (id),
    version    bigint  NOT NULL DEFAULT 0 CHECK (version >= 0),
    seq        integer NOT NULL DEFAULT 0 CHECK (seq >= 0),
    leader_id  uuid    REFERENCES app_user (id),
    over       boolean NOT NULL DEFAULT false -- the lot has ended, and all of it was told
);
CREATE INDEX lot_told_live ON lot_told (auction_id) WHERE NOT over;
INSERT INTO lot_told (auction_id, version, seq, leader_id, over)
SELECT id, version, bid_seq, leader_id, closed_at IS NOT NULL FROM auction;

-- +goose Down
DROP TABLE lot_told;
