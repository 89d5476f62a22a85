package graph_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	quoteFields = `{ id status total { amount } expiresAt shipTo { name postalCode country } groups { seller { name } digital total { amount }
		lines { title options quantity unitPrice { amount } amount { amount } priceSeen { amount } priceChanged variant { listing { title } } }
		charges { kind bearer basisPoints amount { amount } } } }`
	checkoutQuote   = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote ` + quoteFields + ` userErrors { code field ... on OutOfStock { variantId available } } } }`
	checkoutConfirm = `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) {
		orders { id payment fulfilment total { amount } lines { title quantity unitPrice { amount } amount { amount } listing { title } } charges { kind bearer amount { amount } }
			shipTo { postalCode } payments { id status nextActionUrl walletAmount { amount } cardAmount { amount } } payBy }
		userErrors { code field ... on PriceChanged { total { amount } } ... on InsufficientFunds { available { amount } } ... on CardDeclined { declineCode } } } }`
	quoteByID = `query($id: ID!) { node(id: $id) { ... on CheckoutQuote ` + quoteFields + ` } }`
)

// fill puts things at 20 euros of two sellers, and two codes at 9, into a cart; home is where they are sent.
func fill(t *testing.T, a *graphtest.API, buyer graphtest.Person, sellers ...graphtest.Person) (home string) {
	t.Helper()
	for i, title := range []string{"A brass pot", secretTitle} {
		buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(a.Listing(sellers[i], title).ID)}))
	}
	game := gameOf(t, a, sellers[0], "9")
	sellers[0].Must(t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "ONE\nTWO\nTHREE", "idempotencyKey": "k"}))
	buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": game, "quantity": 2}))
	return buyer.Must(t, addressCreate, input(parisOf("Amal Haddad"))).Str("addressCreate.address.id")
}

// From a cart of two sellers to their orders, as clients do it; nobody else sees any of it.
func TestCheckoutThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	one, two, buyer, other := a.Person(identity.Seller), a.Person(identity.Seller), a.Funded(100), a.Funded(100)
	home := fill(t, a, buyer, one, two)
	ask := input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})
	first := body(t, buyer.Client, checkoutQuote, ask)
	for _, want := range []string{
		`"status":"OPEN","total":{"amount":"58.00"}`, `"shipTo":{"name":"Amal Haddad","postalCode":"75002","country":"FR"}`,
		`"digital":false,"total":{"amount":"20.00"},"lines":[{"title":"A brass pot","options":[],"quantity":1,"unitPrice":{"amount":"20.00"},"amount":{"amount":"20.00"},"priceSeen":{"amount":"20.00"},"priceChanged":false,"variant":{"listing":{"title":"A brass pot"}}}]`,
		`"digital":true,"total":{"amount":"18.00"}`, `"charges":[{"kind":"PLATFORM_FEE","bearer":"SELLER","basisPoints":`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the quote lacks %s: %s", want, first)
		}
	}
	same(t, checkoutQuote, first, buyer.Client, checkoutQuote, ask)
	quote := buyer.Must(t, checkoutQuote, ask).Str("checkoutQuote.quote.id")
	for _, who := range []apitest.Client{other.Client, one.Client, a.Nobody(), a.Person(identity.Support).Client} {
		if got := string(who.Must(t, quoteByID, apitest.Vars{"id": quote}).Raw()); got != `{"node":null}` {
			t.Errorf("somebody else sees %s", got)
		}
	}
	confirm := func(change apitest.Vars) apitest.Vars {
		in := apitest.Vars{"quoteId": quote, "total": eur("58"), "idempotencyKey": uuid.NewString()}
		maps.Copy(in, change)
		return input(in)
	}
	if got := body(t, buyer.Client, checkoutConfirm, confirm(apitest.Vars{"total": eur("57.99")})); !strings.Contains(got, `"userErrors":[{"code":"PRICE_CHANGED","field":["total"],"total":{"amount":"58.00"}}]`) {
		t.Errorf("another total: %s", got)
	}
	for code, change := range map[string]apitest.Vars{
		"QUOTE_NOT_FOUND": {"quoteId": id.Quote.Encode(id.New())}, "ID_WRONG_KIND": {"quoteId": home}, "CARD_NOT_FOUND": {"cardId": id.Card.Encode(id.New())},
		"DIGITAL_BY_WALLET": {"walletAmount": eur("17"), "cardId": id.Card.Encode(id.New())}, "AMOUNT_TOO_PRECISE": {"total": eur("58.001")},
	} {
		if got := codeOf(t, buyer.Client, checkoutConfirm, confirm(change)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	if got := codeOf(t, other.Client, checkoutConfirm, confirm(nil)); got != "QUOTE_NOT_FOUND" {
		t.Errorf("another confirms it: %s", got)
	}
	agree := confirm(apitest.Vars{"idempotencyKey": "yes"})
	done := body(t, buyer.Client, checkoutConfirm, agree)
	if strings.Count(done, `"payment":"PAID"`) != 3 || strings.Count(done, `"fulfilment":"SENT"`) != 1 || strings.Count(done, `"shipTo":{"postalCode":"75002"}`) != 2 || !strings.Contains(done, `"userErrors":[]`) {
		t.Errorf("confirmed: %s", done)
	}
	same(t, checkoutConfirm, done, buyer.Client, checkoutConfirm, agree)
	a.Exec(`DELETE FROM idempotency_answer`) // a retry whose answer was lost with its claim
	orders := buyer.Must(t, checkoutConfirm, agree)
	if got := string(orders.Raw()); strings.Count(got, `"payment":"PAID"`) != 3 {
		t.Errorf("the retry: %s", got)
	}
	if got := codeOf(t, buyer.Client, checkoutConfirm, confirm(nil)); got != "QUOTE_CONFIRMED" {
		t.Errorf("replayed: %s", got)
	}
	if got := buyer.Must(t, quoteByID, apitest.Vars{"id": quote}).Str("node.status"); got != "CONFIRMED" {
		t.Errorf("the quote is %s", got)
	}
	pot := orders.Str("checkoutConfirm.orders.0.id")
	seen := `query($id: ID!) { order(id: $id) { lines { title } shipTo { name } availableActions } }`
	if got := string(one.Must(t, seen, apitest.Vars{"id": pot}).Raw()); got != `{"order":{"lines":[{"title":"A brass pot"}],"shipTo":{"name":"Amal Haddad"},"availableActions":["SHIP","HAND_OVER","CANCEL","REFUND"]}}` {
		t.Errorf("its seller sees %s", got)
	}
	if got := string(two.Must(t, seen, apitest.Vars{"id": pot}).Raw()); got != `{"order":null}` {
		t.Errorf("the other seller sees %s", got)
	}
	one.Must(t, orderShip, input(apitest.Vars{"orderId": pot, "tracking": "LX 1", "idempotencyKey": "k"}))
	received := buyer.Must(t, `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input) { order { payment fulfilment } userErrors { code } } }`,
		input(apitest.Vars{"orderId": pot, "idempotencyKey": "k"}))
	if received.Str("orderConfirmReceipt.order.payment") != "SETTLED" {
		t.Errorf("received: %s", received.Raw())
	}
	if got := buyer.Must(t, `{ cart { lineCount } }`, nil); got.Str("cart.lineCount") != "0" && string(got.Raw()) != `{"cart":{"lineCount":0}}` {
		t.Errorf("the cart: %s", got.Raw())
	}
}

// Staff are told all that happened to an order; its parties are not.
func TestWhatHappenedToAnOrder(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	one, buyer := a.Person(identity.Seller), a.Funded(100)
	home := fill(t, a, buyer, one, a.Person(identity.Seller))
	quote := buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})).Str("checkoutQuote.quote.id")
	order := buyer.Must(t, checkoutConfirm, input(apitest.Vars{"quoteId": quote, "total": eur("58"), "idempotencyKey": "k"})).Str("checkoutConfirm.orders.0.id")
	const happened = `query($id: ID!) { orderHappenings(orderId: $id) { at part what } }`
	got := string(a.Person(identity.Support).Must(t, happened, apitest.Vars{"id": order}).Raw())
	for _, want := range []string{`"part":"QUOTE"`, `A brass pot`, `PAID: PAID and PENDING`, `"part":"MONEY","what":"purchase`} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %s: %s", want, got)
		}
	}
	if got := string(a.Person(identity.Admin).Must(t, happened, apitest.Vars{"id": id.Order.Encode(id.New())}).Raw()); got != `{"orderHappenings":null}` {
		t.Errorf("of none: %s", got)
	}
	for _, who := range []graphtest.Person{buyer, one} {
		if answer, err := who.Do(happened, apitest.Vars{"id": order}); err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("a party: %+v, %v", answer, err)
		}
	}
}

