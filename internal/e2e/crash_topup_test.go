package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

const (
	createIntent  = "/v1/payment_intents"
	anIntent      = "/v1/payment_intents/*"
	confirmIntent = "/v1/payment_intents/*/confirm"

	registered = "OLD.provider_id IS NULL AND NEW.provider_id IS NOT NULL"
	succeeded  = "OLD.status <> 'SUCCEEDED' AND NEW.status = 'SUCCEEDED'"
	handled    = "NEW.status = 'DONE'"
)

// topUpPoints are every moment at which a top-up's own request can die, and what follows it. No webhook comes: the next
// server has to find out by itself.
func topUpPoints() []crashPoint {
	return []crashPoint{
		at("before the intent is committed", commit("INSERT", "top_up", "", lost)),
		at("when the intent is committed", commit("INSERT", "top_up", "", happens)),
		at("before create", request("POST", createIntent, lost)),
		at("while create is on its way", request("POST", createIntent, happens)),
		at("after create", answer("POST", createIntent)),
		at("before Stripe's id is kept", commit("UPDATE", "top_up", registered, lost)),
		at("when Stripe's id is kept", commit("UPDATE", "top_up", registered, happens)),
		at("before confirm", request("POST", confirmIntent, lost)),
		at("while confirm is on its way", request("POST", confirmIntent, happens)),
		at("after confirm", answer("POST", confirmIntent)),
		at("before the entry is posted", write("INSERT", "provider_txn", "")),
		at("before the record is committed", commit("UPDATE", "top_up", succeeded, lost)),
		at("when the record is committed, before the client is answered", commit("UPDATE", "top_up", succeeded, happens)),

		at("after create, and then in the resolver's create", answer("POST", createIntent), answer("POST", createIntent)),
		at("after confirm, and then before the resolver's look", answer("POST", confirmIntent), request("GET", anIntent, lost)),
		at("after confirm, and then after the resolver's look", answer("POST", confirmIntent), answer("GET", anIntent)),
		at("after confirm, and then before and when the resolver's record is committed", answer("POST", confirmIntent),
			commit("UPDATE", "top_up", succeeded, lost), commit("UPDATE", "top_up", succeeded, happens)),
	}
}

func TestKilledInATopUp(t *testing.T) {
	t.Parallel()
	for _, point := range topUpPoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashSite(t)
			c.fake.Deliveries().Add(untold)
			bilal := c.server.signUp("Bilal", "BUYER")
			input := apitest.Vars{"amount": eur(2000), "paymentMethod": "pm_card_visa", "idempotencyKey": "one"}
			c.dieAt(point, func() (wait func()) { return bilal.sends(tour(t, "Pay into the wallet (buyer)"), input) })
			c.toppedUp(bilal, input)
		})
	}
}

// holderPoints are the moments after a card's holder has passed at their bank: what is left is told by webhook.
func holderPoints() []crashPoint {
	const kind = "payment_intent.succeeded"
	return []crashPoint{
		at("before the webhook arrives", webhook(kind)),
		at("before the event is kept", commit("INSERT", "provider_event", "NEW.kind = '"+kind+"'", lost)),
		at("when the event is kept", commit("INSERT", "provider_event", "NEW.kind = '"+kind+"'", happens)),
		at("when the webhook is answered", webhookAnswer(kind)),
		at("before the look", request("GET", anIntent, lost)),
		at("after the look", answer("GET", anIntent)),
		at("before the record is committed", commit("UPDATE", "top_up", succeeded, lost)),
		at("when the record is committed", commit("UPDATE", "top_up", succeeded, happens)),
		at("before the event is done", commit("UPDATE", "provider_event", handled, lost)),
		at("when the event is done", commit("UPDATE", "provider_event", handled, happens)),
	}
}

func TestKilledAfterThreeDSecure(t *testing.T) {
	t.Parallel()
	for _, point := range holderPoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashSite(t)
			bilal := c.server.signUp("Bilal", "BUYER")
			input := apitest.Vars{"amount": eur(2000), "paymentMethod": "pm_card_authenticationRequired", "idempotencyKey": "one"}
			begun := bilal.Must(t, tour(t, "Pay in with 3-D Secure (buyer)"), apitest.Vars{"input": input})
			eventually(t, "the event that the holder is asked", func() bool {
				return c.count(`SELECT count(*) FROM provider_event WHERE kind = 'payment_intent.requires_action' AND status = 'DONE'`) == 1
			})
			c.dieAt(point, func() (wait func()) {
				c.passes(begun.Str("walletTopUp.topUp.nextActionUrl"))
				return func() {}
			})
			c.toppedUp(bilal, input)
		})
	}
}

// toppedUp insists that a top-up comes to its end without its client, that the client's retry finds the same one, and
// that the card was charged once, with an entry.
func (c *crashSite) toppedUp(buyer person, input apitest.Vars) {
	c.t.Helper()
	eventually(c.t, "the top-up's end", func() bool {
		return c.count(`SELECT count(*) FROM top_up WHERE resolved_at IS NULL`) == 0 && c.heard()
	})
	buyer = buyer.at(c.server)
	var ids [2]string
	for i := range ids {
		got := buyer.Must(c.t, tour(c.t, "Pay into the wallet (buyer)"), apitest.Vars{"input": input})
		if status := got.Str("walletTopUp.topUp.status"); status != "SUCCEEDED" {
			c.t.Errorf("the retried top-up: %s", got.Raw())
		}
		ids[i] = got.Str("walletTopUp.topUp.id")
	}
	if rows := c.count(`SELECT count(*) FROM top_up`); ids[0] != ids[1] || rows != 1 {
		c.t.Errorf("the retries answer %v, and there are %d top-ups", ids, rows)
	}
	if charges := c.movements("charge"); len(charges) != 1 {
		c.t.Errorf("the card was charged %d times", len(charges))
	}
	if available, held := buyer.wallet(c.t); available != 2000 || held != 0 {
		c.t.Errorf("the wallet has %d and %d held", available, held)
	}
	c.checkBooks()
}
