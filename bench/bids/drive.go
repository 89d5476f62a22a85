//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/souklive/souk/bench/rig"
)

// bidding is one way to bid: it places the next bid of a bidder, and says whether it was taken. A refusal is no error.
type bidding func(ctx context.Context, bidder int) (taken bool, err error)

// turn is what a side did in its turn of a round.
type turn struct {
	taken, refused int
	took           time.Duration
	p50, p99       float64 // of bids that were taken, in milliseconds
}

// rate is durable bids a second.
func (t turn) rate() float64 { return float64(t.taken) / t.took.Seconds() }

// drive has so many bidders bid for a time, each as soon as it has its answer. The bids that are under way at the end count, and so
// does the time until they are answered.
func (b *bench) drive(ctx context.Context, name string, bidders int, bid bidding) (turn, error) {
	const warm = 300 * time.Millisecond // connections, plans, caches; not counted
	if _, err := driveFor(ctx, bidders, warm, bid); err != nil {
		return turn{}, err
	}
	// As autovacuum does within a minute: plans that were made for empty tables are made again, while it warms once more.
	if _, err := b.Admin.Exec(ctx, "ANALYZE"); err != nil {
		return turn{}, err
	}
	if _, err := driveFor(ctx, bidders, warm, bid); err != nil {
		return turn{}, err
	}
	seen, err := b.look(ctx, name, bidders)
	if err != nil {
		return turn{}, err
	}
	t, err := driveFor(ctx, bidders, b.length, bid)
	return t, errors.Join(err, seen(ctx, t))
}

func driveFor(ctx context.Context, bidders int, length time.Duration, bid bidding) (turn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tallies := make([]bidder, bidders)
	begun := time.Now()
	var all sync.WaitGroup
	for i := range tallies {
		all.Go(func() {
			for at := begun; at.Sub(begun) < length && ctx.Err() == nil; {
				taken, err := bid(ctx, i)
				if err != nil {
					cancel(fmt.Errorf("bidder %d: %w", i, err))
					return
				}
				at = tallies[i].note(taken, at)
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	if err := context.Cause(ctx); err != nil {
		return turn{}, err
	}
	return sum(tallies, took)
}

// bidder is what one bidder has seen.
type bidder struct {
	refused int
	delays  []float64 // of bids that were taken, in milliseconds
}

// note writes a bid down that was begun at a time, and gives the time now.
func (b *bidder) note(taken bool, begun time.Time) time.Time {
	now := time.Now()
	if taken {
		b.delays = append(b.delays, now.Sub(begun).Seconds()*1000)
	} else {
		b.refused++
	}
	return now
}

func sum(tallies []bidder, took time.Duration) (turn, error) {
	t := turn{took: took}
	var delays []float64
	for _, b := range tallies {
		t.refused += b.refused
		delays = append(delays, b.delays...)
	}
	if len(delays) == 0 {
		return t, errors.New("no bid was taken")
	}
	slices.Sort(delays)
	t.taken, t.p50, t.p99 = len(delays), rig.Quantile(delays, .5), rig.Quantile(delays, .99)
	return t, nil
}

// side is a way to bid that takes its turn in each round.
type side struct {
	name string
	// open makes the lots of a turn, and gives the way to bid on them.
	open func(ctx context.Context) (bidding, error)
}

// rounds has all sides take turns, so that what else the machine does meets them all; it gives their turns by name.
func (b *bench) playRounds(ctx context.Context, what string, bidders int, sides []side) (map[string][]turn, error) {
	turns := map[string][]turn{}
	for round := range b.rounds {
		b.Say("%s, %d bidders, round %d of %d", what, bidders, round+1, b.rounds)
		for _, s := range sides {
			bid, err := s.open(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			t, err := b.drive(ctx, s.name, bidders, bid)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			turns[s.name] = append(turns[s.name], t)
		}
	}
	return turns, nil
}

// each is one number of each turn.
func each(turns []turn, number func(turn) float64) []float64 {
	values := make([]float64, len(turns))
	for i, t := range turns {
		values[i] = number(t)
	}
	return values
}

// answered is bids a second, taken or refused.
func (t turn) answered() float64 { return float64(t.taken+t.refused) / t.took.Seconds() }

func (t turn) p50ms() float64 { return t.p50 }
func (t turn) p99ms() float64 { return t.p99 }

// refusedShare is how much of what was bid was refused, in per cent: a bid that is overtaken on its way is too low.
func (t turn) refusedShare() float64 { return 100 * float64(t.refused) / float64(t.taken+t.refused) }

// rows are a line of the table for each side, against the first of them.
func (b *bench) rows(sides []side, turns map[string][]turn) {
	base := each(turns[sides[0].name], turn.rate)
	for _, s := range sides {
		rates := each(turns[s.name], turn.rate)
		against := ""
		if s.name != sides[0].name {
			against = fmt.Sprintf("  %.2f times", rig.Ratio(rates, base))
		}
		b.Row("    %-24s %7.0f  (%s)  p50 %6.1f  p99 %6.1f  refused %4.1f %% of %.0f%s", s.name, rig.Median(rates), rig.Listed(rates, "%.0f"),
			rig.Median(each(turns[s.name], turn.p50ms)), rig.Median(each(turns[s.name], turn.p99ms)),
			rig.Median(each(turns[s.name], turn.refusedShare)), rig.Median(each(turns[s.name], turn.answered)), against)
	}
}

// vsNaive is the median of the rounds' ratios of a side's rate to the naive one's.
func vsNaive(turns map[string][]turn, side string) float64 {
	return rig.Ratio(each(turns[side], turn.rate), each(turns["naive"], turn.rate))
}
