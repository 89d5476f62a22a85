package payment

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/souklive/souk/internal/money"
)

const recordPage = 100 // the most that Stripe gives

// recordKinds are the kinds of provider_txn that Stripe's types of balance transactions are booked as.
var recordKinds = map[stripe.BalanceTransactionType]string{
	stripe.BalanceTransactionTypeCharge:               txnCharge,
	stripe.BalanceTransactionTypePayment:              txnCharge,
	stripe.BalanceTransactionTypeRefund:               txnRefund,
	stripe.BalanceTransactionTypePaymentRefund:        txnRefund,
	stripe.BalanceTransactionTypeRefundFailure:        txnRefundFailure,
	stripe.BalanceTransactionTypePaymentFailureRefund: txnRefundFailure,
}

// adjustmentKinds are the same for adjustments, which only their reporting category tells apart.
var adjustmentKinds = map[stripe.BalanceTransactionReportingCategory]string{
	stripe.BalanceTransactionReportingCategoryDispute:         txnChargeback,
	stripe.BalanceTransactionReportingCategoryDisputeReversal: txnChargebackReversal,
}

// Records implements Books. Nothing is expanded: of its source no more than the id is wanted.
func (s *Stripe) Records(ctx context.Context, since time.Time, after string) ([]Record, bool, error) {
	p := &stripe.BalanceTransactionListParams{
		ListParams: stripe.ListParams{Context: ctx, Limit: new(int64(recordPage)), Single: true},
	}
	if !since.IsZero() {
		p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
	}
	if after != "" {
		p.StartingAfter = new(after)
	}
	list := s.api.BalanceTransactions.List(p)
	var page []Record
	for list.Next() {
		page = append(page, readRecord(list.BalanceTransaction()))
	}
	if err := list.Err(); err != nil {
		return nil, false, stripeError("list balance transactions", err)
	}
	return page, list.BalanceTransactionList().HasMore, nil
}

// Record implements Books.
func (s *Stripe) Record(ctx context.Context, id string) (Record, error) {
	t, err := s.api.BalanceTransactions.Get(id, &stripe.BalanceTransactionParams{Params: params(ctx, "")})
	if err == nil {
		return readRecord(t), nil
	}
	failed := stripeError("fetch a balance transaction", err)
	if answer, ok := errors.AsType[*stripe.Error](err); ok && answer.HTTPStatusCode == http.StatusNotFound {
		failed.Err = ErrNoRecord
	}
	return Record{}, failed
}

func readRecord(t *stripe.BalanceTransaction) Record {
	r := Record{
		ID: t.ID, Type: string(t.Type), Kind: recordKinds[t.Type], Gross: stripeAmount(t.Amount, t.Currency),
		CreatedAt: time.Unix(t.Created, 0).UTC(),
	}
	r.Fee = money.New(t.Fee, r.Gross.Currency)
	if t.Type == stripe.BalanceTransactionTypeAdjustment {
		r.Kind = adjustmentKinds[t.ReportingCategory]
	}
	if t.Source != nil {
		r.Source = t.Source.ID
	}
	return r
}
