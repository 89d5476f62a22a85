package e2e

import (
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
)

const (
	refunds   = "/v1/refunds"
	refundOut = "NEW.kind = 'REFUND'"
	settled   = "OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL"
	cameBack  = "OLD.failed_at IS NULL AND NEW.failed_at IS NOT NULL"
)

// refundPoints are every moment at which money that goes back to its card can lose its server. No webhook comes.
func refundPoints() []crashPoint {
	return []crashPoint{
		at("before the intent is committed", commit("INSERT", "refund", "", lost)),
		at("when the intent is committed", commit("INSERT", "refund", "", happens)),
		at("before it is sent", request("POST", refunds, lost)),
		at("while it is on its way", request("POST", refunds, happens)),
		at("after it is sent", answer("POST", refunds)),
		at("before the entry is posted", write("INSERT", "provider_txn", refundOut)),
		at("before the record is committed", commit("UPDATE", "refund", settled, lost)),
		at("when the record is committed, before the client is answered", commit("UPDATE", "refund", settled, happens)),

		at("before it is sent, and then before the resolver searches", request("POST", refunds, lost), request("GET", refunds, lost)),
		at("before it is sent, and then after the resolver has searched", request("POST", refunds, lost), answer("GET", refunds)),
		at("before it is sent, and then after the resolver has sent it", request("POST", refunds, lost), answer("POST", refunds)),
		at("after it is sent, and then after the resolver has searched", answer("POST", refunds), answer("GET", refunds)),
		at("after it is sent, and then before and when the resolver's record is committed", answer("POST", refunds),
			commit("UPDATE", "refund", settled, lost), commit("UPDATE", "refund", settled, happens)),
	}
}

func TestKilledInAWithdrawal(t *testing.T) {
	t.Parallel()
	for _, point := range refundPoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashSite(t)
			c.fake.Deliveries().Add(untold)
			bilal := c.server.signUp("Bilal", "BUYER")
			bilal.topUp(t, 20)
			input := apitest.Vars{"amount": eur(1500), "idempotencyKey": "one"}
			c.dieAt(point, func() (wait func()) { return bilal.sends(tour(t, "Money back to the card"), input) })
			eventually(t, "the refund's end", func() bool {
				return c.count(`SELECT count(*) FROM refund WHERE status = 'PROCESSING'`) == 0 && c.heard()
			})
			bilal = bilal.at(c.server)
			var ids [2]string
			for i := range ids {
				got := bilal.Must(t, tour(t, "Money back to the card"), apitest.Vars{"input": input})
				if status := got.Str("walletWithdraw.withdrawal.status"); status != "SUCCEEDED" {
					t.Errorf("the retried withdrawal: %s", got.Raw())
				}
				ids[i] = got.Str("walletWithdraw.withdrawal.id")
			}
			if rows := c.count(`SELECT count(*) FROM withdrawal`); ids[0] != ids[1] || rows != 1 {
				t.Errorf("the retries answer %v, and there are %d withdrawals", ids, rows)
			}
			c.refundedOnce(bilal, -1500, 500)
		})
	}
}

// returnPoints are the moments after a card's bank has sent a refund back, days later.
func returnPoints() []crashPoint {
	const kind = "refund.failed"
	return []crashPoint{
		at("before the webhook arrives", webhook(kind)),
		at("when the webhook is answered", webhookAnswer(kind)),
		at("before the look", request("GET", "/v1/refunds/*", lost)),
		at("after the look", answer("GET", "/v1/refunds/*")),
		at("before the entry is posted", write("INSERT", "provider_txn", "NEW.kind = 'REFUND_FAILURE'")),
		at("before the record is committed", commit("UPDATE", "refund", cameBack, lost)),
		at("when the record is committed", commit("UPDATE", "refund", cameBack, happens)),
		at("before the event is done", commit("UPDATE", "provider_event", handled, lost)),
	}
}

func TestKilledWhenARefundComesBack(t *testing.T) {
	t.Parallel()
	for _, point := range returnPoints() {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashSite(t)
			bilal := c.server.signUp("Bilal", "BUYER")
			paid := bilal.Must(t, tour(t, "Pay into the wallet (buyer)"), apitest.Vars{"input": apitest.Vars{
				"amount": eur(2000), "paymentMethod": "pm_card_refundFail", "idempotencyKey": "paid",
			}})
			out := bilal.Must(t, tour(t, "Money back to the card"), apitest.Vars{"input": apitest.Vars{"amount": eur(1500), "idempotencyKey": "out"}})
			if out.Str("walletWithdraw.withdrawal.status") != "SUCCEEDED" {
				t.Fatalf("%s, and then %s", paid.Raw(), out.Raw())
			}
			eventually(t, "the events so far", c.told)
			c.dieAt(point, func() (wait func()) {
				if err := c.fake.Advance(10 * time.Second); err != nil {
					t.Fatal(err)
				}
				return func() {}
			})
			eventually(t, "the refund's return", func() bool {
				return c.count(`SELECT count(*) FROM refund WHERE status = 'FAILED'`) == 1 && c.heard()
			})
			if back := c.movements("refund_failure"); len(back) != 1 || back[0].Amount != 1500 {
				t.Errorf("what came back: %+v", back)
			}
			c.refundedOnce(bilal.at(c.server), -1500, 2000)
		})
	}
}

// refundedOnce insists that the card was refunded once, and on what the wallet has.
func (c *crashSite) refundedOnce(buyer person, cents int64, wallet int) {
	c.t.Helper()
	if out := c.movements("refund"); len(out) != 1 || out[0].Amount != cents {
		c.t.Errorf("the card was refunded %+v", out)
	}
	if available, held := buyer.wallet(c.t); available != wallet || held != 0 {
		c.t.Errorf("the wallet has %d and %d held, want %d", available, held, wallet)
	}
	c.checkBooks()
}
