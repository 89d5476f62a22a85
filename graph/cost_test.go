package graph_test

import (
	"fmt"
	"testing"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/graphtest"
)

// A client sees in each answer what it spent and what it may spend.
func TestCostIsInTheAnswer(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	for query, want := range map[string]float64{
		`{ serverTime }`: 1,
		`{ listings(first: 1) { nodes { id } } }`:                               1 + 1*2,
		`{ listings(first: 10) { nodes { id } } }`:                              1 + 10*2,
		`{ listings { nodes { id } } }`:                                         1 + 20*2,
		`{ listings(first: 10) { nodes { id title } } }`:                        1 + 10*3,
		`{ auctions(first: 5) { nodes { bids(first: 10) { nodes { id } } } } }`: 1 + 5*(1+1+10*2),
		`{ shows(first: 2) { nodes { lots { id } } } }`:                         1 + 2*(1+1+20*1),
		`{ ...F ...F } fragment F on Query { serverTime }`:                      2,
	} {
		answer, err := a.Nobody().Do(query, nil)
		if err != nil || len(answer.Errors) > 0 {
			t.Fatalf("%s: %+v, %v", query, answer.Errors, err)
		}
		cost, _ := answer.Extensions["cost"].(map[string]any)
		if cost["cost"] != want || cost["limit"] != float64(graph.DefaultLimits.Cost) {
			t.Errorf("%s: %v, want %v of %d", query, answer.Extensions, want, graph.DefaultLimits.Cost)
		}
	}
}

func TestCostByVariables(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	const query = `query($n: Int) { auctions(first: $n) { nodes { bids(first: $n) { nodes { id } } } } }`
	for n, refused := range map[int]bool{10: false, 49: false, 50: true, 100: true} {
		answer, err := a.Nobody().Do(query, map[string]any{"n": n})
		if err != nil {
			t.Fatal(err)
		}
		got := len(answer.Errors) > 0 && answer.Errors[0].Extensions.Code == "QUERY_TOO_COSTLY"
		if got != refused {
			t.Errorf("%d by %d: %+v", n, n, answer.Errors)
		}
		if _, told := answer.Extensions["cost"]; !told {
			t.Errorf("%d by %d: the cost is not told: %s", n, n, fmt.Sprint(answer.Extensions))
		}
	}
}
