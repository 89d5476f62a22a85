package graph_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/stripefake"
)

const (
	topUpMutation = `mutation($input: WalletTopUpInput!) { walletTopUp(input: $input) { topUp { id status createdAt } ` + userErrors + ` } }`
	bidMutation   = `mutation($input: BidPlaceInput!) { bidPlace(input: $input) {
		leading bid { id number placedAt } auction { bidCount version leader { name } nextMinimum { amount } } ` + userErrors + ` } }`
	wallet = `{ viewer { wallets { available { minor } held { minor } } } }`
)

func topUpOf(amount, key string) apitest.Vars {
	return input(apitest.Vars{"amount": eur(amount), "paymentMethod": "pm_card_visa", "idempotencyKey": key})
}

func bidOf(lot interface{ String() string }, amount, key string) apitest.Vars {
	return input(apitest.Vars{"auctionId": lot.String(), "amount": eur(amount), "idempotencyKey": key})
}

// body is the whole answer as it came.
func body(t *testing.T, who apitest.Client, query string, vars apitest.Vars) string {
	t.Helper()
	answer, err := who.Do(query, vars)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer.Body)
}

// same insists that a request is answered as before.
func same(t *testing.T, when, first string, who apitest.Client, query string, vars apitest.Vars) {
	t.Helper()
	if got := body(t, who, query, vars); got != first {
		t.Errorf("%s: %swas %s", when, got, first)
	}
}

// codeOf is the code that an answer is refused with.
func codeOf(t *testing.T, who apitest.Client, query string, vars apitest.Vars) string {
	t.Helper()
	answer, err := who.Do(query, vars)
	if err != nil {
		t.Fatal(err)
	}
	code, _, _ := refusal(t, answer)
	return code
}

// refused insists on the code that an operation is refused with.
func refused(t *testing.T, who apitest.Client, code, query string, vars apitest.Vars) {
	t.Helper()
	if got := codeOf(t, who, query, vars); got != code {
		t.Errorf("got %s, want %s", got, code)
	}
}

func TestATopUpIsAnsweredByteForByte(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Person(identity.Buyer)
	a.Stripe.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: "/v1/payment_intents", Fault: stripefake.CutAfter, Times: -1})
	first := body(t, buyer.Client, topUpMutation, topUpOf("20", "once"))
	if !strings.Contains(first, `"status":"PROCESSING"`) {
		t.Fatalf("got %s", first)
	}
	same(t, "at once", first, buyer.Client, topUpMutation, topUpOf("20", "once"))
	a.Stripe.Faults().Clear()
	id := apitest.Look(t, []byte(first)).Str("data.walletTopUp.topUp.id")
	if got := buyer.Must(t, topUpRefresh, input(apitest.Vars{"topUpId": id})); got.Str("walletTopUpRefresh.topUp.status") != "SUCCEEDED" {
		t.Fatalf("got %s", got.Raw())
	}
	same(t, "after it succeeded", first, buyer.Client, topUpMutation, topUpOf("20", "once"))
	if got := buyer.Must(t, wallet, nil); got.Str("viewer.wallets.0.available.minor") != "2000" {
		t.Errorf("the wallet: %s", got.Raw())
	}
}

func TestABidIsAnsweredByteForByte(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	ada, ben := a.Funded(100), a.Funded(100)
	in := bidOf(lot.NodeID(), "10", "once")
	first := body(t, ada.Client, bidMutation, in)
	if !strings.Contains(first, `"leading":true`) {
		t.Fatalf("got %s", first)
	}
	a.Bid(ben, lot, 20)
	before := a.Digest()
	same(t, "after being outbid", first, ada.Client, bidMutation, in)
	unchangedTables(t, a, before)
	a.Close(lot)
	same(t, "after the close", first, ada.Client, bidMutation, in)
}

