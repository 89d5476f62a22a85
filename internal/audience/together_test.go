package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/locale"
)

const shopText = `
directive @shared on FIELD_DEFINITION
type Query { page(of: Int): Page! @shared }
type Mutation { buy: Page! @shared }
type Page { title: String! @shared  price: Int! @shared  mine: Boolean! }
`

// shop answers with the number of executions that had begun, its own among them, and for whom it was executed.
type shop struct {
	exec    *executor.Executor
	groups  *Groups
	begun   atomic.Int64
	takes   time.Duration // an execution
	answers func(ctx context.Context, n int64) *graphql.Response
}

func openShop(t *testing.T) *shop {
	t.Helper()
	groups, err := New(Config{Epoch: func() string { return "now" }})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{groups: groups, takes: patience - 2*time.Millisecond}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: shopText})
	s.exec = executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 1, true },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			answer := s.answers
			return func(ctx context.Context) (r *graphql.Response) {
				if answer != nil {
					r, answer = answer(ctx, s.begun.Add(1)), nil
				}
				return r
			}
		},
	})
	s.answers = func(ctx context.Context, n int64) *graphql.Response {
		time.Sleep(s.takes)
		if ctx.Err() != nil {
			return &graphql.Response{Errors: gqlerror.List{gqlerror.Errorf("%v", ctx.Err())}}
		}
		return &graphql.Response{Data: fmt.Appendf(nil, `{"n":%d,"for":%q,"headers":%d}`, n, KindOf(ctx).key(), len(graphql.GetOperationContext(ctx).Headers))}
	}
	return s
}

type answered struct {
	N       int64
	For     string
	Headers int
}

// ask sends an operation as a transport does.
func (s *shop) ask(ctx context.Context, query string) (answered, error) {
	op, errs := s.exec.CreateOperationContext(graphql.StartOperationTrace(ctx), &graphql.RawParams{Query: query, Headers: map[string][]string{"Cookie": {"secret"}}})
	if errs != nil {
		return answered{}, errs
	}
	response := s.groups.Answer(ctx, s.exec, op)
	if response == nil {
		return answered{}, ctx.Err()
	}
	if len(response.Errors) > 0 {
		return answered{}, response.Errors
	}
	var a answered
	err := json.Unmarshal(response.Data, &a)
	return a, err
}

const page = `{ page(of: 1) { title price } }`

// Who asks first is executed for as if there were nobody else. All who ask meanwhile are answered by one execution, which begins when they all have asked.
func TestTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t)
		t.Cleanup(s.groups.Close)
		var asking sync.WaitGroup
		ask := func(want answered) {
			asking.Go(func() {
				if got, err := s.ask(t.Context(), page); err != nil || got != want {
					t.Errorf("%+v, %v; want %+v", got, err, want)
				}
			})
			synctest.Wait()
		}
		ask(answered{N: 1, For: everyone.key(), Headers: 1})
		for range 50 {
			ask(answered{N: 2, For: everyone.key()})
		}
		time.Sleep(s.takes + time.Millisecond) // the first has its answer, and the second execution has begun
		for range 50 {
			ask(answered{N: 3, For: everyone.key()})
		}
		asking.Wait()
		synctest.Wait()
		s.groups.mu.Lock()
		defer s.groups.mu.Unlock()
		if n := len(s.groups.queries); n != 0 {
			t.Errorf("%d queries are still remembered", n)
		}
	})
}

// Nobody waits long for another's execution.
func TestTogetherIsNotLateByMuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t)
		t.Cleanup(s.groups.Close)
		s.takes = time.Second
		var asking sync.WaitGroup
		for range 5 {
			for range 20 {
				asking.Go(func() {
					began := time.Now()
					if _, err := s.ask(t.Context(), page); err != nil || time.Since(began) > s.takes+patience {
						t.Errorf("%v after %v", err, time.Since(began))
					}
				})
			}
			time.Sleep(patience * 3 / 2)
		}
		asking.Wait()
		if n := s.begun.Load(); n != 1+5 {
			t.Errorf("%d executions", n)
		}
	})
}

