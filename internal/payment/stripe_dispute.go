package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// Dispute implements Disputes. Stripe sends a dispute with the movements of our balance as whole objects.
func (s *Stripe) Dispute(ctx context.Context, id string) (Dispute, error) {
	const op = "fetch a dispute"
	d, err := s.api.Disputes.Get(id, &stripe.DisputeParams{Params: params(ctx, "")})
	if err != nil {
		return Dispute{}, stripeError(op, err)
	}
	dispute, err := readDispute(d)
	if err != nil {
		return Dispute{}, &ProviderError{Op: op, Outcome: Unknown, Err: err}
	}
	return dispute, nil
}

func readDispute(d *stripe.Dispute) (Dispute, error) {
	out := Dispute{ID: d.ID, Amount: stripeAmount(d.Amount, d.Currency), Reason: string(d.Reason)}
	if d.Charge == nil || d.PaymentIntent == nil {
		return Dispute{}, fmt.Errorf("dispute %s names no charge and no intent", d.ID)
	}
	out.Charge, out.Intent = d.Charge.ID, d.PaymentIntent.ID
	if e := d.EvidenceDetails; e != nil && e.DueBy > 0 {
		due := time.Unix(e.DueBy, 0).UTC()
		out.RespondBy = &due
	}
	for _, t := range d.BalanceTransactions {
		switch moved := stripeTxn(t); {
		case moved.Gross.Minor < 0 && out.Withdrawn.ID == "":
			out.Withdrawn = moved
		case moved.Gross.Minor > 0 && out.Reinstated.ID == "":
			out.Reinstated = moved
		default:
			return Dispute{}, fmt.Errorf("dispute %s moved the balance by %s (%s), which is not understood", d.ID, moved.Gross, t.ID)
		}
	}
	switch d.Status {
	case stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusWarningUnderReview:
		out.State = ChargebackInquiry
	case stripe.DisputeStatusWarningClosed:
		out.State = ChargebackClosed
	case stripe.DisputeStatusNeedsResponse:
		out.State = ChargebackNeedsResponse
	case stripe.DisputeStatusUnderReview:
		out.State = ChargebackUnderReview
	case stripe.DisputeStatusWon:
		out.State = ChargebackWon
	case stripe.DisputeStatusLost:
		out.State = ChargebackLost
	default:
		return Dispute{}, fmt.Errorf("dispute %s has status %q", d.ID, d.Status)
	}
	return out, nil
}
