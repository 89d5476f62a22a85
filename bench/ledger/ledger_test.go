package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseRefusesWhatWouldTakeHours(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"-seconds 0", "-seconds 21", "-rounds 0", "-rounds 11", "-postings 9999", "-postings 50000001", "-check 1", "-check -1", "-x",
	} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
	o, err := parse([]string{"-check", "20000", "-rounds", "1"})
	if want := (options{seconds: 5, rounds: 1, postings: 10_000_000, check: 20_000}); err != nil || o != want {
		t.Errorf("%+v, %v; want %+v", o, err, want)
	}
}

// The ratio is taken within each round: a machine that is slow for a round is slow for both.
func TestTheWorstSizeCounts(t *testing.T) {
	t.Parallel()
	r := releases{rates: map[int]map[script][]float64{
		32: {post: {90, 9, 80}, bare: {100, 10, 100}},
		64: {post: {60, 7, 60}, bare: {100, 10, 100}},
	}}
	if got := r.ratio(32, post, bare); math.Abs(got-0.9) > 1e-9 {
		t.Errorf("at 32 clients %v, want 0.9", got)
	}
	if got := r.worst(post, bare); math.Abs(got-0.6) > 1e-9 {
		t.Errorf("the worst is %v, want 0.6", got)
	}
}

func TestGrowthIsTheWorseAccounts(t *testing.T) {
	t.Parallel()
	r := reads{short: 1000, long: 2000, rows: []read{
		{"one", 100 * time.Microsecond, 90 * time.Microsecond}, {"other", 100 * time.Microsecond, 120 * time.Microsecond},
	}}
	if got := r.growth(); got != 1.2 {
		t.Errorf("growth %v, want 1.2", got)
	}
	var out bytes.Buffer
	r.print(&out)
	if text := out.String(); !strings.Contains(text, "120.0") || strings.Count(text, "\n") != 4 {
		t.Errorf("the table is\n%s", text)
	}
}

func TestEveryScriptIsThere(t *testing.T) {
	t.Parallel()
	for _, s := range all() {
		if _, err := scripts.ReadFile("scripts/" + string(s) + ".sql"); err != nil {
			t.Error(err)
		}
	}
}
