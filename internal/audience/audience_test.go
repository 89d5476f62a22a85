package audience

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	dto "github.com/prometheus/client_model/go"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/gqlws"
)

// A thousand viewers cost one execution for each event.
func TestOneExecutionForAll(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SnapshotAge: time.Hour})
	b.commit(3)
	const viewers, events = 1000, 50
	var all []*viewer
	for range viewers {
		v, _ := b.join(-1)
		all = append(all, v)
	}
	for _, v := range all {
		v.wait(3)
	}
	for range events {
		b.commit(1)
	}
	for _, v := range all {
		seen := v.wait(3 + events)
		if len(seen) != 1+events || seen[0] != "SNAPSHOT3" {
			t.Fatalf("seen %v", seen)
		}
	}
	if n := b.answers.Load(); n != 1+events {
		t.Errorf("%d executions for %d events", n, events)
	}
}

// An event that waits for the one behind it, to be written together, waits for a moment only.
func TestAnEventDoesNotWaitForOneThatHangs(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	v, _ := b.join(-1)
	v.wait(0)
	b.hang.Store(2)
	b.commit(2)
	if seen := v.wait(1); len(seen) != 2 {
		t.Fatalf("seen %v", seen)
	}
	close(b.release)
	v.wait(2)
}

// A storm of viewers without a cursor takes a snapshot together.
func TestAStormSharesSnapshots(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	var all []*viewer
	for range 500 {
		v, _ := b.join(-1)
		all = append(all, v)
	}
	for _, v := range all {
		v.wait(0)
	}
	if n := b.snapshots.Load(); n > 20 {
		t.Errorf("%d snapshots for a storm", n)
	}
}

// Cursors within the log are served from it; those before it, of another epoch or ahead by an execution of their own,
// which ends once they have caught up.
func TestCursors(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxFrames: 10})
	first, _ := b.join(-1)
	first.wait(0)
	for range 100 { // one by one, so that passes keep up
		b.commit(1)
		now, _, _ := b.now()
		first.wait(now)
	}
	runs := b.runs.Load()
	inside, _ := b.join(95)
	if seen := inside.wait(100); len(seen) != 5 || seen[0] != "BID96" {
		t.Errorf("inside the log: %v", seen)
	}
	top, _ := b.join(100)
	if n := b.runs.Load(); n != runs {
		t.Errorf("%d executions for cursors inside the log", n-runs)
	}
	before, _ := b.join(3)
	if seen := before.wait(100); len(seen) != 97 || seen[0] != "BID4" {
		t.Errorf("before the log: %v", seen)
	}
	if n := b.runs.Load(); n != runs+1 {
		t.Errorf("%d executions for a cursor before the log", n-runs)
	}
	v := newViewer(t, 50)
	ctx, op := b.read(shared, map[string]any{"after": 50, "epoch": "then"})
	leave, _ := b.groups.Join(ctx, b.exec, op, v)
	defer leave()
	if seen := v.wait(100); seen[0] != "SNAPSHOT100" {
		t.Errorf("of another epoch: %v", seen)
	}
	answers := b.answers.Load()
	b.commit(1)
	for _, v := range []*viewer{first, inside, top, before, v} {
		v.wait(101)
	}
	if n := b.answers.Load() - answers; n != 1 {
		t.Errorf("%d executions of one event, after everybody has caught up", n)
	}
}

// What is not the same for everybody is never shared.
func TestWhatIsNotShared(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	for name, c := range map[string]struct {
		query string
		want  bool
	}{
		"all shared":            {`subscription { lot(id: "1") { version } }`, true},
		"a field that is not":   {`subscription { lot(id: "1") { version secret } }`, false},
		"in a fragment":         {`subscription { lot(id: "1") { ...F } } fragment F on Event { secret }`, false},
		"in an inline fragment": {`subscription { lot(id: "1") { version ... on Event { secret } } }`, false},
		"under an alias":        {`subscription { lot(id: "1") { version: secret } }`, false},
		"skipped":               {`subscription { lot(id: "1") { version secret @skip(if: true) } }`, false},
		"a root that is not":    {`subscription { mine { version } }`, false},
		"a cursor that is none": {`subscription { lot(id: "1", afterVersion: -1) { version } }`, false},
		"a fragment":            {`subscription { lot(id: "1") { ...F } } fragment F on Event { version __typename }`, true},
	} {
		ctx, op := b.read(c.query, nil)
		leave, joined := b.groups.Join(ctx, b.exec, op, newViewer(t, -1))
		if joined != c.want {
			t.Errorf("%s: shared is %t", name, joined)
		}
		if joined {
			leave()
		}
	}
}

