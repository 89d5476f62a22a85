package payment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/realtime"
)

// Settlement posts what an order does with its money, last in its transaction.
type Settlement func(ctx context.Context, tx pgx.Tx) error

// OrderChargeback is what the chargebacks of an order's payment mean for it, once one of them has changed.
type OrderChargeback struct {
	ID      uuid.UUID    // of the one that changed
	Open    bool         // money of it is withdrawn, and nobody has decided
	BorneAt time.Time    // when the last one was lost that found nothing in escrow, so that the platform pays; zero where none was
	Taken   money.Amount // out of escrow, by the one that changed; negative where it is put back, as a loss is taken back
	Key     string       // of an entry that may follow from it, in its order's name
}

// orderDisputed records a dispute of an order's payment.
func (s *Service) orderDisputed(ctx context.Context, d Dispute) (ignored string, err error) {
	found, err := s.q.OrderPaymentOfProvider(ctx, s.pool, d.Intent)
	if errors.Is(err, pgx.ErrNoRows) {
		return "no top-up and no order payment is " + d.Intent, nil
	}
	if err != nil {
		return "", err
	}
	p, err := s.AdvanceOrderPayment(ctx, found)
	if err == nil && p.Status == OrderAuthorised { // captured by somebody else: the next look sees that
		p, err = s.AdvanceOrderPayment(ctx, found)
	}
	switch {
	case err != nil:
		return "", err
	case p.Status != OrderCaptured && p.Status != OrderVoided: // voided: somebody captured it while it was let go
		return "", errStillOpen
	}
	return "", s.recordDispute(ctx, d, disputed{user: p.User, orderPayment: &p})
}

// lockDisputedTx takes the locks of what was paid, before the chargeback's.
func (s *Service) lockDisputedTx(ctx context.Context, tx pgx.Tx, of disputed) error {
	if of.topUp != nil {
		_, err := s.q.TopUpLock(ctx, tx, *of.topUp)
		return err
	}
	if err := s.orders.LockTx(ctx, tx, of.orderPayment.Order); err != nil {
		return err
	}
	_, err := s.q.OrderPaymentLock(ctx, tx, of.orderPayment.ID)
	return err
}

// escrowCoversTx is how much of a lost chargeback its order's escrow can pay: what is there of the card's part. What the
// wallet and a promotion paid beside it is not the bank's to take, and after the release there is nothing.
func (s *Service) escrowCoversTx(ctx context.Context, tx pgx.Tx, row db.Chargeback) (escrow ledger.Account, covered int64, err error) {
	left, err := s.q.OrderPaymentCardLeft(ctx, tx, *row.OrderPaymentID)
	if err != nil {
		return escrow, 0, err
	}
	escrow = ledger.Account{Kind: ledger.Escrow, Owner: left.OrderID, Currency: money.Currency(row.Currency)}
	return escrow, max(0, min(row.Amount, left.CardLeft, left.OrderLeft)), nil
}

// tellOrderTx tells an order what a chargeback that moves money means for it. What the order does with money that is put back
// comes after that.
func (s *Service) tellOrderTx(ctx context.Context, tx pgx.Tx, row db.Chargeback) (told []realtime.Event, settle Settlement, err error) {
	if row.OrderPaymentID == nil || row.WithdrawnTxnID == nil {
		return nil, nil, nil
	}
	all, err := s.q.ChargebacksOfOrderPayment(ctx, tx, *row.OrderPaymentID)
	if err != nil || all.Status != string(OrderCaptured) { // the order was never paid by it
		return nil, nil, err
	}
	taken := money.New(0, money.Currency(row.Currency))
	if row.Covered != nil {
		taken.Minor = *row.Covered
	}
	if row.LostCovered != nil {
		taken.Minor = -*row.LostCovered
	}
	return s.orders.ChargedBackTx(ctx, tx, all.OrderID, OrderChargeback{
		ID: row.ID, Open: all.Open, BorneAt: all.BorneAt, Taken: taken, Key: orderKey(all.OrderID, "release:"+row.ID.String()),
	})
}
