package order_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
)

// sentBack is an order of 100 that was delivered, whose buyer asks to return it.
func sentBack(w *domaintest.World, reason order.ClaimReason) order.Order {
	w.T.Helper()
	o := w.Sale(100_00)
	w.Must2(w.Orders.Ship(w.Ctx(), o.SellerID, o.ID, ""))
	carried(w, o.ID, w.Orders.DeliveredTx)
	w.Must2(w.Orders.RequestReturn(w.Ctx(), o.BuyerID, o.ID, reason, "It does not fit.", nil))
	return o
}

// back is all of such an order, as its seller receives it.
func back(o uuid.UUID, key string) order.ReceivedInput {
	return order.ReceivedInput{Order: o, Lines: []order.ReturnedLine{{Number: 1, Quantity: 1, Restock: true}}, IdempotencyKey: key}
}

// claim is the newest of an order.
func claim(w *domaintest.World, o uuid.UUID) order.Claim {
	w.T.Helper()
	all, err := w.Orders.Claims(w.Ctx(), []uuid.UUID{o})
	w.Must(err)
	return all[o][0]
}

// A return from its request to the refund: who is not to take the next step is refused, the money waits meanwhile, and a retry is the same return.
func TestAReturn(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	o := sentBack(w, order.ChangedMind)
	seller, buyer := order.Actor{User: o.SellerID}, o.BuyerID
	refused := func(what, want string, err error) {
		t.Helper()
		if got := domaintest.Code(err); got != want {
			t.Errorf("%s: %q, not %s", what, got, want)
		}
	}
	step := func(_ order.Order, err error) error { return err }
	refused("asked twice", "PROBLEM_OPEN", step(w.Orders.RequestReturn(t.Context(), buyer, o.ID, order.ChangedMind, "Again.", nil)))
	refused("sent before it is accepted", "ORDER_ACTION_NOT_AVAILABLE", step(w.Orders.SendReturn(t.Context(), buyer, o.ID, "")))
	refused("received before it is accepted", "ORDER_ACTION_NOT_AVAILABLE", step(w.Orders.ReceiveReturn(t.Context(), seller, back(o.ID, "early"))))
	w.Must2(w.Orders.AcceptReturn(t.Context(), seller, o.ID, "To the shop, please.", false))
	if c := claim(w, o.ID); c.Return == nil || *c.Return.Bearer != order.AsBuyer || len(c.Return.Lines) != 1 || c.Return.Lines[0] != (order.ReturnLine{Number: 1, Quantity: 1}) {
		t.Errorf("accepted: %+v", c.Return)
	}
	refused("sent by its seller", "ORDER_ACTION_NOT_AVAILABLE", step(w.Orders.SendReturn(t.Context(), o.SellerID, o.ID, "")))
	refused("sent by a stranger", "ORDER_NOT_FOUND", step(w.Orders.SendReturn(t.Context(), w.User(identity.Buyer), o.ID, "")))
	w.Must2(w.Orders.SendReturn(t.Context(), buyer, o.ID, "LX 1"))
	if c := claim(w, o.ID); c.Status != order.ClaimReturnSent || c.Return.Tracking != "LX 1" || c.Return.SentAt == nil || c.Return.CarriedAt != nil {
		t.Errorf("sent: %+v %+v", c, c.Return)
	}
	refused("withdrawn on its way", "ORDER_ACTION_NOT_AVAILABLE", step(w.Orders.WithdrawClaim(t.Context(), buyer, o.ID)))
	refused("received by its buyer", "ORDER_ACTION_NOT_AVAILABLE", step(w.Orders.ReceiveReturn(t.Context(), order.Actor{User: buyer}, back(o.ID, "b"))))
	late(w, o.ID)
	w.Must(w.Orders.CompleteDue(t.Context()))
	if now := stands(w, o.ID); now.Payment != order.Paid {
		t.Errorf("on its way back it is %s", now.Payment)
	}
	for _, lines := range [][]order.ReturnedLine{nil, {{Number: 2, Quantity: 1}}, {{Number: 1, Quantity: 2}}, {{Number: 1, Quantity: 0}}, {{Number: 1, Quantity: 1}, {Number: 1, Quantity: 1}}} {
		refused("other lines", "ORDER_LINES_INVALID", step(w.Orders.ReceiveReturn(t.Context(), seller, order.ReceivedInput{Order: o.ID, Lines: lines, IdempotencyKey: "x"})))
	}
	for range 2 {
		w.Must2(w.Orders.ReceiveReturn(t.Context(), seller, back(o.ID, "back")))
	}
	other := back(o.ID, "back")
	other.Text = "Something else."
	refused("the key for something else", "IDEMPOTENCY_KEY_REUSED", step(w.Orders.ReceiveReturn(t.Context(), seller, other)))
	if now := stands(w, o.ID); now.Payment != order.Refunded || now.Claim != "" || claim(w, o.ID).Status != order.ClaimResolved || claim(w, o.ID).Return.Lines[0].Received != 1 {
		t.Errorf("received: %+v", now)
	}
	w.WantWallet(buyer, 100_00, 0)
	if n := w.Int(`SELECT count(*) FROM order_restock WHERE order_id = $1`, o.ID) + w.Int(`SELECT count(*) FROM listing WHERE id = $1 AND status = 'ACTIVE'`, o.ListingID); n != 2 {
		t.Errorf("restocked, and for sale again: %d of 2", n)
	}
	w.WantEvents(o.ID, "CREATED PAID SENT DELIVERED PROBLEM_CHANGED "+"PROBLEM_CHANGED "+"PROBLEM_CHANGED "+"PROBLEM_CHANGED REFUNDED")
	w.Audited()
}

