//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/bench/viewers"
)

// The cores: what is measured has one to itself as far as this benchmark goes, and so have its viewers.
const (
	serverCore = 0
	clientCore = 1
)

// side is a server and its viewers.
type side struct {
	name    string
	server  *rig.Process
	viewers *rig.Talker
	size    int
	// publish makes events, and tells the last one's version and the moment from which on they are on their way.
	publish func(ctx context.Context, events int) (last int64, begun time.Time, err error)
	end     func(context.Context) error
}

// watch starts the viewers of a server and waits until all are live.
func (s *side) watch(ctx context.Context, spec viewers.Spec) (err error) {
	if s.viewers, err = rig.Converse(clientCore, "load", spec); err != nil {
		return err
	}
	s.size = spec.Viewers
	if _, err := s.viewers.Ask(ctx, "open", "open"); err != nil {
		return err
	}
	_, err = s.tally(ctx)
	if err == nil {
		_, err = s.viewers.Ask(ctx, "record", "record")
	}
	return err
}

func (s *side) close(ctx context.Context) (err error) {
	if s.viewers != nil {
		err = s.viewers.End(ctx)
	}
	return errors.Join(err, s.end(ctx))
}

// await answers when the last viewer had a version.
func (s *side) await(ctx context.Context, version int64) (time.Time, error) {
	at, err := s.viewers.Ask(ctx, fmt.Sprintf("await %d", version), "await")
	if err != nil {
		return time.Time{}, errors.Join(fmt.Errorf("%s: %w", s.name, err), s.server.Ended())
	}
	nanos, err := strconv.ParseInt(at, 10, 64)
	return time.Unix(0, nanos), err
}

func (s *side) tally(ctx context.Context) (c viewers.Counts, err error) {
	raw, err := s.viewers.Ask(ctx, "tally", "tally")
	if err != nil {
		return c, err
	}
	err = json.Unmarshal([]byte(raw), &c)
	return c, err
}
