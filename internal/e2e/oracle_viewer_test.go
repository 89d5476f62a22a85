package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/souklive/souk/internal/apitest"
)

// journal is what a viewer has seen of one topic by one operation, over however many connections.
type journal struct {
	topic *topic
	op    operation
	begin cursor // where it began

	version int          // the last one seen; -1: nothing yet
	eventID string       // of it, over server-sent events
	passed  map[int]bool // versions that were jumped over
}

// at is where the journal goes on.
func (j *journal) at(epoch string) cursor {
	if j.version < 0 {
		return j.begin
	}
	return cursor{j.version, epoch}
}

// done says that all of the topic was seen.
func (j *journal) done() bool {
	top := int(j.topic.top.Load())
	return top >= 0 && j.version >= top
}

// audience is one viewer: somebody or nobody, with a few journals that are kept over one line at a time.
type audience struct {
	w        *oracle
	n        int
	rng      *rand.Rand
	who      *member // nil: nobody in particular
	manner   string
	from     string
	journals []*journal
	running  map[string]*journal // by the ids of the line's operations
	asked    int
	last     string // what was heard last, and when
}

// run watches until everything has been seen, or ctx ends.
func (v *audience) run(ctx context.Context) {
	for ctx.Err() == nil && v.chooses() {
		if len(v.journals) == 0 {
			pause(ctx, 50*time.Millisecond) // until the next lot
			continue
		}
		if err := v.connection(ctx); err != nil {
			v.w.count("a line could not be opened", 1)
			v.w.note("viewer %d: %v", v.n, err)
			pause(ctx, v.between(50*time.Millisecond, 300*time.Millisecond))
		}
	}
	for _, j := range v.journals {
		if !j.done() {
			v.violates("behind", j, "the end is version %d; last %s", j.topic.top.Load(), v.last)
		}
	}
}

// chooses puts new journals in the place of those that are full; false says that there is nothing more to watch.
func (v *audience) chooses() bool {
	v.journals = slices.DeleteFunc(v.journals, func(j *journal) bool {
		if j.done() {
			v.w.count("journals kept to a topic's end", 1)
		}
		return j.done()
	})
	if v.w.over() {
		return len(v.journals) > 0
	}
	want := 1
	if v.manner != bySSE {
		want = 1 + v.n%3
	}
	for len(v.journals) < want {
		t := v.w.topicFor(v.rng, v.who)
		if len(v.journals) == 0 && slices.Contains(v.w.desk.members, v.who) { // who sits at the desk watches it
			t = v.w.desk
		}
		if t == nil {
			break
		}
		v.journals = append(v.journals, v.newJournal(t))
	}
	return true
}

func (v *audience) newJournal(t *topic) *journal {
	possible := slices.DeleteFunc(operations(), func(o operation) bool {
		return o.kind != t.kind || o.fat && v.n%10 != 0 || o.name == "a lot and its bids" && v.n%5 != 0
	})
	j := &journal{topic: t, op: possible[v.rng.IntN(len(possible))], version: -1, begin: cursor{after: -1}}
	switch v.rng.IntN(5) {
	case 0:
		j.begin = cursor{0, v.w.truth.epoch}
		j.version = 0
	case 1:
		j.begin = cursor{1_000_000, v.w.truth.epoch} // ahead of the top
	case 2:
		j.begin = cursor{1, "00000000-0000-4000-8000-000000000000"} // another database's
	}
	return j
}

