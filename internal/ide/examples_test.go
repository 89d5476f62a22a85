package ide

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
)

func TestExamples(t *testing.T) {
	t.Parallel()
	examples := Examples()
	if len(examples) == 0 {
		t.Fatal("the tour is empty")
	}
	for _, example := range examples {
		if strings.HasPrefix(example.Query, "#") {
			t.Errorf("%s: its head is still in its query", example.Title)
		}
		if example.Variables != nil && !json.Valid(example.Variables) {
			t.Errorf("%s: variables are %s", example.Title, example.Variables)
		}
	}
}

func TestParseExample(t *testing.T) {
	t.Parallel()
	source := "# title: Bid: the first\r\n# as: buyer 2\n" +
		"# about: One line,\n#   and another.\n#\n" +
		"# variables: {\"i\": {\"auctionId\": \"{{auc}}\",\n#   \"amount\": \"12.00\"}}\n\n" +
		"# a comment of the operation's own\nmutation Bid($i: BidPlaceInput!) {\n  bidPlace(input: $i) { bid { id } }\n}\n\n"
	got, err := parseExample(source)
	if err != nil {
		t.Fatal(err)
	}
	want := Example{
		Title:       "Bid: the first",
		Actor:       "buyer 2",
		Description: "One line, and another.",
		Query:       "# a comment of the operation's own\nmutation Bid($i: BidPlaceInput!) {\n  bidPlace(input: $i) { bid { id } }\n}",
		Variables:   json.RawMessage(`{"i": {"auctionId": "{{auc}}", "amount": "12.00"}}`),
	}
	if got.Title != want.Title || got.Actor != want.Actor || got.Description != want.Description ||
		got.Query != want.Query || string(got.Variables) != string(want.Variables) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseExampleRefuses(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                           "title",
		"{ me { id } }":                              "title",
		"# as: host\n\n{ me }":                       "title",
		"# title: A":                                 "no operation",
		"# title: A\n\n \n":                          "no operation",
		"# hello\n# title: A\n\n{ a }":               "begins with",
		"# title: A\n# title: B\n\n{ a }":            "two lines",
		"# title: A\n# variables: {\n\n{ a }":        "variables",
		"# title: A\n# variables: [1]\n\n{ a }":      "variables",
		"# title: A\n# variables: {} trail\n\n{ a }": "variables",
	} {
		if _, err := parseExample(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", source, err, want)
		}
	}
}

func TestReadExamplesKeepsTheFilesOrder(t *testing.T) {
	t.Parallel()
	examples, err := readExamples(fstest.MapFS{
		"examples/02-b.graphql":  {Data: []byte("# title: B\n\n{ b }")},
		"examples/10-c.graphql":  {Data: []byte("# title: C\n\n{ c }")},
		"examples/01-a.graphql":  {Data: []byte("# title: A\n\n{ a }")},
		"examples/ignored.json":  {Data: []byte("{}")},
		"elsewhere/03-d.graphql": {Data: []byte("nonsense")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var titles strings.Builder
	for _, example := range examples {
		titles.WriteString(example.Title)
	}
	if titles.String() != "ABC" {
		t.Errorf("got %s, want ABC", titles.String())
	}
}

func TestReadExamplesNamesTheFile(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]fstest.MapFS{
		"01-a.graphql: no line":       {"examples/01-a.graphql": {Data: []byte("{ a }")}},
		"02-b.graphql: has the title": {"examples/01-a.graphql": {Data: []byte("# title: A\n\n{ a }")}, "examples/02-b.graphql": {Data: []byte("# title: A\n\n{ b }")}},
	} {
		if _, err := readExamples(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
