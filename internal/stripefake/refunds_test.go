package stripefake

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

func refundOf(intent string, amount int64) *stripe.RefundParams {
	p := &stripe.RefundParams{PaymentIntent: &intent}
	if amount > 0 {
		p.Amount = &amount
	}
	return p
}

// net is the sum of all movements.
func (b *bundle) net() (sum int64) {
	for _, t := range b.server.Journal() {
		sum += t.Net
	}
	return sum
}

// eventTypes are the types of the events after a number of them, the oldest first.
func (b *bundle) eventTypes(after int) []string {
	var types []string
	for i := b.api.Events.List(&stripe.EventListParams{}); i.Next(); {
		types = append(types, string(i.Event().Type))
	}
	slices.Reverse(types)
	return types[min(after, len(types)):]
}

func (b *bundle) wantEvents(t *testing.T, after int, want ...string) {
	t.Helper()
	if got := b.eventTypes(after); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, payment("pm_card_visa"))
	seen := len(b.eventTypes(0))
	p := refundOf(intent.ID, 500)
	p.Reason = new("requested_by_customer")
	p.AddMetadata("order", "ord_1")
	p.AddExpand("charge")
	p.AddExpand("balance_transaction")
	first, err := b.api.Refunds.New(p)
	if err != nil || first.Status != stripe.RefundStatusSucceeded || first.Charge.AmountRefunded != 500 || first.Charge.Refunded ||
		first.BalanceTransaction.Net != -500 || first.BalanceTransaction.Fee != 0 || first.Metadata["order"] != "ord_1" {
		t.Fatalf("a part: %+v, %v", first, err)
	}
	b.wantEvents(t, seen, "charge.refunded", "refund.created")
	_, err = b.api.Refunds.New(refundOf(intent.ID, 751))
	if e := stripeErr(t, err, http.StatusBadRequest); e.Param != "amount" {
		t.Errorf("more than is left: %+v", e)
	}
	rest, err := b.api.Refunds.New(&stripe.RefundParams{Charge: &intent.LatestCharge.ID})
	if err != nil || rest.Amount != 750 {
		t.Fatalf("the rest: %+v, %v", rest, err)
	}
	_, err = b.api.Refunds.New(refundOf(intent.ID, 1))
	if e := stripeErr(t, err, http.StatusBadRequest); e.Code != stripe.ErrorCodeChargeAlreadyRefunded {
		t.Errorf("nothing left: %+v", e)
	}
	charge, err := b.api.Charges.Get(intent.LatestCharge.ID, nil)
	if err != nil || !charge.Refunded || charge.AmountRefunded != 1250 {
		t.Errorf("the charge: %+v, %v", charge, err)
	}
	if got := b.net(); got != -44 { // the fee is not given back
		t.Errorf("the balance has %d", got)
	}
	var listed []string
	for i := b.api.Refunds.List(&stripe.RefundListParams{PaymentIntent: &intent.ID}); i.Next(); {
		listed = append(listed, i.Refund().ID)
	}
	if !slices.Equal(listed, []string{rest.ID, first.ID}) {
		t.Errorf("listed %v", listed)
	}
	update := &stripe.RefundParams{}
	update.AddMetadata("note", "n")
	if got, err := b.api.Refunds.Update(first.ID, update); err != nil || got.Metadata["note"] != "n" || got.Metadata["order"] != "ord_1" {
		t.Errorf("updated: %+v, %v", got, err)
	}
}

func TestRefundsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paid := mustPay(t, b, payment("pm_card_visa"))
	held := payment("pm_card_visa")
	held.CaptureMethod = new("manual")
	authorised := mustPay(t, b, held)
	for name, test := range map[string]struct {
		params *stripe.RefundParams
		status int
	}{
		"of nothing":         {&stripe.RefundParams{}, 400},
		"of two":             {&stripe.RefundParams{Charge: &paid.LatestCharge.ID, PaymentIntent: &paid.ID}, 400},
		"unknown intent":     {refundOf("pi_no", 1), 404},
		"unknown charge":     {&stripe.RefundParams{Charge: new("ch_no")}, 404},
		"zero":               {&stripe.RefundParams{PaymentIntent: &paid.ID, Amount: stripe.Int64(0)}, 400},
		"negative":           {&stripe.RefundParams{PaymentIntent: &paid.ID, Amount: stripe.Int64(-1)}, 400},
		"too much":           {refundOf(paid.ID, 1251), 400},
		"mood":               {&stripe.RefundParams{PaymentIntent: &paid.ID, Reason: new("mood")}, 400},
		"not captured":       {refundOf(authorised.ID, 0), 400},
		"uncaptured, charge": {&stripe.RefundParams{Charge: &authorised.LatestCharge.ID}, 400},
	} {
		_, err := b.api.Refunds.New(test.params)
		if e := stripeErr(t, err, test.status); e.Type != stripe.ErrorTypeInvalidRequest {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := len(b.server.Journal()); n != 1 {
		t.Errorf("%d movements", n)
	}
}

func TestPartialCaptureThenRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_visa")
	p.CaptureMethod = new("manual")
	intent := mustPay(t, b, p)
	if _, err := b.api.PaymentIntents.Capture(intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1000)}); err != nil {
		t.Fatal(err)
	}
	_, err := b.api.Refunds.New(refundOf(intent.ID, 1001))
	_ = stripeErr(t, err, http.StatusBadRequest)
	if _, err := b.api.Refunds.New(refundOf(intent.ID, 1000)); err != nil {
		t.Fatal(err)
	}
	if got := b.net(); got != -40 {
		t.Errorf("the balance has %d, want the fee of 10.00 alone", got)
	}
}

func TestPendingRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, payment("pm_card_pendingRefund"))
	refund, err := b.api.Refunds.New(refundOf(intent.ID, 0))
	if err != nil || refund.Status != stripe.RefundStatusPending {
		t.Fatalf("got %+v, %v", refund, err)
	}
	seen := len(b.eventTypes(0))
	b.clock.advance(refundDelay)
	if refund, err = b.api.Refunds.Get(refund.ID, nil); err != nil || refund.Status != stripe.RefundStatusSucceeded {
		t.Errorf("got %+v, %v", refund, err)
	}
	b.wantEvents(t, seen, "charge.refund.updated", "refund.updated")
}

func TestRefundFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, payment("pm_card_refundFail"))
	refund, err := b.api.Refunds.New(refundOf(intent.ID, 250))
	if err != nil || refund.Status != stripe.RefundStatusSucceeded {
		t.Fatalf("got %+v, %v", refund, err)
	}
	seen := len(b.eventTypes(0))
	b.clock.advance(refundDelay)
	get := &stripe.RefundParams{}
	get.AddExpand("failure_balance_transaction")
	refund, err = b.api.Refunds.Get(refund.ID, get)
	if err != nil || refund.Status != stripe.RefundStatusFailed || refund.FailureReason != stripe.RefundFailureReasonExpiredOrCanceledCard ||
		refund.FailureBalanceTransaction.Amount != 250 || refund.FailureBalanceTransaction.Type != "refund_failure" {
		t.Fatalf("got %+v, %v", refund, err)
	}
	b.wantEvents(t, seen, "charge.refund.updated", "refund.updated", "refund.failed")
	charge, err := b.api.Charges.Get(intent.LatestCharge.ID, nil)
	if err != nil || charge.AmountRefunded != 0 || b.net() != 1206 {
		t.Errorf("the charge: %+v, %v; the balance %d", charge, err, b.net())
	}
}

func TestRefundsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	intent := mustPay(t, b, payment("pm_card_visa"))
	var group sync.WaitGroup
	results := make(chan error, 12)
	for range 12 {
		group.Go(func() {
			_, err := b.api.Refunds.New(refundOf(intent.ID, 1000))
			results <- err
		})
	}
	group.Wait()
	close(results)
	good := 0
	for err := range results {
		if err == nil {
			good++
		}
	}
	if good != 1 || b.net() != 206 {
		t.Errorf("%d refunds of 10.00 out of 12.50, the balance has %d", good, b.net())
	}
}

func TestAuthorisationExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_visa")
	p.CaptureMethod = new("manual")
	late, captured := mustPay(t, b, p), mustPay(t, b, p)
	if got, want := late.LatestCharge.PaymentMethodDetails.Card.CaptureBefore, b.clock.Now().Add(authorisationLife).Unix(); got != want {
		t.Errorf("capture before %d, want %d", got, want)
	}
	if _, err := b.api.PaymentIntents.Capture(captured.ID, nil); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(authorisationLife - time.Second)
	if got, err := b.api.PaymentIntents.Get(late.ID, nil); err != nil || got.Status != stripe.PaymentIntentStatusRequiresCapture {
		t.Errorf("just before: %+v, %v", got, err)
	}
	seen := len(b.eventTypes(0))
	b.clock.advance(time.Second)
	_, err := b.api.PaymentIntents.Capture(late.ID, nil)
	if e := stripeErr(t, err, http.StatusBadRequest); e.Code != stripe.ErrorCodePaymentIntentUnexpectedState {
		t.Errorf("captured too late: %+v", e)
	}
	gone, err := b.api.PaymentIntents.Get(late.ID, nil)
	if err != nil || gone.Status != stripe.PaymentIntentStatusCanceled || gone.CancellationReason != "automatic" || gone.AmountCapturable != 0 {
		t.Errorf("expired: %+v, %v", gone, err)
	}
	b.wantEvents(t, seen, "charge.expired", "payment_intent.canceled")
	if kept, err := b.api.PaymentIntents.Get(captured.ID, nil); err != nil || kept.Status != stripe.PaymentIntentStatusSucceeded {
		t.Errorf("what was captured expired as well: %+v, %v", kept, err)
	}
}

func (b *bundle) advance(t *testing.T, d time.Duration) {
	t.Helper()
	if err := b.server.Advance(d); err != nil {
		t.Fatal(err)
	}
}

// What is to come comes after a restart as well.
func TestTasksSurvive(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/stripe.json"
	b := setupWith(t, Config{Seed: 7, StateFile: path})
	intent := mustPay(t, b, payment("pm_card_pendingRefund"))
	var refunds []string
	for range 2 {
		r, err := b.api.Refunds.New(refundOf(intent.ID, 100))
		if err != nil {
			t.Fatal(err)
		}
		refunds = append(refunds, r.ID)
		b.advance(t, 3*time.Second)
	} // the first is 6 seconds old now and done, the second 3
	again := setupWith(t, Config{Seed: 7, StateFile: copyWith(t, path, "")})
	status := func(id string) stripe.RefundStatus {
		r, err := again.api.Refunds.Get(id, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.Status
	}
	if status(refunds[0]) != stripe.RefundStatusSucceeded || status(refunds[1]) != stripe.RefundStatusPending {
		t.Errorf("after the restart: %s and %s", status(refunds[0]), status(refunds[1]))
	}
	again.advance(t, 2*time.Second)
	if got := status(refunds[1]); got != stripe.RefundStatusSucceeded {
		t.Errorf("the one that was to come is %s", got)
	}
	if n := len(again.server.agenda); n != 0 {
		t.Errorf("%d tasks are left", n)
	}
}
