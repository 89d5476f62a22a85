package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	savedFields = `{ id name text sort notify filter { categoryIds ranges { from to } kinds currencyCode priceTo { amount } attributes { attributeId values } ratingAtLeast ratingBelow near { radiusKm } } }`
	savedCreate = `mutation($input: SavedSearchCreateInput!) { savedSearchCreate(input: $input) { savedSearch ` + savedFields + ` userErrors { code field } } }`
	savedUpdate = `mutation($input: SavedSearchUpdateInput!) { savedSearchUpdate(input: $input) { savedSearch ` + savedFields + ` userErrors { code field } } }`
	savedDelete = `mutation($input: SavedSearchDeleteInput!) { savedSearchDelete(input: $input) { savedSearchId userErrors { code field } } }`
	ownSaved    = `{ viewer { savedSearches(first: 50) { nodes ` + savedFields + ` }
		notifications(first: 50) { nodes { kind parameters { name value } subject { ... on Listing { title } } } } } }`
)

// From a search that somebody keeps to the notice of what it finds, which names nothing that they may not see any more.
func TestSavedSearchesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, other := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer)
	attribute := id.Attribute.Encode(id.New())
	in := apitest.Vars{"name": "For everybody", "query": apitest.Vars{"text": "everybody", "filter": apitest.Vars{"kinds": []any{"ONE_OFF"}, "priceTo": eur("25")}}}
	made := buyer.Must(t, savedCreate, input(in))
	saved := made.Str("savedSearchCreate.savedSearch.id")
	want := `{"id":"` + saved + `","name":"For everybody","text":"everybody","sort":"RELEVANCE","notify":true,"filter":{"categoryIds":[],"ranges":[],"kinds":["ONE_OFF"],"currencyCode":"EUR","priceTo":{"amount":"25.00"},"attributes":[],"ratingAtLeast":null,"ratingBelow":null,"near":null}}`
	if got := string(made.Raw()); got != `{"savedSearchCreate":{"savedSearch":`+want+`,"userErrors":[]}}` {
		t.Errorf("made: %s", got)
	}
	for code, query := range map[string]apitest.Vars{
		"SEARCH_TEXT_LENGTH":  {"text": strings.Repeat("x", 10_000)},
		"SEARCH_FILTER_COUNT": {"filter": apitest.Vars{"kinds": slices.Repeat([]string{"ONE_OFF"}, 1000)}},
		"SEARCH_ATTRIBUTE":    {"filter": apitest.Vars{"attributes": []any{apitest.Vars{"attributeId": attribute, "values": []any{}}}}},
		"SEARCH_EMPTY":        {"text": "!!!"},
		"ID_WRONG_KIND":       {"filter": apitest.Vars{"categoryIds": []any{saved}}},
		"CURRENCY_UNKNOWN":    {"filter": apitest.Vars{"priceTo": apitest.Vars{"amount": "1", "currencyCode": "ZZZ"}}},
	} {
		for name, got := range map[string]string{
			"kept":    codeOf(t, buyer.Client, savedCreate, input(apitest.Vars{"name": "x", "query": query})),
			"changed": codeOf(t, buyer.Client, savedUpdate, input(apitest.Vars{"savedSearchId": saved, "query": query})),
		} {
			if got != code {
				t.Errorf("%s: %s, want %s", name, got, code)
			}
		}
	}
	listing := a.Listing(seller, secretTitle)
	if _, err := a.Resolver.Saved.Match(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := string(buyer.Must(t, ownSaved, nil).Raw())
	if !strings.Contains(got, want) || !strings.Contains(got, `{"kind":"SEARCH_FOUND","parameters":[{"name":"search","value":"`+saved+`"}],"subject":{"title":"`+secretTitle+`"}}`) {
		t.Errorf("the owner sees %s", got)
	}
	for name, c := range map[string][2]string{
		"hidden":             {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`},
		"for a higher tier":  {`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, `UPDATE listing SET minimum_tier = NULL WHERE id = $1`},
	} {
		a.Exec(c[0], listing.ID)
		if got := string(buyer.Must(t, ownSaved, nil).Raw()); strings.Contains(got, secretTitle) || !strings.Contains(got, `"subject":null`) {
			t.Errorf("%s: %s", name, got)
		}
		a.Exec(c[1], listing.ID)
	}
	const node = `query($id: ID!) { node(id: $id) { ... on SavedSearch { name } } }`
	for _, who := range []apitest.Client{other.Client, seller.Client, a.Person(identity.Support).Client, a.Nobody()} {
		if got := string(who.Must(t, node, apitest.Vars{"id": saved}).Raw()); got != `{"node":null}` {
			t.Errorf("somebody else sees %s", got)
		}
	}
	if got := string(other.Must(t, ownSaved, nil).Raw()); strings.Contains(got, saved) {
		t.Errorf("another lists %s", got)
	}
	for name, got := range map[string]string{
		"changes": codeOf(t, other.Client, savedUpdate, input(apitest.Vars{"savedSearchId": saved, "name": "Theirs"})),
		"deletes": codeOf(t, other.Client, savedDelete, input(apitest.Vars{"savedSearchId": saved})),
	} {
		if got != "SAVED_SEARCH_NOT_FOUND" {
			t.Errorf("another %s it: %s", name, got)
		}
	}
	if got := buyer.Must(t, savedUpdate, input(apitest.Vars{"savedSearchId": saved, "name": "Mine", "notify": false})); !strings.Contains(string(got.Raw()), `"name":"Mine","text":"everybody","sort":"RELEVANCE","notify":false`) {
		t.Errorf("changed: %s", got.Raw())
	}
	stars := apitest.Vars{"text": "everybody", "filter": apitest.Vars{"ratingAtLeast": 3, "ratingBelow": 4}}
	if got := buyer.Must(t, savedUpdate, input(apitest.Vars{"savedSearchId": saved, "query": stars})); !strings.Contains(string(got.Raw()), `"ratingAtLeast":3,"ratingBelow":4`) {
		t.Errorf("by its stars: %s", got.Raw())
	}
	if got := buyer.Must(t, savedDelete, input(apitest.Vars{"savedSearchId": saved})).Str("savedSearchDelete.savedSearchId"); got != saved {
		t.Errorf("deleted: %s", got)
	}
	if got := string(buyer.Must(t, node, apitest.Vars{"id": saved}).Raw()); got != `{"node":null}` {
		t.Errorf("after it is gone: %s", got)
	}
}