// What was hidden, or is of a banned seller, is quoted for nobody; in a quote that binds already it is its buyer's to confirm, and shows no listing.
func TestQuotesOfWhatIsHidden(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	one, two, buyer := a.Person(identity.Seller), a.Person(identity.Seller), a.Funded(100)
	home := fill(t, a, buyer, one, two)
	quoted := buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})).Str("checkoutQuote.quote.id")
	for name, c := range map[string][2]string{
		"hidden":             {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE seller_id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE seller_id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`},
	} {
		a.Exec(c[0], two.ID)
		if got := string(buyer.Must(t, quoteByID, apitest.Vars{"id": quoted}).Raw()); strings.Count(got, `"variant":null`) != 1 || strings.Contains(got, `"listing":{"title":"`+secretTitle) {
			t.Errorf("%s: the quote: %s", name, got)
		}
		late := a.Funded(100)
		late.Must(t, addressCreate, input(parisOf("Late")))
		if got := codeOf(t, late.Client, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(uuid.MustParse(a.Texts(`SELECT id::text FROM listing WHERE title = $1`, secretTitle)[0]))})); got != "VARIANT_NOT_FOUND" {
			t.Errorf("%s: put into a cart: %s", name, got)
		}
		a.Exec(c[1], two.ID)
	}
	a.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE seller_id = $1`, two.ID)
	if got := codeOf(t, buyer.Client, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "anew"})); got != "OUT_OF_STOCK" {
		t.Errorf("quoted anew: %s", got)
	}
}

// By card, and by both: authorised at once, asked for their holder, or refused; what was refused is paid in another way.
func TestCheckoutByCard(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	defer everything(t, b.API)
	asking, declining := b.saved(b.buyer, "pm_card_authenticationRequired"), b.saved(b.buyer, "pm_card_chargeCustomerFail")
	buy := func(card string, more apitest.Vars) apitest.JSON {
		t.Helper()
		home := fill(t, b.API, b.buyer, b.Person(identity.Seller), b.seller)
		quote := b.buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": b.key()})).Str("checkoutQuote.quote.id")
		in := apitest.Vars{"quoteId": quote, "total": eur("58"), "cardId": card, "idempotencyKey": b.key()}
		maps.Copy(in, more)
		return b.buyer.Must(t, checkoutConfirm, input(in))
	}
	paid := string(buy(b.card, apitest.Vars{"walletAmount": eur("30")}).Raw())
	for _, want := range []string{
		`"status":"AUTHORISED","nextActionUrl":null,"walletAmount":{"amount":"12.00"},"cardAmount":{"amount":"8.00"}}]`,
		`"status":"AUTHORISED","nextActionUrl":null,"walletAmount":{"amount":"0.00"},"cardAmount":{"amount":"20.00"}}]`,
		`"status":"CAPTURED","nextActionUrl":null,"walletAmount":{"amount":"18.00"},"cardAmount":{"amount":"0.00"}}]`, `"userErrors":[]`,
	} {
		if !strings.Contains(paid, want) {
			t.Errorf("by both lacks %s: %s", want, paid)
		}
	}
	refused := buy(declining, nil)
	if got := string(refused.Raw()); strings.Count(got, `"payment":"PENDING"`) != 2 || !strings.Contains(got, `"code":"CARD_DECLINED"`) || strings.Count(got, `"payBy":null`) != 1 {
		t.Errorf("refused: %s", got)
	}
	again := b.buyer.Must(t, orderPay, input(apitest.Vars{"orderId": refused.Str("checkoutConfirm.orders.0.id"), "cardId": b.card, "idempotencyKey": b.key()}))
	if again.Str("orderPay.order.payment") != "AUTHORISED" {
		t.Errorf("paid in another way: %s", again.Raw())
	}
	asked := buy(asking, nil)
	for _, n := range []string{"0", "1"} {
		p := asked.At("checkoutConfirm.orders." + n + ".payments.0")
		if p.Str("status") != "REQUIRES_ACTION" {
			t.Fatalf("asked: %s", asked.Raw())
		}
		holder(t, p.Str("nextActionUrl"), "succeed")
		b.wants(b.buyer.Must(t, orderPaymentRefresh, input(apitest.Vars{"orderPaymentId": p.Str("id")})).At("orderPaymentRefresh"), `{"orderPayment":{"status":"AUTHORISED","failureCode":null},"userErrors":[]}`)
	}
}

// What a checkout costs the database grows with its sellers, and not with its lines.
func TestStatementsOfACheckout(t *testing.T) {
	t.Parallel()
	taken := func(sellers, each int) (quote, confirm int) {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		buyer := a.Funded(1_000)
		for range sellers {
			seller := a.Person(identity.Seller)
			for range each {
				buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(a.Listing(seller, "A brass pot").ID)}))
			}
		}
		home := buyer.Must(t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
		c := &crowd{API: a}
		asked := buyer.Client
		quote = len(c.send(t, asked, `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id total { amount } groups { lines { title } } } userErrors { code } } }`,
			input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})))
		shown := buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"}))
		total := shown.Str("checkoutQuote.quote.total.amount")
		confirm = len(c.send(t, asked, `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { id lines { title } } userErrors { code } } }`,
			input(apitest.Vars{"quoteId": shown.Str("checkoutQuote.quote.id"), "total": eur(total), "idempotencyKey": "k"})))
		return quote, confirm
	}
	few, fewConfirmed := taken(5, 1)
	many, manyConfirmed := taken(5, 4)
	if few != many || fewConfirmed != manyConfirmed {
		t.Errorf("quoting takes %d statements for 5 lines of 5 sellers and %d for 20, confirming %d and %d", few, many, fewConfirmed, manyConfirmed)
	}
	one, oneConfirmed := taken(1, 1)
	if few > one || (fewConfirmed-oneConfirmed)%4 != 0 {
		t.Errorf("quoting takes %d statements for one seller and %d for five, confirming %d and %d", one, few, oneConfirmed, fewConfirmed)
	}
	t.Logf("a line of one seller: %d statements to quote, %d to confirm; 20 lines of 5: %d and %d", one, oneConfirmed, many, manyConfirmed)
}

// A cart in euros is told in dollars and paid with them; its buyer, its sellers and support see at which rate, nobody else does.
func TestCheckoutInAnotherCurrency(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	one, two, buyer, other := a.Person(identity.Seller), a.Person(identity.Seller), a.Funded(100), a.Funded(100)
	home := fill(t, a, buyer, one, two)
	buyer.Must(t, `mutation($input: WalletExchangeInput!) { walletExchange(input: $input) { exchange { id } } }`, input(apitest.Vars{"from": eur("70"), "to": "USD", "idempotencyKey": "k"}))
	const fixed = `exchange { from { amount currencyCode } to { amount currencyCode } rate marginBasisPoints source paid }`
	const ask = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id exchangeTotal { amount currencyCode } groups { ` + fixed + ` } } userErrors { code field } } }`
	of := func(c string) apitest.Vars {
		return input(apitest.Vars{"addressId": home, "payCurrency": c, "idempotencyKey": uuid.NewString()})
	}
	if got := body(t, buyer.Client, ask, of("CHF")); !strings.Contains(got, `"userErrors":[{"code":"FX_CURRENCY_UNSUPPORTED","field":["payCurrency"]}]`) {
		t.Errorf("francs: %s", got)
	}
	quote := buyer.Must(t, ask, of("USD"))
	const pot = `{"from":{"amount":"21.91","currencyCode":"USD"},"to":{"amount":"20.00","currencyCode":"EUR"},"rate":"0.91743119266","marginBasisPoints":50,"source":"fixed","paid":`
	if got := string(quote.Raw()); !strings.Contains(got, `"exchangeTotal":{"amount":"63.54","currencyCode":"USD"}`) || !strings.Contains(got, pot+`false}`) {
		t.Fatalf("the quote: %s", got)
	}
	confirm := func(dollars string, more apitest.Vars) apitest.Vars {
		in := apitest.Vars{
			"quoteId": quote.Str("checkoutQuote.quote.id"), "total": eur("58"), "exchangeTotal": apitest.Vars{"amount": dollars, "currencyCode": "USD"}, "idempotencyKey": uuid.NewString(),
		}
		maps.Copy(in, more)
		return input(in)
	}
	if got := body(t, buyer.Client, checkoutConfirm, confirm("63.53", nil)); !strings.Contains(got, `"userErrors":[{"code":"PRICE_CHANGED","field":["exchangeTotal"],"total":{"amount":"63.54"}}]`) {
		t.Errorf("a cent less: %s", got)
	}
	if got := codeOf(t, buyer.Client, checkoutConfirm, confirm("63.54", apitest.Vars{"walletAmount": eur("58")})); got != "EXCHANGE_PAYS_ALL" {
		t.Errorf("with a part of the other wallet: %s", got)
	}
	done := buyer.Must(t, checkoutConfirm, confirm("63.54", nil))
	if got := string(done.Raw()); strings.Count(got, `"payment":"PAID"`) != 3 {
		t.Fatalf("confirmed: %s", got)
	}
	order := apitest.Vars{"id": done.Str("checkoutConfirm.orders.0.id")}
	const seen = `query($id: ID!) { order(id: $id) { ` + fixed + ` } }`
	for _, who := range []graphtest.Person{buyer, one} {
		if got := string(who.Must(t, seen, order).Raw()); got != `{"order":{"exchange":`+pot+`true}}}` {
			t.Errorf("one of its parties sees %s", got)
		}
	}
	if got := string(other.Must(t, seen, order).Raw()); got != `{"order":null}` {
		t.Errorf("somebody else sees %s", got)
	}
}
