package stripefake

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// disputed pays with a card that disputes and returns the dispute.
func (b *bundle) disputed(t *testing.T, card string) *stripe.Dispute {
	t.Helper()
	intent := mustPay(t, b, payment(card))
	b.clock.advance(disputeDelay)
	return b.disputeOf(t, intent.ID)
}

func (b *bundle) disputeOf(t *testing.T, intent string) *stripe.Dispute {
	t.Helper()
	i := b.api.Disputes.List(&stripe.DisputeListParams{PaymentIntent: &intent})
	if !i.Next() {
		t.Fatalf("no dispute: %v", i.Err())
	}
	return i.Dispute()
}

func (b *bundle) submit(t *testing.T, id, text string) *stripe.Dispute {
	t.Helper()
	d, err := b.api.Disputes.Update(id, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: &text}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (b *bundle) dispute(t *testing.T, id string) *stripe.Dispute {
	t.Helper()
	d, err := b.api.Disputes.Get(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestChargeback(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.disputed(t, "pm_card_createDispute")
	if d.Status != stripe.DisputeStatusNeedsResponse || d.Amount != 1250 || d.Reason != stripe.DisputeReasonFraudulent || d.IsChargeRefundable ||
		d.EvidenceDetails.DueBy <= d.Created {
		t.Fatalf("got %+v", d)
	}
	if len(d.BalanceTransactions) != 1 || d.BalanceTransactions[0].Amount != -1250 || d.BalanceTransactions[0].Fee != 2000 ||
		d.BalanceTransactions[0].Net != -3250 || d.BalanceTransactions[0].ReportingCategory != "dispute" {
		t.Errorf("withdrawn: %+v", d.BalanceTransactions)
	}
	b.wantEvents(t, 3, "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated")
	charge, err := b.api.Charges.Get(d.Charge.ID, nil)
	if err != nil || !charge.Disputed {
		t.Errorf("the charge: %+v, %v", charge, err)
	}
	_, err = b.api.Refunds.New(&stripe.RefundParams{Charge: &d.Charge.ID})
	if e := stripeErr(t, err, http.StatusBadRequest); e.Code != stripe.ErrorCodeChargeDisputed {
		t.Errorf("refunded a chargeback: %+v", e)
	}
}

func TestChargebackOutcomes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		evidence string
		status   stripe.DisputeStatus
		net      int64 // of all movements: 12.06 of the charge, less the dispute
		moved    int
		events   []string
	}{
		{"winning_evidence", stripe.DisputeStatusWon, 1206 - 2000, 2, []string{"charge.dispute.funds_reinstated", "charge.dispute.closed"}},
		{"losing_evidence", stripe.DisputeStatusLost, 1206 - 3250, 1, []string{"charge.dispute.closed"}},
		{"our side of it", stripe.DisputeStatusUnderReview, 1206 - 3250, 1, nil},
	} {
		t.Run(test.evidence, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			d := b.disputed(t, "pm_card_createDisputeProductNotReceived")
			if d.Reason != stripe.DisputeReasonProductNotReceived {
				t.Errorf("reason %s", d.Reason)
			}
			if d = b.submit(t, d.ID, test.evidence); d.Status != stripe.DisputeStatusUnderReview || !d.EvidenceDetails.HasEvidence ||
				d.EvidenceDetails.SubmissionCount != 1 || d.Evidence.UncategorizedText != test.evidence {
				t.Errorf("submitted: %+v", d)
			}
			seen := len(b.eventTypes(0))
			b.clock.advance(decisionDelay)
			d = b.dispute(t, d.ID)
			if d.Status != test.status || len(d.BalanceTransactions) != test.moved || b.net() != test.net {
				t.Errorf("got %s with %d movements, the balance %d", d.Status, len(d.BalanceTransactions), b.net())
			}
			b.wantEvents(t, seen, test.events...)
			b.clock.advance(responseTime)
			if again := b.dispute(t, d.ID); again.Status != test.status {
				t.Errorf("the deadline made %s of it", again.Status)
			}
		})
	}
}

func TestDisputeForfeitedAndAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late, accepted := b.disputed(t, "pm_card_createDispute"), b.disputed(t, "pm_card_createDispute")
	if d, err := b.api.Disputes.Close(accepted.ID, nil); err != nil || d.Status != stripe.DisputeStatusLost {
		t.Errorf("accepted: %+v, %v", d, err)
	}
	_, err := b.api.Disputes.Close(accepted.ID, nil)
	_ = stripeErr(t, err, http.StatusBadRequest)
	b.clock.advance(responseTime)
	if d := b.dispute(t, late.ID); d.Status != stripe.DisputeStatusLost || !d.EvidenceDetails.PastDue {
		t.Errorf("too late: %+v", d)
	}
	_, err = b.api.Disputes.Update(late.ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: new("winning_evidence")}})
	_ = stripeErr(t, err, http.StatusBadRequest)
}

