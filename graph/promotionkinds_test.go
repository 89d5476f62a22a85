package graph_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// promoted has one seller with ten shirts at 20 euros, which cost 7.50 to send, and an admin who gives out what the platform pays.
type promoted struct {
	*relayShop

	admin   graphtest.Person
	listing string
	variant string
}

func newPromoted(t *testing.T) *promoted {
	t.Helper()
	p := &promoted{relayShop: newRelayShop(t)}
	p.admin = p.Person(identity.Admin)
	made := p.seller.Must(t, change("listingCreate", "listing { id variants { id } }"), input(apitest.Vars{
		"kind": "RETAIL", "title": "A cotton shirt", "photoIds": []any{p.Photo(p.seller).String()}, "price": eur("20"),
	}))
	p.listing, p.variant = made.Str("listingCreate.listing.id"), made.Str("listingCreate.listing.variants.0.id")
	shelf := p.seller.Must(t, change("locationCreate", "location { id }"), input(apitest.Vars{"name": "Home", "region": "FR"})).Str("locationCreate.location.id")
	p.seller.Must(t, mutation("stockReceive"), input(apitest.Vars{"variantId": p.variant, "locationId": shelf, "quantity": 50, "idempotencyKey": "k"}))
	return p
}

// offer makes a promotion of the seller's, or the platform's where it has a budget.
func (p *promoted) offer(terms apitest.Vars) string {
	p.t.Helper()
	in := apitest.Vars{"title": "A gift", "currency": "EUR", "idempotencyKey": uuid.NewString()}
	maps.Copy(in, terms)
	who := p.seller
	if in["budget"] != nil {
		who, in["byPlatform"], in["reason"] = p.admin, true, "A campaign"
	}
	got := who.Must(p.t, promotionCreate, input(in)).At("promotionCreate")
	if got.Str("promotion.id") == "" {
		p.t.Fatalf("%v: %s", terms, got.Raw())
	}
	return got.Str("promotion.id")
}

func (p *promoted) end(promotion string) {
	p.t.Helper()
	for _, who := range []graphtest.Person{p.seller, p.admin} {
		if codeOf(p.t, who.Client, promotionEnd, input(apitest.Vars{"promotionId": promotion, "reason": "Over"})) == "none" {
			return
		}
	}
	p.t.Errorf("%s does not end", promotion)
}

