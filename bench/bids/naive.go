//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/id"
)

// naive is how one bids without knowing better: a transaction for each bid, under the lot's lock. No idempotency, no money, no event;
// the foreign keys and indexes that anybody would have. Each bids a step over the price that it finds under the lock, so that none
// is refused: PostgreSQL does not wake those who wait for a row in the order in which they came.
type naive struct {
	pool    *pgxpool.Pool
	bidders []uuid.UUID
}

const naiveSchema = `
	CREATE TABLE naive_lot (
		id uuid PRIMARY KEY, price bigint NOT NULL DEFAULT 0, bid_count integer NOT NULL DEFAULT 0, leader_id uuid REFERENCES app_user (id),
		ends_at timestamptz NOT NULL DEFAULT now() + interval '1 day'
	);
	CREATE TABLE naive_bid (
		id uuid PRIMARY KEY, lot_id uuid NOT NULL REFERENCES naive_lot (id), number integer NOT NULL, bidder_id uuid NOT NULL REFERENCES app_user (id),
		amount bigint NOT NULL, placed_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (lot_id, number)
	);
	GRANT SELECT, INSERT, UPDATE ON naive_lot, naive_bid TO souk_app`

// lots makes so many.
func (n *naive) lots(ctx context.Context, count int) ([]uuid.UUID, error) {
	lots := make([]uuid.UUID, count)
	for i := range lots {
		lots[i] = id.New()
		if _, err := n.pool.Exec(ctx, "INSERT INTO naive_lot (id) VALUES ($1)", lots[i]); err != nil {
			return nil, err
		}
	}
	return lots, nil
}

// side is the naive way on so many lots.
func (n *naive) side(lots int) side {
	return side{"naive", func(ctx context.Context) (bidding, error) {
		all, err := n.lots(ctx, lots)
		return func(ctx context.Context, bidder int) (bool, error) {
			return true, n.bid(ctx, all[bidder%lots], n.bidders[bidder])
		}, err
	}}
}

func (n *naive) bid(ctx context.Context, lot, bidder uuid.UUID) error {
	return pgx.BeginFunc(ctx, n.pool, func(tx pgx.Tx) error {
		var price int64
		var count int32
		var open bool
		if err := tx.QueryRow(ctx, "SELECT price, bid_count, ends_at > clock_timestamp() FROM naive_lot WHERE id = $1 FOR UPDATE", lot).
			Scan(&price, &count, &open); err != nil {
			return err
		}
		if !open {
			return fmt.Errorf("the lot %s has ended", lot)
		}
		amount := price + cent
		if _, err := tx.Exec(ctx, "INSERT INTO naive_bid (id, lot_id, number, bidder_id, amount) VALUES ($1, $2, $3, $4, $5)",
			id.New(), lot, count+1, bidder, amount); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE naive_lot SET price = $2, bid_count = bid_count + 1, leader_id = $3 WHERE id = $1", lot, amount, bidder)
		return err
	})
}
