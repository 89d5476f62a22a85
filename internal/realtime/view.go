package realtime

// eventOverhead is what an event is counted with beside its payload when logs are bounded in bytes.
const eventOverhead = 128

// view is a topic's log as of one moment, immutable: events first, first+1, … without a hole. The
// sequencer extends a log by publishing another view that shares the same array, so a reader needs no
// lock and keeps what it is reading alive by itself.
type view struct {
	first   int64 // the version of events[0]; last()+1 where there are none
	events  []Event
	changed chan struct{} // closed once there is a newer view
}

// emptyView is a log that continues after version last.
func emptyView(last int64) *view { return &view{first: last + 1, changed: make(chan struct{})} }

// last is the newest version, known even where no event is held.
func (v *view) last() int64 { return v.first + int64(len(v.events)) - 1 }

// after returns the events above the cursor: none for one who has seen all. Not ok means that the log
// begins too late for this cursor.
func (v *view) after(cursor int64) (_ []Event, ok bool) {
	if cursor < v.first-1 {
		return nil, false
	}
	if cursor >= v.last() {
		return nil, true
	}
	return v.events[cursor+1-v.first:], true
}

// with is the view after a run of consecutive events. A run that does not continue the log (what lies
// between is gone for ever) replaces it: whoever is further back finds out by after's second result.
func (v *view) with(run []Event) *view {
	next := &view{first: v.first, events: v.events, changed: make(chan struct{})}
	if run[0].Version != v.last()+1 {
		next.first, next.events = run[0].Version, nil
	}
	next.events = append(next.events, run...)
	return next
}

// from is the view without the events below index i, in an array of its own, so that those can go.
func (v *view) from(i int) *view {
	return &view{
		first:   v.first + int64(i),
		events:  append([]Event(nil), v.events[i:]...),
		changed: make(chan struct{}),
	}
}

// window is the index from which events at the end fit a count and a size in bytes; the last one
// always fits.
func window(events []Event, count, bytes int) int {
	i := len(events)
	for i > 0 && count > 0 {
		bytes -= weight(events[i-1])
		if bytes < 0 && i < len(events) {
			break
		}
		count--
		i--
	}
	return i
}

func weight(e Event) int { return len(e.Payload) + eventOverhead }

func weigh(events []Event) (sum int) {
	for _, e := range events {
		sum += weight(e)
	}
	return sum
}
