package books

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// The refusals of a reversal.
var (
	ErrNoEntry       = fault.New(fault.NotFound, "ENTRY_NOT_FOUND", "There is no such entry.").At("entryId")
	ErrReversed      = fault.New(fault.Conflict, "ENTRY_REVERSED", "This entry was reversed already.").At("entryId")
	ErrNotReversible = fault.New(fault.Precondition, "ENTRY_NOT_REVERSIBLE", "This entry moved something that has a state of its own, which a reversal would leave behind.").At("entryId")
	ErrInsufficient  = fault.New(fault.Precondition, "INSUFFICIENT_FUNDS", "An account does not hold any more what the entry gave it.").At("entryId")
	ErrLimit         = fault.New(fault.Precondition, "ACCOUNT_LIMIT", "An account would go beyond its limit.").At("entryId")
	ErrKeyReused     = fault.New(fault.Conflict, "IDEMPOTENCY_KEY_REUSED", "This idempotency key was used with other input.").At("idempotencyKey")
)

// reversalCause is the kind of a reversal's cause: the admin's action.
const reversalCause = "admin_action"

// instead says, of each flow that can't be reversed, what to do in its place: its entries moved money together
// with something else whose state would no longer be true. docs/ledger.md has the reasons.
var instead = map[ledger.Flow]string{
	ledger.FlowPromotion:      "End the campaign; refund or cancel the order.",
	ledger.FlowHold:           "End what holds the money: the bid or the checkout.",
	ledger.FlowPurchase:       "Refund the order.",
	ledger.FlowCapture:        "Refund the order.",
	ledger.FlowRelease:        "Refund the order.",
	ledger.FlowReturn:         "Let the refund that began with it go on.",
	ledger.FlowRefund:         "Let the refund settle or fail; what was refunded is paid anew.",
	ledger.FlowWithdrawal:     "Let the withdrawal settle or fail; its owner may pay in again.",
	ledger.FlowRefundSettled:  "The money has left; only the payment provider can bring it back.",
	ledger.FlowRefundFailed:   "Withdraw or refund anew.",
	ledger.FlowChargeback:     "Answer the chargeback at the payment provider.",
	ledger.FlowChargebackWon:  "The card network has decided; post an entry of its own.",
	ledger.FlowChargebackLost: "The card network has decided; post an entry of its own.",
	ledger.FlowReferral:       "A commission ends with its referral.",
	ledger.FlowMaturity:       "A commission ends with its referral; of an order's earnings, refund the order.",
	ledger.FlowLabel:          "The label is bought; post what the carrier gives back as an entry of its own.",
	ledger.FlowReturnLabel:    "The return says what its seller, or its buyer's wallet, has paid; post what they get back as an entry of its own.",
}

// reversible are the flows of which nothing but the entry says what became of the money.
var reversible = map[ledger.Flow]bool{ledger.FlowTopUp: true, ledger.FlowExchange: true, ledger.FlowReversal: true}

// ReverseInput is an entry to take back, and why.
type ReverseInput struct {
	Entry          int64
	Reason         string
	IdempotencyKey string // of the admin; the same key answers the same reversal, for ever
}

// Reverse posts the exact negation of an entry, and records who did it and why in the same transaction. Limits hold
// for it as for any other entry. It answers the reversal.
func (s *Service) Reverse(ctx context.Context, admin uuid.UUID, in ReverseInput) (_ Entry, err error) {
	defer fault.Wrap(&err, "reverse entry %d", in.Entry)
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return Entry{}, err
	}
	if in.Reason, err = adminlog.Reason(in.Reason); err != nil {
		return Entry{}, err
	}
	key := reversalKey(admin, in.IdempotencyKey)
	if done, err := s.reversalBy(ctx, key, in); done != nil || err != nil {
		return orNone(done), err
	}
	posted, err := s.reverse(ctx, admin, key, in)
	if errors.Is(err, ledger.ErrKeyReused) || errors.Is(err, ErrReversed) { // a rival may have been faster, with the same key
		if done, lookErr := s.reversalBy(ctx, key, in); done != nil || lookErr != nil {
			return orNone(done), lookErr
		}
	}
	if err != nil {
		return Entry{}, err
	}
	entry, err := s.entry(ctx, posted)
	return orNone(entry), err
}

// reversalKey is the ledger's key for an admin's key: of one length, whatever that has.
func reversalKey(admin uuid.UUID, key string) string {
	sum := sha256.Sum256(append(admin[:], key...))
	return "reversal:" + hex.EncodeToString(sum[:])
}

// reverse does it in one transaction. The ledger comes last.
func (s *Service) reverse(ctx context.Context, admin uuid.UUID, key string, in ReverseInput) (reversal int64, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := s.q.BooksEntries(ctx, tx, []int64{in.Entry})
		switch {
		case err != nil:
			return err
		case len(rows) == 0:
			return ErrNoEntry
		}
		if err := mayReverse(entryOf(rows[0])); err != nil {
			return err
		}
		action, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{
			Actor: admin, Kind: adminlog.LedgerEntryReversed, Subject: fmt.Sprintf("entry %d", in.Entry), Reason: in.Reason,
		})
		if err != nil {
			return err
		}
		posted, err := ledger.ReverseTx(ctx, tx, in.Entry, key, ledger.Cause{Kind: reversalCause, ID: action.ID})
		reversal = posted.EntryID
		return err
	})
	return reversal, refusalOf(err)
}

func mayReverse(e Entry) error {
	switch {
	case e.ReversedBy != nil:
		return ErrReversed
	case !reversible[e.Flow]:
		return ErrNotReversible.With("instead", cmp.Or(instead[e.Flow], "Post an entry of its own."))
	}
	return nil
}

// reversalBy is the reversal that a key stands for; nil where it stands for nothing yet.
func (s *Service) reversalBy(ctx context.Context, key string, in ReverseInput) (*Entry, error) {
	row, err := s.q.BooksEntryByKey(ctx, s.pool, key)
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	actions, err := s.q.AdminActionsByID(ctx, s.pool, []uuid.UUID{row.CauseID})
	if err != nil {
		return nil, err
	}
	if row.Reverses == nil || *row.Reverses != in.Entry || len(actions) == 0 || actions[0].Reason != in.Reason {
		return nil, ErrKeyReused
	}
	return s.entry(ctx, row.ID)
}

func (s *Service) entry(ctx context.Context, id int64) (*Entry, error) {
	entries, err := s.Entries(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	e, ok := entries[id]
	if !ok {
		return nil, ErrNoEntry
	}
	return &e, nil
}

func orNone(e *Entry) Entry {
	if e == nil {
		return Entry{}
	}
	return *e
}

// refusalOf turns what the ledger refuses into what an admin can act on.
func refusalOf(err error) error {
	limit, limited := errors.AsType[*ledger.Limit](err)
	switch {
	case errors.Is(err, ledger.ErrReversed):
		return ErrReversed.Because(err)
	case errors.Is(err, ledger.ErrNoEntry):
		return ErrNoEntry.Because(err)
	case limited && errors.Is(err, ledger.ErrInsufficientFunds):
		return ErrInsufficient.With("available", money.New(limit.Balance, limit.Account.Currency)).Because(err)
	case limited:
		return ErrLimit.Because(err)
	}
	return err
}
