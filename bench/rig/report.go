//go:build linux

package rig

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report is what a run says: how far it is, at once; its table and its results, at the end.
type Report struct {
	Out io.Writer

	table   []string
	results []string
}

// Say tells how far the run is.
func (r *Report) Say(format string, args ...any) { fmt.Fprintf(r.Out, format+"\n", args...) }

// Row adds a line to the table.
func (r *Report) Row(format string, args ...any) {
	r.table = append(r.table, fmt.Sprintf(format, args...))
}

// Result adds a number for a program to read.
func (r *Report) Result(name string, value float64) {
	r.results = append(r.results, fmt.Sprintf("RESULT %s %.4g", name, value))
}

// Print writes table and results.
func (r *Report) Print() {
	fmt.Fprintln(r.Out)
	for _, line := range slices.Concat(r.table, []string{""}, r.results) {
		fmt.Fprintln(r.Out, line)
	}
}

// Ratio is the median of the rounds' ratios: within a round both met the same machine.
func Ratio(over, under []float64) float64 {
	ratios := make([]float64, len(over))
	for i := range ratios {
		ratios[i] = over[i] / under[i]
	}
	return Median(ratios)
}

// Median is the middle one of some values.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Quantile of sorted values: the least that so many are not above; 0 where there are none.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// Listed is values as a report lists its rounds.
func Listed(values []float64, format string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprintf(format, v)
	}
	return strings.Join(texts, " ")
}
