//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/bench/viewers"
	"github.com/souklive/souk/internal/id"
)

const (
	watching  = 2000
	wanted    = 1000 // bids a second
	watchedBy = 64   // bidders
)

// measureViewers bids at a steady rate before viewers, and takes the time from each bid's commit to the last of them.
func (b *bench) measureViewers(ctx context.Context) (err error) {
	length := 10 * time.Second
	if b.rounds == 1 {
		length = 3 * time.Second
	}
	souk, err := b.StartSouk(ctx, rig.AnyCore, "serve", "api")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, souk.Stop(context.WithoutCancel(ctx))) }()
	clients, err := b.clients(ctx, souk.Addr, watchedBy)
	if err != nil {
		return err
	}
	defer closeAll(clients)
	lots, err := b.market.lots(ctx, 1)
	if err != nil {
		return err
	}
	b.Say("%d viewers of one lot", watching)
	crowd, err := b.crowd(ctx, souk, lots[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.End(context.WithoutCancel(ctx))) }()

	w := watched{bench: b, souk: souk, crowd: crowd, lot: lots[0], clients: clients}
	if _, err := w.bidFor(ctx, time.Second); err != nil { // warm
		return err
	}
	b.Say("%d bids a second, for %s", wanted, length)
	return w.measure(ctx, length)
}

// crowd is the viewers of a lot, all of them live.
func (b *bench) crowd(ctx context.Context, souk *rig.Process, l *lot) (*rig.Talker, error) {
	crowd, err := rig.Converse(rig.AnyCore, "load", viewers.Spec{
		Addr: souk.Addr, Dialect: "graphql", Viewers: watching, Lots: []string{id.Auction.ID(l.id).String()},
	})
	if err != nil {
		return nil, err
	}
	if _, err := crowd.Ask(ctx, "open", "open"); err != nil {
		return nil, errors.Join(err, crowd.End(ctx))
	}
	return crowd, nil
}

// watched is a lot with its viewers and bidders.
type watched struct {
	*bench
	souk    *rig.Process
	crowd   *rig.Talker
	lot     *lot
	clients []*client
}

// bidFor bids at the wanted rate, as far as the bidders get their answers, and waits until every viewer has seen the last of it.
func (w *watched) bidFor(ctx context.Context, length time.Duration) (turn, error) {
	var next atomic.Int64
	begun := time.Now()
	bids := int64(length.Seconds() * wanted)
	t, err := driveFor(ctx, len(w.clients), length, func(ctx context.Context, bidder int) (bool, error) {
		n := next.Add(1)
		if n > bids { // all that were wanted are bid
			time.Sleep(time.Until(begun.Add(length)))
			return false, nil
		}
		time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Second / wanted)))
		answer, err := w.clients[bidder].bid(w.lot)
		if err != nil {
			return false, err
		}
		return accepted(answer)
	})
	if err != nil {
		return t, err
	}
	a, err := w.market.auctions.Get(ctx, w.lot.id)
	if err != nil {
		return t, err
	}
	_, err = w.crowd.Ask(ctx, fmt.Sprintf("await %d", a.Version), "await")
	return t, err
}

func (w *watched) measure(ctx context.Context, length time.Duration) error {
	if _, err := w.tally(ctx); err != nil { // begins anew
		return err
	}
	before, err := w.used(ctx)
	if err != nil {
		return err
	}
	t, err := w.bidFor(ctx, length)
	if err != nil {
		return err
	}
	after, err := w.used(ctx)
	if err != nil {
		return err
	}
	c, err := w.tally(ctx)
	if err != nil {
		return err
	}
	if c.Jumps > 0 || c.Messages != int64(c.Events*watching) {
		return fmt.Errorf("%d events to %d viewers came as %d messages, %d of them out of order", c.Events, watching, c.Messages, c.Jumps)
	}
	w.tell(t, c, before, after)
	return nil
}

func (w *watched) tally(ctx context.Context) (c viewers.Counts, err error) {
	raw, err := w.crowd.Ask(ctx, "tally", "tally")
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(raw), &c); err != nil {
		return c, err
	}
	_, err = w.crowd.Ask(ctx, "record", "record") // which it keeps until it is asked
	return c, err
}

// use is what the parts have used so far.
type use struct {
	server, database, bidders, viewers time.Duration
	allocations                        float64 // of the server
}

func (w *watched) used(ctx context.Context) (u use, err error) {
	var errs [5]error
	u.server, errs[0] = w.souk.CPU()
	u.database, errs[1] = w.DatabaseCPU(ctx)
	u.bidders, errs[2] = rig.OwnCPU()
	u.viewers, errs[3] = w.crowd.CPU()
	u.allocations, errs[4] = rig.Metric(ctx, w.souk, "go_memstats_mallocs_total")
	return u, errors.Join(errs[:]...)
}

func (w *watched) tell(t turn, c viewers.Counts, before, after use) {
	bids := float64(t.taken)
	w.Row("%d bids a second wanted on one lot with %d viewers, through the program", wanted, watching)
	w.Row("    %.0f a second were taken, in %d events; to the answer p50 %.1f, p99 %.1f ms", t.rate(), c.Events, t.p50, t.p99)
	w.Row("    from an event's commit, milliseconds                  p50      p99    p99.9")
	w.Row("      to the last viewer                          %10.1f %8.1f %8.1f", c.Last.P50, c.Last.P99, c.Last.P999)
	w.Row("      to each of them                             %10.1f %8.1f %8.1f", c.Each.P50, c.Each.P99, c.Each.P999)
	w.Row("    processor time a bid, microseconds: server %.0f, PostgreSQL %.0f, bidders %.0f, viewers %.0f",
		micros(after.server-before.server)/bids, micros(after.database-before.database)/bids,
		micros(after.bidders-before.bidders)/bids, micros(after.viewers-before.viewers)/bids)
	w.Row("    the server's allocations a bid: %.0f", (after.allocations-before.allocations)/bids)
	w.Result("bids_viewer_p99_ms", c.Last.P99)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
