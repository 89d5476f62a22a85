package graph_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// Many strangers who ask for the same at one time are sent the same bytes as one who asks alone, most of them by an execution for others; and nobody of them what is
// only its seller's, who asks among them in the same words.
func TestStrangersAskTogether(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person("SELLER")
	for n := range 3 {
		a.Listing(seller, fmt.Sprintf("Shown, number %d", n))
	}
	hidden := a.Listing(seller, "Of nobody's business")
	a.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = 'ACTIVE' WHERE id = $1`, hidden.ID)
	const (
		page = `{ listings(first: 20) { nodes { id title price { amount } photos { url } seller { id name } } pageInfo { hasNextPage endCursor } } }`
		one  = `query($id: ID!) { listing(id: $id) { title seller { name } } }`
	)
	ask := func(who apitest.Client, query string, vars apitest.Vars) []byte {
		answer, err := who.Do(query, vars)
		if err != nil || len(answer.Errors) > 0 {
			t.Errorf("%v %+v", err, answer.Errors)
		}
		return answer.Body
	}
	vars := apitest.Vars{"id": hidden.NodeID().String()}
	questions := []struct {
		who   apitest.Client
		query string
		vars  apitest.Vars
		want  []byte
	}{{who: a.Nobody(), query: page}, {who: a.Nobody(), query: one, vars: vars}, {who: seller.Client, query: one, vars: vars}, {who: a.Person("BUYER").Client, query: one, vars: vars}}
	for i, q := range questions {
		questions[i].want = ask(q.who, q.query, q.vars)
	}
	if !bytes.Contains(questions[0].want, []byte("number 2")) || !bytes.Contains(questions[1].want, []byte(`"listing":null`)) || !bytes.Contains(questions[2].want, []byte("business")) {
		t.Fatalf("%s\n%s\n%s", questions[0].want, questions[1].want, questions[2].want)
	}
	var asking sync.WaitGroup
	for range 20 {
		for _, q := range questions {
			asking.Go(func() {
				for range 10 {
					if got := ask(q.who, q.query, q.vars); !bytes.Equal(got, q.want) {
						t.Errorf("%s: %s, and alone %s", q.query, got, q.want)
					}
				}
			})
		}
	}
	asking.Wait()
	if n := live(t, a)["souk_audience_queries_together_total"]; n == 0 {
		t.Error("nobody was answered with others")
	}
}
