package payment

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v76"

	"github.com/souklive/souk/internal/money"
)

const refundPage = 100 // the most that Stripe gives

// The records of a refund's money, which are fetched along with it.
const (
	refundLeft     = "balance_transaction"
	refundReturned = "failure_balance_transaction"
)

// CreateRefund implements Refunds.
func (s *Stripe) CreateRefund(ctx context.Context, r RefundRequest) (SentRefund, error) {
	p := &stripe.RefundParams{Params: refundParams(ctx, r.Key), PaymentIntent: new(r.Intent), Amount: new(r.Amount.Minor)}
	p.AddMetadata("reference", r.Reference)
	return refundSent("create a refund")(s.api.Refunds.New(p))
}

// Refund implements Refunds.
func (s *Stripe) Refund(ctx context.Context, id string) (SentRefund, error) {
	return refundSent("fetch a refund")(s.api.Refunds.Get(id, &stripe.RefundParams{Params: refundParams(ctx, "")}))
}

// RefundsOfIntent implements Refunds.
func (s *Stripe) RefundsOfIntent(ctx context.Context, intent string) ([]SentRefund, error) {
	p := &stripe.RefundListParams{
		ListParams:    stripe.ListParams{Context: ctx, Limit: new(int64(refundPage))},
		PaymentIntent: new(intent),
	}
	p.AddExpand("data." + refundLeft)
	p.AddExpand("data." + refundReturned)
	var all []SentRefund
	list := s.api.Refunds.List(p)
	for list.Next() {
		sent, err := readRefund(list.Refund())
		if err != nil {
			return nil, &ProviderError{Op: "list refunds", Outcome: Unknown, Err: err}
		}
		all = append(all, sent)
	}
	if err := list.Err(); err != nil {
		return nil, stripeError("list refunds", err)
	}
	return all, nil
}

func refundParams(ctx context.Context, key string) stripe.Params {
	p := params(ctx, key)
	p.AddExpand(refundLeft)
	p.AddExpand(refundReturned)
	return p
}

// refundSent turns stripe-go's answer to one operation into ours.
func refundSent(op string) func(*stripe.Refund, error) (SentRefund, error) {
	return func(r *stripe.Refund, err error) (SentRefund, error) {
		if err != nil {
			return SentRefund{}, stripeError(op, err)
		}
		sent, err := readRefund(r)
		if err != nil {
			return SentRefund{}, &ProviderError{Op: op, Outcome: Unknown, Err: err}
		}
		return sent, nil
	}
}

func readRefund(r *stripe.Refund) (SentRefund, error) {
	sent := SentRefund{
		ID: r.ID, Amount: stripeAmount(r.Amount, r.Currency), Reference: r.Metadata["reference"], FailureCode: string(r.FailureReason),
		Left: stripeTxn(r.BalanceTransaction), Returned: stripeTxn(r.FailureBalanceTransaction),
	}
	switch r.Status {
	case stripe.RefundStatusPending, stripe.RefundStatusRequiresAction:
		sent.State = RefundStatePending
	case stripe.RefundStatusSucceeded:
		sent.State = RefundStateSucceeded
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		sent.State = RefundStateFailed
	default:
		return SentRefund{}, fmt.Errorf("refund %s has status %q", r.ID, r.Status)
	}
	return sent, nil
}

// stripeTxn reads a movement of the balance; the zero value where there is none.
func stripeTxn(t *stripe.BalanceTransaction) ProviderTxn {
	if t == nil {
		return ProviderTxn{}
	}
	return ProviderTxn{ID: t.ID, Gross: stripeAmount(t.Amount, t.Currency), Fee: money.New(t.Fee, stripeAmount(0, t.Currency).Currency)}
}