// A refusal that somebody has read does not become a payment, whatever fields the retry asks for.
func TestARefusalStays(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	ada := a.Funded(5)
	in := bidOf(lot.NodeID(), "10", "once")
	first := body(t, ada.Client, bidMutation, in)
	if !strings.Contains(first, `"available":{"amount":"5.00"`) {
		t.Fatalf("got %s", first)
	}
	a.TopUp(ada, 50)
	same(t, "after a top-up", first, ada.Client, bidMutation, in)
	other := `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { bid { id } __typename userErrors { __typename code ... on InsufficientFunds { available { minor } } } } }`
	want := `{"bidPlace":{"bid":null,"__typename":"BidPlacePayload","userErrors":[{"__typename":"InsufficientFunds","code":"INSUFFICIENT_FUNDS","available":{"minor":"500"}}]}}`
	if got := ada.Must(t, other, in); string(got.Raw()) != want {
		t.Errorf("by other fields: %s", got.Raw())
	}
	if code := codeOf(t, ada.Client, bidMutation, bidOf(lot.NodeID(), "10", "a new try")); code != "none" {
		t.Errorf("a new key: %s", code)
	}
}

func TestAnOrdersStepsAreAnsweredByteForByte(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller, buyer := a.Person(identity.Seller), a.Funded(100)
	lot, other := a.Lot(seller, nil), a.Lot(seller, nil)
	a.Bid(buyer, lot, 10)
	a.Bid(buyer, other, 10)
	order, second := a.Close(lot).String(), a.Close(other).String()
	const fields = ` { order { payment fulfilment version availableActions } ` + userErrors + ` } }`
	ship := `mutation($input: OrderShipInput!) { orderShip(input: $input)` + fields
	receive := `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input)` + fields
	in := func(order, key string) apitest.Vars {
		return input(apitest.Vars{"orderId": order, "idempotencyKey": key})
	}
	tooSoon := body(t, buyer.Client, receive, in(order, "too soon"))
	shipped := body(t, seller.Client, ship, in(order, "k"))
	received := body(t, buyer.Client, receive, in(order, "k")) // a key of another mutation, and another user's
	same(t, "shipping again", shipped, seller.Client, ship, in(order, "k"))
	same(t, "receiving again", received, buyer.Client, receive, in(order, "k"))
	same(t, "receiving too soon, again", tooSoon, buyer.Client, receive, in(order, "too soon"))
	if !strings.Contains(tooSoon, "ORDER_ACTION_NOT_AVAILABLE") || !strings.Contains(received, "SETTLED") {
		t.Errorf("got %s and %s", tooSoon, received)
	}
	before := a.Digest()
	for _, change := range []apitest.Vars{in(second, "k"), input(apitest.Vars{"orderId": order, "idempotencyKey": "k", "tracking": "T"})} {
		if code := codeOf(t, seller.Client, ship, change); code != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("other input: %s", code)
		}
	}
	unchangedTables(t, a, before)
}

// unchangedTables insists that every table is as it was.
func unchangedTables(t *testing.T, a *graphtest.API, before map[string]string) {
	t.Helper()
	for table, content := range a.Digest() {
		if content != before[table] {
			t.Errorf("%s was changed: %s, then %s", table, before[table], content)
		}
	}
}

// held is a top-up that waits for Stripe until release is called; over gives its answer.
func held(t *testing.T, a *graphtest.API, who apitest.Client, vars apitest.Vars) (release func(), over <-chan string) {
	t.Helper()
	gate, answers := make(chan struct{}), make(chan string, 1)
	a.Stripe.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: "/v1/payment_intents", Fault: stripefake.Delay, Until: gate})
	go func() {
		answer, err := who.Do(topUpMutation, vars)
		if err != nil {
			answer.Body = []byte(err.Error())
		}
		answers <- string(answer.Body)
	}()
	until(t, "Stripe is asked", func() bool { return a.Stripe.Faults().Fired()[stripefake.Delay] > 0 })
	return func() { close(gate) }, answers
}

