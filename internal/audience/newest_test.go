package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// crowd is a droppable field that is the same for everybody, and groups over it.
type crowd struct {
	t      *testing.T
	exec   *executor.Executor
	groups *Groups

	states  chan string // "fail": the answer has an error of ours
	refusal *gqlerror.Error
	runs    atomic.Int64
	answers atomic.Int64
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	groups, err := New(Config{Epoch: func() string { return "now" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(groups.Close)
	c := &crowd{t: t, groups: groups, states: make(chan string)}
	c.exec = executor.New(c.schema())
	return c
}

func (c *crowd) schema() graphql.ExecutableSchema {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		directive @shared on FIELD_DEFINITION
		directive @droppable on FIELD_DEFINITION
		type Query { a: String }
		type Subscription { state(id: ID!): String @shared @droppable }`})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 1, true },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			c.runs.Add(1)
			if c.refusal != nil {
				return graphql.OneShot(&graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{c.refusal}})
			}
			buffer := make([]byte, 0, 64) // used again for each answer, as gqlgen's is
			return func(context.Context) *graphql.Response {
				select {
				case state := <-c.states:
					c.answers.Add(1)
					if state == "fail" {
						err := &gqlerror.Error{Message: "secret", Extensions: map[string]any{"kind": "INTERNAL"}}
						return &graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{err}}
					}
					buffer = fmt.Appendf(buffer[:0], `{"state":%q}`, state)
					return &graphql.Response{Data: buffer}
				case <-ctx.Done():
					return nil
				}
			}
		},
	}
}

// onlooker keeps what it is offered.
type onlooker struct {
	t     *testing.T
	mu    sync.Mutex
	last  string
	count int
	ended chan gqlerror.List
	news  chan struct{}
}

func (o *onlooker) Next(int64, [][]byte) {
	o.t.Error("a droppable answer came as one that must not be dropped")
}
func (o *onlooker) Ready() bool            { return true }
func (o *onlooker) End(errs gqlerror.List) { o.ended <- errs }
func (o *onlooker) Offer(answer []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = string(answer)
	o.count++
	nudge(o.news)
}

// wait waits for a state.
func (o *onlooker) wait(state string) {
	o.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		last := o.last
		o.mu.Unlock()
		if last == fmt.Sprintf(`{"data":{"state":%q}}`, state) {
			return
		}
		select {
		case <-o.news:
		case <-timeout:
			o.t.Fatalf("state %s does not come; the last was %s", state, last)
		}
	}
}

func (c *crowd) join() (*onlooker, func()) {
	c.t.Helper()
	ctx := graphql.StartOperationTrace(c.t.Context())
	op, errs := c.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: `subscription { state(id: 7) }`})
	if errs != nil {
		c.t.Fatal(errs)
	}
	o := &onlooker{t: c.t, ended: make(chan gqlerror.List, 2), news: make(chan struct{}, 1)}
	leave, joined := c.groups.Join(ctx, c.exec, op, o)
	if !joined {
		c.t.Fatal("not shared")
	}
	c.t.Cleanup(leave)
	return o, leave
}

// All who watch a droppable field share each execution, and who comes later has the newest answer at once.
func TestOneExecutionOfTheNewest(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	var all []*onlooker
	for range 1000 {
		o, _ := c.join()
		all = append(all, o)
	}
	for n := range 50 {
		c.states <- strconv.Itoa(n)
	}
	for _, o := range all {
		o.wait("49")
	}
	late, leave := c.join()
	late.wait("49")
	if late.count != 1 {
		t.Errorf("who came last was offered %d answers", late.count)
	}
	leave()
	c.states <- "50"
	for _, o := range all {
		o.wait("50")
	}
	if runs, answers := c.runs.Load(), c.answers.Load(); runs != 1 || answers != 51 {
		t.Errorf("%d executions, %d answers; want 1 and 51", runs, answers)
	}
	if late.last != `{"data":{"state":"49"}}` {
		t.Errorf("who left was offered %s", late.last)
	}
}

// An answer that fails is nobody's: its group ends, and a new one begins with who comes next.
func TestAFailedAnswerEndsTheCrowd(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	one, _ := c.join()
	two, _ := c.join()
	c.states <- "fine"
	one.wait("fine")
	c.states <- "fail"
	for _, o := range []*onlooker{one, two} {
		if errs := <-o.ended; len(errs) != 1 || errs[0].Extensions["code"] != "STREAM_INTERRUPTED" {
			t.Errorf("ended with %v", errs)
		}
	}
	again, _ := c.join()
	c.states <- "fine again"
	again.wait("fine again")
}

func TestARefusedCrowd(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.refusal = &gqlerror.Error{Message: "no such thing", Extensions: map[string]any{"kind": "NOT_FOUND", "code": "NOTHING"}}
	o, _ := c.join()
	if errs := <-o.ended; len(errs) != 1 || errs[0].Extensions["code"] != "NOTHING" {
		t.Errorf("ended with %v", errs)
	}
}
