package graph_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	codesUpload = `mutation($input: CodesUploadInput!) { codesUpload(input: $input) { variant { available } accepted refusedCount refused { line reason } userErrors { code field } } }`
	codeReveal  = `mutation($input: CodeRevealInput!) { codeReveal(input: $input) { code userErrors { code field } } }`
	codeReveals = `query($id: ID!) { codeReveals(variantId: $id) { nodes { codeId orderId user { id } } pageInfo { hasNextPage } } }`
)

// gameOf is a product of codes on the market; the id of its one variant.
func gameOf(t *testing.T, a *graphtest.API, seller graphtest.Person, price string) string {
	t.Helper()
	return seller.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`,
		input(apitest.Vars{"kind": "DIGITAL_CODE", "title": "A game", "photoIds": []any{a.Photo(seller).String()},
			"variants": []any{apitest.Vars{"price": eur(price)}}})).Str("listingCreate.listing.variants.0.id")
}

// Codes are uploaded once for each key, their lines judged one by one, and nothing of them is kept that a hash could be tried on.
func TestCodesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer := a.Person(identity.Seller), a.Person(identity.Buyer)
	game := gameOf(t, a, seller, "9")
	vars := input(apitest.Vars{"variantId": game, "codes": "AAAA\n\n BBBB\r\nAAAA", "idempotencyKey": "once"})
	first := body(t, seller.Client, codesUpload, vars)
	if !strings.Contains(first, `"variant":{"available":2},"accepted":2,"refusedCount":1,"refused":[{"line":4,"reason":"TWICE"}]`) {
		t.Errorf("uploaded: %s", first)
	}
	same(t, codesUpload, first, seller.Client, codesUpload, vars)
	if code := codeOf(t, seller.Client, codesUpload, input(apitest.Vars{"variantId": game, "codes": "CCCC", "idempotencyKey": "once"})); code != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("other codes under the same key: %s", code)
	}
	// The answer was lost with the claim: the rows answer.
	a.Exec(`DELETE FROM idempotency_answer`)
	same(t, codesUpload, first, seller.Client, codesUpload, vars)
	another := a.Person(identity.Seller)
	if code := codeOf(t, another.Client, codesUpload, input(apitest.Vars{"variantId": game, "codes": "CCCC", "idempotencyKey": "k"})); code != "VARIANT_NOT_FOUND" {
		t.Errorf("another seller: %s", code)
	}
	if got := string(another.Must(t, codeReveals, apitest.Vars{"id": game}).Raw()); got != `{"codeReveals":null}` {
		t.Errorf("another seller reads %s", got)
	}
	unsold := id.Code.Encode(uuid.MustParse(a.Texts(`SELECT id::text FROM code`)[0]))
	for _, who := range []graphtest.Person{buyer, a.Person(identity.Buyer)} {
		if code := codeOf(t, who.Client, codeReveal, input(apitest.Vars{"codeId": unsold})); code != "CODE_NOT_FOUND" {
			t.Errorf("a code that nobody has bought: %s", code)
		}
	}
	if got := string(a.Person(identity.Support).Must(t, codeReveals, apitest.Vars{"id": game}).Raw()); got != `{"codeReveals":{"nodes":[],"pageInfo":{"hasNextPage":false}}}` {
		t.Errorf("support reads %s", got)
	}
}
