package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// The statuses of a hold.
const (
	holdReleased = "RELEASED"
	holdConsumed = "CONSUMED"
)

// NewHold is money of a user's wallet to be set aside.
type NewHold struct {
	ID     uuid.UUID
	User   uuid.UUID
	Amount money.Amount
}

// HoldChange opens and releases holds together, for one cause.
type HoldChange struct {
	Key     string // of the ledger's entry, unique for ever
	Cause   ledger.Cause
	Open    []NewHold
	Release []uuid.UUID
}

// ChangeHoldsTx opens and releases holds and posts the net change of each wallet as one entry; where
// nothing changes on balance there is no entry. It refuses with INSUFFICIENT_FUNDS (data: available)
// when a wallet is short, with HOLD_RESOLVED or HOLD_NOT_FOUND for what cannot be released, and then
// nothing has moved and tx can be used on. It is the last thing its transaction does but for other
// ledger entries.
func (s *Service) ChangeHoldsTx(ctx context.Context, tx pgx.Tx, change HoldChange) (err error) {
	defer fault.Wrap(&err, "change holds")
	for _, h := range change.Open {
		if h.Amount.Minor <= 0 {
			return ErrAmountNotPositive
		}
	}
	return atomically(ctx, tx, func(tx pgx.Tx) error {
		released, err := s.resolveHolds(ctx, tx, change.Release, holdReleased)
		if err != nil {
			return err
		}
		if err := s.openHolds(ctx, tx, change); err != nil {
			return err
		}
		legs, err := netLegs(change.Open, released)
		if err != nil || len(legs) == 0 {
			return err
		}
		return post(ctx, tx, ledger.Entry{Key: change.Key, Flow: ledger.FlowHold, Cause: change.Cause, Legs: legs})
	})
}

// HoldSwap opens a hold in the place of another.
type HoldSwap struct {
	Key     string // of the ledger's entry, unique for ever
	Cause   ledger.Cause
	Open    NewHold
	Release *NewHold // as it was opened, in the same currency; nil: there is none
}

// SwapHold is ChangeHoldsTx for one hold in the place of another, as steps that end a transaction with one round trip. There is
// no savepoint: after a refusal the transaction can only be rolled back.
func (s *Service) SwapHold(ctx context.Context, swap HoldSwap) ([]postgres.Step, error) {
	params := db.HoldSwapParams{
		ID: swap.Open.ID, UserID: swap.Open.User, Amount: swap.Open.Amount.Minor, Currency: string(swap.Open.Amount.Currency),
		CauseKind: swap.Cause.Kind, CauseID: swap.Cause.ID,
	}
	var released []db.Hold
	if r := swap.Release; r != nil {
		params.Release, params.HeldBy, params.Held = &r.ID, r.User, r.Amount.Minor
		released = []db.Hold{{UserID: r.User, Amount: r.Amount.Minor, Currency: string(r.Amount.Currency)}}
	}
	legs, err := netLegs([]NewHold{swap.Open}, released)
	if err != nil {
		return nil, err
	}
	steps := []postgres.Step{func(tx pgx.Tx) error {
		if opened, err := s.q.HoldSwap(ctx, tx, params); err != nil || opened == 1 {
			return err
		}
		return ErrHoldResolved
	}}
	if len(legs) > 0 {
		entry := ledger.Entry{Key: swap.Key, Flow: ledger.FlowHold, Cause: swap.Cause, Legs: legs}
		steps = append(steps, func(tx pgx.Tx) error { return post(ctx, tx, entry) })
	}
	return steps, nil
}

// ConsumeHoldTx turns so much of a hold into its order's escrow, and gives the rest back to the wallet, by one entry. A hold is
// consumed once.
func (s *Service) ConsumeHoldTx(ctx context.Context, tx pgx.Tx, holdID, order uuid.UUID, total money.Amount, key string) (err error) {
	defer fault.Wrap(&err, "consume hold %s", holdID)
	return atomically(ctx, tx, func(tx pgx.Tx) error { return s.consumeHoldTx(ctx, tx, holdID, order, total, key) })
}

