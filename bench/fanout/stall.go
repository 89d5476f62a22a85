//go:build linux

package main

import (
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
	stallPairs   = 3
)

// measureStalled has one viewer in ten read no more, and looks whether the others notice: phases with and without, in turns.
func (b *bench) measureStalled(ctx context.Context) (err error) {
	length := 8 * time.Second
	if b.quick {
		length = 3 * time.Second
	}
	ours, err := b.ours(ctx, viewers.Spec{Viewers: stallViewers, StallEvery: stallEvery}, b.market.lots[4])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close(context.WithoutCancel(ctx))) }()
	if _, err := b.phase(ctx, ours, time.Second); err != nil { // warm
		return err
	}
	var calm, stalled, growth []float64
	for pair := range stallPairs {
		b.Say("one viewer in ten stalls, %d of %d", pair+1, stallPairs)
		c, err := b.phase(ctx, ours, length)
		if err != nil {
			return err
		}
		calm = append(calm, c.Each.P99)
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
		stalled = append(stalled, c.Each.P99)
		after, err := ours.server.RSS()
		if err != nil {
			return err
		}
		growth = append(growth, float64(after-before)/1024/(stallViewers/stallEvery))
		if _, err := ours.viewers.Ask(ctx, "calm", "open"); err != nil {
			return err
		}
		if _, err := ours.tally(ctx); err != nil {
			return err
		}
	}
	evicted, err := rig.Metric(ctx, ours.server, "souk_websocket_evicted_total")
	if err != nil {
		return err
	}
	b.Row("one viewer in %d stalls (%d viewers, %.0f events a second, %s a phase), p99 of the others, milliseconds, median (each phase)",
		stallEvery, stallViewers, 1/stallRate.Seconds(), length)
	b.Row("    nobody stalled        %8.1f  (%s)", rig.Median(calm), rig.Listed(calm, "%.1f"))
	b.Row("    one in ten stalled    %8.1f  (%s)  %.2f of it", rig.Median(stalled), rig.Listed(stalled, "%.1f"), rig.Ratio(stalled, calm))
	b.Row("    the process grows by %.0f KiB for each of them (%s); closed with 1013: %.0f of %d",
		rig.Median(growth), rig.Listed(growth, "%.0f"), evicted, stallPairs*stallViewers/stallEvery)
	return nil
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
