package graph

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/souklive/souk/graph/generated"
)

// selectionOf is the selection of a document's first root field.
func selectionOf(t *testing.T, query string, vars map[string]any) *selection {
	t.Helper()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	values, err := validator.VariableValues(schema, doc.Operations[0], vars)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return newSelection(doc.Operations[0].SelectionSet, values)
}

func TestSelectionsThatAreTheSame(t *testing.T) {
	t.Parallel()
	base := selectionOf(t, `{ listings(first: 3, after: "x") { nodes { id ... on Listing { title } } } }`, nil).hash()
	for query, vars := range map[string]map[string]any{
		`{ listings(after: "x", first: 3) { nodes { id ...T } } } fragment T on Listing { title }`:                                     nil,
		`query($n: Int, $x: String) { listings(first: $n, after: $x) { nodes { id ... on Listing { title } } } }`:                      {"n": 3, "x": "x"},
		`query Named($n: Int = 3) { listings: listings(first: $n, after: "x") { nodes { id ... on Listing { title } } } } # a comment`: nil,
	} {
		if selectionOf(t, query, vars).hash() != base {
			t.Errorf("not the same: %s", query)
		}
	}
	for query, vars := range map[string]map[string]any{
		`{ listings(first: 3, after: "x") { nodes { ... on Listing { title } id } } }`:                                      nil, // another order
		`{ listings(first: 3, after: "x") { nodes { id ... on Listing { t: title } } } }`:                                   nil,
		`{ listings(first: 4, after: "x") { nodes { id ... on Listing { title } } } }`:                                      nil,
		`{ listings(first: 3) { nodes { id ... on Listing { title } } } }`:                                                  nil,
		`query($n: Int) { listings(first: $n, after: "x") { nodes { id ... on Listing { title } } } }`:                      {"n": 2},
		`{ listings(first: 3, after: "x") { nodes { id ... on Listing @skip(if: true) { title } } } }`:                      nil,
		`query($s: Boolean!) { listings(first: 3, after: "x") { nodes { id ... on Listing @include(if: $s) { title } } } }`: {"s": false},
		`{ listings(first: 3, after: "x") { nodes { id ... on Node { id } ... on Listing { title } } } }`:                   nil,
	} {
		if selectionOf(t, query, vars).hash() == base {
			t.Errorf("the same: %s", query)
		}
	}
}

func TestSelectionsThatAreDeferred(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		`{ listings { nodes { id } } }`:                                                              false,
		`{ listings { nodes { id ... @defer { title } } } }`:                                         true,
		`{ listings { nodes { ...F } } } fragment F on Listing { ... @defer(label: "a") { title } }`: true,
	} {
		if got := selectionOf(t, query, nil).deferred; got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}