func TestInquiry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.disputed(t, "pm_card_createDisputeInquiry")
	if d.Status != stripe.DisputeStatusWarningNeedsResponse || len(d.BalanceTransactions) != 0 || !d.IsChargeRefundable || b.net() != 1206 {
		t.Fatalf("got %+v, the balance %d", d, b.net())
	}
	if _, err := b.api.Refunds.New(&stripe.RefundParams{Charge: &d.Charge.ID, Amount: stripe.Int64(250)}); err != nil {
		t.Errorf("a refund during the inquiry: %v", err)
	}
	if d = b.submit(t, d.ID, "escalate_inquiry_evidence"); d.Status != stripe.DisputeStatusWarningUnderReview {
		t.Errorf("submitted: %s", d.Status)
	}
	seen := len(b.eventTypes(0))
	b.clock.advance(decisionDelay)
	if d = b.dispute(t, d.ID); d.Status != stripe.DisputeStatusNeedsResponse || d.Amount != 1000 || b.net() != 1206-250-3000 {
		t.Errorf("escalated: %+v, the balance %d", d, b.net())
	}
	b.wantEvents(t, seen, "charge.dispute.updated", "charge.dispute.funds_withdrawn")

	refunded := b.disputed(t, "pm_card_createDisputeInquiry")
	if _, err := b.api.Refunds.New(&stripe.RefundParams{Charge: &refunded.Charge.ID}); err != nil {
		t.Fatal(err)
	}
	if err := b.server.DecideDispute(refunded.ID, needsResponse); err != nil {
		t.Fatal(err)
	}
	if d = b.dispute(t, refunded.ID); d.Status != stripe.DisputeStatusWarningClosed || d.Amount != refunded.Amount || len(d.BalanceTransactions) != 0 {
		t.Errorf("escalated when all was refunded: %+v", d)
	}

	quiet := b.disputed(t, "pm_card_createDisputeInquiry")
	b.clock.advance(inquiryLifetime)
	if quiet = b.dispute(t, quiet.ID); quiet.Status != stripe.DisputeStatusWarningClosed || len(quiet.BalanceTransactions) != 0 {
		t.Errorf("nobody answered: %+v", quiet)
	}
}

func TestEvidenceRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.disputed(t, "pm_card_createDispute")
	draft := &stripe.DisputeParams{Submit: new(false), Evidence: &stripe.DisputeEvidenceParams{CustomerName: new("Nadia")}}
	if got, err := b.api.Disputes.Update(d.ID, draft); err != nil || got.Status != stripe.DisputeStatusNeedsResponse || got.EvidenceDetails.SubmissionCount != 0 {
		t.Errorf("a draft: %+v, %v", got, err)
	}
	for name, e := range map[string]*stripe.DisputeEvidenceParams{
		"file": {Receipt: new("file_1")},
		"long": {UncategorizedText: new(strings.Repeat("x", maxEvidence+1))},
	} {
		_, err := b.api.Disputes.Update(d.ID, &stripe.DisputeParams{Evidence: e})
		if got := stripeErr(t, err, http.StatusBadRequest); !strings.HasPrefix(got.Param, "evidence") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := b.submit(t, d.ID, "that is all"); got.Evidence.CustomerName != "Nadia" {
		t.Errorf("the draft is forgotten: %+v", got.Evidence)
	}
	_, err := b.api.Disputes.Update(d.ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: new("and more")}})
	_ = stripeErr(t, err, http.StatusBadRequest)
}

func TestDisputeAfterCaptureAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := payment("pm_card_createDispute")
	p.CaptureMethod = new("manual")
	intent := mustPay(t, b, p)
	b.clock.advance(time.Hour)
	if i := b.api.Disputes.List(&stripe.DisputeListParams{}); i.Next() {
		t.Fatal("an authorisation was disputed")
	}
	if _, err := b.api.PaymentIntents.Capture(intent.ID, nil); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(disputeDelay)
	if d := b.disputeOf(t, intent.ID); d.Amount != 1250 {
		t.Errorf("got %+v", d)
	}
}

func TestDisputesByProgramme(t *testing.T) {
	t.Parallel()
	b := setup(t)
	charge := mustPay(t, b, payment("pm_card_visa")).LatestCharge.ID
	for name, try := range map[string]func() error{
		"unknown charge": func() error { _, err := b.server.OpenDispute("ch_no", "fraudulent", 0, false); return err },
		"unknown reason": func() error { _, err := b.server.OpenDispute(charge, "mood", 0, false); return err },
		"too much":       func() error { _, err := b.server.OpenDispute(charge, "fraudulent", 1251, false); return err },
		"unknown":        func() error { return b.server.DecideDispute("dp_no", "won") },
	} {
		if try() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	d, err := b.server.OpenDispute(charge, "duplicate", 1000, false)
	if err != nil || b.net() != 1206-3000 {
		t.Fatalf("got %+v, %v, the balance %d", d, err, b.net())
	}
	if b.server.DecideDispute(d.ID, "warning_closed") == nil {
		t.Error("a chargeback was closed as an inquiry")
	}
	if err := b.server.DecideDispute(d.ID, "won"); err != nil || b.dispute(t, d.ID).Status != stripe.DisputeStatusWon {
		t.Errorf("decided: %v", err)
	}
	if b.server.DecideDispute(d.ID, "lost") == nil {
		t.Error("decided twice")
	}
	if _, err := b.api.Refunds.New(&stripe.RefundParams{Charge: &charge}); err != nil {
		t.Errorf("a refund after a dispute that was won: %v", err)
	}
}
