package order_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

// overdue ends the term of an order's claim, and has the job look twice.
func overdue(w *domaintest.World, o uuid.UUID) order.Order {
	w.T.Helper()
	w.Exec(`UPDATE order_claim SET due_at = clock_timestamp() WHERE order_id = $1 AND ended_at IS NULL`, o)
	for range 2 {
		w.Must(w.Orders.ClaimsDue(w.Ctx()))
	}
	return stands(w, o)
}

// A claim that nobody answers comes to staff, and where they don't decide either it is decided: the buyer of somebody who never answered has all back.
func TestNobodyAnswersAProblem(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	o := w.Sale(100_00)
	w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
	carried(w, o.ID, w.Orders.DeliveredTx)
	w.Must2(w.Orders.ReportProblem(t.Context(), o.BuyerID, o.ID, order.Damaged, "It came in two."))
	w.Must(w.Orders.ClaimsDue(t.Context()))
	if now := stands(w, o.ID); now.Claim != order.ClaimOpen {
		t.Errorf("before its time it is %s", now.Claim)
	}
	amount := domaintest.EUR(40_00)
	w.Must2(w.Orders.Refund(t.Context(), order.Actor{User: o.SellerID}, order.RefundInput{Order: o.ID, Amount: &amount, IdempotencyKey: "a-part"}))
	if now := overdue(w, o.ID); now.Claim != order.ClaimEscalated {
		t.Errorf("unanswered it is %q", now.Claim)
	}
	support := order.Actor{User: w.User(identity.Support), Support: true}
	cases, err := w.Orders.Cases(t.Context(), page.Args{})
	if w.Must(err); len(cases.Nodes) != 1 || cases.Nodes[0].Order.ID != o.ID || cases.Nodes[0].Problem.DueAt == nil || cases.Nodes[0].Left() != domaintest.EUR(60_00) {
		t.Errorf("the cases: %+v", cases.Nodes)
	}
	if got := cases.Nodes[0].Order.AvailableActions(support.Party(o)); len(got) != 2 {
		t.Errorf("support may %v", got)
	}
	now := overdue(w, o.ID)
	if now.Claim != "" || now.Payment != order.Refunded || now.Left().Minor != 0 {
		t.Errorf("undecided: %+v", now)
	}
	w.WantWallet(o.BuyerID, 100_00, 0)
	w.WantEvents(o.ID, "CREATED PAID SENT DELIVERED PROBLEM_CHANGED REFUNDED PROBLEM_CHANGED "+"PROBLEM_CHANGED REFUNDED")
	if cases, err = w.Orders.Cases(t.Context(), page.Args{}); err != nil || len(cases.Nodes) != 0 {
		t.Errorf("the cases: %+v, %v", cases.Nodes, err)
	}
	w.Audited()
}

// What was answered goes on where staff don't decide; what nobody says has arrived goes back, answered or not. Goods that are to come back, and don't, come to staff as well.
func TestNobodyDecidesAProblem(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for name, c := range map[string]struct {
		reason    order.ClaimReason
		delivered bool
		returned  bool // it is asked for, and not refused
		want      order.Payment
	}{
		"refused":                      {order.Damaged, true, false, order.Settled},
		"to be sent back":              {order.ChangedMind, true, true, order.Settled},
		"not arrived, by nobody":       {order.NotArrived, false, false, order.Refunded},
		"not arrived, by its carrier":  {order.NotArrived, true, false, order.Settled},
		"damaged, and nobody saw that": {order.Damaged, false, false, order.Settled},
	} {
		o := w.Sale(50_00)
		w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
		if c.delivered {
			carried(w, o.ID, w.Orders.DeliveredTx)
		}
		w.Must2(w.Orders.ReportProblem(t.Context(), o.BuyerID, o.ID, c.reason, "Something is wrong."))
		seller := order.Actor{User: o.SellerID}
		if c.returned {
			w.Must2(w.Orders.AcceptReturn(t.Context(), seller, o.ID, "Send it back.", false))
			if now := overdue(w, o.ID); now.Claim != order.ClaimEscalated {
				t.Errorf("%s: it is %q", name, now.Claim)
			}
		} else {
			w.Must2(w.Orders.RefuseClaim(t.Context(), seller, o.ID, "Nothing is."))
		}
		late(w, o.ID)
		overdue(w, o.ID)
		w.Must(w.Orders.CompleteDue(t.Context()))
		if now := stands(w, o.ID); now.Claim != "" || now.Payment != c.want {
			t.Errorf("%s: %+v", name, now)
		}
	}
	w.Audited()
}

// The term ends at the instant at which its seller answers, its buyer takes it back, and another server looks: one of them decides.
func TestAProblemsTermAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	other := w.Another(t)
	for round := range 12 {
		o := w.Sale(50_00)
		w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
		w.Must2(w.Orders.ReportProblem(t.Context(), o.BuyerID, o.ID, order.NotArrived, "Nothing came."))
		if round%2 == 1 {
			overdue(w, o.ID) // then its term is staff's
		}
		w.Exec(`UPDATE order_claim SET due_at = clock_timestamp() WHERE order_id = $1`, o.ID)
		errs := domaintest.AtOnce(4, func(i int) (err error) {
			switch i {
			case 0:
				_, err = w.Orders.ClaimDue(t.Context(), o.ID)
			case 1:
				_, err = other.Orders.ClaimDue(t.Context(), o.ID)
			case 2:
				_, err = other.Orders.RefuseClaim(t.Context(), order.Actor{User: o.SellerID}, o.ID, "It did.")
			default:
				_, err = w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
			}
			return err
		})
		for i, err := range errs {
			if code := domaintest.Code(err); code != "" && (i < 2 || code != order.ErrMove.Code) {
				t.Errorf("round %d, %d: %v", round, i, err)
			}
		}
		now := stands(w, o.ID)
		if refunded, settled := now.Payment == order.Refunded, now.Payment == order.Settled; refunded == settled || refunded && round%2 == 0 {
			t.Errorf("round %d: %+v", round, now)
		}
	}
	w.Audited()
}
