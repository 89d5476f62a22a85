package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	wantCreate = `mutation($input: WantCreateInput!) { wantCreate(input: $input) { want { id status words ceiling { amount } } userErrors { code field } } }`
	wantAnswer = `mutation($input: WantAnswerInput!) { wantAnswer(input: $input) { want { id offers { nodes { at } } } userErrors { code field } } }`
	wantClose  = `mutation($input: WantCloseInput!) { wantClose(input: $input) { want { status } userErrors { code field } } }`
	ownWants   = `{ viewer { wants(first: 50) { nodes { id status buyer { name } category { slug } offers(first: 20) { nodes { bySeller listing { title } } } } }
		notifications(first: 50) { nodes { kind subject { ... on Listing { title } } } } } }`
)

// A buyer posts what they look for, hears of what fits and of what is offered; nobody sees by it what they may not.
func TestWantsThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, other := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer)
	made := buyer.Must(t, wantCreate, input(apitest.Vars{"words": "everybody", "ceiling": eur("25"), "conditions": []any{"GOOD"}}))
	want := made.Str("wantCreate.want.id")
	for code, in := range map[string]apitest.Vars{
		"WANT_WORDS": {"words": "x"}, "WANT_DAYS": {"words": "lamp", "days": 0}, "CATEGORY_NOT_FOUND": {"words": "lamp", "categoryId": id.Category.Encode(id.New())},
		"ID_WRONG_KIND": {"words": "lamp", "categoryId": want},
	} {
		if got := codeOf(t, buyer.Client, wantCreate, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	if got := string(seller.Must(t, `{ wants { nodes { id words buyer { name } offers { nodes { at } } } } }`, nil).Raw()); !strings.Contains(got, want) {
		t.Errorf("the seller sees %s", got)
	}
	_, offered := a.Listing(seller, secretTitle), a.Listing(seller, secretTitle+" either")
	if _, err := a.Resolver.Wants.Match(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := input(apitest.Vars{"wantId": want, "listingId": offered.NodeID().String()})
	if got := string(seller.Must(t, wantAnswer, answer).Raw()); got != `{"wantAnswer":{"want":{"id":"`+want+`","offers":{"nodes":[]}},"userErrors":[]}}` {
		t.Errorf("answered: %s", got)
	}
	if got := codeOf(t, seller.Client, wantAnswer, input(apitest.Vars{"wantId": want, "listingId": id.Listing.Encode(id.New())})); got != "LISTING_NOT_FOUND" {
		t.Errorf("no listing: %s", got)
	}
	got := string(buyer.Must(t, ownWants, nil).Raw())
	if strings.Count(got, secretTitle) != 5 || !strings.Contains(got, `"bySeller":true`) || !strings.Contains(got, "WANT_ANSWERED") || strings.Count(got, "WANT_MATCHED") != 2 {
		t.Errorf("the buyer sees %s", got)
	}
	for name, c := range map[string][2]string{
		"hidden":             {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE seller_id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE seller_id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`},
		"for a higher tier":  {`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE seller_id = $1`, `UPDATE listing SET minimum_tier = NULL WHERE seller_id = $1`},
	} {
		a.Exec(c[0], seller.ID)
		if got := string(buyer.Must(t, ownWants, nil).Raw()); strings.Contains(got, secretTitle) || strings.Count(got, `"listing":null`) != 2 {
			t.Errorf("%s: %s", name, got)
		}
		a.Exec(c[1], seller.ID)
	}
	const node = `query($id: ID!) { node(id: $id) { ... on Want { words offers { nodes { listing { title } } } } } }`
	if got := string(other.Must(t, node, apitest.Vars{"id": want}).Raw()); got != `{"node":{"words":"everybody","offers":{"nodes":[]}}}` {
		t.Errorf("another sees %s", got)
	}
	if got := buyer.Must(t, wantClose, input(apitest.Vars{"wantId": want})).Str("wantClose.want.status"); got != "CLOSED" {
		t.Errorf("closed: %s", got)
	}
	if got := string(other.Must(t, node, apitest.Vars{"id": want}).Raw()); got != `{"node":null}` {
		t.Errorf("another sees a closed one: %s", got)
	}
	if got := string(a.Nobody().Must(t, node, apitest.Vars{"id": want}).Raw()); got != `{"node":null}` {
		t.Errorf("nobody sees %s", got)
	}
	if got := codeOf(t, other.Client, wantClose, input(apitest.Vars{"wantId": want})); got != "WANT_NOT_FOUND" {
		t.Errorf("another closes it: %s", got)
	}
}

// A page of wants takes as many statements for many as for few. What each is offered is a page of its own, and costs one more.
func TestWantsAreLoadedTogether(t *testing.T) {
	t.Parallel()
	const query = `{ wants(first: 50) { nodes { words buyer { name } category { slug } } } }`
	taken := func(n int) []string {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		for i := range n {
			a.Person(identity.Buyer).Must(t, wantCreate, input(apitest.Vars{"words": fmt.Sprint("lamp ", i)}))
		}
		return fewest(t, &crowd{API: a}, a.Person(identity.Seller).Client, query)
	}
	if few, many := taken(2), taken(8); !slices.Equal(few, many) {
		t.Errorf("%v for few, %v for many", few, many)
	}
}
