//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souklive/souk/bench/viewers"
	"github.com/souklive/souk/internal/postgres/cluster"
)

// measureStorm cuts all sockets at once. While they are away each lot goes on by an event; all come back with their cursor, and
// each viewer is live again when it has that event.
func (b *bench) measureStorm(ctx context.Context) error {
	storms := []struct{ viewers, lots int }{{2000, 10}, {10_000, 10}, {10_000, 2}}
	if b.quick {
		storms = []struct{ viewers, lots int }{{500, 10}, {2000, 10}}
	}
	b.Row("all sockets cut at once                       seconds until all are live   statements of servers   of them by themselves")
	for i, s := range storms {
		b.Say("a storm of %d viewers of %d lots", s.viewers, s.lots)
		took, statements, usual, err := b.storm(ctx, s.viewers, s.lots)
		if err != nil {
			return err
		}
		b.Row("    %5d viewers of %2d lots %45.1f %23.0f %23.0f", s.viewers, s.lots, took.Seconds(), statements, usual)
		if i == 1 {
			b.Result("fanout_storm_statements", statements) // what they make anyway is in it: it varies too much to be taken off
		}
	}
	return nil
}

// storm answers how long it took, how many statements the servers made meanwhile, and how many they make in that time anyway.
func (b *bench) storm(ctx context.Context, size, lots int) (took time.Duration, statements, usual float64, err error) {
	ours, err := b.ours(ctx, viewers.Spec{Viewers: size}, b.market.lots[:lots]...)
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, ours.close(context.WithoutCancel(ctx))) }()
	const settle, idle = 3 * time.Second, 4 * time.Second // a server that has just started asks more
	time.Sleep(settle)
	before, err := b.statements(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	time.Sleep(idle)
	quiet, err := b.statements(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	begun := time.Now()
	if _, err := ours.viewers.Ask(ctx, "cut", "cut"); err != nil {
		return 0, 0, 0, err
	}
	for _, l := range b.market.lots[:lots] {
		key, err := l.key()
		if err != nil {
			return 0, 0, 0, err
		}
		made, err := b.commit(ctx, key, 1)
		if err != nil {
			return 0, 0, 0, err
		}
		b.hub.Publish(ctx, made...)
	}
	if _, err := ours.viewers.Ask(ctx, "open", "open"); err != nil {
		return 0, 0, 0, err
	}
	took = time.Since(begun)
	after, err := b.statements(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	c, err := ours.tally(ctx)
	if err == nil && (c.Jumps > 0 || c.Messages != int64(size)) {
		err = fmt.Errorf("%d viewers came back to %d messages, %d of them not the one after their last", size, c.Messages, c.Jumps)
	}
	return took, after - quiet, (quiet - before) * took.Seconds() / idle.Seconds(), err
}

// statements is how many statements all servers have made so far. Where PostgreSQL does not count them it is transactions, ours
// included, of which a server's statement is one each unless it writes.
func (b *bench) statements(ctx context.Context) (n float64, err error) {
	if b.Counted {
		err = b.Admin.QueryRow(ctx, `SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
			WHERE r.rolname = $1`, cluster.ServerRole).Scan(&n)
		return n, err
	}
	err = b.Admin.QueryRow(ctx, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n)
	return n, err
}
