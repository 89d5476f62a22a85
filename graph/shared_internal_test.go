package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"pgregory.net/rapid"

	"github.com/souklive/souk/graph/generated"
)

// What is written straight from the tables is what gqlgen's executor writes, byte for byte, and its errors are the same: for the
// selection of everything, and for any other.
func TestStraight(t *testing.T) {
	t.Parallel()
	for _, root := range sharedRoots() {
		t.Run(root.Name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := &invented{Resolver: &Resolver{}, events: 3}
				w.seed = rapid.Uint64().Draw(t, "seed")
				w.wrong = rapid.SampledFrom([]int{0, 0, 3, 30}).Draw(t, "wrong in a hundred")
				query := selectAll("subscription", root, called(root), isShared)
				if rapid.IntRange(0, 9).Draw(t, "of the fields") > 0 {
					query = selectSome(t, "subscription", root, called(root), isShared)
				}
				theirs, ours := w.answers(t, query, false), w.answers(t, query, true)
				if !slices.Equal(theirs, ours) {
					t.Fatalf("%s\n\ngqlgen   %.3000s\nstraight %.3000s", query, theirs, ours)
				}
			})
		})
	}
}

// A subscription is written straight whenever it is shared: each field that the schema marks is in a table, and no other is.
func TestEverySharedFieldIsInATable(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	var walk func(*ast.Type)
	walk = func(of *ast.Type) {
		for _, f := range schemaOf().Types[of.Name()].Fields {
			if name := of.Name() + "." + f.Name; isShared(nil, f) && !want[name] {
				want[name] = true
				walk(f.Type)
			}
		}
	}
	for _, root := range sharedRoots() {
		walk(root.Type)
	}
	got := map[string]bool{}
	inTables(got, newSharedTypes(&invented{Resolver: &Resolver{}}))
	if !maps.Equal(got, want) {
		for field := range want {
			if !got[field] {
				t.Errorf("%s is @shared and in no table of shared.go", field)
			}
			delete(got, field)
		}
		for field := range got {
			t.Errorf("%s is in a table of shared.go and not @shared", field)
		}
	}
}

// inTables are the fields that some tables have.
func inTables(got map[string]bool, tables any) {
	types := reflect.ValueOf(tables).Elem()
	for i := range types.NumField() {
		if types.Field(i).Kind() == reflect.Pointer { // to tables of which these are more
			continue
		}
		for _, field := range types.Field(i).FieldByName("Fields").MapKeys() {
			got[types.Field(i).FieldByName("Name").String()+"."+field.String()] = true
		}
	}
}

func isShared(_ *ast.Definition, f *ast.FieldDefinition) bool {
	return f.Directives.ForName("shared") != nil
}

// What has no table is left to gqlgen, and is not touched.
func TestWhatIsNotSharedIsNotWrittenStraight(t *testing.T) {
	t.Parallel()
	w := &invented{Resolver: &Resolver{}}
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: w})
	for _, query := range []string{
		`subscription { auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz") { auction { order { id } } } }`,
		`subscription { showEvents(showId: "shw_01jzzzzzzzezzzzzzzzzzzzzzz") { lot { bids(first: 2) { nodes { id } } } } }`,
		`subscription { viewerEvents { version } }`,
	} {
		op := operation(t, executor.New(schema), query)
		before := reflect.ValueOf(op.ResolverMiddleware).Pointer()
		if newSharedTypes(w).straight(schema, op) == nil || reflect.ValueOf(op.ResolverMiddleware).Pointer() != before {
			t.Errorf("taken: %s", query)
		}
	}
}

func schemaOf() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// sharedRoots are the subscriptions that have groups.
func sharedRoots() (roots []*ast.FieldDefinition) {
	for _, f := range schemaOf().Subscription.Fields {
		if f.Directives.ForName("shared") != nil {
			roots = append(roots, f)
		}
	}
	return roots
}

func operation(t interface{ Fatalf(string, ...any) }, exec *executor.Executor, query string) *graphql.OperationContext {
	variables := map[string]any{}
	if strings.Contains(query, "$yes") {
		variables["yes"], variables["no"] = true, false
	}
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	return op
}

// answers are those to the events of an invented world.
func (w *invented) answers(t *rapid.T, query string, ours bool) (answers []string) {
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: w})
	exec := executor.New(schema)
	exec.SetErrorPresenter(presenter(slog.New(slog.DiscardHandler)))
	exec.SetRecoverFunc(recovered)
	exec.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		return next(context.WithValue(ctx, loadersKey{}, &loaders{}))
	})
	op := operation(t, exec, query)
	switch {
	case ours && op.Operation.Operation == ast.Query:
		exec.AroundOperations(straightLists(schema, w))
	case ours:
		if err := newSharedTypes(w).straight(schema, op); err != nil {
			t.Fatalf("%s is not written straight: %v", query, err)
		}
	}
	respond, ctx := exec.DispatchOperation(graphql.StartOperationTrace(context.Background()), op)
	for {
		response := respond(ctx)
		if response == nil {
			return answers
		}
		answers = append(answers, string(response.Data)+"\n"+inOrder(response.Errors))
	}
}

