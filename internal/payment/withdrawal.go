package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// WithdrawalStatus is how far a withdrawal has come: what its refunds say together.
type WithdrawalStatus string

// The statuses of a withdrawal.
const (
	WithdrawalProcessing WithdrawalStatus = "PROCESSING" // some part is on its way
	WithdrawalSucceeded  WithdrawalStatus = "SUCCEEDED"  // each part was sent to its card
	WithdrawalPartial    WithdrawalStatus = "PARTIAL"    // some parts were; the others are back in the wallet
	WithdrawalFailed     WithdrawalStatus = "FAILED"     // all of it is back in the wallet
)

const (
	// withdrawalParts is how many top-ups one withdrawal may go back to; what older ones cover takes another.
	withdrawalParts = 100
	// withdrawalPush is how many parts the request itself sends, so that it ends; the others are their jobs'.
	withdrawalPush = 10
)

// Withdrawal is unspent money of a wallet that goes back to the cards it came from.
type Withdrawal struct {
	ID        uuid.UUID
	User      uuid.UUID
	Amount    money.Amount
	CreatedAt time.Time
	Refunds   []Refund // its parts, one for each top-up; they come to the amount
}

// Status is what the parts say together.
func (w Withdrawal) Status() WithdrawalStatus {
	count := make(map[RefundStatus]int)
	for _, r := range w.Refunds {
		count[r.Status]++
	}
	switch {
	case count[RefundProcessing] > 0:
		return WithdrawalProcessing
	case count[RefundFailed] == 0:
		return WithdrawalSucceeded
	case count[RefundSucceeded] == 0:
		return WithdrawalFailed
	}
	return WithdrawalPartial
}

// WithdrawInput asks for a withdrawal.
type WithdrawInput struct {
	Amount         money.Amount
	IdempotencyKey string // the client's; one key is one withdrawal for ever
}

// Withdraw takes money out of the user's wallet and gives it back to the cards that paid it in, the newest top-up
// first. It refuses with INSUFFICIENT_FUNDS (available) and with WITHDRAWAL_NOT_FUNDED_BY_CARD (withdrawable) where
// cards have paid in less. What a card does not take comes back into the wallet, which is no error: the parts tell.
// The same key with the same input answers the same withdrawal as it is now.
func (s *Service) Withdraw(ctx context.Context, user uuid.UUID, in WithdrawInput) (_ Withdrawal, err error) {
	defer fault.Wrap(&err, "withdraw")
	if err := in.check(); err != nil {
		return Withdrawal{}, err
	}
	row, parts, err := s.openWithdrawal(ctx, user, in)
	if err != nil {
		return Withdrawal{}, err
	}
	for _, part := range parts[:min(len(parts), withdrawalPush)] {
		if ctx.Err() != nil {
			break // the provider is slow
		}
		if _, err := s.PushRefund(ctx, part); err != nil {
			s.log.ErrorContext(ctx, "a part of a withdrawal could not be pushed", "refund", part, "error", err)
		}
	}
	return s.withdrawalFrom(context.WithoutCancel(ctx), row)
}

// WithdrawalOf is one of the user's own withdrawals.
func (s *Service) WithdrawalOf(ctx context.Context, user, id uuid.UUID) (Withdrawal, error) {
	row, err := s.q.WithdrawalOfUser(ctx, s.pool, id, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return Withdrawal{}, ErrWithdrawalNotFound
	}
	if err != nil {
		return Withdrawal{}, fmt.Errorf("read a withdrawal: %w", err)
	}
	return s.withdrawalFrom(ctx, row)
}

// Refundable is what cards have paid in for some users and can be given back to them in one withdrawal, in each
// currency. A wallet may have less.
func (s *Service) Refundable(ctx context.Context, users []uuid.UUID) (map[uuid.UUID]map[money.Currency]money.Amount, error) {
	left, err := s.q.TopUpsLeft(ctx, s.pool, users, withdrawalParts)
	if err != nil {
		return nil, fmt.Errorf("read what top-ups have left: %w", err)
	}
	all := make(map[uuid.UUID]map[money.Currency]money.Amount, len(users))
	for _, top := range left {
		c := money.Currency(top.Currency)
		if all[top.UserID] == nil {
			all[top.UserID] = make(map[money.Currency]money.Amount)
		}
		sum, err := money.New(all[top.UserID][c].Minor, c).Add(money.New(top.Remaining, c))
		if err != nil {
			return nil, fmt.Errorf("sum what top-ups have left: %w", err)
		}
		all[top.UserID][c] = sum
	}
	return all, nil
}

