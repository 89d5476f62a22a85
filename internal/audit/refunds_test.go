package audit

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// What becomes of a refund at the generous provider is told by its amount; any other arrives.
const (
	comesBack = 51_00 // it arrives, and fails later
	isRefused = 52_00
	isNotSent = 53_00
)

// CreateRefund sends the money to the card at once.
func (g generous) CreateRefund(_ context.Context, r payment.RefundRequest) (payment.SentRefund, error) {
	switch r.Amount.Minor {
	case isRefused:
		return payment.SentRefund{}, &payment.ProviderError{Op: "refund", Outcome: payment.Rejected, Err: errors.New("charged back")}
	case isNotSent:
		return payment.SentRefund{}, &payment.ProviderError{Op: "refund", Outcome: payment.Busy, Err: errors.New("later")}
	}
	sent := payment.SentRefund{
		ID: "re_" + r.Reference, State: payment.RefundStateSucceeded, Amount: r.Amount, Reference: r.Reference,
		Left: payment.ProviderTxn{ID: "txn_out_" + r.Reference, Gross: money.New(-r.Amount.Minor, r.Amount.Currency)},
	}
	g.refunds[sent.ID] = sent
	return sent, nil
}

func (g generous) Refund(_ context.Context, id string) (payment.SentRefund, error) {
	sent := g.refunds[id]
	if sent.Amount.Minor == comesBack {
		sent.State, sent.FailureCode = payment.RefundStateFailed, "expired_or_canceled_card"
		sent.Returned = payment.ProviderTxn{ID: "txn_back_" + id, Gross: sent.Amount}
	}
	return sent, nil
}

func (g generous) RefundsOfIntent(context.Context, string) ([]payment.SentRefund, error) {
	return nil, nil
}

// withdraw gives money back to a user's card; the names are the withdrawal's and its refund's.
func (s *story) withdraw(user uuid.UUID, cents int64, name string, want payment.WithdrawalStatus) {
	s.t.Helper()
	w, err := s.payment.Withdraw(s.t.Context(), user, payment.WithdrawInput{Amount: money.New(cents, "EUR"), IdempotencyKey: name})
	s.must(err)
	s.names[name], s.names["refund "+name] = w.ID.String(), w.Refunds[0].ID.String()
	if cents == comesBack {
		s.must2(s.payment.PushRefund(s.t.Context(), w.Refunds[0].ID))
	}
	if w, err = s.payment.WithdrawalOf(s.t.Context(), user, w.ID); err != nil || w.Status() != want {
		s.t.Fatalf("withdrawal %s: %s, %v", name, w.Status(), err)
	}
}
