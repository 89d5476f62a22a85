package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Why a chargeback's freeze begins and ends, for staff.
const (
	frozenFor     = "A card payment into this wallet is charged back."
	liftedByWin   = "The chargeback was won."
	liftedByCover = "The chargeback was lost, and the wallet has paid for it."
)

// disputeChanged records what has become of a dispute.
func (s *Service) disputeChanged(ctx context.Context, disputeID string) (ignored string, err error) {
	d, err := s.provider.Dispute(ctx, disputeID)
	if err != nil {
		return "", err
	}
	topUp, err := s.q.TopUpOfProvider(ctx, s.pool, d.Intent)
	if errors.Is(err, pgx.ErrNoRows) {
		return s.orderDisputed(ctx, d)
	}
	if err != nil {
		return "", err
	}
	// The dispute may be heard of before the payment is recorded: then that comes first.
	top, err := s.Resolve(ctx, topUp)
	switch {
	case err != nil:
		return "", err
	case top.Status != TopUpSucceeded:
		return "", errStillOpen
	}
	return "", s.recordDispute(ctx, d, disputed{user: top.User, topUp: &top.ID})
}

// disputed is the payment that a dispute is about: one of the two.
type disputed struct {
	user         uuid.UUID
	topUp        *uuid.UUID
	orderPayment *OrderPayment
}

// recordDispute brings a chargeback to where the provider has it, once, whoever else tries: under its row's lock,
// by entries with keys of its own. It says errStillOpen where the provider has decided and not booked yet.
func (s *Service) recordDispute(ctx context.Context, d Dispute, of disputed) error {
	var told []realtime.Event
	waits := false
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, fresh, err := s.lockChargeback(ctx, tx, d, of)
		if err != nil {
			return err
		}
		var next db.Chargeback
		if next, waits, err = judgeDispute(row, d); err != nil || (!fresh && sameChargeback(next, row)) {
			return err
		}
		told, err = s.applyDispute(ctx, tx, row, next, d)
		return err
	})
	if err != nil {
		return fmt.Errorf("record dispute %s: %w", d.ID, err)
	}
	s.publish(ctx, told)
	if waits {
		return errStillOpen
	}
	return nil
}

// lockChargeback gives the dispute's row, made where there is none, under its lock.
func (s *Service) lockChargeback(ctx context.Context, tx pgx.Tx, d Dispute, of disputed) (row db.Chargeback, fresh bool, err error) {
	if err := s.lockDisputedTx(ctx, tx, of); err != nil {
		return row, false, err
	}
	insert := db.ChargebackInsertParams{
		ID: id.New(), Provider: providerRef, DisputeID: d.ID, ChargeID: d.Charge, TopUpID: of.topUp, UserID: of.user,
		Amount: d.Amount.Minor, Currency: string(d.Amount.Currency), Reason: d.Reason, Status: string(ChargebackInquiry),
	}
	if of.orderPayment != nil {
		insert.OrderPaymentID = &of.orderPayment.ID
	}
	made, err := s.q.ChargebackInsert(ctx, tx, insert)
	if err != nil {
		return row, false, err
	}
	row, err = s.q.ChargebackOfDisputeLock(ctx, tx, providerRef, d.ID)
	return row, made == 1, err
}

// judgeDispute says how a chargeback stands once a sight of the dispute is taken in. A sight may be old: a chargeback only
// goes forward. The provider's records of the money decide, so one that is won and not paid back yet is still
// under review, and waits.
func judgeDispute(row db.Chargeback, d Dispute) (next db.Chargeback, waits bool, err error) {
	next = row
	status := ChargebackStatus(row.Status)
	if status == ChargebackLost && d.State == ChargebackWon {
		return judgeReversal(row, d)
	}
	if status.Decided() {
		older := status == ChargebackWon && d.Reinstated.ID == ""
		if d.State.Decided() && d.State != status && !older {
			return row, false, fmt.Errorf("chargeback %s was %s, and the provider says %s now", row.ID, status, d.State)
		}
		return row, false, nil
	}
	if d.Amount.Currency != money.Currency(row.Currency) {
		return row, false, fmt.Errorf("chargeback %s is in %s, and the provider says %s now", row.ID, row.Currency, d.Amount.Currency)
	}
	if row.WithdrawnTxnID == nil {
		next.Amount = d.Amount.Minor
		if d.Withdrawn.ID != "" {
			next.Amount, next.WithdrawnTxnID = -d.Withdrawn.Gross.Minor, &d.Withdrawn.ID
		}
	}
	if d.State.rank() >= status.rank() {
		next.Status, next.RespondBy = string(d.State), d.RespondBy
	}
	switch {
	case d.State == ChargebackWon && d.Reinstated.ID != "" && next.WithdrawnTxnID != nil:
		if d.Reinstated.Gross.Minor != next.Amount {
			return row, false, fmt.Errorf("chargeback %s withdrew %d and reinstated %s", row.ID, next.Amount, d.Reinstated.Gross)
		}
		next.ReinstatedTxnID = &d.Reinstated.ID
	case d.State == ChargebackWon, d.State == ChargebackLost && next.WithdrawnTxnID == nil:
		next.Status, waits = string(ChargebackUnderReview), true
	}
	return next, waits, nil
}

