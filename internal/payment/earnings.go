package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// sellerTries bounds how often postWithSeller reads balances anew that others change under its eyes.
const sellerTries = 20

// sellerFunds is what a seller has of a currency: what one order's earnings are of what waits, what is theirs, and what they owe, which is not
// positive.
type sellerFunds struct{ pending, available, debt int64 }

// postWithSeller posts an order's entry in which its seller gets an amount, or gives it where it is negative. What they get waits until the order
// matures; one who owes pays that first. What they give comes out of what waits of this order, then out of what they have, and the rest
// they owe.
func (s *Service) postWithSeller(ctx context.Context, tx pgx.Tx, e ledger.Entry, seller uuid.UUID, amount money.Amount) error {
	return s.postAgainst(ctx, tx, e, seller, amount.Currency, func(has sellerFunds) sellerFunds {
		if amount.Minor >= 0 {
			toDebt := min(amount.Minor, -has.debt)
			return sellerFunds{pending: amount.Minor - toDebt, debt: toDebt}
		}
		gives := -amount.Minor
		waiting := min(gives, has.pending)
		theirs := min(gives-waiting, has.available)
		return sellerFunds{pending: -waiting, available: -theirs, debt: -(gives - waiting - theirs)}
	})
}

// postAgainst posts an order's entry whose legs on its seller's accounts follow from what is there. The balances are the ledger's to lock: they are
// read, and where somebody was faster, its limits refuse the entry, and they are read again. What waits of the order is under the order's lock, which
// the caller has.
func (s *Service) postAgainst(
	ctx context.Context, tx pgx.Tx, e ledger.Entry, seller uuid.UUID, c money.Currency, change func(has sellerFunds) sellerFunds,
) error {
	others := e.Legs
	for range sellerTries {
		has, err := sellerHas(ctx, tx, e.Cause, seller, c)
		if err != nil {
			return err
		}
		to := change(has)
		e.Legs = append(legs(
			of(ledger.SellerPending, seller, c, to.pending),
			of(ledger.SellerAvailable, seller, c, to.available),
			of(ledger.SellerDebt, seller, c, to.debt),
		), others...)
		err = atomically(ctx, tx, func(tx pgx.Tx) error { return post(ctx, tx, e) })
		limit, ok := errors.AsType[*ledger.Limit](err)
		if !ok || (limit.Account.Kind != ledger.SellerAvailable && limit.Account.Kind != ledger.SellerDebt) {
			return err
		}
	}
	return fmt.Errorf("the balances of seller %s changed %d times in a row", seller, sellerTries)
}

func sellerHas(ctx context.Context, tx pgx.Tx, order ledger.Cause, seller uuid.UUID, c money.Currency) (has sellerFunds, err error) {
	has.pending, err = ledger.OfCause(ctx, tx, ledger.Account{Kind: ledger.SellerPending, Owner: seller, Currency: c}, order)
	if err != nil {
		return has, err
	}
	owned, err := ledger.Owned(ctx, tx, seller, ledger.SellerAvailable, ledger.SellerDebt)
	for _, account := range owned {
		switch {
		case account.Balance.Currency != c:
		case account.Kind == ledger.SellerDebt:
			has.debt = account.Balance.Minor
		default:
			has.available = account.Balance.Minor
		}
	}
	return has, err
}

// Maturity is an order whose return window is over.
type Maturity struct {
	Order    uuid.UUID
	Seller   uuid.UUID
	Currency money.Currency
	Key      string
}

// MatureEarningsTx makes what waits of an order its seller's, who first pays what they owe. The caller has the order's lock. It comes last in its
// transaction.
func (s *Service) MatureEarningsTx(ctx context.Context, tx pgx.Tx, m Maturity) (err error) {
	defer fault.Wrap(&err, "mature the earnings of order %s", m.Order)
	e := ledger.Entry{Key: m.Key, Flow: ledger.FlowMaturity, Cause: orderCause(m.Order)}
	has, err := sellerHas(ctx, tx, e.Cause, m.Seller, m.Currency)
	if err != nil || has.pending == 0 { // all of it was given back, or paid what its seller owed
		return err
	}
	return s.postAgainst(ctx, tx, e, m.Seller, m.Currency, func(has sellerFunds) sellerFunds {
		toDebt := min(has.pending, -has.debt)
		return sellerFunds{pending: -has.pending, available: has.pending - toDebt, debt: toDebt}
	})
}

// ReturnCharge is what somebody pays of the label by which goods came back.
type ReturnCharge struct {
	Claim  uuid.UUID
	Label  uuid.UUID // the shipment's
	Payer  uuid.UUID // the seller, or the buyer
	Amount money.Amount
}

// entry is the payment, once for each claim; others are the legs beside the platform's.
func (c ReturnCharge) entry(amount int64, others ...ledger.Leg) ledger.Entry {
	return ledger.Entry{
		Key: "return:" + c.Claim.String() + ":label", Flow: ledger.FlowReturnLabel, Cause: ledger.Cause{Kind: "shipment", ID: c.Label},
		Legs: append(legs(of(ledger.ShippingIncome, uuid.Nil, c.Amount.Currency, amount)), others...),
	}
}

// ChargeReturnTx has a seller pay for the way back of goods: out of what is theirs, and the rest they owe. It comes last in its transaction.
func (s *Service) ChargeReturnTx(ctx context.Context, tx pgx.Tx, c ReturnCharge) (err error) {
	defer fault.Wrap(&err, "charge the way back by claim %s", c.Claim)
	return s.postWithSeller(ctx, tx, c.entry(c.Amount.Minor), c.Payer, money.New(-c.Amount.Minor, c.Amount.Currency))
}

// ReturnFromWalletTx has a buyer pay for the way back of goods as far as their wallet has it, and says how much that was: nothing while it is frozen.
func (s *Service) ReturnFromWalletTx(ctx context.Context, tx pgx.Tx, c ReturnCharge) (taken money.Amount, err error) {
	defer fault.Wrap(&err, "take the way back by claim %s from a wallet", c.Claim)
	for range sellerTries {
		taken = money.New(0, c.Amount.Currency)
		wallets, err := ledger.Wallets(ctx, tx, c.Payer)
		if err != nil {
			return taken, err
		}
		for _, w := range wallets {
			if w.Currency == taken.Currency && !w.Frozen {
				taken.Minor = min(c.Amount.Minor, w.Available.Minor)
			}
		}
		if taken.Minor == 0 {
			return taken, nil
		}
		err = atomically(ctx, tx, func(tx pgx.Tx) error {
			return post(ctx, tx, c.entry(taken.Minor, of(ledger.Wallet, c.Payer, taken.Currency, -taken.Minor)))
		})
		if !errors.Is(err, ErrInsufficientFunds) && !errors.Is(err, ErrWalletFrozen) { // which somebody else has done meanwhile
			return taken, err
		}
	}
	return taken, fmt.Errorf("the wallet of %s changed %d times in a row", c.Payer, sellerTries)
}