// until waits for what happens elsewhere.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestAKeyInFlight(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	ada, ben := a.Person(identity.Buyer), a.Person(identity.Buyer)
	release, over := held(t, a, ada.Client, topUpOf("20", "once"))
	answer, err := ada.Do(topUpMutation, topUpOf("20", "once"))
	if err != nil || len(answer.Errors) != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	e := answer.Errors[0].Extensions
	if e.Code != "IDEMPOTENCY_IN_FLIGHT" || e.Kind != "UNAVAILABLE" || !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("got %+v", e)
	}
	if code := codeOf(t, ada.Client, topUpMutation, topUpOf("30", "once")); code != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("other input: %s", code)
	}
	if code := codeOf(t, ben.Client, topUpMutation, topUpOf("30", "once")); code != "none" {
		t.Errorf("another user's same key: %s", code)
	}
	release()
	first := <-over
	if !strings.Contains(first, "SUCCEEDED") {
		t.Errorf("the first: %s", first)
	}
	same(t, "afterwards", first, ada.Client, topUpMutation, topUpOf("20", "once"))
	if n := a.Int(`SELECT count(*) FROM top_up WHERE user_id = $1`, ada.ID); n != 1 {
		t.Errorf("%d top-ups", n)
	}
}

func TestOneKeyManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	ada := a.Funded(100)
	bodies := make([]string, 12)
	errs := domaintest.AtOnce(len(bodies), func(i int) error {
		answer, err := ada.Do(bidMutation, bidOf(lot.NodeID(), "10", "once"))
		switch {
		case err != nil:
			return err
		case len(answer.Errors) == 0:
			bodies[i] = string(answer.Body)
		case answer.Errors[0].Extensions.Code != "IDEMPOTENCY_IN_FLIGHT":
			return errors.New(answer.Errors[0].Extensions.Code)
		}
		return nil
	})
	first := body(t, ada.Client, bidMutation, bidOf(lot.NodeID(), "10", "once"))
	if !strings.Contains(first, `"leading":true`) {
		t.Errorf("got %s", first)
	}
	for i, err := range errs {
		if err != nil || (bodies[i] != "" && bodies[i] != first) {
			t.Errorf("%v, %s", err, bodies[i])
		}
	}
	if n := a.Int(`SELECT count(*) FROM bid`); n != 1 {
		t.Errorf("%d bids", n)
	}
}

// A client that hangs up does not stop its mutation: the answer waits for it.
func TestHangingUp(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	ada := a.Person(identity.Buyer)
	ctx, hangUp := context.WithCancel(t.Context())
	leaving := ada.Client
	leaving.HTTP = &http.Client{Transport: untilDone{ctx}}
	release, over := held(t, a, leaving, topUpOf("20", "once"))
	hangUp()
	if gone := <-over; !strings.Contains(gone, "context canceled") {
		t.Fatalf("got %s", gone)
	}
	release()
	until(t, "the answer is there", func() bool {
		return codeOf(t, ada.Client, topUpMutation, topUpOf("20", "once")) != "IDEMPOTENCY_IN_FLIGHT"
	})
	if n := a.Int(`SELECT count(*) FROM idempotency_answer WHERE convert_from(answer, 'UTF8') LIKE '%SUCCEEDED%'`); n != 1 {
		t.Errorf("%d answers are kept", n)
	}
	if got := body(t, ada.Client, topUpMutation, topUpOf("20", "once")); !strings.Contains(got, "SUCCEEDED") {
		t.Errorf("got %s", got)
	}
}

// untilDone sends requests that end with ctx.
type untilDone struct{ ctx context.Context }

func (u untilDone) RoundTrip(r *http.Request) (*http.Response, error) {
	return http.DefaultTransport.RoundTrip(r.WithContext(u.ctx))
}