// judgeReversal is judgeDispute where the bank takes back that a chargeback was lost.
func judgeReversal(row db.Chargeback, d Dispute) (next db.Chargeback, waits bool, err error) {
	if d.Reinstated.ID == "" {
		return row, true, nil
	}
	if d.Reinstated.Gross != chargebackAmount(row) {
		return row, false, fmt.Errorf("chargeback %s withdrew %s and reinstated %s", row.ID, chargebackAmount(row), d.Reinstated.Gross)
	}
	next = row
	next.Status, next.ReinstatedTxnID = string(ChargebackWon), &d.Reinstated.ID
	next.LostCovered, next.Covered = row.Covered, nil
	return next, false, nil
}

// sameChargeback says that nothing has changed that anybody would be told of.
func sameChargeback(a, b db.Chargeback) bool {
	due := a.RespondBy == b.RespondBy || (a.RespondBy != nil && b.RespondBy != nil && a.RespondBy.Equal(*b.RespondBy))
	return due && a.Status == b.Status && a.Amount == b.Amount && deref(a.WithdrawnTxnID) == deref(b.WithdrawnTxnID)
}

// applyDispute writes the chargeback down, tells its user and support, and moves the money. An order is told first, as it may give goods back, whose locks come before those of
// feeds and the ledger; a wallet is frozen first, as what it has is taken.
func (s *Service) applyDispute(ctx context.Context, tx pgx.Tx, row, next db.Chargeback, d Dispute) (told []realtime.Event, err error) {
	begin := func() error {
		if told, err = tellOfChargeback(ctx, tx, next); err != nil || row.WithdrawnTxnID != nil || next.WithdrawnTxnID == nil {
			return err
		}
		frozen, err := s.withdrawTx(ctx, tx, next, d.Withdrawn)
		told = append(told, frozen...)
		return err
	}
	if row.OrderPaymentID == nil {
		if err := begin(); err != nil {
			return nil, err
		}
	}
	end, err := s.decisionOf(ctx, tx, &next, d)
	if err != nil {
		return nil, err
	}
	if _, err = s.q.ChargebackUpdate(ctx, tx, db.ChargebackUpdateParams{
		ID: next.ID, Status: next.Status, Amount: next.Amount, RespondBy: next.RespondBy,
		WithdrawnTxnID: next.WithdrawnTxnID, ReinstatedTxnID: next.ReinstatedTxnID, Covered: next.Covered, LostCovered: next.LostCovered,
	}); err != nil {
		return nil, err
	}
	order, settle, err := s.tellOrderTx(ctx, tx, next)
	if err == nil && row.OrderPaymentID != nil {
		err = begin()
	}
	if err != nil {
		return nil, err
	}
	lifted, err := end()
	if err == nil && settle != nil {
		err = settle(ctx, tx)
	}
	return slices.Concat(told, order, lifted), err
}

// decisionOf is what a decision does to the money, to be done when all rows are written; of a loss it reads first what there is.
func (s *Service) decisionOf(ctx context.Context, tx pgx.Tx, next *db.Chargeback, d Dispute) (end func() ([]realtime.Event, error), err error) {
	switch ChargebackStatus(next.Status) {
	case ChargebackWon:
		return func() ([]realtime.Event, error) { return s.winTx(ctx, tx, *next, d.Reinstated) }, nil
	case ChargebackLost:
		from, covered, err := s.coveredTx(ctx, tx, *next)
		next.Covered = &covered
		return func() ([]realtime.Event, error) { return s.loseTx(ctx, tx, *next, from) }, err
	case ChargebackInquiry, ChargebackNeedsResponse, ChargebackUnderReview, ChargebackClosed:
	}
	return func() ([]realtime.Event, error) { return nil, nil }, nil
}

func tellOfChargeback(ctx context.Context, tx pgx.Tx, row db.Chargeback) ([]realtime.Event, error) {
	user, err := feed.AppendTx(ctx, tx, row.UserID, feed.ChargebackChanged, id.Chargeback.ID(row.ID))
	if err != nil {
		return nil, err
	}
	support, err := feed.AppendSupportTx(ctx, tx, feed.ChargebackChanged, id.Chargeback.ID(row.ID))
	return []realtime.Event{user, support}, err
}

