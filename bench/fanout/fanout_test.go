//go:build linux

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/souklive/souk/bench/rig"
)

func TestParseRefusesUnknownParts(t *testing.T) {
	t.Parallel()
	if _, err := parse([]string{"-only", "cpu,nonsense"}); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	if o, err := parse([]string{"-quick", "-only", "cpu"}); err != nil || !o.quick || len(o.only) != 1 {
		t.Errorf("got %+v, %v", o, err)
	}
}

// The reports' numbers are of the script's form, so that a program can read them.
func TestReportEndsWithResults(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bench{Report: rig.Report{Out: &out}}
	b.tellCost([]compared{{
		size:   1000,
		micros: map[string][]float64{"souk": {6, 7, 8}, "raw": {5, 7, 10}, "stock": {40, 50, 60}},
		rates:  map[string][]float64{"souk": {9, 9, 9}, "raw": {3, 2, 1}}, allocations: []float64{.1, .1, .1},
	}})
	b.Print()
	for _, want := range []string{"RESULT fanout_cpu_vs_raw 1\n", "RESULT fanout_backlog_vs_raw 4.5\n", "RESULT fanout_stock_vs_ours 7.143\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "centrifuge") {
		t.Errorf("it speaks of centrifuge, which was left out:\n%s", out.String())
	}
}
