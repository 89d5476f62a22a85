package payment

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// PayFromWalletTx moves the price of an order from the buyer's wallet into the order's escrow. It
// refuses with INSUFFICIENT_FUNDS (data: available), and then nothing has moved and tx can be used on.
func (s *Service) PayFromWalletTx(ctx context.Context, tx pgx.Tx, user, order uuid.UUID, amount money.Amount, key string) (err error) {
	defer fault.Wrap(&err, "pay order %s from the wallet", order)
	if amount.Minor <= 0 {
		return ErrAmountNotPositive
	}
	return atomically(ctx, tx, func(tx pgx.Tx) error {
		return post(ctx, tx, ledger.Entry{Key: key, Flow: ledger.FlowPurchase, Cause: ledger.Cause{Kind: "order", ID: order}, Legs: []ledger.Leg{
			of(ledger.Wallet, user, amount.Currency, -amount.Minor),
			of(ledger.Escrow, order, amount.Currency, amount.Minor),
		}})
	})
}

// Release is what happens to an order's escrow when the buyer has the goods.
type Release struct {
	Order  uuid.UUID
	Seller uuid.UUID
	Total  money.Amount // all that the escrow holds
	Fee    money.Amount // the platform's part of it, from nothing to all
	Key    string
}

// ReleaseEscrowTx pays an order's escrow out: the fee to the platform, the rest to the seller, of which they first pay what
// they owe. The seller may have it at once; docs/payments.md says what will come between.
func (s *Service) ReleaseEscrowTx(ctx context.Context, tx pgx.Tx, r Release) (err error) {
	defer fault.Wrap(&err, "release the escrow of order %s", r.Order)
	c := r.Total.Currency
	switch {
	case r.Total.Minor <= 0:
		return ErrAmountNotPositive
	case r.Fee.Currency != c:
		return money.ErrMismatch
	case r.Fee.Minor < 0 || r.Fee.Minor > r.Total.Minor:
		return money.ErrRange
	}
	return s.postWithSeller(ctx, tx, ledger.Entry{Key: r.Key, Flow: ledger.FlowRelease, Cause: orderCause(r.Order), Legs: legs(
		of(ledger.Escrow, r.Order, c, -r.Total.Minor),
		of(ledger.PlatformFees, uuid.Nil, c, r.Fee.Minor),
	)}, r.Seller, money.New(r.Total.Minor-r.Fee.Minor, c))
}