// openWithdrawal commits the withdrawal, its parts and the entry that takes the money out of the wallet. It answers
// no parts where the key is known.
func (s *Service) openWithdrawal(ctx context.Context, user uuid.UUID, in WithdrawInput) (row db.Withdrawal, parts []uuid.UUID, err error) {
	hash := in.hash()
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		parts = nil
		// The key comes first, so that a repeat is never refused for what the first has taken.
		row, err = s.q.WithdrawalInsert(ctx, tx, db.WithdrawalInsertParams{
			ID: id.New(), UserID: user, Amount: in.Amount.Minor, Currency: string(in.Amount.Currency),
			IdempotencyKey: in.IdempotencyKey, RequestHash: hash,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			row, err = s.q.WithdrawalByKey(ctx, tx, user, in.IdempotencyKey)
			return err
		}
		if err != nil {
			return err
		}
		refunds, err := s.allot(ctx, tx, row)
		if err != nil {
			return err
		}
		entry := ledger.Entry{
			Key: "withdrawal:" + row.ID.String() + ":out", Flow: ledger.FlowWithdrawal, Cause: ledger.Cause{Kind: "withdrawal", ID: row.ID},
			Legs: []ledger.Leg{of(ledger.Wallet, user, in.Amount.Currency, -in.Amount.Minor)},
		}
		for _, r := range refunds {
			if err := s.openRefund(ctx, tx, r); err != nil {
				return err
			}
			parts = append(parts, r.ID)
			entry.Legs = append(entry.Legs, RefundLeg(r.ID, r.Amount))
		}
		return post(ctx, tx, entry)
	})
	if err != nil {
		return db.Withdrawal{}, nil, fmt.Errorf("open: %w", err)
	}
	if !bytes.Equal(row.RequestHash, hash) {
		return db.Withdrawal{}, nil, ErrKeyReused
	}
	return row, parts, nil
}

// allot divides a withdrawal over the user's top-ups, the newest first, under their locks.
func (s *Service) allot(ctx context.Context, tx pgx.Tx, w db.Withdrawal) ([]NewRefund, error) {
	if err := s.q.TopUpsLock(ctx, tx, w.UserID, w.Currency); err != nil {
		return nil, err
	}
	left, err := s.q.TopUpsLeft(ctx, tx, []uuid.UUID{w.UserID}, withdrawalParts)
	if err != nil {
		return nil, err
	}
	var refunds []NewRefund
	c, rest := money.Currency(w.Currency), w.Amount
	for _, top := range left {
		if rest == 0 || top.Currency != w.Currency {
			continue
		}
		part := min(rest, top.Remaining)
		rest -= part
		refunds = append(refunds, NewRefund{
			ID: id.New(), User: w.UserID, Cause: RefundOfWithdrawal, CauseID: w.ID,
			Charge: TopUpCharge, ChargeID: top.ID, ProviderID: top.ProviderID, Amount: money.New(part, c),
		})
	}
	if rest > 0 {
		return nil, s.notFunded(ctx, tx, w, w.Amount-rest)
	}
	return refunds, nil
}

// notFunded says why a withdrawal of more than cards have paid in is refused: the wallet has less still, or its money
// came from elsewhere.
func (s *Service) notFunded(ctx context.Context, tx pgx.Tx, w db.Withdrawal, covered int64) error {
	c := money.Currency(w.Currency)
	available, err := ledger.Balance(ctx, tx, ledger.Account{Kind: ledger.Wallet, Owner: w.UserID, Currency: c})
	switch {
	case err != nil:
		return err
	case available < w.Amount:
		return ErrInsufficientFunds.With("available", money.New(available, c))
	}
	return ErrWithdrawalNotFunded.With("withdrawable", money.New(covered, c))
}

func (s *Service) withdrawalFrom(ctx context.Context, row db.Withdrawal) (Withdrawal, error) {
	refunds, err := s.RefundsOf(ctx, RefundOfWithdrawal, row.ID)
	return withdrawalOf(row, refunds), err
}

func withdrawalOf(row db.Withdrawal, refunds []Refund) Withdrawal {
	return Withdrawal{
		ID: row.ID, User: row.UserID, Amount: money.New(row.Amount, money.Currency(row.Currency)), CreatedAt: row.CreatedAt, Refunds: refunds,
	}
}

func (in WithdrawInput) check() error {
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return err
	}
	for _, l := range limits() {
		if l.currency != in.Amount.Currency {
			continue
		}
		switch step := money.New(l.step, l.currency); {
		case in.Amount.Minor < l.step:
			return ErrWithdrawalTooSmall.With("minimum", step)
		case in.Amount.Minor%l.step != 0:
			return ErrAmountStep.With("step", step)
		}
		return nil
	}
	return ErrCurrencyUnsupported.With("supported", Currencies())
}

// hash is of everything that has to be the same when a key is used again.
func (in WithdrawInput) hash() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "withdrawal\n%d\n%s", in.Amount.Minor, in.Amount.Currency))
	return sum[:]
}
