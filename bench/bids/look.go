//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"
)

// look looks closer at a turn, as far as that was asked for; what it gives is called when the turn is over.
func (b *bench) look(ctx context.Context, name string, bidders int) (func(context.Context, turn) error, error) {
	over := func(context.Context, turn) error { return nil }
	if b.cpu != "" {
		if err := os.MkdirAll(b.cpu, 0o750); err != nil {
			return nil, err
		}
		file, err := os.Create(filepath.Join(b.cpu, fmt.Sprintf("%.6s-%d.pprof", name[strings.LastIndexByte(name, ' ')+1:], bidders)))
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		over = func(context.Context, turn) error { pprof.StopCPUProfile(); return file.Close() }
	}
	if !b.spend || !b.Counted {
		return over, nil
	}
	_, err := b.Admin.Exec(ctx, "SELECT pg_stat_statements_reset()")
	return func(ctx context.Context, t turn) error {
		return errors.Join(over(ctx, t), b.statements(ctx, fmt.Sprintf("%s, %d bidders", name, bidders), t))
	}, err
}

// statements says what a turn asked of PostgreSQL. Each was a round trip, or part of one.
func (b *bench) statements(ctx context.Context, what string, t turn) error {
	rows, err := b.Admin.Query(ctx, `
		SELECT calls, total_exec_time, mean_exec_time, rows, wal_bytes::bigint, regexp_replace(left(query, 90), '\s+', ' ', 'g')
		FROM pg_stat_statements WHERE calls > 5 ORDER BY total_exec_time DESC LIMIT 30`)
	if err != nil {
		return err
	}
	defer rows.Close()
	b.Say("%s: %d bids taken, %d refused in %s", what, t.taken, t.refused, t.took.Round(time.Millisecond))
	b.Say("%9s %9s %9s %9s %9s", "calls", "ms", "us each", "rows", "WAL each")
	for rows.Next() {
		var calls, n, wal int64
		var total, mean float64
		var query string
		if err := rows.Scan(&calls, &total, &mean, &n, &wal, &query); err != nil {
			return err
		}
		b.Say("%9d %9.0f %9.0f %9d %9d  %s", calls, total, mean*1000, n, wal/calls, query)
	}
	return rows.Err()
}
