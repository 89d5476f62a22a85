//go:build linux

package viewers

import (
	"cmp"
	"slices"
	"time"

	"github.com/souklive/souk/bench/rig"
)

// tally is what the load client has counted since it was last asked.
type tally struct {
	messages, reads, bytes int64
	jumps                  int64 // events that were not one above the one before

	since string // the field that delays are counted from

	base    int64 // version of commits[0]
	commits []commit
	delays  [delaySteps]uint32 // of messages, by step
}

// commit is an event: when it was made, by its own word, and when the last viewer had it.
type commit struct{ made, last time.Time }

const (
	delayStep  = 50 * time.Microsecond
	delaySteps = 200_000 // ten seconds
)

// note counts an event that a viewer has received.
func (t *tally) note(v *viewer, version int64, message []byte, now time.Time, counts bool) {
	t.messages++
	t.bytes += int64(len(message))
	if v.version != unknown && version != v.version+1 {
		t.jumps++
	}
	if len(t.commits) == 0 {
		t.base = version
	}
	i := version - t.base
	if !counts || i < 0 || i > int64(len(t.commits))+10_000 {
		return
	}
	for int64(len(t.commits)) <= i {
		t.commits = append(t.commits, commit{})
	}
	c := &t.commits[i]
	if c.made.IsZero() {
		if at, ok := textField(message, cmp.Or(t.since, "at")); ok {
			c.made, _ = time.Parse(time.RFC3339Nano, at)
		}
	}
	c.last = now
	step := int(now.Sub(c.made) / delayStep)
	t.delays[min(max(step, 0), delaySteps-1)]++
}

// Counts are what tally answers.
type Counts struct {
	Messages int64 `json:"messages"`
	Reads    int64 `json:"reads"`
	Bytes    int64 `json:"bytes"`
	Jumps    int64 `json:"jumps"`
	Events   int   `json:"events"`
	// From the commit to the last viewer, over events; and to each viewer, over messages. In milliseconds.
	Last Percentiles `json:"last"`
	Each Percentiles `json:"each"`
}

// Percentiles are P50, P99 and P999.
type Percentiles struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

// take gives the counts and begins anew.
func (t *tally) take() Counts {
	c := Counts{Messages: t.messages, Reads: t.reads, Bytes: t.bytes, Jumps: t.jumps, Events: len(t.commits)}
	var last []float64
	for _, event := range t.commits {
		if !event.last.IsZero() {
			last = append(last, event.last.Sub(event.made).Seconds()*1000)
		}
	}
	slices.Sort(last)
	c.Last = Percentiles{rig.Quantile(last, .5), rig.Quantile(last, .99), rig.Quantile(last, .999)}
	c.Each = Percentiles{t.delay(.5), t.delay(.99), t.delay(.999)}
	*t = tally{since: t.since}
	return c
}

func (t *tally) delay(q float64) float64 {
	var all, sum int64
	for _, n := range &t.delays {
		all += int64(n)
	}
	for i, n := range &t.delays {
		if sum += int64(n); sum > int64(q*float64(all)) {
			return (time.Duration(i+1) * delayStep).Seconds() * 1000
		}
	}
	return 0
}