// A server that is killed between effect and answer leaves a claim, which ends by itself.
func TestAClaimThatIsLeftBehind(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	ada := a.Person(identity.Buyer)
	in := topUpOf("20", "once")
	first := body(t, ada.Client, topUpMutation, in)
	a.Exec(`WITH gone AS (DELETE FROM idempotency_answer RETURNING *)
		INSERT INTO idempotency_answer (user_id, operation, key, input_hash, selection_hash, claim, locked_until)
		SELECT user_id, operation, key, input_hash, selection_hash, claim, clock_timestamp() + interval '1 minute' FROM gone`)
	if code := codeOf(t, ada.Client, topUpMutation, in); code != "IDEMPOTENCY_IN_FLIGHT" {
		t.Errorf("while the claim holds: %s", code)
	}
	a.Exec(`UPDATE idempotency_answer SET locked_until = clock_timestamp() - interval '1 second'`)
	if code := codeOf(t, ada.Client, topUpMutation, topUpOf("30", "once")); code != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("other input: %s", code)
	}
	same(t, "after the claim", first, ada.Client, topUpMutation, in)
	if n := a.Int(`SELECT count(*) FROM top_up`); n != 1 {
		t.Errorf("%d top-ups", n)
	}
}

// Errors are no answer: the retry runs again, and finds done what had been done.
func TestErrorsAreNoAnswer(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	ada, ben := a.Funded(100), a.Funded(100)
	const query = `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { leading auction { listing { title } } } }`
	in := bidOf(lot.NodeID(), "10", "once")
	a.Exec(`ALTER VIEW public_listing RENAME TO listing_away`)
	if code := codeOf(t, ada.Client, query, in); code != "INTERNAL" {
		t.Errorf("without the listings: %s", code)
	}
	a.Exec(`ALTER VIEW listing_away RENAME TO public_listing`)
	first := body(t, ada.Client, query, in)
	if !strings.Contains(first, `{"leading":true,"auction":{"listing":{"title":"A lot of something"}}}`) {
		t.Errorf("then: %s", first)
	}
	a.Bid(ben, lot, 20)
	same(t, "from then on", first, ada.Client, query, in)
	if n := a.Int(`SELECT count(*) FROM bid`); n != 2 {
		t.Errorf("%d bids", n)
	}
}

// A resolver that panics leaves its key to the next try.
func TestAPanicIsNoAnswer(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	ada := a.Person(identity.Buyer)
	payments := a.Resolver.Payment
	a.Resolver.Payment = nil
	if code := codeOf(t, ada.Client, topUpMutation, topUpOf("20", "once")); code != "INTERNAL" {
		t.Errorf("without payments: %s", code)
	}
	a.Resolver.Payment = payments
	if got := body(t, ada.Client, topUpMutation, topUpOf("20", "once")); !strings.Contains(got, "SUCCEEDED") {
		t.Errorf("then: %s", got)
	}
}

// Where the answer cannot be kept the client gets it all the same, and a retry finds the work done.
func TestAnAnswerThatCannotBeKept(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	ada := a.Person(identity.Buyer)
	a.Exec(`ALTER TABLE idempotency_answer ADD CONSTRAINT full_disk CHECK (answer IS NULL)`)
	first := body(t, ada.Client, topUpMutation, topUpOf("20", "once"))
	if !strings.Contains(first, "SUCCEEDED") {
		t.Errorf("got %s", first)
	}
	if logged := a.Log.Drain(slog.LevelError); len(logged) != 1 || logged[0].Message != "the answer to an idempotency key was not kept" {
		t.Errorf("logged %+v", logged)
	}
	same(t, "while it cannot be kept", first, ada.Client, topUpMutation, topUpOf("20", "once"))
	a.Exec(`ALTER TABLE idempotency_answer DROP CONSTRAINT full_disk`)
	same(t, "then", first, ada.Client, topUpMutation, topUpOf("20", "once"))
	if n := a.Int(`SELECT count(*) FROM top_up`); n != 1 {
		t.Errorf("%d top-ups", n)
	}
}
