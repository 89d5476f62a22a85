//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/souklive/souk/bench/rig"
)

const (
	costRounds = 3
	burstSize  = 100
)

// sizes are how many viewers there are, one number after the other.
func (b *bench) sizes() []int {
	switch {
	case b.viewers != nil:
		return b.viewers
	case b.quick:
		return []int{500, 2000}
	}
	return []int{1000, 5000, b.most}
}

// compared is what one size has shown, a number a round.
type compared struct {
	size          int
	micros, rates map[string][]float64 // by side: of a message; messages a second of a burst
	allocations   []float64            // of ours, a message
}

// measureCost has each side deliver the same events, in turns.
func (b *bench) measureCost(ctx context.Context) error {
	var all []compared
	for _, size := range b.sizes() {
		c, err := b.compare(ctx, size)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	b.tellCost(all)
	return nil
}

// compare opens all sides with so many viewers each.
func (b *bench) compare(ctx context.Context, size int) (c compared, err error) {
	c = compared{size: size, micros: map[string][]float64{}, rates: map[string][]float64{}}
	play := &script{epoch: b.hub.Epoch()}
	var sides []*side
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.close(context.WithoutCancel(ctx)))
		}
	}()
	b.Say("opening %d viewers of each server", size)
	ours, err := b.played(ctx, size, play)
	if err != nil {
		return c, err
	}
	sides = append(sides, ours)
	for _, name := range b.rivals(size) {
		r, err := b.rival(ctx, name, b.program(name), size, play)
		if err != nil {
			return c, err
		}
		sides = append(sides, r)
	}
	rounds := cmp.Or(b.rounds, costRounds)
	for round := range rounds {
		b.Say("one event at a time, %d viewers, round %d of %d", size, round+1, rounds)
		if err := b.round(ctx, sides, play, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// rivals are who takes part at a size. Those far from us take part at the smaller sizes only, for time's sake.
func (b *bench) rivals(size int) []string {
	names := []string{"raw"}
	for _, name := range []string{"stock", "centrifuge"} {
		if size <= 5000 && slices.Contains(b.against, name) && (name != "centrifuge" || b.centrifuge != "") {
			names = append(names, name)
		}
	}
	return names
}

func (b *bench) program(rival string) string {
	if rival == "centrifuge" {
		return b.centrifuge
	}
	return b.self
}

// events is how many events a side delivers in a round, so that each uses about a second or two.
func events(name string, size int) int {
	messages := 150_000
	if name == "stock" {
		messages = 30_000
	}
	return max(messages/size, 5)
}

// round measures each side once: single events, and a burst.
func (b *bench) round(ctx context.Context, sides []*side, play *script, c *compared) error {
	ours := sides[0]
	for _, s := range sides {
		before, asking, err := b.allocations(ctx, ours)
		if err != nil {
			return err
		}
		spent, err := s.spend(ctx, events(s.name, c.size))
		if err != nil {
			return err
		}
		c.micros[s.name] = append(c.micros[s.name], spent.micros())
		if s == ours {
			after, err := rig.Metric(ctx, ours.server, allocated)
			if err != nil {
				return err
			}
			c.allocations = append(c.allocations, max(after-before-asking, 0)/float64(spent.messages))
			if err := ours.remember(ctx, play); err != nil {
				return err
			}
		}
	}
	for _, s := range sides[:2] { // us and the raw broadcast
		rate, err := s.burst(ctx, burstSize)
		if err != nil {
			return err
		}
		c.rates[s.name] = append(c.rates[s.name], rate)
		if s == ours {
			if err := ours.remember(ctx, play); err != nil {
				return err
			}
		}
	}
	return nil
}

var labels = map[string]string{
	"souk": "souk", "raw": "raw broadcast", "stock": "gqlgen as it comes", "centrifuge": "centrifuge",
}

func (b *bench) tellCost(all []compared) {
	var vsRaw, allocations, backlog, stock, centrifuge []float64
	b.Row("processor time of a message, microseconds, median (each round)")
	for _, c := range all {
		b.Row("  %d viewers", c.size)
		for _, name := range []string{"souk", "raw", "stock", "centrifuge"} {
			if micros := c.micros[name]; micros != nil {
				b.Row("    %-20s %7.2f  (%s)  %s", labels[name], rig.Median(micros), rig.Listed(micros, "%.2f"), c.against(name))
			}
		}
		b.Row("    %-20s %7.3f", "allocations, souk", rig.Median(c.allocations))
		vsRaw = append(vsRaw, rig.Ratio(c.micros["souk"], c.micros["raw"]))
		allocations = append(allocations, rig.Median(c.allocations))
		backlog = append(backlog, rig.Ratio(c.rates["souk"], c.rates["raw"]))
		stock = appendRatio(stock, c.micros["stock"], c.micros["souk"])
		centrifuge = appendRatio(centrifuge, c.micros["centrifuge"], c.micros["souk"])
	}
	b.Row("a burst of %d events, messages a second, median (each round)", burstSize)
	for _, c := range all {
		for _, name := range []string{"souk", "raw"} {
			b.Row("    %5d viewers  %-20s %9.0f  (%s)", c.size, labels[name], rig.Median(c.rates[name]), rig.Listed(c.rates[name], "%.0f"))
		}
		b.Row("    %5d viewers  souk has %.1f of it", c.size, rig.Ratio(c.rates["souk"], c.rates["raw"]))
	}
	b.Result("fanout_cpu_vs_raw", slices.Max(vsRaw))
	b.Result("fanout_backlog_vs_raw", slices.Min(backlog))
	if len(stock) > 0 {
		b.Result("fanout_stock_vs_ours", slices.Min(stock))
	}
	if len(centrifuge) > 0 {
		b.Result("fanout_centrifuge_vs_ours", slices.Min(centrifuge))
	}
	b.Result("fanout_allocations", slices.Max(allocations))
}

// against says how a side stands to us.
func (c compared) against(name string) string {
	switch name {
	case "souk":
		return ""
	case "raw":
		return fmt.Sprintf("souk needs %.2f of it", rig.Ratio(c.micros["souk"], c.micros[name]))
	}
	return fmt.Sprintf("%.2f of souk's", rig.Ratio(c.micros[name], c.micros["souk"]))
}

func appendRatio(to, over, under []float64) []float64 {
	if over == nil {
		return to
	}
	return append(to, rig.Ratio(over, under))
}

const allocated = "go_memstats_mallocs_total"

// allocations is how many objects our server has allocated so far, and how many of them it takes to answer that.
func (b *bench) allocations(ctx context.Context, ours *side) (now, asking float64, err error) {
	before, err := rig.Metric(ctx, ours.server, allocated)
	if err != nil {
		return 0, 0, err
	}
	now, err = rig.Metric(ctx, ours.server, allocated)
	return now, now - before, err
}
