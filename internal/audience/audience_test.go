package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	dto "github.com/prometheus/client_model/go"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"github.com/souklive/souk/internal/gqlws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const schemaText = `
directive @shared on FIELD_DEFINITION
type Query { a: String }
type Subscription {
	lot(id: ID!, afterVersion: Int, epoch: String): Event! @shared
	mine(afterVersion: Int): Event!
}
type Event { version: Int! @shared  kind: String! @shared  text(upper: Boolean): String! @shared  secret: String! }
`

// bundle is a topic with a history, and groups over an executor whose resolver reads it.
type bundle struct {
	t      *testing.T
	exec   *executor.Executor
	groups *Groups

	mu      sync.Mutex
	version int64
	changed chan struct{}
	failure *gqlerror.Error // ends every stream
	broken  *gqlerror.Error // is the answer of the next event

	runs      atomic.Int64 // executions begun
	snapshots atomic.Int64
	answers   atomic.Int64

	pruned  atomic.Int64  // what follows an older cursor is gone
	hang    atomic.Int64  // the event that is handed on together with the one before it, and then hangs
	release chan struct{} // until this is closed

	asides chan string // what is to be told beside the events
}

func setup(t *testing.T, config Config) *bundle {
	t.Helper()
	config.Epoch = func() string { return "now" }
	groups, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(groups.Close)
	b := &bundle{t: t, groups: groups, changed: make(chan struct{}), release: make(chan struct{}), asides: make(chan string)}
	b.exec = executor.New(b.schema())
	return b
}

// commit makes n events.
func (b *bundle) commit(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version += n
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *bundle) fail(err *gqlerror.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *bundle) breaks() *gqlerror.Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.broken
	b.broken = nil
	return err
}

func (b *bundle) now() (int64, chan struct{}, *gqlerror.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version, b.changed, b.failure
}

// schema's subscriptions answer as a topic's resolver does: a snapshot or what follows a version, then what happens.
func (b *bundle) schema() graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: schemaText})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 1, true },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			b.runs.Add(1)
			run := RunOf(ctx)
			var cursor int64 = -1
			if c := run.Begin.Cursor; c != nil && (c.Epoch == "" || c.Epoch == "now") && c.After >= b.pruned.Load() {
				cursor = c.After
			}
			buffer := make([]byte, 0, 64) // used again for each answer, as gqlgen's is
			emitted := int64(-1)
			emit := func(version int64) {
				if version > emitted {
					run.Emit(version, time.Now(), version)
					emitted = version
				}
			}
			answer := func(version int64, kind string) *graphql.Response {
				emit(version)
				if b.hang.Load() == version+1 {
					emit(version + 1)
				}
				cursor = version
				b.answers.Add(1)
				if err := b.breaks(); err != nil {
					return &graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{err}}
				}
				buffer = fmt.Appendf(buffer[:0], `{"version":%d,"kind":%q,"for":%q}`, version, kind, KindOf(ctx).key())
				return &graphql.Response{Data: buffer}
			}
			return func(context.Context) *graphql.Response {
				for {
					version, changed, failure := b.now()
					switch {
					case failure != nil:
						gqlws.EndOf(ctx).Set(failure)
						return nil
					case cursor < 0:
						b.snapshots.Add(1)
						return answer(version, "SNAPSHOT")
					case cursor < version:
						if b.hang.Load() == cursor+1 {
							select {
							case <-b.release:
							case <-ctx.Done():
								return nil
							}
						}
						return answer(cursor+1, "BID")
					}
					asides := b.asides
					if !TakesAsides(ctx) {
						asides = nil
					}
					select {
					case <-changed:
					case text := <-asides:
						run.EmitAside(text)
						buffer = fmt.Appendf(buffer[:0], `%q`, text)
						return &graphql.Response{Data: buffer}
					case <-ctx.Done():
						return nil
					}
				}
			}
		},
	}
}

// viewer insists on consecutive versions.
type viewer struct {
	t *testing.T

	mu     sync.Mutex
	kind   Kind     // whose answers it is to get
	seen   []string // kind and version
	last   int64
	bad    string
	aside  string // the last that was offered
	asides int
	ended  chan gqlerror.List
	news   chan struct{}
}

func newViewer(t *testing.T, after int64) *viewer {
	return &viewer{t: t, kind: everyone, last: after, ended: make(chan gqlerror.List, 2), news: make(chan struct{}, 1)}
}

func (v *viewer) Next(last int64, answers [][]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, raw := range answers {
		var answer struct {
			Data struct {
				Version   int64
				Kind, For string
			}
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			v.bad = fmt.Sprintf("%s: %v", raw, err)
		}
		if answer.Data.Kind == "BID" && answer.Data.Version != v.last+1 {
			v.bad = fmt.Sprintf("%d after %d", answer.Data.Version, v.last)
		}
		if answer.Data.For != v.kind.key() {
			v.bad = fmt.Sprintf("%q got an answer for %q", v.kind.key(), answer.Data.For)
		}
		v.last = answer.Data.Version
		v.seen = append(v.seen, fmt.Sprint(answer.Data.Kind, answer.Data.Version))
	}
	if v.last != last {
		v.bad = fmt.Sprintf("%d was called %d", v.last, last)
	}
	nudge(v.news)
}

func (v *viewer) Offer(answer []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.seen) == 0 && v.last < 0 {
		v.bad = "an aside is a newcomer's first answer"
	}
	v.aside = string(answer)
	v.asides++
	nudge(v.news)
}
func (v *viewer) Ready() bool            { return true }
func (v *viewer) End(errs gqlerror.List) { v.ended <- errs }

// wait waits for a version, and gives all that was seen.
func (v *viewer) wait(version int64) []string {
	v.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		v.mu.Lock()
		last, seen, bad := v.last, v.seen, v.bad
		v.mu.Unlock()
		if bad != "" {
			v.t.Fatal(bad)
		}
		if last >= version && len(seen) > 0 {
			return seen
		}
		select {
		case <-v.news:
		case <-timeout:
			v.t.Fatalf("version %d does not come; seen %v", version, seen)
		}
	}
}

const shared = `subscription ($after: Int, $epoch: String) { lot(id: "7", afterVersion: $after, epoch: $epoch) { version kind } }`

func (b *bundle) read(query string, variables map[string]any) (context.Context, *graphql.OperationContext) {
	b.t.Helper()
	ctx := graphql.StartOperationTrace(b.t.Context())
	op, errs := b.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		b.t.Fatal(errs)
	}
	return ctx, op
}

// join lets a viewer in; after < 0 is a new one.
func (b *bundle) join(after int64) (*viewer, func()) {
	b.t.Helper()
	return b.joinAs(everyone, after)
}

func (b *bundle) joinAs(kind Kind, after int64) (*viewer, func()) {
	b.t.Helper()
	v := newViewer(b.t, after)
	v.kind = kind
	variables := map[string]any{}
	if after >= 0 {
		variables["after"] = after
	}
	ctx, op := b.read(shared, variables)
	leave, joined := b.groups.Join(WithKind(ctx, kind), b.exec, op, v)
	if !joined {
		b.t.Fatal("not shared")
	}
	b.t.Cleanup(leave)
	return v, leave
}

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
