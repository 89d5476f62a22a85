package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// deep nests so many levels: a listing's auction's listing's auction …
func deep(levels int) string {
	var s strings.Builder
	s.WriteString("{ listings { nodes ")
	for i := 2; i < levels-1; i++ {
		s.WriteString([]string{"{ auction ", "{ listing "}[i%2])
	}
	return s.String() + "{ id " + strings.Repeat("}", levels)
}

// bomb is fragments of which each spreads the next twice, on a type, around a field.
func bomb(operation, on, field string, size int) string {
	var s strings.Builder
	s.WriteString(operation + " { ...F0 }\n")
	for i := range size {
		fmt.Fprintf(&s, "fragment F%d on %s { ...F%d ...F%d }\n", i, on, i+1, i+1)
	}
	fmt.Fprintf(&s, "fragment F%d on %s { %s }\n", size, on, field)
	return s.String()
}

// widening is the same through fields, which the validator has to compare with each other.
func widening(size int) string {
	var s strings.Builder
	s.WriteString("query { listings { nodes { ...F0 } } }\n")
	for i := range size {
		fmt.Fprintf(&s, "fragment F%d on Listing { auction { listing { ...F%d } } b: auction { listing { ...F%d } } }\n", i, i+1, i+1)
	}
	fmt.Fprintf(&s, "fragment F%d on Listing { id }\n", size)
	return s.String()
}

func repeat(n int, one func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = one(i)
	}
	return strings.Join(parts, " ")
}

func TestDocumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	table := []bad{
		{name: "no GraphQL", query: "SELECT 1", code: "GRAPHQL_PARSE_FAILED"},
		{name: "unbalanced", query: "{ serverTime ", code: "GRAPHQL_PARSE_FAILED"},
		{name: "nothing but a comment", query: "# nothing", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "fragments alone", query: "fragment F on Listing { id }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a control character", query: "{ \x01 }", code: "GRAPHQL_PARSE_FAILED"},
		{name: "an unknown field", query: "{ passwords }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "an unknown argument", query: "{ listings(where: 1) { nodes { id } } }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "an unknown type", query: "query($x: Cow) { serverTime }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "an unknown directive", query: "{ serverTime @cached }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "the server's own directive", query: "{ viewer @public { email } }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a list without fields", query: "{ listings }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "two operations and no name", query: "query A { serverTime } query B { serverTime }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a variable too few", query: "query($id: ID!) { node(id: $id) { id } }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a variable of null", query: "query($id: ID!) { node(id: $id) { id } }", vars: apitest.Vars{"id": nil}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a variable of another type", query: "query($id: ID!) { node(id: $id) { id } }", vars: apitest.Vars{"id": apitest.Vars{}}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "an unknown field of the input", query: mutation("signIn"), vars: input(apitest.Vars{"email": "a", "password": "b", "admin": true}), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a field of the input too few", query: mutation("signIn"), vars: input(apitest.Vars{"email": "a"}), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a number for a text", query: mutation("signIn"), vars: input(apitest.Vars{"email": 1, "password": true}), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a list for an input", query: mutation("signIn"), vars: apitest.Vars{"input": []int{1}}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a text in lists in lists", query: "query($a: [[String]]) { serverTime }", vars: apitest.Vars{"a": "x"}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "50 levels", query: deep(50), code: "QUERY_TOO_DEEP"},
		{name: "13 levels", query: deep(13), code: "QUERY_TOO_DEEP"},
		{name: "1,000 levels", query: deep(1_000), code: "QUERY_TOO_COSTLY"},
		{name: "too long a document", query: "{ " + strings.Repeat("serverTime ", 5_001) + "}", code: "GRAPHQL_PARSE_FAILED"},
		{name: "1,000 aliases", query: "{ " + repeat(1_000, func(i int) string { return fmt.Sprintf("a%d: serverTime", i) }) + " }", code: "TOO_MANY_ALIASES"},
		{name: "one field 201 times", query: "{ " + repeat(201, func(int) string { return "serverTime" }) + " }", code: "QUERY_TOO_COSTLY"},
		{name: "one alias 201 times", query: "{ " + repeat(201, func(int) string { return "a: serverTime" }) + " }", code: "QUERY_TOO_COSTLY"},
		{name: "one field 201 times, over fragments", query: "{ " + repeat(201, func(i int) string { return fmt.Sprintf("... { ...f%d }", i) }) + " } " +
			repeat(201, func(i int) string { return fmt.Sprintf("fragment f%d on Query { serverTime }", i) }), code: "QUERY_TOO_COSTLY"},
		{name: "31 aliases", query: "{ " + repeat(31, func(i int) string { return fmt.Sprintf("a%d: serverTime", i) }) + " }", code: "TOO_MANY_ALIASES"},
		{name: "aliases of the schema", query: "{ " + repeat(31, func(i int) string { return fmt.Sprintf("a%d: __schema { types { name } }", i) }) + " }", code: "TOO_MANY_ALIASES"},
		{name: "11 mutations", query: "mutation { " + repeat(11, func(i int) string { return fmt.Sprintf("a%d: signOut { userErrors { code } }", i) }) + " }", code: "TOO_MANY_MUTATIONS"},
		{name: "11 mutations in fragments", query: "mutation { ...A ...B } fragment A on Mutation { " +
			repeat(6, func(i int) string { return fmt.Sprintf("a%d: signOut { userErrors { code } }", i) }) + " } fragment B on Mutation { " +
			repeat(5, func(i int) string { return fmt.Sprintf("b%d: signOut { userErrors { code } }", i) }) + " }", code: "TOO_MANY_MUTATIONS"},
		{name: "a million rows", query: "{ listings(first: 100) { nodes { auction { bids(first: 100) { nodes { id bidder { name } } } } } } }", code: "QUERY_TOO_COSTLY"},
		{name: "a fragment in itself", query: "{ ...A } fragment A on Query { ...A }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "fragments in a circle", query: "{ ...A } fragment A on Query { ...B } fragment B on Query { serverTime ...A }", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a bomb", query: bomb("query", "Query", "serverTime", 60), code: "QUERY_TOO_COSTLY"},
		{name: "a bomb of type names", query: bomb("query", "Query", "__typename", 60), code: "QUERY_TOO_COSTLY"},
		{name: "a bomb of mutations", query: bomb("mutation", "Mutation", "__typename", 60), code: "QUERY_TOO_COSTLY"},
		{name: "a bomb that widens", query: widening(25), code: "QUERY_TOO_DEEP"},
		{name: "two subscriptions in one", query: fmt.Sprintf("subscription { a: auctionEvents(auctionId: %q) { version } b: auctionEvents(auctionId: %q) { version } }", b.auctionID, b.auctionID), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "introspection without end", query: "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }", code: "GRAPHQL_VALIDATION_FAILED"},
	}
	for i := range table {
		table[i].who, table[i].top = b.rival.Client, true
	}
	begin := time.Now()
	b.refuse(t, table)
	if took := time.Since(begin); took > time.Minute { // what grows with a power takes hours
		t.Errorf("it took %v to refuse them", took)
	}
}