func (s *Service) consumeHoldTx(ctx context.Context, tx pgx.Tx, holdID, order uuid.UUID, total money.Amount, key string) error {
	holds, err := s.resolveHolds(ctx, tx, []uuid.UUID{holdID}, holdConsumed)
	if err != nil {
		return err
	}
	h := holds[0]
	c := money.Currency(h.Currency)
	if total.Currency != c || total.Minor > h.Amount {
		return fmt.Errorf("hold %s of %s is asked for %s", holdID, money.New(h.Amount, c), total)
	}
	return post(ctx, tx, ledger.Entry{Key: key, Flow: ledger.FlowPurchase, Cause: orderCause(order), Legs: []ledger.Leg{
		of(ledger.WalletHeld, h.UserID, c, -h.Amount),
		of(ledger.Wallet, h.UserID, c, h.Amount-total.Minor),
		of(ledger.Escrow, order, c, total.Minor),
	}})
}

// resolveHolds locks holds in the order of their ids and moves them out of open.
func (s *Service) resolveHolds(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, status string) ([]db.Hold, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	holds, err := s.q.HoldsLock(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	if len(holds) != len(ids) { // also where one id is named twice
		return nil, ErrHoldNotFound
	}
	for _, h := range holds {
		if h.Status != "OPEN" {
			return nil, ErrHoldResolved
		}
	}
	_, err = s.q.HoldsResolve(ctx, tx, status, ids)
	return holds, err
}

func (s *Service) openHolds(ctx context.Context, tx pgx.Tx, change HoldChange) error {
	if len(change.Open) == 0 {
		return nil
	}
	rows := db.HoldInsertParams{CauseKind: change.Cause.Kind, CauseID: change.Cause.ID}
	for _, h := range change.Open {
		rows.Ids = append(rows.Ids, h.ID)
		rows.Users = append(rows.Users, h.User)
		rows.Amounts = append(rows.Amounts, h.Amount.Minor)
		rows.Currencies = append(rows.Currencies, string(h.Amount.Currency))
	}
	err := s.q.HoldInsert(ctx, tx, rows)
	if postgres.Violates(err, "hold_pkey") {
		return ErrHoldExists
	}
	return err
}

// netLegs is what has to move between each wallet and what is held of it.
func netLegs(opened []NewHold, released []db.Hold) ([]ledger.Leg, error) {
	type wallet struct {
		user     uuid.UUID
		currency money.Currency
	}
	net := make(map[wallet]int64)
	add := func(w wallet, minor int64) error {
		sum, err := money.New(net[w], w.currency).Add(money.New(minor, w.currency))
		net[w] = sum.Minor
		return err
	}
	for _, h := range released {
		if err := add(wallet{h.UserID, money.Currency(h.Currency)}, -h.Amount); err != nil {
			return nil, err
		}
	}
	for _, h := range opened {
		if err := add(wallet{h.User, h.Amount.Currency}, h.Amount.Minor); err != nil {
			return nil, err
		}
	}
	var legs []ledger.Leg
	for w, held := range net {
		if held == 0 {
			continue
		}
		legs = append(legs,
			of(ledger.Wallet, w.user, w.currency, -held),
			of(ledger.WalletHeld, w.user, w.currency, held))
	}
	return legs, nil
}

// atomically runs fn behind a savepoint, so that a refusal leaves the caller's transaction as it was.
func atomically(ctx context.Context, tx pgx.Tx, fn func(pgx.Tx) error) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	if err := fn(inner); err != nil {
		// What cannot be rolled back cannot be committed either: Postgres refuses the whole transaction.
		return errors.Join(err, inner.Rollback(context.WithoutCancel(ctx)))
	}
	return inner.Commit(ctx)
}
