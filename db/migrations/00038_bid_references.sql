-- Bids without two of their foreign keys, which were a third of what a bid's insert cost, and locked the row of every bidder. A bid is
-- written under its lot's lock, by the statement after the one that has read its bidder (BidAsk); neither a lot nor a user is ever
-- deleted, and the server may not. The audit check bid_known looks after what is stored.

-- +goose Up
ALTER TABLE bid DROP CONSTRAINT bid_auction_id_fkey, DROP CONSTRAINT bid_bidder_id_fkey;

-- +goose Down
ALTER TABLE bid
    ADD CONSTRAINT bid_auction_id_fkey FOREIGN KEY (auction_id) REFERENCES auction (id),
    ADD CONSTRAINT bid_bidder_id_fkey FOREIGN KEY (bidder_id) REFERENCES app_user (id);
