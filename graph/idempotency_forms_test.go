package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

// One input and one selection can be written in many ways.
func TestOneRequestInOtherWords(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil).NodeID()
	ada := a.Funded(100)
	literal := fmt.Sprintf(`{idempotencyKey: "once", amount: {currencyCode: "EUR", amount: "10"}, auctionId: %q}`, lot)
	first := ada.Must(t, `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { leading bid { n: number } auction { version } } }`, bidOf(lot, "10", "once")).Str("bidPlace")
	a.Exec(`UPDATE auction SET version = version + 1`) // what runs again sees that
	for name, query := range map[string]string{
		"a literal":       `mutation { bidPlace(input: ` + literal + `) { leading bid { n: number } auction { version } } }`,
		"a root fragment": `mutation { ...F } fragment F on Mutation { bidPlace(input: ` + literal + `) { leading bid { n: number } auction { version } } }`,
	} {
		if got := ada.Must(t, query, nil).Str("bidPlace"); got != first {
			t.Errorf("%s: %s, was %s", name, got, first)
		}
	}
	// Other fields are no retry of the same: the bid is told as it was then, the lot as it is now, and nothing is done twice.
	others := ada.Must(t, `mutation { bidPlace(input: `+literal+`) { leading bid { number } auction { version } } }`, nil)
	if others.Str("bidPlace.leading") != "true" || others.Str("bidPlace.bid.number") != "1" || others.Int("bidPlace.auction.version") != 3 {
		t.Errorf("other fields: %s", others.Raw())
	}
	if n := a.Int(`SELECT count(*) FROM bid`); n != 1 {
		t.Errorf("%d bids", n)
	}
}

// Mutations of one operation run one after the other: the second finds the first's answer.
func TestTwiceInOneOperation(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil).NodeID()
	ada := a.Funded(100)
	const query = `mutation($input: BidPlaceInput!) {
		a: bidPlace(input: $input) { bid { id } leading }
		b: bidPlace(input: $input) { bid { id } leading }
		c: bidPlace(input: $input) { mine: bid { id } }
	}`
	got := ada.Must(t, query, bidOf(lot, "10", "once"))
	if a, b, c := got.Str("a"), got.Str("b"), got.Str("c.mine.id"); a != b || got.Str("a.bid.id") != c {
		t.Errorf("got %s", got.Raw())
	}
	if n := a.Int(`SELECT count(*) FROM bid`); n != 1 {
		t.Errorf("%d bids", n)
	}
}

func TestARetryOverWebSocket(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	ada, ben := a.Funded(100), a.Funded(100)
	in := bidOf(lot.NodeID(), "10", "once")
	over := func() string {
		t.Helper()
		s := ada.Subscribe(t, bidMutation, in)
		defer s.Cut()
		raw, err := s.Receive()
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	first := over()
	a.Bid(ben, lot, 20)
	if got := over(); got != first {
		t.Errorf("over WebSocket: %s, was %s", got, first)
	}
	if got := ada.Must(t, bidMutation, in); string(got.Raw()) != first {
		t.Errorf("over HTTP: %s, was %s", got.Raw(), first)
	}
}

// What is too large to keep is done once all the same.
func TestAnAnswerThatIsTooLarge(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	a.Exec(`UPDATE listing SET description = repeat('x', 5000)`)
	ada := a.Funded(100)
	fields := make([]string, 14)
	for i := range fields {
		fields[i] = fmt.Sprintf("l%d: listing { description }", i)
	}
	query := `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { bid { id } auction { ` + strings.Join(fields, " ") + ` } } }`
	in := bidOf(lot.NodeID(), "10", "once")
	first := ada.Must(t, query, in).Str("bidPlace.bid.id")
	if again := ada.Must(t, query, in).Str("bidPlace.bid.id"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	if code := codeOf(t, ada.Client, mutation("bidPlace"), bidOf(lot.NodeID(), "11", "once")); code != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("other input: %s", code)
	}
	if n := a.Int(`SELECT count(*) FROM idempotency_answer WHERE answer IS NULL`); n != 1 {
		t.Errorf("%d claims without an answer", n)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	var table []bad
	for name, key := range map[string]string{
		"empty": "", "256 letters": strings.Repeat("k", 256), "é": "clé", "Arabic": "مفتاح", "a newline": "a\nb", "DEL": "a\x7f", "a smile": "🙂", "a tab": "\t",
	} {
		for mutationName, fields := range map[string]apitest.Vars{
			"orderShip": {"orderId": b.order.String()}, "bidPlace": {"auctionId": b.auctionID, "amount": eur("11")},
			"walletTopUp": {"amount": eur("11"), "paymentMethod": "pm_card_visa"},
		} {
			table = append(table, bad{
				name: mutationName + " " + name, who: b.rivalSeller.Client, query: mutation(mutationName), vars: input(with(fields, "idempotencyKey", key)),
				code: "IDEMPOTENCY_KEY_INVALID", field: "idempotencyKey",
			})
		}
	}
	ship := apitest.Vars{"orderId": b.order.String(), "idempotencyKey": "k"}
	table = append(table,
		bad{name: "NUL", who: b.seller.Client, query: mutation("orderShip"), vars: input(with(ship, "idempotencyKey", "a\x00b")), code: "TEXT_MALFORMED", top: true},
		bad{name: "a number", who: b.seller.Client, query: mutation("orderShip"), vars: input(with(ship, "idempotencyKey", 1)), code: "TEXT_MALFORMED", top: true},
		bad{name: "none", who: b.seller.Client, query: mutation("orderShip"), vars: input(apitest.Vars{"orderId": b.order.String()}), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		bad{name: "nobody", who: b.Nobody(), query: mutation("orderShip"), vars: input(ship), code: "UNAUTHENTICATED", top: true},
		bad{name: "a buyer", who: b.buyer.Client, query: mutation("orderShip"), vars: input(ship), code: "FORBIDDEN", top: true},
		bad{
			name: "in parts", who: b.seller.Client, vars: input(ship), code: "GRAPHQL_VALIDATION_FAILED", top: true,
			query: `mutation($input: OrderShipInput!) { orderShip(input: $input) { ... @defer { order { id } } userErrors { code } } }`,
		},
	)
	b.refuse(t, table)
	if n := b.Int(`SELECT count(*) FROM idempotency_answer`); n != 0 {
		t.Errorf("%d keys were taken", n)
	}
	hostile := `'; DROP TABLE idempotency_answer; -- ` + strings.Repeat("~", 200)
	if code := codeOf(t, b.seller.Client, mutation("orderShip"), input(with(ship, "idempotencyKey", hostile))); code != "none" {
		t.Errorf("a key of printable characters: %s", code)
	}
}
