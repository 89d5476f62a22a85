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
	cartFields = `{ lineCount totals { amount } groups { seller { name } totals { amount } lines { ...Line } } saved { ...Line } gone { ...Line } reservation { status } }`
	cartLine   = ` fragment Line on CartLine { variantId status quantity available reserved priceSeen { amount } price { amount } variant { listing { title } } }`
	cartAdd    = `mutation($input: CartLineAddInput!) { cartLineAdd(input: $input) { cartToken cart ` + cartFields + ` userErrors { code field ... on OutOfStock { variantId available } } } }` + cartLine
	cartUpdate = `mutation($input: CartLineUpdateInput!) { cartLineUpdate(input: $input) { cart { lineCount } userErrors { code field } } }`
	cartRemove = `mutation($input: CartLineRemoveInput!) { cartLineRemove(input: $input) { cart { lineCount } userErrors { code field } } }`
	cartQuery  = `query($token: String) { cart(token: $token) ` + cartFields + ` }` + cartLine
	cartKeep   = `mutation($input: CartReserveInput!) { cartReserve(input: $input) { reservation { id status } cart { lineCount } userErrors { code field ... on OutOfStock { variantId available } } } }`
)

// A guest fills a cart, signs in, sets it aside; what goes away meanwhile is told, and shown to nobody.
func TestACartThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, other, buyer := a.Person(identity.Seller), a.Person(identity.Seller), a.Person(identity.Buyer)
	pot, rug := a.Listing(seller, "A brass pot"), a.Listing(other, secretTitle)
	potID, rugID := id.Variant.Encode(pot.ID), id.Variant.Encode(rug.ID)
	first := a.Nobody().Must(t, cartAdd, input(apitest.Vars{"variantId": potID}))
	token := first.Str("cartLineAdd.cartToken")
	second := a.Nobody().Must(t, cartAdd, input(apitest.Vars{"variantId": rugID, "cartToken": token}))
	if got := string(second.Raw()); !strings.Contains(got, `"cartToken":null`) || !strings.Contains(got, `"lineCount":2,"totals":[{"amount":"40.00"}]`) ||
		strings.Count(got, `"seller":`) != 2 {
		t.Errorf("the guest's: %s", got)
	}
	short := a.Nobody().Must(t, cartAdd, input(apitest.Vars{"variantId": rugID, "cartToken": token}))
	if got := string(short.At("cartLineAdd.userErrors").Raw()); got != `[{"available":1,"code":"OUT_OF_STOCK","field":["quantity"],"variantId":"`+rugID+`"}]` {
		t.Errorf("two of one: %s", got)
	}
	for code, in := range map[string]apitest.Vars{
		"CART_QUANTITY": {"variantId": potID, "quantity": 1_000_000_000}, "CART_NOT_FOUND": {"variantId": potID, "cartToken": "crt_none"},
		"ID_WRONG_KIND": {"variantId": pot.NodeID().String()}, "VARIANT_NOT_FOUND": {"variantId": id.Variant.Encode(id.New())},
	} {
		if got := codeOf(t, a.Nobody(), cartAdd, input(in)); got != code {
			t.Errorf("%v: %s", in, got)
		}
	}
	if got := codeOf(t, seller.Client, cartAdd, input(apitest.Vars{"variantId": potID})); got != "OWN_LISTING" {
		t.Errorf("one's own: %s", got)
	}
	if got := string(a.Nobody().Must(t, cartQuery, apitest.Vars{"token": "crt_none"}).Raw()); got != `{"cart":null}` {
		t.Errorf("a cart of no token: %s", got)
	}

	const merge = `mutation($input: CartMergeInput!) { cartMerge(input: $input) { leftOut cart { lineCount } userErrors { code } } }`
	for range 2 { // a retry finds it done
		if got := string(buyer.Must(t, merge, input(apitest.Vars{"cartToken": token})).Raw()); got != `{"cartMerge":{"leftOut":0,"cart":{"lineCount":2},"userErrors":[]}}` {
			t.Errorf("merged: %s", got)
		}
	}
	kept := body(t, buyer.Client, cartKeep, input(apitest.Vars{"idempotencyKey": "once"}))
	same(t, "again", kept, buyer.Client, cartKeep, input(apitest.Vars{"idempotencyKey": "once"}))
	if got := string(buyer.Must(t, cartQuery, nil).Raw()); strings.Count(got, `"available":1,"reserved":1`) != 2 || !strings.Contains(got, `"reservation":{"status":"OPEN"}`) {
		t.Errorf("set aside: %s", got)
	}
	for name, c := range map[string][2]string{
		"hidden":             {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE seller_id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE seller_id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`},
	} {
		a.Exec(c[0], other.ID)
		got := buyer.Must(t, cartQuery, nil)
		if gone := `"gone":[{"variantId":"` + rugID + `","status":"UNAVAILABLE","quantity":1,"available":0,"reserved":1,"priceSeen":{"amount":"20.00"},"price":null,"variant":null}]`; !strings.Contains(string(got.Raw()), gone) ||
			strings.Contains(string(got.Raw()), secretTitle) || strings.Contains(string(got.Raw()), "Person 2") {
			t.Errorf("%s: %s", name, got.Raw())
		}
		a.Exec(c[1], other.ID)
	}
	if got := buyer.Must(t, cartUpdate, input(apitest.Vars{"variantId": rugID, "savedForLater": true})); got.Int("cartLineUpdate.cart.lineCount") != 2 {
		t.Errorf("saved: %s", got.Raw())
	}
	if got := buyer.Must(t, cartQuery, nil); got.Str("cart.saved.0.variantId") != rugID {
		t.Errorf("saved: %s", got.Raw())
	}
	if got := buyer.Must(t, cartRemove, input(apitest.Vars{"variantId": potID})); got.Int("cartLineRemove.cart.lineCount") != 1 {
		t.Errorf("taken out: %s", got.Raw())
	}
	if got := codeOf(t, buyer.Client, cartKeep, input(apitest.Vars{"idempotencyKey": "all for later"})); got != "CART_EMPTY" {
		t.Errorf("nothing to set aside: %s", got)
	}
}

// Who signs up or in with a guest's cart has it.
func TestACartComesAlong(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	guest := func() string {
		t.Helper()
		return a.Nobody().Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(a.Listing(seller, "A thing").ID)})).Str("cartLineAdd.cartToken")
	}
	credentials := apitest.Vars{"email": "ada@souk.example", "password": "a long password"}
	up := a.Nobody().Must(t, `mutation($input: SignUpInput!) { signUp(input: $input) { session { token } userErrors { code } } }`,
		input(with(with(credentials, "name", "Ada"), "cartToken", guest())))
	in := a.Nobody().Must(t, `mutation($input: SignInInput!) { signIn(input: $input) { session { token } userErrors { code } } }`, input(with(credentials, "cartToken", guest())))
	for i, token := range []string{up.Str("signUp.session.token"), in.Str("signIn.session.token")} {
		if got := a.Nobody().As(token).Must(t, cartQuery, nil); got.Int("cart.lineCount") != 2 {
			t.Errorf("by session %d: %s", i, got.Raw())
		}
	}
}

// A cart takes as many statements for many lines as for few.
func TestACartIsLoadedTogether(t *testing.T) {
	t.Parallel()
	taken := func(n int) (read, add []string) {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		buyer, c := a.Person(identity.Buyer), &crowd{API: a}
		for i := range n {
			variant := id.Variant.Encode(a.Listing(a.Person(identity.Seller), fmt.Sprint("Thing ", i)).ID)
			add = c.send(t, buyer.Client, cartAdd, input(apitest.Vars{"variantId": variant}))
		}
		return fewest(t, c, buyer.Client, cartQuery), add
	}
	fewRead, fewAdd := taken(2)
	manyRead, manyAdd := taken(9)
	if !slices.Equal(fewRead, manyRead) || len(fewRead) > 9 {
		t.Errorf("read: %v for few, %v for many", fewRead, manyRead)
	}
	if len(fewAdd) != len(manyAdd) {
		t.Errorf("add: %v for few, %v for many", fewAdd, manyAdd)
	}
}
