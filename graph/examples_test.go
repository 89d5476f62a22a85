package graph_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ide"
)

// The IDE's tour is the first that a newcomer runs: every step fits the schema, and no root field is without one.
func TestExamplesFitTheSchema(t *testing.T) {
	t.Parallel()
	s := schema()
	shown := map[string]bool{}
	for _, example := range ide.Examples() {
		doc, errs := gqlparser.LoadQueryWithRules(s, example.Query, nil)
		if errs != nil {
			t.Errorf("%s: %v", example.Title, errs)
			continue
		}
		if len(doc.Operations) != 1 {
			t.Errorf("%s: %d operations", example.Title, len(doc.Operations))
		}
		operation := doc.Operations[0]
		if _, err := validator.VariableValues(s, operation, variablesOf(t, example)); err != nil {
			t.Errorf("%s: %v", example.Title, err)
		}
		for _, selection := range operation.SelectionSet {
			if f, ok := selection.(*ast.Field); ok {
				shown[f.Name] = true
			}
		}
	}
	for root, fields := range rootFields(s) {
		for _, f := range fields {
			inTour := shown[f.Name] || slices.Contains(byNode, f.Name)
			if !inTour {
				t.Errorf("%s.%s is in no example", root.Name, f.Name)
			}
		}
	}
}

// byNode are the look-ups of one thing, which the tour shows by its example of node.
var byNode = []string{"listing", "show", "auction", "order", "conversation"}

// placeholder is what the IDE fills in: an id that the page has seen, a fresh key, a time.
var placeholder = regexp.MustCompile(`\{\{([^}]*)\}\}`)

func variablesOf(t *testing.T, example ide.Example) apitest.Vars {
	t.Helper()
	filled := placeholder.ReplaceAllStringFunc(string(example.Variables), func(match string) string {
		switch name := strings.Trim(match, "{}"); {
		case name == "key":
			return "a-key"
		case strings.HasPrefix(name, "now"):
			return "2026-01-31T18:30:00Z"
		default:
			return id.Kind(name).Encode(id.New())
		}
	})
	if filled == "" {
		return nil
	}
	var vars apitest.Vars
	decoder := json.NewDecoder(strings.NewReader(filled))
	decoder.UseNumber()
	if err := decoder.Decode(&vars); err != nil {
		t.Fatalf("%s: %v", example.Title, err)
	}
	return vars
}

// The validator knows nothing of the scalars, the limits and the enums: the server has to take each step as well.
func TestExamplesPassTheServer(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	for _, example := range ide.Examples() {
		if strings.Contains(example.Query, "subscription ") {
			continue
		}
		answer, err := a.Nobody().Do(example.Query, variablesOf(t, example))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range answer.Errors {
			if e.Extensions.Code != "UNAUTHENTICATED" && e.Extensions.Code != "ID_WRONG_KIND" {
				t.Errorf("%s: %+v", example.Title, e)
			}
		}
	}
}
