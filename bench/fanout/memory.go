//go:build linux

package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/bench/viewers"
)

const (
	warmViewers = 100
	settleTime  = 10 * time.Second
)

// measureMemory opens viewers who then hear nothing, and takes what the process has grown by. It has to collect its garbage by
// itself, for requests that others make; nothing tells it to give memory back.
func (b *bench) measureMemory(ctx context.Context) (err error) {
	size := 10_000
	if b.quick {
		size = 2000
	}
	b.Say("%d idle viewers", size)
	ours, err := b.ours(ctx, viewers.Spec{Viewers: warmViewers}, b.market.lots[3])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close(context.WithoutCancel(ctx))) }()
	before, err := b.settled(ctx, ours.server)
	if err != nil {
		return err
	}
	crowd := &side{name: "souk", server: ours.server, end: func(context.Context) error { return nil }}
	if err := crowd.watch(ctx, viewers.Spec{Addr: ours.server.Addr, Dialect: "graphql", Viewers: size, Lots: []string{b.market.lots[3].node}, From: warmViewers}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.close(context.WithoutCancel(ctx))) }()
	after, err := b.settled(ctx, ours.server)
	if err != nil {
		return err
	}
	each := func(a, b float64) float64 { return (b - a) / float64(size) / 1024 }
	b.Row("memory of an idle viewer, KiB: %.1f resident (heap in use %.1f, stacks %.1f)",
		each(before.resident, after.resident), each(before.heap, after.heap), each(before.stacks, after.stacks))
	b.Result("fanout_idle_kb", each(before.resident, after.resident))
	return nil
}

// memory is what a process holds, in bytes.
type memory struct{ resident, heap, stacks float64 }

// settled asks the server ordinary questions until it has collected its garbage twice, and lets some seconds pass.
func (b *bench) settled(ctx context.Context, s *rig.Process) (m memory, err error) {
	const collections = "go_gc_duration_seconds_count"
	begun, err := rig.Metric(ctx, s, collections)
	if err != nil {
		return m, err
	}
	for {
		for range 50 {
			if err := rig.Probe(ctx, "http://"+s.Addr+"/graphql?query=%7Bauctions(first%3A5)%7Bnodes%7Bid%20endsAt%7D%7D%7D"); err != nil {
				return m, err
			}
		}
		now, err := rig.Metric(ctx, s, collections)
		if err != nil {
			return m, err
		}
		if now >= begun+2 {
			break
		}
	}
	http.DefaultClient.CloseIdleConnections()
	time.Sleep(settleTime)
	resident, err := s.RSS()
	if err != nil {
		return m, err
	}
	m.resident = float64(resident)
	if m.heap, err = rig.Metric(ctx, s, "go_memstats_heap_inuse_bytes"); err != nil {
		return m, err
	}
	m.stacks, err = rig.Metric(ctx, s, "go_memstats_stack_inuse_bytes")
	return m, err
}