// The status is what a client asked for: 400 for who accepts the specification's own type, which tells
// an answer of ours from one of a proxy; 200 for who expects plain JSON.
func TestStatusOfARefusedDocument(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	for accept, want := range map[string]int{
		"": 200, "*/*": 200, "application/json": 200, "application/graphql-response+json": 400,
		"application/graphql-response+json, application/json;q=0.9": 400,
	} {
		answer := request(t, a, http.MethodPost, "/graphql", `{"query": "{ passwords }"}`, http.Header{
			"Content-Type": {"application/json"}, "Accept": {accept},
		})
		if answer.status != want || !strings.Contains(answer.header.Get("Content-Type"), "charset=utf-8") {
			t.Errorf("Accept %q: %d %s", accept, answer.status, answer.header)
		}
		if strings.Contains(answer.body, `"data"`) { // what did not run has none, by the specification
			t.Errorf("Accept %q: %s", accept, answer.body)
		}
	}
}

func TestTheLimitsThemselvesPass(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	for name, query := range map[string]string{
		"12 levels":  deep(12),
		"30 aliases": "{ " + repeat(30, func(i int) string { return fmt.Sprintf("a%d: serverTime", i) }) + " }",
		"10 mutations": "mutation { " + repeat(10, func(i int) string {
			return fmt.Sprintf(`a%d: signIn(input: {email: "", password: ""}) { userErrors { code } }`, i)
		}) + " }",
	} {
		if answer, err := a.Nobody().Do(query, nil); err != nil || len(answer.Errors) > 0 {
			t.Errorf("%s: %+v, %v", name, answer.Errors, err)
		}
	}
}
