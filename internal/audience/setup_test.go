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
	config.Passers = 3
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
