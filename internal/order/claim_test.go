package order_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
)

// While a buyer complains, time neither completes an order nor matures what it earned; a refund of a part changes nothing about that, its buyer does, and a refund of all.
func TestProblemsHoldTheMoney(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	buyer := w.Buyer(300_00)
	o := w.SaleTo(buyer, 100_00)
	seller := o.SellerID
	w.Must2(w.Orders.Ship(t.Context(), seller, o.ID, ""))
	carried(w, o.ID, w.Orders.DeliveredTx)
	report := func(o uuid.UUID) {
		t.Helper()
		w.Must2(w.Orders.ReportProblem(t.Context(), buyer, o, order.Damaged, "It came in two."))
	}
	report(o.ID)
	late(w, o.ID)
	w.Must(w.Orders.CompleteDue(t.Context()))
	if done, err := w.Orders.Complete(t.Context(), o.ID); done || err != nil || stands(w, o.ID).Payment != order.Paid {
		t.Errorf("completed: %v, %v", done, err)
	}
	for i, cents := range []int64{1, 29_99} {
		amount := domaintest.EUR(cents)
		w.Must2(w.Orders.Refund(t.Context(), order.Actor{User: seller}, order.RefundInput{Order: o.ID, Amount: &amount, IdempotencyKey: []string{"a-cent", "a-part"}[i]}))
		if now := stands(w, o.ID); now.Claim != order.ClaimOpen {
			t.Errorf("a refund of %d leaves it %q", cents, now.Claim)
		}
	}
	w.Must(w.Orders.CompleteDue(t.Context()))
	if now := stands(w, o.ID); now.Payment != order.Paid {
		t.Errorf("a part completes it: %+v", now)
	}
	w.Must2(w.Orders.WithdrawClaim(t.Context(), buyer, o.ID))
	w.Must(w.Orders.CompleteDue(t.Context()))
	if now := stands(w, o.ID); now.Payment != order.Settled {
		t.Errorf("not completed: %+v", now)
	}
	report(o.ID)
	matures(w, seller)
	if waits := w.Balance(ledger.SellerPending, seller); waits != 64_05 {
		t.Errorf("%d wait", waits)
	}
	w.Audited()
	w.Must2(w.Orders.WithdrawClaim(t.Context(), buyer, o.ID))
	matures(w, seller)
	if waits := w.Balance(ledger.SellerPending, seller); waits != 0 {
		t.Errorf("%d wait", waits)
	}
	if _, err := w.Orders.ReportProblem(t.Context(), buyer, o.ID, order.Damaged, "Late."); domaintest.Code(err) != "RETURN_WINDOW_OVER" {
		t.Errorf("reported too late: %v", err)
	}
	w.WantEvents(o.ID, "CREATED PAID SENT DELIVERED PROBLEM_CHANGED REFUNDED "+"REFUNDED PROBLEM_CHANGED COMPLETED PROBLEM_CHANGED "+"PROBLEM_CHANGED EARNINGS_AVAILABLE")
	if notices := w.Int("SELECT count(*) FROM notification WHERE kind = 'ORDER_PROBLEM' AND recipient_id = $1", seller); notices != 4 {
		t.Errorf("the seller has %d notices", notices)
	}
	w.Audited()
}

// A claim's way, step by step: who is not to take the next one is refused on every path, and nothing changes.
func TestWhoAnswersAProblem(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	o := w.Sale(50_00)
	buyer, seller, support := order.Actor{User: o.BuyerID}, order.Actor{User: o.SellerID}, order.Actor{User: w.User(identity.Support), Support: true}
	steps := map[string]func(order.Actor) (order.Order, error){
		"report": func(a order.Actor) (order.Order, error) {
			return w.Orders.ReportProblem(t.Context(), a.User, o.ID, order.NotArrived, "Nothing came.")
		},
		"withdraw": func(a order.Actor) (order.Order, error) { return w.Orders.WithdrawClaim(t.Context(), a.User, o.ID) },
		"accept": func(a order.Actor) (order.Order, error) {
			return w.Orders.AcceptReturn(t.Context(), a, o.ID, "Send it back.", false)
		},
		"refuse": func(a order.Actor) (order.Order, error) {
			return w.Orders.RefuseClaim(t.Context(), a, o.ID, "It did come.")
		},
	}
	people := map[string]order.Actor{"buyer": buyer, "seller": seller, "support": support, "stranger": {User: w.User(identity.Seller)}}
	only := func(allowed map[string]string) { // who may take which step now
		t.Helper()
		before := w.Digest()
		for step, do := range steps {
			for name, who := range people {
				if allowed[step] == name || step == "report" && name != "buyer" && allowed[step] != "" {
					continue
				}
				if _, err := do(who); err == nil {
					t.Errorf("%s: the %s may", step, name)
				}
			}
		}
		if w.Digest() != before {
			t.Error("a refusal changed something")
		}
	}
	only(nil)
	w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
	only(map[string]string{"report": "buyer"})
	w.Must2(steps["report"](buyer))
	only(map[string]string{"withdraw": "buyer", "accept": "seller", "refuse": "seller"})
	w.Must2(steps["refuse"](seller))
	only(map[string]string{"withdraw": "buyer", "accept": "support", "refuse": "support"})
	w.Must2(steps["accept"](support))
	only(map[string]string{"withdraw": "buyer", "refuse": "seller"})
	w.Must2(steps["refuse"](seller))
	w.Must2(steps["refuse"](support))
	only(map[string]string{"report": "buyer"})
	w.Audited()
	for _, move := range []string{"'RESOLVED'", "'OPEN'"} {
		if _, err := w.Pool.Exec(t.Context(), "UPDATE order_claim SET status = "+move+", ended_at = CASE WHEN "+move+" = 'RESOLVED' THEN now() END WHERE order_id = $1", o.ID); err == nil {
			t.Errorf("an ended claim became %s", move)
		}
	}
}

// Two who report at once have one claim between them.
func TestReportedAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	o := w.Sale(50_00)
	w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
	errs := domaintest.AtOnce(4, func(int) error {
		_, err := w.Orders.ReportProblem(t.Context(), o.BuyerID, o.ID, order.WrongItem, "Not mine.")
		return err
	})
	if got := domaintest.Codes(errs); got[""] != 1 || got["PROBLEM_OPEN"] != 3 {
		t.Errorf("%v", got)
	}
	w.Audited()
}
