package graph_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/risk"
)

// A device of an app's, as it calls itself.
const aPhone = "e3a0c1f2-phone-of-somebody"

// codes are so many codes at 9 euros, on sale.
func codesOnSale(t *testing.T, a *graphtest.API) (game string) {
	t.Helper()
	seller := a.Person(identity.Seller)
	game = gameOf(t, a, seller, "9")
	seller.Must(t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "ONE\nTWO\nTHREE\nFOUR\nFIVE\nSIX\nSEVEN\nEIGHT\nNINE\nTEN", "idempotencyKey": "k"}))
	return game
}

const letThrough = "none"

// buyCode reserves a code, and pays it.
func buyCode(t *testing.T, who apitest.Client, game string) (code string) {
	t.Helper()
	return codeOf(t, who, reservationPay, input(apitest.Vars{"reservationId": reserved(t, who, game, 1), "total": eur("9"), "idempotencyKey": uuid.NewString()}))
}

// A card that is refused again and again is refused to whoever saved it; another card, and the wallet, may pay.
func TestACardThatFailsForMany(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_chargeCustomerFail")
	b.JudgeBy(risk.Limits{CardFailed: risk.Limit{Most: 2, Within: time.Hour}, CardUsers: risk.Limit{Most: 2, Within: time.Hour}})
	pay := func(order string, key string, by ...string) apitest.Vars {
		in := apitest.Vars{"orderId": order, "idempotencyKey": key}
		if len(by) > 0 {
			in["cardId"] = by[0]
		}
		return input(in)
	}
	for range 2 {
		b.buyer = b.Funded(100)
		b.card = b.saved(b.buyer, "pm_card_chargeCustomerFail")
		if got := codeOf(t, b.buyer.Client, orderPay, pay(b.owed(20), b.key(), b.card)); got != "CARD_DECLINED" {
			t.Errorf("a card that fails: %s", got)
		}
	}
	b.buyer = b.Funded(100)
	b.card = b.saved(b.buyer, "pm_card_chargeCustomerFail")
	order, before := b.owed(20), b.Int(`SELECT count(*) FROM order_payment`)
	answer, err := b.buyer.Do(orderPay, pay(order, "the third", b.card))
	if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "CARD_FAILED_OFTEN" || answer.Errors[0].Extensions.RetryAfterMs <= 0 {
		t.Errorf("a third: %s, %v", answer.Body, err)
	}
	if b.Int(`SELECT count(*) FROM order_payment`) != before || b.Int(`SELECT count(*) FROM risk_check WHERE verdict = 'REFUSE' AND rules = '{CARD_FAILED}' AND order_id IS NOT NULL`) != 1 {
		t.Error("a refusal has done something, or is not kept")
	}
	if got := b.buyer.Must(t, orderPay, pay(order, "wallet")); got.Str("orderPay.order.payment") != "PAID" {
		t.Errorf("the wallet: %s", got.Raw())
	}
	if again := b.buyer.Must(t, orderPay, pay(order, "wallet")); again.Str("orderPay.order.payment") != "PAID" {
		t.Errorf("again: %s", again.Raw())
	}
	if n := b.Int(`SELECT count(*) FROM risk_check WHERE verdict = 'ALLOW' AND order_id IS NOT NULL`); n != 3 {
		t.Errorf("%d payments were let through", n)
	}
}

// What many pay by one card goes on, and is to be looked at. Its failures are its own: theirs do not count.
func TestACardOfMany(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	b.JudgeBy(risk.Limits{CardFailed: risk.Limit{Most: 1, Within: time.Hour}, CardUsers: risk.Limit{Most: 2, Within: time.Hour}})
	for i, want := range []int64{0, 0, 1} {
		b.buyer = b.Funded(100)
		b.card = b.saved(b.buyer, "pm_card_visa")
		for range 2 { // one user, however often
			if got := b.buyer.Must(t, orderPay, input(apitest.Vars{"orderId": b.owed(20), "cardId": b.card, "idempotencyKey": b.key()})); got.Str("orderPay.order.payment") != "AUTHORISED" {
				t.Errorf("%d: %s", i, got.Raw())
			}
		}
		if n := b.Int(`SELECT count(*) FROM risk_check WHERE verdict = 'REVIEW' AND rules = '{CARD_USERS}'`); n != 2*want {
			t.Errorf("%d: %d are to be looked at", i, n)
		}
	}
}

