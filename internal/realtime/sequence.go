package realtime

// verdict is what the sequence makes of an event from the bus.
type verdict uint8

const (
	fresh verdict = iota // the next one
	early                // one is missing before it
	stale                // seen before
)

// sequence puts the events of one topic in order. It is pure: no clock, no lock, no input or output.
type sequence struct {
	last   int64           // the newest version handed on
	target int64           // the newest version known to exist
	ahead  map[int64]Event // arrived early, waiting for what is missing
	bytes  int             // the weight of ahead
	limit  int             // its bound
}

func newSequence(last int64, limit int) *sequence {
	return &sequence{last: last, target: last, ahead: map[int64]Event{}, limit: limit}
}

// offer takes an event from the bus and returns the run that may go out, if this was the one to wait
// for. An event without payload says only that its version exists.
func (q *sequence) offer(e Event) ([]Event, verdict) {
	if e.Version <= q.last {
		return nil, stale
	}
	q.target = max(q.target, e.Version)
	if e.Payload == nil {
		return nil, early
	}
	if e.Version > q.last+1 {
		if _, known := q.ahead[e.Version]; !known && q.bytes+weight(e) <= q.limit {
			q.ahead[e.Version] = e
			q.bytes += weight(e)
		}
		return nil, early
	}
	q.last = e.Version
	return q.chain([]Event{e}), fresh
}

// chain appends to a run what was waiting for it.
func (q *sequence) chain(run []Event) []Event {
	for len(q.ahead) > 0 {
		e, ok := q.ahead[q.last+1]
		if !ok {
			break
		}
		delete(q.ahead, e.Version)
		q.bytes -= weight(e)
		q.last = e.Version
		run = append(run, e)
	}
	return run
}

// know says that a version exists.
func (q *sequence) know(version int64) { q.target = max(q.target, version) }

// behind reports whether a version is known that has not been handed on.
func (q *sequence) behind() bool { return q.target > q.last }

// fill takes a page read from the store after the last version, ascending, and returns it as runs of
// consecutive versions. A second run, or a first that does not continue the last version, stands
// behind a hole that nothing will ever fill: what the store shows is committed, and versions commit
// in order.
func (q *sequence) fill(page []Event) (runs [][]Event) {
	for _, e := range page {
		switch {
		case e.Version <= q.last:
			continue
		case e.Version == q.last+1 && len(runs) > 0:
			runs[len(runs)-1] = append(runs[len(runs)-1], e)
		default:
			runs = append(runs, []Event{e})
		}
		q.last = e.Version
	}
	q.target = max(q.target, q.last)
	return runs
}

// settle ends a catch-up that reached the store's top: whatever still claims to be above it never
// happened.
func (q *sequence) settle() (phantoms int) {
	for version := range q.ahead {
		if version > q.last {
			phantoms++
		}
	}
	clear(q.ahead)
	q.bytes = 0
	q.target = q.last
	return phantoms
}
