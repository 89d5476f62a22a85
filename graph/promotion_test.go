package graph_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

const (
	promotionCreate = `mutation($input: PromotionCreateInput!) { promotionCreate(input: $input) { promotion { id byPlatform code title kind basisPoints minimum { amount } uses budget { amount } } userErrors { code field } } }`
	promotionEnd    = `mutation($input: PromotionEndInput!) { promotionEnd(input: $input) { promotion { id uses } userErrors { code } } }`
	quoteWithCodes  = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { total { amount } groups { charges { kind bearer counterparty label basisPoints amount { amount } } } }
		userErrors { code field ... on CouponRefused { coupon minimum { amount } missing { amount } } } } }`
)

// A seller's coupon from its making to the quote, for its people alone.
func TestPromotionsThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, other, buyer, admin := a.Person(identity.Seller), a.Person(identity.Seller), a.Funded(100), a.Person(identity.Admin)
	home := fill(t, a, buyer, seller, other)
	coupon := apitest.Vars{"code": "eid 10", "title": "Ten per cent", "kind": "PERCENT", "basisPoints": 1000, "currency": "EUR", "minimum": eur("20"), "idempotencyKey": "k"}
	made := seller.Must(t, promotionCreate, input(coupon))
	promotion := apitest.Vars{"id": made.Str("promotionCreate.promotion.id")}
	if got := string(made.Raw()); !strings.Contains(got, `"byPlatform":false,"code":"EID10","title":"Ten per cent","kind":"PERCENT","basisPoints":1000,"minimum":{"amount":"20.00"},"uses":0,"budget":null`) {
		t.Errorf("made: %s", got)
	}
	for code, change := range map[string]apitest.Vars{
		"PROMOTION_CODE_TAKEN": {"code": "EID-10"}, "PROMOTION_CODE": {"code": "é"}, "PROMOTION_TITLE": {"title": "\n"}, "PROMOTION_TERMS": {"basisPoints": 10_001}, "CURRENCY_UNKNOWN": {"currency": "EUX"},
		"PROMOTION_LIMITS": {"maxUses": 0}, "PROMOTION_TIMES": {"endsAt": "2020-01-01T00:00:00Z"}, "PROMOTION_BUDGET": {"budget": eur("1")},
		"PROMOTION_COVERS": {"listingIds": []string{a.Listing(other, "Another's").NodeID().String()}, "code": "ANOTHERS"}, "FORBIDDEN": {"byPlatform": true, "budget": eur("1")},
	} {
		in := with(coupon, "idempotencyKey", code)
		for name, value := range change {
			in = with(in, name, value)
		}
		if got := codeOf(t, seller.Client, promotionCreate, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	ask := func(key string, codes ...string) string {
		return body(t, buyer.Client, quoteWithCodes, input(apitest.Vars{"addressId": home, "couponCodes": codes, "idempotencyKey": key}))
	}
	if got := ask("1", "NOSUCH"); !strings.Contains(got, `"quote":null,"userErrors":[{"code":"COUPON_UNKNOWN","field":["couponCodes"],"coupon":"NOSUCH","minimum":null,"missing":null}]`) {
		t.Errorf("unknown: %s", got)
	}
	if got := ask("2", "eid-10"); !strings.Contains(got, `{"kind":"PROMOTION","bearer":"BUYER","counterparty":"SELLER","label":"Ten per cent","basisPoints":1000,"amount":{"amount":"-`) {
		t.Errorf("quoted: %s", got)
	}
	const seen = `query($id: ID!) { node(id: $id) { ... on Promotion { title uses } } }`
	for name, who := range map[string]apitest.Client{"another seller": other.Client, "the buyer": buyer.Client, "an admin": admin.Client, "nobody": a.Nobody()} {
		if got := string(who.Must(t, seen, promotion).Raw()); got != `{"node":null}` {
			t.Errorf("%s sees %s", name, got)
		}
	}
	if got := string(seller.Must(t, `{ viewer { promotions(first: 1) { nodes { uses } pageInfo { hasNextPage } } } }`, nil).Raw()); got != `{"viewer":{"promotions":{"nodes":[{"uses":1}],"pageInfo":{"hasNextPage":false}}}}` {
		t.Errorf("one's own: %s", got)
	}
	end := input(apitest.Vars{"promotionId": promotion["id"]})
	if got := codeOf(t, other.Client, promotionEnd, end); got != "PROMOTION_NOT_FOUND" {
		t.Errorf("another ends it: %s", got)
	}
	seller.Must(t, promotionEnd, end)
	if got := ask("3", "EID10"); !strings.Contains(got, "COUPON_EXPIRED") {
		t.Errorf("after its end: %s", got)
	}
	gift := with(with(with(coupon, "byPlatform", true), "budget", eur("50")), "reason", "Eid")
	if got := string(admin.Must(t, promotionCreate, input(gift)).Raw()); !strings.Contains(got, `"byPlatform":true,"code":"EID10"`) {
		t.Errorf("the platform's: %s", got)
	}
	if got := string(admin.Must(t, `{ promotions { nodes { code budget { amount } } } adminActions(first: 1) { nodes { action reason } } }`, nil).Raw()); got != `{"promotions":{"nodes":[{"code":"EID10","budget":{"amount":"50.00"}}]},"adminActions":{"nodes":[{"action":"PROMOTION_CREATED","reason":"Eid"}]}}` {
		t.Errorf("an admin sees %s", got)
	}
}
