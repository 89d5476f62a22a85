//go:build linux

package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/realtime"
)

// stage is what a measurement stands on: the rig, a server that has the demo's people and takes the bids, and a hub of our own that
// commits events as a server does.
type stage struct {
	*rig.Rig
	hub    *realtime.Hub
	market *market
}

func openStage(ctx context.Context, souk string) (_ *stage, err error) {
	s := &stage{}
	if s.Rig, err = rig.Open(ctx, souk); err != nil {
		return nil, err
	}
	for _, open := range []func(context.Context) error{s.openMarket, s.openHub} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// openMarket starts a server with the demo's people, which takes the bids, and opens lots on it.
func (s *stage) openMarket(ctx context.Context) error {
	seller, err := s.StartSouk(ctx, rig.AnyCore, "demo")
	if err != nil {
		return err
	}
	s.Defer(seller.Stop)
	s.market, err = openMarket(ctx, "http://"+seller.Addr+"/graphql")
	return err
}

// openHub makes this process a server's equal in one thing: what it commits it publishes.
func (s *stage) openHub(context.Context) (err error) {
	s.hub, err = realtime.NewHub(realtime.Config{Pool: s.Admin, Redis: s.Redis, Log: rig.Warnings()})
	if err == nil {
		s.Defer(func(context.Context) error { s.hub.Close(); return nil })
	}
	return err
}

// descriptors is how many files a process may have open; it is raised as far as it may be.
func descriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	for _, most := range []uint64{wantedDescriptors, limit.Max} {
		raised := syscall.Rlimit{Cur: most, Max: max(most, limit.Max)}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			return int(most), nil
		}
	}
	return int(limit.Cur), nil
}

// wantedDescriptors is enough for as many connections as a server takes, and what else it has open.
const wantedDescriptors = 21_000