// connection is one line's life.
func (v *audience) connection(ctx context.Context) error {
	c := caller{from: v.from, impolite: v.n%2 == 0}
	if v.who != nil {
		c.token = v.who.Token
	}
	l, err := c.open(ctx, v.manner, v.w.anyServer(v.rng))
	if err != nil {
		return err
	}
	defer func() { v.w.leave(l) }()
	v.running = map[string]*journal{}
	for _, j := range v.journals {
		if err := v.asks(l, j); err != nil {
			return err
		}
	}
	v.w.count("lines opened", 1)
	for {
		select {
		case h := <-l.heard:
			if !v.hears(ctx, l, h) {
				return nil
			}
		case <-time.After(v.between(0, v.w.config.fidget)):
			if !v.w.over() && !v.fidgets(ctx, l) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
		if slices.ContainsFunc(v.journals, (*journal).done) {
			return nil
		}
	}
}

// asks begins a journal's operation behind what the journal has.
func (v *audience) asks(l *line, j *journal) error {
	v.asked++
	id := ids(v.rng, v.asked)
	v.running[id] = j
	c, last := j.at(v.w.truth.epoch), ""
	if v.manner == bySSE && j.eventID != "" && v.rng.IntN(2) == 0 { // as a browser does it: with the first cursor, and the last id
		c, last = j.begin, j.eventID
		v.w.count("resumed by Last-Event-ID", 1)
	}
	query, vars := j.op.text(j.topic.id, c)
	return l.start(id, query, vars, last)
}

// hears takes in what came; false says that the line is over.
func (v *audience) hears(ctx context.Context, l *line, h heard) bool {
	j := v.running[h.id]
	v.last = fmt.Sprintf("%s of %d bytes at %s", h.kind, len(h.payload), time.Now().Format(time.TimeOnly))
	switch {
	case h.kind == "gone":
		v.w.count("lines lost", 1)
		if code := closeCode(h.err); code != 0 {
			v.w.count(fmt.Sprintf("closed with %d", code), 1)
			if code/1000 == 4 {
				v.w.violate("refused", "viewer %d by %s: %v", v.n, v.manner, h.err)
			}
		}
		return false
	case j == nil: // an operation that was stopped has had answers on their way
		v.w.count("answers behind a stop", 1)
		return true
	case h.kind == "next":
		return v.reads(ctx, j, h)
	case h.kind == "error":
		v.ends(j, h.payload)
		delete(v.running, h.id)
		pause(ctx, v.between(0, 200*time.Millisecond))
		return v.asks(l, j) == nil
	}
	v.violates("ended", j, "%s in the middle of things", h.kind)
	return false
}

// ends looks at why an operation ended: only what a client may try again is in order.
func (v *audience) ends(j *journal, payload json.RawMessage) {
	var one apitest.Error
	var many []apitest.Error
	if json.Unmarshal(payload, &many) != nil || len(many) == 0 {
		_ = json.Unmarshal(payload, &one)
		many = []apitest.Error{one}
	}
	code := many[0].Extensions.Code
	v.w.count("ended with "+code, 1)
	switch code {
	case "LAGGING", "DRAINING", "REALTIME_UNAVAILABLE", "STREAM_INTERRUPTED", "UNAVAILABLE":
	default:
		v.violates("refused", j, "%s", payload)
	}
}

// fidgets does what viewers do of their own accord, or what is done to them; false says that the line is over.
func (v *audience) fidgets(ctx context.Context, l *line) bool {
	switch v.rng.IntN(6) {
	case 0:
		v.w.count("sockets cut", 1)
		return false
	case 1, 2:
		v.w.count("sockets stalled", 1)
		pause(ctx, v.between(100*time.Millisecond, v.w.config.stall))
	case 3:
		v.w.count("sockets half open", 1)
		l.abandon()
		pause(ctx, v.between(100*time.Millisecond, time.Second))
		return false
	case 4:
		if l.stop == nil {
			return true
		}
		for id, j := range v.running {
			v.w.count("operations stopped and started anew", 1)
			delete(v.running, id)
			return l.stop(id) == nil && v.asks(l, j) == nil
		}
	case 5:
		if i := v.rng.IntN(len(v.journals)); v.journals[i].version > 0 {
			v.w.count("journals begun anew", 1)
			v.journals[i] = v.newJournal(v.journals[i].topic)
			return false
		}
	}
	return true
}

// reads takes an answer in; false says that the line is no good any more.
func (v *audience) reads(ctx context.Context, j *journal, h heard) bool {
	var answer struct {
		Data   map[string]map[string]any
		Errors []apitest.Error
	}
	if err := json.Unmarshal(h.payload, &answer); err != nil {
		v.violates("garbled", j, "%v: %.300s", err, h.payload)
		return false
	}
	if len(answer.Errors) > 0 {
		raw, _ := json.Marshal(answer.Errors)
		if v.manner == bySSE || v.manner == bySingleSSE {
			v.ends(j, raw)
			return false
		}
		v.violates("failed", j, "%.300s", h.payload)
		return false
	}
	var event map[string]any
	for _, event = range answer.Data {
	}
	number, ok := event["version"].(float64)
	if !ok {
		v.violates("garbled", j, "an event without a version: %.300s", h.payload)
		return false
	}
	v.w.count("events read", 1)
	if j.topic.kind == theDesk && number > 0 {
		v.w.count("events read at support's desk", 1)
	}
	version := int(number)
	if v.manner == bySSE {
		if want := fmt.Sprintf("%s:%d", v.w.truth.epoch, version); h.eventID != want {
			v.violates("garbled", j, "the id of version %d is %q", version, h.eventID)
		}
		j.eventID = h.eventID
	}
	if event["kind"] == "SNAPSHOT" {
		return v.begins(ctx, j, version, event)
	}
	return v.follows(ctx, j, version, event)
}

// begins takes a snapshot in.
func (v *audience) begins(ctx context.Context, j *journal, version int, event map[string]any) bool {
	if j.version >= 0 {
		v.violates("snapshot", j, "a snapshot at version %d that nobody asked for", version)
		return false
	}
	v.w.count("snapshots read", 1)
	if version > 0 {
		v.compares(ctx, j, version, event, record.snapshot)
	}
	j.version = version
	return true
}

// follows takes an event in, which has to be the next.
func (v *audience) follows(ctx context.Context, j *journal, version int, event map[string]any) bool {
	switch {
	case j.version < 0:
		v.violates("snapshot", j, "version %d in place of a snapshot", version)
	case version > j.version+1:
		v.violates("hole", j, "version %d", version)
		if j.passed == nil {
			j.passed = map[int]bool{}
		}
		for jumped := j.version + 1; jumped < version; jumped++ {
			j.passed[jumped] = true
		}
	case j.passed[version]:
		v.violates("order", j, "version %d", version)
		delete(j.passed, version)
	case version <= j.version:
		v.violates("repetition", j, "version %d", version)
	}
	v.compares(ctx, j, version, event, func(r record) facts { return r.event })
	j.version = max(j.version, version)
	return true
}

// compares holds an answer against the database.
func (v *audience) compares(ctx context.Context, j *journal, version int, event map[string]any, as func(record) facts) {
	r, found, err := v.w.truth.at(ctx, j.topic.name, version)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		v.violates("database", j, "version %d: %v", version, err)
		return
	case !found:
		v.violates("contents", j, "version %d is not in the database", version)
		return
	}
	want := as(r)
	if j.op.own && r.sale != nil && v.who != nil && (v.who.id == r.sale.buyer || v.who.id == r.sale.seller) {
		want = withOrder(want, r.sale, v.w.truth.nameOf)
		v.w.count("orders seen by their own", 1)
	}
	if d := difference(event, want, "event"); d != "" {
		v.violates("contents", j, "version %d: %s", version, d)
	}
}

func (v *audience) violates(class string, j *journal, format string, args ...any) {
	who := "nobody"
	if v.who != nil {
		who = v.who.name
	}
	v.w.violate(class, "viewer %d (%s, by %s) of %s by %q, after version %d: %s",
		v.n, who, v.manner, j.topic.name, j.op.name, j.version, fmt.Sprintf(format, args...))
}

func (v *audience) between(least, most time.Duration) time.Duration {
	return least + time.Duration(v.rng.Int64N(int64(most-least)+1))
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
