//go:build linux

package main

import (
	"context"
	"errors"
	"time"

	"github.com/souklive/souk/bench/viewers"
)

const bidEvery = 50 * time.Millisecond // twenty a second

// measureLag has people bid on another server, and takes the time from each bid's commit to the last viewer here.
func (b *bench) measureLag(ctx context.Context) error {
	sizes, bids := []int{1000, 10_000}, 500
	if b.quick {
		sizes, bids = []int{500, 2000}, 100
	}
	if b.viewers != nil {
		sizes = b.viewers
	}
	b.Row("from a bid's commit to its viewers, milliseconds, %d bids, %.0f a second wanted   p50      p99    p99.9", bids, 1/bidEvery.Seconds())
	for i, size := range sizes {
		b.Say("%d bids before %d viewers", bids, size)
		c, during, err := b.bidBefore(ctx, size, bids, &b.market.lots[1+i])
		if err != nil {
			return err
		}
		b.Row("    %5d viewers, to the last one   (%4.1f bids a second)  %19.1f %8.1f %8.1f", size, during.rate, c.Last.P50, c.Last.P99, c.Last.P999)
		b.Row("    %5d viewers, to each of them                           %19.1f %8.1f %8.1f", size, c.Each.P50, c.Each.P99, c.Each.P999)
		b.Row("    %5d viewers: the server ran for %.0f%% of the time and waited for its core for %.0f%%; %.1f messages in a client's read",
			size, 100*during.ran, 100*during.waited, float64(c.Messages)/float64(c.Reads))
		if i == len(sizes)-1 {
			b.Result("fanout_commit_p99_ms", c.Last.P99)
		}
	}
	return nil
}

// load is what a server was under: bids a second, and the parts of the time in which it ran and in which it could have.
type load struct{ rate, ran, waited float64 }

// bidBefore places bids before so many viewers, and answers how it went.
func (b *bench) bidBefore(ctx context.Context, size, bids int, lot *lot) (c viewers.Counts, during load, err error) {
	ours, err := b.ours(ctx, viewers.Spec{Viewers: size}, *lot)
	if err != nil {
		return c, during, err
	}
	defer func() { err = errors.Join(err, ours.close(context.WithoutCancel(ctx))) }()
	ran, err1 := ours.server.CPU()
	waited, err2 := ours.server.Waited()
	if err := errors.Join(err1, err2); err != nil {
		return c, during, err
	}
	begun := time.Now()
	for n := range bids {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * bidEvery)))
		if err := b.market.bid(ctx, lot); err != nil {
			return c, during, err
		}
	}
	took := time.Since(begun).Seconds()
	if _, err := ours.await(ctx, lot.version); err != nil {
		return c, during, err
	}
	ranNow, err1 := ours.server.CPU()
	waitedNow, err2 := ours.server.Waited()
	if err := errors.Join(err1, err2); err != nil {
		return c, during, err
	}
	all := time.Since(begun).Seconds()
	during = load{float64(bids) / took, (ranNow - ran).Seconds() / all, (waitedNow - waited).Seconds() / all}
	c, err = ours.tally(ctx)
	return c, during, err
}