// inOrder writes errors by their paths: fields are asked at the same time.
func inOrder(errs gqlerror.List) string {
	lines := make([]string, 0, len(errs))
	for _, err := range errs {
		line, _ := json.Marshal(err)
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

const maxNesting = 4

// selectable says whether a field of an object may be selected.
type selectable func(*ast.Definition, *ast.FieldDefinition) bool

// selectAll is an operation that selects each field that may be, as deep as objects go.
func selectAll(operation string, root *ast.FieldDefinition, call string, may selectable) string {
	schema := schemaOf()
	var all func(*ast.Definition, int) string
	all = func(object *ast.Definition, depth int) string {
		set := "{ __typename"
		for _, f := range object.Fields {
			of := schema.Types[f.Type.Name()]
			switch {
			case !may(object, f):
			case of.Kind != ast.Object:
				set += " " + f.Name
			case depth < maxNesting:
				set += " " + f.Name + " " + all(of, depth+1)
			}
		}
		return set + " }"
	}
	return operation + " { " + call + " " + all(schema.Types[root.Type.Name()], 0) + " }"
}

func called(root *ast.FieldDefinition) string {
	if root.Name == "auctionEvents" {
		return `auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz")`
	}
	return root.Name + `(showId: "shw_01jzzzzzzzezzzzzzzzzzzzzzz")`
}

// selectSome is an operation that selects some fields that may be, in some of the ways in which they can be.
func selectSome(t *rapid.T, operation string, root *ast.FieldDefinition, call string, may selectable) string {
	s := &selector{T: t, schema: schemaOf(), may: may}
	set := s.set(s.schema.Types[root.Type.Name()], 0)
	return operation + "($yes: Boolean!, $no: Boolean!) { " + rapid.SampledFrom([]string{"", "e: "}).Draw(t, "alias") + call +
		" { k0: __typename @include(if: $yes) @skip(if: $no) ..." + set + " } }" + strings.Join(s.fragments, "")
}

type selector struct {
	*rapid.T
	schema    *ast.Schema
	may       selectable
	names     int
	fragments []string
}

// set is the selections of a fragment.
func (s *selector) set(object *ast.Definition, depth int) string {
	var b strings.Builder
	fmt.Fprintf(&b, " on %s %s{ ", object.Name, s.when())
	for range rapid.IntRange(1, 6).Draw(s.T, "fields") {
		f := object.Fields[rapid.IntRange(0, len(object.Fields)-1).Draw(s.T, "field")]
		of := s.schema.Types[f.Type.Name()]
		switch way := rapid.IntRange(0, 11).Draw(s.T, "way"); {
		case way == 0:
			b.WriteString("__typename ")
		case way == 1 && depth < maxNesting:
			b.WriteString("..." + s.set(object, depth+1))
		case way == 2 && depth < maxNesting:
			name := s.name("F")
			s.fragments = append(s.fragments, "\nfragment "+name+" on "+object.Name+" { ..."+s.set(object, depth+1)+"}")
			b.WriteString("..." + name + " " + s.when() + "..." + name + " ")
		case way == 3 && slices.Contains(object.Interfaces, "Node"):
			b.WriteString("... on Node { id } ")
		case !s.may(object, f) || (of.Kind == ast.Object && depth >= maxNesting):
			b.WriteString(s.name("t") + ": __typename " + s.when())
		default:
			if way < 6 {
				b.WriteString(s.name("a") + ": ")
			}
			b.WriteString(f.Name + " " + s.when())
			if of.Kind == ast.Object {
				b.WriteString("{ ..." + s.set(of, depth+1) + " } ")
			}
		}
	}
	return b.String() + "} "
}

func (s *selector) name(prefix string) string {
	s.names++
	return fmt.Sprintf("%s%d", prefix, s.names)
}

// when is a condition, or none.
func (s *selector) when() string {
	return rapid.SampledFrom([]string{"", "", "", "", "@include(if: $yes) ", "@skip(if: $no) ", "@skip(if: $yes) ", "@include(if: false) "}).Draw(s.T, "when")
}

// A subscription that ends while an event is executed does not end the server, and what there is of the event is no answer.
func TestStraightEndsMeanwhile(t *testing.T) {
	t.Parallel()
	for range 50 { // gqlgen may see the end before the event, or behind it
		ctx, cancel := context.WithCancelCause(t.Context())
		w := &invented{Resolver: &Resolver{}, events: 1, leader: func() error {
			cancel(errors.New("the end"))
			return context.Canceled
		}}
		schema := generated.NewExecutableSchema(generated.Config{Resolvers: w})
		exec := executor.New(schema)
		op := operation(t, exec, `subscription { auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz") { auction { leader { name } } } }`)
		if err := newSharedTypes(w).straight(schema, op); err != nil {
			t.Fatal(err)
		}
		respond, ctx := exec.DispatchOperation(graphql.StartOperationTrace(ctx), op)
		if response := respond(ctx); response == nil || len(response.Errors) == 0 || strings.Contains(string(response.Data), "name") {
			t.Fatalf("%+v", response)
		}
	}
}

// What it is for: an event that is written straight takes a fraction of the allocations.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestStraightAllocatesLess(t *testing.T) {
	const query = `subscription { auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz") { version epoch kind at serverTime
		auction { id status price { amount currencyCode } nextMinimum { amount minor } bidCount endsAt version }
		bids { id number amount { amount } placedAt } } }`
	allocations := func(ours bool) float64 {
		const runs = 50
		w := &invented{Resolver: &Resolver{}, events: runs + 1}
		schema := generated.NewExecutableSchema(generated.Config{Resolvers: w})
		exec := executor.New(schema)
		op := operation(t, exec, query)
		if ours {
			if err := newSharedTypes(w).straight(schema, op); err != nil {
				t.Fatal(err)
			}
		}
		respond, ctx := exec.DispatchOperation(graphql.StartOperationTrace(t.Context()), op)
		return testing.AllocsPerRun(runs, func() {
			if response := respond(ctx); response == nil || len(response.Errors) > 0 {
				t.Fatalf("%+v", response)
			}
		})
	}
	if theirs, ours := allocations(false), allocations(true); ours > theirs/5 {
		t.Errorf("%.0f allocations an event, %.0f by gqlgen", ours, theirs)
	} else {
		t.Logf("%.0f allocations an event, %.0f by gqlgen", ours, theirs)
	}
}