// withdrawTx books that the provider took the money, and freezes the wallet that it had come into, where it had.
func (s *Service) withdrawTx(ctx context.Context, tx pgx.Tx, row db.Chargeback, t ProviderTxn) (frozen []realtime.Event, err error) {
	if row.TopUpID != nil {
		_, frozen, err = freezeTx(ctx, tx, ledger.Freeze{ID: id.New(), Owner: row.UserID, Cause: causeOf(row), Reason: frozenFor})
		if err != nil {
			return nil, err
		}
	}
	return frozen, s.postClearedTx(ctx, tx, chargebackEntry(row, "withdrawn", ledger.FlowChargeback, chargebackLeg(row, -row.Amount)), txnChargeback, t)
}

// winTx books that the provider gave the money back, and ends the freeze. What a loss had taken is given back before.
func (s *Service) winTx(ctx context.Context, tx pgx.Tx, row db.Chargeback, t ProviderTxn) ([]realtime.Event, error) {
	if row.LostCovered != nil {
		if err := s.reopenTx(ctx, tx, row); err != nil {
			return nil, err
		}
	}
	entry := chargebackEntry(row, "reinstated", ledger.FlowChargebackWon, chargebackLeg(row, row.Amount))
	if err := s.postClearedTx(ctx, tx, entry, txnChargebackReversal, t); err != nil {
		return nil, err
	}
	return thawTx(ctx, tx, row, liftedByWin)
}

// coveredTx is how much there is to take of a lost chargeback, and where: in the wallet that the payment had come into, or in
// its order's escrow. What it says stays so until the transaction ends: escrow moves under its order's lock, and the
// freeze is asked for again for the wallet's.
func (s *Service) coveredTx(ctx context.Context, tx pgx.Tx, row db.Chargeback) (from ledger.Account, covered int64, err error) {
	if row.OrderPaymentID != nil {
		return s.escrowCoversTx(ctx, tx, row)
	}
	from = ledger.Account{Kind: ledger.Wallet, Owner: row.UserID, Currency: money.Currency(row.Currency)}
	if _, _, err := ledger.FreezeTx(ctx, tx, ledger.Freeze{ID: id.New(), Owner: row.UserID, Cause: causeOf(row), Reason: frozenFor}); err != nil {
		return from, 0, err
	}
	balance, err := ledger.Balance(ctx, tx, from)
	return from, min(balance, row.Amount), err
}

// reopenTx is the exact negation of loseTx's entry.
func (s *Service) reopenTx(ctx context.Context, tx pgx.Tx, row db.Chargeback) error {
	c := money.Currency(row.Currency)
	to := of(ledger.Wallet, row.UserID, c, *row.LostCovered)
	if row.OrderPaymentID != nil {
		paid, err := s.q.OrderPaymentGet(ctx, tx, *row.OrderPaymentID)
		if err != nil {
			return err
		}
		to = of(ledger.Escrow, paid.OrderID, c, *row.LostCovered)
	}
	return post(ctx, tx, chargebackEntry(row, "reopened", ledger.FlowChargebackWon, legs(
		to, of(ledger.ChargebackLoss, uuid.Nil, c, row.Amount-*row.LostCovered), chargebackLeg(row, -row.Amount))...))
}

// loseTx takes what there is, and bears the rest. A wallet's freeze ends where it has paid for all of it, and
// otherwise stays for an admin to lift.
func (s *Service) loseTx(ctx context.Context, tx pgx.Tx, row db.Chargeback, from ledger.Account) ([]realtime.Event, error) {
	entry := chargebackEntry(row, "lost", ledger.FlowChargebackLost,
		ledger.Leg{Account: from, Amount: -*row.Covered},
		of(ledger.ChargebackLoss, uuid.Nil, money.Currency(row.Currency), *row.Covered-row.Amount),
		chargebackLeg(row, row.Amount))
	if err := post(ctx, tx, entry); err != nil || *row.Covered < row.Amount {
		return nil, err
	}
	return thawTx(ctx, tx, row, liftedByCover)
}

// thawTx lifts the chargeback's own freeze.
func thawTx(ctx context.Context, tx pgx.Tx, row db.Chargeback, reason string) ([]realtime.Event, error) {
	standing, err := standingTx(ctx, tx, row.UserID, causeOf(row))
	if standing == nil || err != nil {
		return nil, err
	}
	event, err := liftTx(ctx, tx, *standing, causeOf(row), reason)
	return []realtime.Event{event}, err
}

func causeOf(row db.Chargeback) ledger.Cause { return ledger.Cause{Kind: causeChargeback, ID: row.ID} }

func chargebackLeg(row db.Chargeback, minor int64) ledger.Leg {
	return of(ledger.Chargeback, row.ID, money.Currency(row.Currency), minor)
}

func chargebackEntry(row db.Chargeback, step string, flow ledger.Flow, legs ...ledger.Leg) ledger.Entry {
	return ledger.Entry{Key: "chargeback:" + row.ID.String() + ":" + step, Flow: flow, Cause: causeOf(row), Legs: legs}
}