// Subscriptions are one group where they ask for the same, however they are written.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	key := func(query string, variables map[string]any) string {
		_, op := b.read(query, variables)
		p, ok := read(op)
		if !ok {
			t.Fatalf("not shared: %s", query)
		}
		return p.key
	}
	const plain = `subscription { lot(id: "1") { version kind } }`
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		same      bool
	}{
		"other blanks":            {"subscription Other {\n lot(id: \"1\") {version\tkind}}", nil, true},
		"a variable":              {`subscription ($id: ID!) { lot(id: $id) { version kind } }`, map[string]any{"id": "1"}, true},
		"another cursor":          {`subscription ($a: Int) { lot(id: "1", afterVersion: $a, epoch: "x") { version kind } }`, map[string]any{"a": 9}, true},
		"another id":              {`subscription { lot(id: "2") { version kind } }`, nil, false},
		"another variable":        {`subscription ($id: ID!) { lot(id: $id) { version kind } }`, map[string]any{"id": "2"}, false},
		"another order":           {`subscription { lot(id: "1") { kind version } }`, nil, false},
		"an alias":                {`subscription { lot(id: "1") { v: version kind } }`, nil, false},
		"an alias of the root":    {`subscription { l: lot(id: "1") { version kind } }`, nil, false},
		"an argument":             {`subscription { lot(id: "1") { version kind text(upper: true) } }`, nil, false},
		"a directive":             {`subscription ($s: Boolean!) { lot(id: "1") { version kind @skip(if: $s) } }`, map[string]any{"s": true}, false},
		"quotes in what is meant": {`subscription { lot(id: "1) {version kind") { version } }`, nil, false},
	} {
		if same := key(c.query, c.variables) == key(plain, nil); same != c.same {
			t.Errorf("%s: one group is %t", name, same)
		}
	}
}

// A stream's end is every viewer's, with its errors; the next viewer opens a new one.
func TestTheEndIsEverybodys(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	first, _ := b.join(-1)
	first.wait(0)
	second, _ := b.join(0)
	b.fail(gqlerror.Errorf("over"))
	for _, v := range []*viewer{first, second} {
		if errs := <-v.ended; len(errs) != 1 || errs[0].Message != "over" {
			t.Errorf("ended with %v", errs)
		}
	}
	late, _ := b.join(-1)
	if errs := <-late.ended; len(errs) != 1 || errs[0].Message != "over" {
		t.Errorf("ended with %v", errs)
	}
	b.fail(nil)
	v, _ := b.join(-1)
	v.wait(0)
}

// An event that cannot be executed is nobody's: viewers are ended, come back, and get it then. Were the failure handed on
// in its place, they would go on without the event.
func TestAFailureIsNoEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	watching, _ := b.join(-1)
	watching.wait(0)
	b.mu.Lock()
	b.broken = &gqlerror.Error{Message: "the database is gone", Extensions: map[string]any{"kind": "INTERNAL"}}
	b.mu.Unlock()
	b.commit(1)
	if errs := <-watching.ended; len(errs) != 1 || errs[0] != gqlws.ErrInterrupted {
		t.Errorf("ended with %v", errs)
	}
	back, _ := b.join(0)
	if got := fmt.Sprint(back.wait(1)); got != "[BID1]" {
		t.Errorf("a viewer who came back saw %s", got)
	}

	b.mu.Lock()
	b.broken = &gqlerror.Error{Message: "too long", Extensions: map[string]any{"kind": "INVALID"}} // the client's to mend
	b.mu.Unlock()
	b.commit(1)
	if errs := <-back.ended; len(errs) != 1 || errs[0].Message != "too long" {
		t.Errorf("ended with %v", errs)
	}
}

// Whom a group has ended it does not count any more, so that it ends with the last of those who stay.
func TestWhoWasEndedIsNotCounted(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Linger: time.Millisecond, SnapshotAge: time.Nanosecond})
	stays, leave := b.join(-1)
	stays.wait(0)
	b.mu.Lock()
	b.broken = &gqlerror.Error{Message: "the database is gone", Extensions: map[string]any{"kind": "INTERNAL"}}
	b.mu.Unlock()
	refused := newViewer(t, 0)
	ctx, op := b.read(shared, map[string]any{"after": 0, "epoch": "another"}) // which takes a snapshot
	if _, joined := b.groups.Join(ctx, b.exec, op, refused); !joined {
		t.Fatal("not shared")
	}
	if errs := <-refused.ended; len(errs) != 1 {
		t.Errorf("ended with %v", errs)
	}
	leave()
	b.empties()

	ended, _ := b.join(-1)
	ended.wait(0)
	b.fail(gqlerror.Errorf("over"))
	if errs := <-ended.ended; len(errs) != 1 {
		t.Errorf("ended with %v", errs)
	}
	b.empties()
}

// empties waits until there is nobody, and no group.
func (b *bundle) empties() {
	b.t.Helper()
	var groups int
	var viewers dto.Metric
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(time.Millisecond) {
		b.groups.mu.Lock()
		groups = len(b.groups.groups)
		b.groups.mu.Unlock()
		if err := b.groups.metrics.viewers.Write(&viewers); err != nil {
			b.t.Fatal(err)
		}
		if groups == 0 && viewers.Gauge.GetValue() == 0 {
			return
		}
	}
	b.t.Fatalf("%d groups and %v viewers are left", groups, viewers.Gauge.GetValue())
}

// Viewers come, go and come back at random while events happen: each sees consecutive versions to the end, and nothing is
// left over.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxFrames: 8, Linger: time.Millisecond, SnapshotAge: time.Millisecond})
	const events = 400
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			last := int64(-1)
			for last < events {
				v := newViewer(t, last)
				variables := map[string]any{}
				if last >= 0 {
					variables["after"] = last
				}
				ctx := graphql.StartOperationTrace(context.Background())
				op, _ := b.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: shared, Variables: variables})
				leave, joined := b.groups.Join(ctx, b.exec, op, v)
				if !joined {
					t.Error("not shared")
					return
				}
				v.wait(min(last+int64(1+i%7*10), events))
				leave()
				v.mu.Lock()
				last = v.last
				v.mu.Unlock()
			}
		})
	}
	for range events {
		b.commit(1)
		time.Sleep(100 * time.Microsecond) // a pace that viewers can come and go in; nothing depends on it
	}
	wait.Wait()
	b.empties()
}