// Who bears the way back follows from the reason, unless the seller bears it.
func TestWhoBearsTheWayBack(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for _, c := range []struct {
		reason order.ClaimReason
		seller bool
		want   order.Party
	}{
		{order.ChangedMind, false, order.AsBuyer}, {order.ChangedMind, true, order.AsSeller}, {order.Damaged, false, order.AsSeller}, {order.WrongItem, false, order.AsSeller},
	} {
		o := sentBack(w, c.reason)
		w.Must2(w.Orders.AcceptReturn(t.Context(), order.Actor{User: o.SellerID}, o.ID, "Send it.", c.seller))
		if got := *claim(w, o.ID).Return.Bearer; got != c.want {
			t.Errorf("%s, %t: the %s", c.reason, c.seller, got)
		}
	}
	w.Audited()
}

// What nobody answers: a request is accepted; goods that are never sent, or never come, are for staff, and the order goes on where these say nothing either. What
// their carrier has, or has brought back, is refunded.
func TestReturnsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for name, c := range map[string]struct {
		sent    bool // by the buyer's word
		carried string
		refused bool // by the seller, once it is on its way
		steps   []order.ClaimStatus
		want    order.Payment
	}{
		"never sent":           {steps: []order.ClaimStatus{order.ClaimReturnAwaited, order.ClaimEscalated, ""}, want: order.Paid},
		"sent, by nobody":      {sent: true, steps: []order.ClaimStatus{order.ClaimReturnAwaited, order.ClaimEscalated, ""}, want: order.Paid},
		"its carrier lost it":  {carried: "carried_at = now()", sent: true, steps: []order.ClaimStatus{order.ClaimReturnAwaited, order.ClaimEscalated, ""}, want: order.Refunded},
		"it is there":          {carried: "carried_at = now(), arrived_at = now(), status = 'RETURN_ARRIVED'", steps: []order.ClaimStatus{order.ClaimReturnAwaited, ""}, want: order.Refunded},
		"it is there, and not": {carried: "carried_at = now(), arrived_at = now(), status = 'RETURN_ARRIVED'", refused: true, steps: []order.ClaimStatus{order.ClaimReturnAwaited, ""}, want: order.Refunded},
	} {
		o := sentBack(w, order.ChangedMind)
		for i, want := range c.steps {
			if i == 1 && c.sent {
				w.Must2(w.Orders.SendReturn(t.Context(), o.BuyerID, o.ID, ""))
			}
			if i == 1 && c.carried != "" {
				w.Exec(`WITH c AS (UPDATE order_claim SET `+c.carried+` WHERE order_id = $1 AND ended_at IS NULL RETURNING order_id, status)
					UPDATE orders SET claim = c.status FROM c WHERE id = c.order_id`, o.ID)
			}
			if i == 1 && c.refused {
				w.Must2(w.Orders.RefuseClaim(t.Context(), order.Actor{User: o.SellerID}, o.ID, "The parcel was empty."))
			}
			if now := overdueOnce(w, o.ID); now.Claim != want {
				t.Errorf("%s: step %d is %q, not %q", name, i+1, now.Claim, want)
			}
		}
		if now := stands(w, o.ID); now.Payment != c.want {
			t.Errorf("%s: it is %s", name, now.Payment)
		}
	}
	w.Audited()
}

// overdueOnce ends the term of an order's claim, and has the job look.
func overdueOnce(w *domaintest.World, o uuid.UUID) order.Order {
	w.T.Helper()
	w.Exec(`UPDATE order_claim SET due_at = clock_timestamp() WHERE order_id = $1 AND ended_at IS NULL`, o)
	w.Must(w.Orders.ClaimsDue(w.Ctx()))
	return stands(w, o)
}

// Received by several at once with keys of their own, refused, and its term over: one of them decides, and the money goes back once.
func TestReceivedAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for round := range 6 {
		o := sentBack(w, order.Damaged)
		seller := order.Actor{User: o.SellerID}
		w.Must2(w.Orders.AcceptReturn(t.Context(), seller, o.ID, "Send it.", false))
		domaintest.AtOnce(4, func(n int) error {
			switch n {
			case 0, 1:
				_, err := w.Orders.ReceiveReturn(t.Context(), seller, back(o.ID, uuid.NewString()))
				return err
			case 2:
				_, err := w.Orders.SendReturn(t.Context(), o.BuyerID, o.ID, "")
				return err
			}
			_, err := w.Orders.Refund(t.Context(), seller, order.RefundInput{Order: o.ID, IdempotencyKey: uuid.NewString()})
			return err
		})
		if now := stands(w, o.ID); now.Payment != order.Refunded || now.Claim != "" {
			t.Errorf("round %d: %+v", round, now)
		}
		w.WantWallet(o.BuyerID, 100_00, 0)
	}
	w.Audited()
}
