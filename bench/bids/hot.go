//go:build linux

package main

import (
	"context"
	"fmt"
)

// measureHot has everybody bid on one lot.
func (b *bench) measureHot(ctx context.Context) error {
	b.Row("one hot lot, durable bids a second, median (each round); milliseconds to the answer")
	for _, bidders := range []int{64, 512} {
		sides := []side{b.naive.side(1), b.market.engine(1)}
		turns, err := b.playRounds(ctx, "one hot lot", bidders, sides)
		if err != nil {
			return err
		}
		b.Row("  %d bidders", bidders)
		b.rows(sides, turns)
		b.Result(fmt.Sprintf("bids_engine_vs_naive_%d", bidders), vsNaive(turns, "engine"))
	}
	return nil
}

const (
	lotsAtOnce = 1000
	perLot     = 2 // bidders, who outbid each other
)

// measureLots has bidders on a thousand lots at once.
func (b *bench) measureLots(ctx context.Context) error {
	sides := []side{b.naive.side(lotsAtOnce), b.market.engine(lotsAtOnce)}
	turns, err := b.playRounds(ctx, fmt.Sprintf("%d lots at once", lotsAtOnce), perLot*lotsAtOnce, sides)
	if err != nil {
		return err
	}
	b.Row("%d lots at once, %d bidders on each, durable bids a second, median (each round); milliseconds to the answer", lotsAtOnce, perLot)
	b.rows(sides, turns)
	b.Result("bids_lots_vs_naive", vsNaive(turns, "engine"))
	return nil
}