// asked is what the quote of so many shirts costs with some codes, and what takes something off; or why there is none.
func (p *promoted) asked(who graphtest.Person, shirts int, codes ...string) (total, off, refused string) {
	p.t.Helper()
	if codeOf(p.t, who.Client, cartUpdate, input(apitest.Vars{"variantId": p.variant, "quantity": shirts})) != "none" {
		who.Must(p.t, cartAdd, input(apitest.Vars{"variantId": p.variant, "quantity": shirts}))
	}
	home := who.Must(p.t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
	got := who.Must(p.t, quoteWithCodes, input(apitest.Vars{"addressId": home, "couponCodes": codes, "idempotencyKey": uuid.NewString()})).At("checkoutQuote")
	for i := 0; ; i++ {
		charge := got.At(fmt.Sprintf("quote.groups.0.charges.%d", i))
		if charge.Str("kind") == "" {
			return got.Str("quote.total.amount"), off, got.Str("userErrors.0.code")
		}
		if charge.Str("kind") == "PROMOTION" {
			off = strings.TrimSpace(off + " " + charge.Str("counterparty") + charge.Str("amount.amount"))
		}
	}
}

func letters(r rune) rune {
	if r < 'a' || r > 'z' {
		return -1
	}
	return r
}

// Each kind of promotion takes off what its terms say, of what it covers, and no more.
func TestPromotionsOfEveryKind(t *testing.T) {
	t.Parallel()
	p := newPromoted(t)
	defer everything(t, p.API)
	category := p.admin.Must(t, change("categoryCreate", "category { id }"), input(apitest.Vars{"slug": "shirts", "names": namesOf("Shirts"), "reason": "x"})).Str("categoryCreate.category.id")
	p.seller.Must(t, change("listingUpdate", "listing { id }"), input(apitest.Vars{"listingId": p.listing, "categoryId": category}))
	later := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	seller := id.User.Encode(p.seller.ID)
	for name, c := range map[string]struct {
		terms      apitest.Vars
		total, off string
	}{
		"a share":                      {apitest.Vars{"kind": "PERCENT", "basisPoints": 2500}, "37.50", "SELLER-10.00"},
		"a share up to an amount":      {apitest.Vars{"kind": "PERCENT", "basisPoints": 2500, "maximum": eur("4")}, "43.50", "SELLER-4.00"},
		"an amount":                    {apitest.Vars{"kind": "AMOUNT", "amount": eur("3.33")}, "44.17", "SELLER-3.33"},
		"free shipping":                {apitest.Vars{"kind": "FREE_SHIPPING"}, "40.00", "SELLER-7.50"},
		"shipping up to an amount":     {apitest.Vars{"kind": "FREE_SHIPPING", "maximum": eur("5")}, "42.50", "SELLER-5.00"},
		"the platform's amount":        {apitest.Vars{"kind": "AMOUNT", "amount": eur("6"), "budget": eur("10")}, "41.50", "PLATFORM-6.00"},
		"the platform's shipping":      {apitest.Vars{"kind": "FREE_SHIPPING", "budget": eur("10")}, "40.00", "PLATFORM-7.50"},
		"of one listing, for a time":   {apitest.Vars{"kind": "AMOUNT", "amount": eur("1"), "listingIds": []string{p.listing}, "endsAt": later}, "46.50", "SELLER-1.00"},
		"of a category":                {apitest.Vars{"kind": "AMOUNT", "amount": eur("1"), "categoryIds": []string{category}}, "46.50", "SELLER-1.00"},
		"the platform's of one seller": {apitest.Vars{"kind": "AMOUNT", "amount": eur("1"), "sellerIds": []string{seller}, "budget": eur("10")}, "46.50", "PLATFORM-1.00"},
	} {
		for _, automatic := range []bool{false, true} {
			terms, codes := maps.Clone(c.terms), []string{}
			if !automatic {
				codes = []string{strings.ToUpper(strings.Map(letters, name))}
				terms["code"] = codes[0]
			}
			promotion := p.offer(terms)
			if total, off, refused := p.asked(p.buyer, 2, codes...); total != c.total || off != c.off {
				t.Errorf("%s, automatic %t: %s, off %s, %s; want %s and %s", name, automatic, total, off, refused, c.total, c.off)
			}
			p.end(promotion)
		}
	}
	const terms = `{ nodes { amount { amount } maximum { amount } listingIds categoryIds sellerIds endsAt } }`
	own := string(p.seller.Must(t, `{ viewer { promotions(first: 50) `+terms+` } }`, nil).Raw())
	platforms := string(p.admin.Must(t, `{ promotions(first: 50) `+terms+` }`, nil).Raw())
	for want, in := range map[string]string{
		`"listingIds":["` + p.listing + `"]`: own, `"categoryIds":["` + category + `"]`: own, `"maximum":{"amount":"4.00"}`: own, `"amount":{"amount":"3.33"}`: own, `"endsAt":"` + strings.TrimSuffix(later, "Z"): own,
		`"sellerIds":["` + seller + `"]`: platforms,
	} {
		if !strings.Contains(in, want) {
			t.Errorf("%s is not in %s", want, in)
		}
	}
	if total, off, refused := p.asked(p.buyer, 2); total != "47.50" || off != "" || refused != "" {
		t.Errorf("without any: %s %s %s", total, off, refused)
	}
}

// Coupons that take nothing off say why; limits are raised, and then they do.
func TestCouponsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := newPromoted(t)
	defer everything(t, p.API)
	other, third := p.Funded(100), p.Funded(100)
	later := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	once := p.offer(apitest.Vars{"kind": "PERCENT", "basisPoints": 1000, "code": "ONCE", "maxUses": 1, "maxUsesPerUser": 1})
	p.offer(apitest.Vars{"kind": "AMOUNT", "amount": eur("5"), "code": "LATER", "startsAt": later})
	p.offer(apitest.Vars{"kind": "AMOUNT", "amount": eur("5"), "code": "MUCH", "minimum": eur("100")})
	p.offer(apitest.Vars{"kind": "AMOUNT", "amount": eur("5"), "code": "OTHERS", "listingIds": []string{p.Listing(p.seller, "A vase").NodeID().String()}})
	p.offer(apitest.Vars{"kind": "AMOUNT", "amount": eur("2"), "code": "ALONE"})
	p.offer(apitest.Vars{"kind": "AMOUNT", "amount": eur("1"), "code": "BESIDE", "stackable": true})
	p.offer(apitest.Vars{"kind": "AMOUNT", "amount": eur("1"), "code": "POOR", "budget": eur("1")})
	if _, off, refused := p.asked(p.buyer, 1, "ONCE"); off != "SELLER-2.00" || refused != "" {
		t.Fatalf("once: %s, %s", off, refused)
	}
	if _, off, refused := p.asked(third, 1, "POOR"); off != "PLATFORM-1.00" || refused != "" {
		t.Errorf("of a budget: %s, %s", off, refused)
	}
	for codes, want := range map[string]string{
		"ONCE": "COUPON_USED_UP", "LATER": "COUPON_NOT_YET", "MUCH": "COUPON_MINIMUM", "OTHERS": "COUPON_NOT_FOR_THIS", "BESIDE ALONE": "COUPON_NOT_STACKABLE", "POOR": "COUPON_USED_UP",
	} {
		if _, off, refused := p.asked(other, 1, strings.Fields(codes)...); refused != want || off != "" {
			t.Errorf("%s: %q with %q off, want %s", codes, refused, off, want)
		}
	}
	home := other.Must(t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
	missing := other.Must(t, quoteWithCodes, input(apitest.Vars{"addressId": home, "couponCodes": []string{"MUCH"}, "idempotencyKey": "k"})).At("checkoutQuote.userErrors.0")
	if missing.Str("coupon") != "MUCH" || missing.Str("minimum.amount") != "100.00" || missing.Str("missing.amount") != "80.00" {
		t.Errorf("too little: %s", missing.Raw())
	}
	const change = `mutation($input: PromotionChangeInput!) { promotionChange(input: $input) { promotion { maxUses maxUsesPerUser endsAt uses } userErrors { code } } }`
	if got := codeOf(t, p.Person(identity.Seller).Client, change, input(apitest.Vars{"promotionId": once, "maxUses": 9, "idempotencyKey": "k"})); got != "PROMOTION_NOT_FOUND" {
		t.Errorf("another raises it: %s", got)
	}
	got := string(p.seller.Must(t, change, input(apitest.Vars{"promotionId": once, "maxUses": 2, "maxUsesPerUser": 2, "endsAt": later, "idempotencyKey": "raise"})).Raw())
	if !strings.Contains(got, `"promotion":{"maxUses":2,"maxUsesPerUser":2,"endsAt":"`+strings.TrimSuffix(later, "Z")) || !strings.Contains(got, `"uses":1}`) {
		t.Errorf("raised: %s", got)
	}
	if _, off, refused := p.asked(other, 1, "ONCE"); off != "SELLER-2.00" || refused != "" {
		t.Errorf("after that: %s, %s", off, refused)
	}
	if _, off, refused := p.asked(third, 1, "ONCE"); refused != "COUPON_USED_UP" {
		t.Errorf("a third: %s, %s", off, refused)
	}
	p.Audited()
}

// A sales tax of which the table knows the state's part alone is an estimate, in the quote, on the order and on its invoice.
func TestATaxThatIsAnEstimate(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer := a.Person(identity.Seller), a.Funded(100)
	newYork := apitest.Vars{"name": "Ada", "line1": "350 Fifth Avenue", "line2": "Floor 21", "city": "New York", "region": "NY", "postalCode": "10118", "country": "US", "phone": "+12125550100", "default": true}
	home := buyer.Must(t, addressCreate, input(newYork)).Str("addressCreate.address.id")
	seller.Must(t, addressCreate, input(newYork))
	seller.Must(t, `mutation($input: TaxRegistrationSetInput!) { taxRegistrationSet(input: $input) { taxRegistration { since } userErrors { code } } }`, input(apitest.Vars{"country": "US", "number": "12-3456789"}))
	buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(a.Listing(seller, "A brass pot").ID)}))
	quote := buyer.Must(t, `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id taxEstimated total { amount } groups { charges { kind label estimated base { amount } amount { amount } } } } userErrors { code } } }`,
		input(apitest.Vars{"addressId": home, "idempotencyKey": "q"})).At("checkoutQuote.quote")
	tax := `{"kind":"TAX","label":"Sales tax 4 %","estimated":true,"base":{"amount":"20.00"},"amount":{"amount":"0.80"}}`
	found := false
	for i := range 4 {
		if charge := quote.At(fmt.Sprintf("groups.0.charges.%d", i)); charge.Str("kind") == "TAX" {
			found = sameJSON(t, string(charge.Raw()), tax)
		}
	}
	if !found || quote.Str("taxEstimated") != "true" || quote.Str("total.amount") != "20.80" {
		t.Errorf("quoted: %s", quote.Raw())
	}
	order := buyer.Must(t, `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { id taxEstimated charges { kind estimated } } userErrors { code } } }`,
		input(apitest.Vars{"quoteId": quote.Str("id"), "total": eur("20.80"), "idempotencyKey": "c"})).At("checkoutConfirm.orders.0")
	if order.Str("taxEstimated") != "true" || !strings.Contains(string(order.Raw()), `"estimated":true`) {
		t.Errorf("ordered: %s", order.Raw())
	}
	a.Audited()
}

// Who quotes and confirms faster than anybody buys is told to wait, and how long; others are not held up.
func TestAPaceOfCheckouts(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	a.Paced()
	buyer, other := a.Funded(10), a.Funded(10)
	home := buyer.Must(t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
	ask := func(who graphtest.Person) (code string, wait int) {
		answer, err := who.Do(checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": uuid.NewString()}))
		if err != nil {
			t.Fatal(err)
		}
		if code, _, _ = refusal(t, answer); len(answer.Errors) > 0 {
			wait = answer.Errors[0].Extensions.RetryAfterMs
		}
		return code, wait
	}
	code, wait, tries := "", 0, 0
	for ; tries < 1000 && code != "CHECKOUT_TOO_FAST"; tries++ { // one more is allowed each second that this takes
		code, wait = ask(buyer)
	}
	if tries <= 30 || tries == 1000 || wait <= 0 || wait > 1000 {
		t.Errorf("try %d is answered by %s, to wait for %d ms", tries, code, wait)
	}
	if code, _ := ask(other); code == "CHECKOUT_TOO_FAST" {
		t.Error("another is held up")
	}
}