// The payment of a reservation is judged as a confirmation is, and both count.
func TestReservationsAreJudged(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	a.JudgeBy(risk.Limits{Checkouts: risk.Limit{Most: 2, Within: time.Hour}})
	game, buyer, other := codesOnSale(t, a), a.Funded(100), a.Funded(100)
	for range 2 {
		if got := buyCode(t, buyer.Client, game); got != letThrough {
			t.Errorf("let through: %s", got)
		}
	}
	left := a.Int(`SELECT count(*) FROM orders`)
	if got := buyCode(t, buyer.Client, game); got != "TOO_MANY_CHECKOUTS" || a.Int(`SELECT count(*) FROM orders`) != left {
		t.Errorf("a third: %q", got)
	}
	if got := buyCode(t, other.Client, game); got != letThrough {
		t.Errorf("somebody else: %s", got)
	}
	if n := a.Int(`SELECT count(*) FROM risk_check WHERE reservation_id IS NOT NULL AND verdict = 'ALLOW'`); n != 3 {
		t.Errorf("%d were let through", n)
	}
	a.Judge(failing{})
	if got := buyCode(t, other.Client, game); got != letThrough || a.Int(`SELECT count(*) FROM risk_check WHERE reservation_id IS NOT NULL AND rules = '{UNAVAILABLE}'`) != 1 {
		t.Errorf("rules that are down: %s", got)
	}
}

// Who buys on a device of many is looked at, over HTTP and over WebSocket; what has not the form is no device.
func TestADeviceOfMany(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	a.JudgeBy(risk.Limits{Device: risk.Limit{Most: 2, Within: time.Hour}})
	game := codesOnSale(t, a)
	const onIt = `SELECT count(*) FROM risk_check WHERE device IS NOT NULL`
	for _, device := range []string{"", "short", strings.Repeat("x", 129), "with a space in it, see", aPhone, aPhone} {
		buyer := a.Funded(20)
		buyer.Device = device
		if got := buyCode(t, buyer.Client, game); got != letThrough {
			t.Errorf("%q: %s", device, got)
		}
	}
	if n := a.Int(onIt + ` AND verdict = 'ALLOW'`); n != 2 || a.Int(`SELECT count(*) FROM risk_check WHERE verdict <> 'ALLOW'`) != 0 {
		t.Errorf("%d came from the phone", n)
	}
	buyer := a.Funded(20)
	buyer.Device = aPhone
	socket := buyer.Subscribe(t, `subscription { viewerEvents { kind } }`, nil)
	socket.Next()
	set := reserved(t, buyer.Client, game, 1)
	if err := socket.Ask(reservationPay, input(apitest.Vars{"reservationId": set, "total": eur("9"), "idempotencyKey": "k"})); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if raw, err := socket.Receive(); err != nil || strings.Contains(string(raw), `"reservationPay"`) {
			break
		}
	}
	if n := a.Int(onIt + ` AND verdict = 'REVIEW' AND rules = '{DEVICE}'`); n != 1 {
		t.Errorf("%d are to be looked at", n)
	}
	if n := a.Int(`SELECT count(*) FROM risk_check WHERE position('phone'::bytea IN device) > 0`); n != 0 {
		t.Error("a device is kept as it calls itself")
	}
}

// One reservation is paid at once from everywhere: it is judged by each, and kept once, with its order; what others buy meanwhile likewise.
func TestJudgedOnceAtOnce(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	a.JudgeBy(risk.DefaultLimits())
	game := codesOnSale(t, a)
	var buying sync.WaitGroup
	for range 3 {
		buyer := a.Funded(20)
		pay := input(apitest.Vars{"reservationId": reserved(t, buyer.Client, game, 1), "total": eur("9"), "idempotencyKey": "k"})
		for range 4 {
			buying.Go(func() { _, _ = buyer.Do(reservationPay, pay) })
		}
	}
	buying.Wait()
	if orders, kept := a.Int(`SELECT count(*) FROM orders`), a.Int(`SELECT count(*) FROM risk_check`); orders != 3 || kept != 3 {
		t.Errorf("%d orders, %d looks are kept", orders, kept)
	}
}

// failing are rules that can't be asked.
type failing struct{}

// Judge implements risk.Rules.
func (failing) Judge(context.Context, risk.Attempt) (risk.Judgement, error) {
	return risk.Judgement{}, errors.New("down")
}
