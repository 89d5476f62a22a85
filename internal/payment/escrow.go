package payment

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// PayFromWalletTx moves the price of an order from the buyer's wallet into the order's escrow. It
// refuses with INSUFFICIENT_FUNDS (data: available). There is no savepoint: after a refusal the transaction can only be rolled back.
func (s *Service) PayFromWalletTx(ctx context.Context, tx pgx.Tx, user, order uuid.UUID, amount money.Amount, key string) (err error) {
	defer fault.Wrap(&err, "pay order %s from the wallet", order)
	if amount.Minor <= 0 {
		return ErrAmountNotPositive
	}
	return post(ctx, tx, ledger.Entry{Key: key, Flow: ledger.FlowPurchase, Cause: orderCause(order), Legs: []ledger.Leg{
		of(ledger.Wallet, user, amount.Currency, -amount.Minor),
		of(ledger.Escrow, order, amount.Currency, amount.Minor),
	}})
}

// Release is what happens to an order's escrow when the buyer has the goods.
type Release struct {
	Order  uuid.UUID
	Seller uuid.UUID
	Parts  Parts // all that the escrow holds, by where it goes
	Key    string
}

// ReleaseEscrowTx pays an order's escrow out: the fee, the tax and the shipping to the platform, the rest to the seller, of which they first
// pay what they owe. What the seller gets waits until the order matures (MatureEarningsTx).
func (s *Service) ReleaseEscrowTx(ctx context.Context, tx pgx.Tx, r Release) (err error) {
	defer fault.Wrap(&err, "release the escrow of order %s", r.Order)
	p, c := r.Parts, r.Parts.Seller.Currency
	switch {
	case p.All() <= 0:
		return ErrAmountNotPositive
	case min(p.Fee.Minor, p.Tax.Minor, p.Shipping.Minor, p.Seller.Minor) < 0:
		return money.ErrRange
	}
	return s.postWithSeller(ctx, tx, ledger.Entry{Key: r.Key, Flow: ledger.FlowRelease, Cause: orderCause(r.Order), Legs: append(
		p.platformLegs(1), of(ledger.Escrow, r.Order, c, -p.All()),
	)}, r.Seller, p.Seller)
}

// platformLegs are the platform's parts: given to it, or taken back where sign is -1.
func (p Parts) platformLegs(sign int64) []ledger.Leg {
	c := p.Seller.Currency
	return legs(
		of(ledger.PlatformFees, uuid.Nil, c, sign*p.Fee.Minor),
		of(ledger.TaxPayable, uuid.Nil, c, sign*p.Tax.Minor),
		of(ledger.ShippingIncome, uuid.Nil, c, sign*p.Shipping.Minor),
	)
}

// Subsidy is what a campaign of the platform's pays of an order, beside its buyer.
type Subsidy struct {
	Order    uuid.UUID
	Campaign uuid.UUID
	Amount   money.Amount
}

// SubsidiseTx moves an order's subsidy out of its campaign's budget into the order's escrow. It refuses with PROMOTION_SPENT where the budget
// does not have it, and then nothing has moved and tx can be used on.
func (s *Service) SubsidiseTx(ctx context.Context, tx pgx.Tx, sub Subsidy) (err error) {
	defer fault.Wrap(&err, "subsidise order %s", sub.Order)
	err = atomically(ctx, tx, func(tx pgx.Tx) error { return post(ctx, tx, sub.entry("promotion", 1)) })
	if short, ok := errors.AsType[*ledger.Limit](err); ok && short.Account.Kind == ledger.PromoBudget {
		return ErrPromotionSpent.Because(short)
	}
	return err
}

// WithdrawSubsidyTx gives all of an order's subsidy back to its campaign's budget: the order was never paid.
func (s *Service) WithdrawSubsidyTx(ctx context.Context, tx pgx.Tx, sub Subsidy) (err error) {
	defer fault.Wrap(&err, "withdraw the subsidy of order %s", sub.Order)
	return post(ctx, tx, sub.entry("promotion_back", -1))
}

func (sub Subsidy) entry(step string, sign int64) ledger.Entry {
	c := sub.Amount.Currency
	return ledger.Entry{Key: orderKey(sub.Order, step), Flow: ledger.FlowPromotion, Cause: orderCause(sub.Order), Legs: []ledger.Leg{
		of(ledger.PromoBudget, sub.Campaign, c, -sign*sub.Amount.Minor),
		of(ledger.Escrow, sub.Order, c, sign*sub.Amount.Minor),
	}}
}

// ShiftSubsidyTx takes an order's subsidy out of its escrow in step with what a lost chargeback takes, or puts it back where the amount is positive.
// It is the platform's own money, outside of any budget: a campaign that is spent by now stops no bank.
func (s *Service) ShiftSubsidyTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, amount money.Amount, key string) (err error) {
	defer fault.Wrap(&err, "shift the subsidy of order %s", order)
	if amount.Minor == 0 {
		return nil
	}
	return post(ctx, tx, ledger.Entry{Key: key, Flow: ledger.FlowPromotion, Cause: orderCause(order), Legs: []ledger.Leg{
		of(ledger.Promotions, uuid.Nil, amount.Currency, -amount.Minor),
		of(ledger.Escrow, order, amount.Currency, amount.Minor),
	}})
}
