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
	if !b.spend {
		return over, nil
	}
	return func(ctx context.Context, t turn) error {
		lines, err := b.Statements(ctx)
		b.Say("%s, %d bidders: %d bids taken, %d refused in %s\n%s", name, bidders, t.taken, t.refused, t.took.Round(time.Millisecond), strings.Join(lines, "\n"))
		return errors.Join(over(ctx, t), err)
	}, b.CountStatements(ctx)
}