// What is not the same for all strangers is never answered together; and what is, apart by its arguments and the language.
func TestTogetherOnlyWhatIsTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t)
		defer s.groups.Close()
		const each = 10
		var asking sync.WaitGroup
		ask := func(kind Kind, query string) {
			for range each {
				asking.Go(func() {
					if got, err := s.ask(WithKind(t.Context(), kind), query); err != nil || got.For != kind.key() {
						t.Errorf("%s: %+v, %v; executed for another than %s", query, got, err, kind.key())
					}
				})
			}
		}
		for _, kind := range []Kind{everyone, {Anonymous, locale.French}} {
			ask(kind, page)
			ask(kind, `query Same { page(of: 1) { ...on Page { title } price } }`)
			ask(kind, `{ page(of: 2) { title price } }`)
		}
		asking.Wait()
		if n := s.begun.Swap(0); n != 2*3*2 {
			t.Errorf("%d executions of six questions", n)
		}
		for _, kind := range []Kind{{SignedIn, locale.English}, {Staff, locale.English}} {
			ask(kind, page)
		}
		ask(everyone, `{ page(of: 1) { title price mine } }`)
		ask(everyone, `mutation { buy { title } }`)
		asking.Wait()
		if n := s.begun.Load(); n != 4*each {
			t.Errorf("%d executions for %d people to whom something is their own", n, 4*each)
		}
	})
}

// What fails for all is executed for each, who hears why; and so is what panics.
func TestTogetherWhatFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(){"an error": func() {}, "a panic": func() { panic("for many") }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := openShop(t)
				defer s.groups.Close()
				s.answers = func(_ context.Context, n int64) *graphql.Response {
					time.Sleep(s.takes)
					if n == 2 {
						fail()
					}
					return &graphql.Response{Errors: gqlerror.List{gqlerror.Errorf("no page")}}
				}
				const people = 20
				var asking sync.WaitGroup
				for range people {
					asking.Go(func() {
						if _, err := s.ask(t.Context(), page); err == nil || !strings.Contains(err.Error(), "no page") {
							t.Errorf("somebody was told %v", err)
						}
					})
				}
				asking.Wait()
				if n := s.begun.Load(); n != people+1 {
					t.Errorf("%d executions for %d people", n, people)
				}
			})
		})
	}
}

// Who goes away does not wait, and takes nothing from the others: whoever asked first is executed for as if they were alone, and theirs ends with them.
func TestTogetherAndGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t)
		defer s.groups.Close()
		ctx, leave := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() { _, _ = s.ask(t.Context(), page) })
		synctest.Wait()
		asking.Go(func() {
			if _, err := s.ask(ctx, page); err == nil {
				t.Error("who is gone was answered")
			}
		})
		synctest.Wait()
		for range 5 {
			asking.Go(func() {
				if got, err := s.ask(t.Context(), page); err != nil || got.N != 2 {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		synctest.Wait()
		leave()
		asking.Wait()
	})
}

// A server that ends answers who waits; nothing is left of it.
func TestTogetherAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t)
		var asking sync.WaitGroup
		for range 10 {
			asking.Go(func() {
				if _, err := s.ask(t.Context(), page); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		s.groups.Close()
		asking.Wait()
	})
}

// Nobody is told how things were before they asked, however many ask.
func TestTogetherIsNeverOld(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	defer s.groups.Close()
	var version atomic.Int64
	s.answers = func(context.Context, int64) *graphql.Response {
		n := version.Load()
		time.Sleep(100 * time.Microsecond)
		return &graphql.Response{Data: fmt.Appendf(nil, `{"n":%d}`, n)}
	}
	const people, questions = 40, 200
	var asking sync.WaitGroup
	for range people {
		asking.Go(func() {
			for range questions {
				now := version.Add(1)
				if got, err := s.ask(t.Context(), page); err != nil || got.N < now {
					t.Errorf("%+v, %v: it was %d before", got, err, now)
					return
				}
			}
		})
	}
	asking.Wait()
	if n := s.begun.Load(); n > people*questions/2 {
		t.Errorf("%d executions for %d questions", n, people*questions)
	}
}
