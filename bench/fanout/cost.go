//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// cost is what a server used for messages that reached their viewers.
type cost struct {
	cpu      time.Duration
	messages int64
	reads    int64 // of the clients: fewer than messages where some came together
}

func (c cost) micros() float64 { return float64(c.cpu.Microseconds()) / float64(c.messages) }

// spend publishes events one at a time, each when all viewers have had the one before, so that nothing can be put together, and
// measures the processor time that it takes.
func (s *side) spend(ctx context.Context, events int) (c cost, err error) {
	before, err := s.server.CPU()
	if err != nil {
		return c, err
	}
	for range events {
		version, _, err := s.publish(ctx, 1)
		if err != nil {
			return c, err
		}
		if _, err := s.await(ctx, version); err != nil {
			return c, err
		}
	}
	after, err := s.server.CPU()
	if err != nil {
		return c, err
	}
	t, err := s.tally(ctx)
	if err != nil {
		return c, err
	}
	if t.Jumps > 0 || t.Messages != int64(events*s.size) {
		return c, fmt.Errorf("%s: %d events to %d viewers came as %d messages, %d of them out of order", s.name, events, s.size, t.Messages, t.Jumps)
	}
	return cost{cpu: after - before, messages: t.Messages, reads: t.Reads}, nil
}

// burst publishes events at once and answers how many messages a second reached their viewers, from the first one's publishing to
// the last viewer's last.
func (s *side) burst(ctx context.Context, events int) (rate float64, err error) {
	version, begun, err := s.publish(ctx, events)
	if err != nil {
		return 0, err
	}
	last, err := s.await(ctx, version)
	if err != nil {
		return 0, err
	}
	t, err := s.tally(ctx)
	if err == nil && (t.Jumps > 0 || t.Messages != int64(events*s.size)) {
		err = fmt.Errorf("%s: a burst of %d events to %d viewers came as %d messages, %d of them out of order", s.name, events, s.size, t.Messages, t.Jumps)
	}
	return float64(t.Messages) / last.Sub(begun).Seconds(), err
}
