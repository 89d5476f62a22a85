//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/bench/viewers"
)

const (
	stallEvery   = 10 // each so manieth viewer
	stallViewers = 500
	stallRate    = 10 * time.Millisecond // between events
	stallRounds  = 5
)

// stalled is what phases have shown: calm has one more, as each phase with stalled viewers is held against the calm ones before and
// behind it.
type stalled struct {
	calm, stalled []float64 // the others' p99, in milliseconds
	growth        []float64 // of the process, KiB for each stalled viewer
	evicted       float64
}

// measureStalled has one viewer in ten read no more, and looks whether the others notice: phases with and without, in turns.
func (b *bench) measureStalled(ctx context.Context) (err error) {
	length := 8 * time.Second
	if b.quick {
		length = 3 * time.Second
	}
	// Counted from the server's own time of an event: how long PostgreSQL takes to commit is nothing that a stalled viewer changes.
	spec := viewers.Spec{Viewers: stallViewers, StallEvery: stallEvery, Since: "serverTime"}
	ours, err := b.ours(ctx, spec, b.market.lots[4])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close(context.WithoutCancel(ctx))) }()
	if _, err := b.phase(ctx, ours, time.Second); err != nil { // warm
		return err
	}
	var seen stalled
	rounds := cmp.Or(b.rounds, stallRounds)
	for round := range rounds {
		b.Say("one viewer in ten stalls, %d of %d", round+1, rounds)
		if err := b.stallOnce(ctx, ours, length, &seen); err != nil {
			return err
		}
	}
	c, err := b.phase(ctx, ours, length)
	if err != nil {
		return err
	}
	seen.calm = append(seen.calm, c.Each.P99)
	if seen.evicted, err = rig.Metric(ctx, ours.server, "souk_websocket_evicted_total"); err != nil {
		return err
	}
	b.tellStalled(seen, length)
	return nil
}

// stallOnce is a calm phase and one with stalled viewers, who come back afterwards.
func (b *bench) stallOnce(ctx context.Context, ours *side, length time.Duration, seen *stalled) error {
	c, err := b.phase(ctx, ours, length)
	if err != nil {
		return err
	}
	seen.calm = append(seen.calm, c.Each.P99)
	before, err := ours.server.RSS()
	if err != nil {
		return err
	}
	if _, err := ours.viewers.Ask(ctx, "stall", "stall"); err != nil {
		return err
	}
	if c, err = b.phase(ctx, ours, length); err != nil {
		return err
	}
	seen.stalled = append(seen.stalled, c.Each.P99)
	after, err := ours.server.RSS()
	if err != nil {
		return err
	}
	seen.growth = append(seen.growth, float64(after-before)/1024/(stallViewers/stallEvery))
	if _, err := ours.viewers.Ask(ctx, "calm", "open"); err != nil {
		return err
	}
	_, err = ours.tally(ctx)
	return err
}

func (b *bench) tellStalled(seen stalled, length time.Duration) {
	around := make([]float64, len(seen.stalled)) // the calm phases before and behind each
	for i := range around {
		around[i] = (seen.calm[i] + seen.calm[i+1]) / 2
	}
	ratio := rig.Ratio(seen.stalled, around)
	b.Row("one viewer in %d stalls (%d viewers, %.0f events a second, %s a phase), p99 of the others, milliseconds, median (each phase)",
		stallEvery, stallViewers, 1/stallRate.Seconds(), length)
	b.Row("    nobody stalled        %8.1f  (%s)", rig.Median(seen.calm), rig.Listed(seen.calm, "%.1f"))
	b.Row("    one in ten stalled    %8.1f  (%s)  %.2f of the phases around it", rig.Median(seen.stalled), rig.Listed(seen.stalled, "%.1f"), ratio)
	b.Row("    the process grows by %.0f KiB for each of them (%s); closed with 1013: %.0f of %d",
		rig.Median(seen.growth), rig.Listed(seen.growth, "%.0f"), seen.evicted, len(seen.stalled)*stallViewers/stallEvery)
	b.Result("fanout_stalled_p99_ratio", ratio)
}

// phase publishes events at a steady rate.
func (b *bench) phase(ctx context.Context, ours *side, length time.Duration) (c viewers.Counts, err error) {
	key, err := b.market.lots[4].key()
	if err != nil {
		return c, err
	}
	var last int64
	for begun, n := time.Now(), 0; time.Since(begun) < length; n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * stallRate)))
		made, err := b.commit(ctx, key, 1)
		if err != nil {
			return c, err
		}
		b.hub.Publish(ctx, made...)
		last = made[0].Version
	}
	if _, err := ours.await(ctx, last); err != nil {
		return c, err
	}
	return ours.tally(ctx)
}
