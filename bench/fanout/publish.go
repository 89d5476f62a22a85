//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// commit makes so many events of a lot, as a server does with a bid: the lot's row hands out the version, the
// event is stored in the same transaction. To publish them is left to the caller. What is left out is the bid's money, which would
// be work of the server that takes it.
func (s *stage) commit(ctx context.Context, lot uuid.UUID, events int) (made []realtime.Event, err error) {
	err = postgres.InTx(ctx, s.Admin, func(tx pgx.Tx) error {
		made = made[:0]
		change, err := newest(ctx, tx, lot)
		if err != nil {
			return err
		}
		for range events {
			if err := tx.QueryRow(ctx, "UPDATE auction SET version = version + 1 WHERE id = $1 RETURNING version", lot).Scan(&change.Auction.Version); err != nil {
				return err
			}
			change.Auction.BidCount++
			*change.Bids[0].Number++
			event, err := realtime.AppendTx(ctx, tx, auction.Topic(lot), change.Auction.Version, auction.EventBids, change)
			if err != nil {
				return err
			}
			made = append(made, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("commit events: %w", err)
	}
	return made, nil
}

// newest is the change that a lot's last bid made.
func newest(ctx context.Context, tx pgx.Tx, lot uuid.UUID) (change auction.Change, err error) {
	var payload []byte
	if err := tx.QueryRow(ctx, "SELECT payload FROM event WHERE topic = $1 ORDER BY version DESC LIMIT 1", auction.Topic(lot)).Scan(&payload); err != nil {
		return change, err
	}
	if err := json.Unmarshal(payload, &change); err != nil {
		return change, err
	}
	if len(change.Bids) != 1 {
		return change, fmt.Errorf("the newest event of %s is not one bid", lot)
	}
	return change, nil
}
