package payment

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const (
	maxReason   = 500
	freezesRead = 100
)

// FreezeCause is what froze a wallet.
type FreezeCause string

// The causes of a freeze.
const (
	ByAdmin      FreezeCause = "ADMIN"
	ByChargeback FreezeCause = "CHARGEBACK"
)

// The same as kinds of causes in the ledger; their ids are the admin's and the chargeback's.
const (
	causeAdmin      = "admin"
	causeChargeback = "chargeback"
)

// Freeze is a reason for which nothing may leave a user's wallets.
type Freeze struct {
	ID         uuid.UUID
	User       uuid.UUID
	Cause      FreezeCause
	Reason     string // for staff
	FrozenAt   time.Time
	LiftedAt   *time.Time
	LiftReason *string
}

// FreezeWallet freezes all wallets of a user until each freeze is lifted. The same admin freezes a user
// once: the freeze that stands is answered.
func (s *Service) FreezeWallet(ctx context.Context, admin, user uuid.UUID, reason string) (_ Freeze, err error) {
	defer fault.Wrap(&err, "freeze the wallet of %s", user)
	if reason, err = checkReason(reason); err != nil {
		return Freeze{}, err
	}
	var (
		frozen ledger.Freeze
		told   []realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		told = nil
		why := ledger.Cause{Kind: causeAdmin, ID: admin}
		known, err := standingTx(ctx, tx, user, why)
		if err != nil {
			return err
		}
		if known != nil {
			frozen = *known
			return nil
		}
		if err := recordTx(ctx, tx, admin, user, adminlog.WalletFrozen, reason); err != nil {
			return err
		}
		frozen, told, err = freezeTx(ctx, tx, ledger.Freeze{ID: id.New(), Owner: user, Cause: why, Reason: reason})
		return err
	})
	if postgres.Violates(err, "user_feed_user_id_fkey") {
		return Freeze{}, ErrUserNotFound
	}
	if err != nil {
		return Freeze{}, err
	}
	s.publish(ctx, told)
	return freezeFrom(frozen), nil
}

// standingTx is the freeze that stands on a user's wallets for a cause; nil where none does.
func standingTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, why ledger.Cause) (*ledger.Freeze, error) {
	standing, err := ledger.Freezes(ctx, tx, user, true, freezesRead)
	if err != nil {
		return nil, err
	}
	for _, f := range standing {
		if f.Cause == why {
			return &f, nil
		}
	}
	return nil, nil
}

// recordTx keeps what an admin does to a user's wallets.
func recordTx(ctx context.Context, tx pgx.Tx, admin, user uuid.UUID, kind adminlog.Kind, reason string) error {
	_, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: admin, Kind: kind, Subject: id.User.Encode(user), Reason: reason})
	return err
}

// freezeTx freezes a user's wallets and tells them.
func freezeTx(ctx context.Context, tx pgx.Tx, f ledger.Freeze) (ledger.Freeze, []realtime.Event, error) {
	event, err := feed.AppendTx(ctx, tx, f.Owner, feed.WalletFrozen, id.User.ID(f.Owner))
	if err != nil {
		return f, nil, err
	}
	freeze, _, err := ledger.FreezeTx(ctx, tx, f)
	if err != nil {
		return f, nil, err
	}
	f, _, err = ledger.FreezeByID(ctx, tx, freeze)
	return f, []realtime.Event{event}, err
}

// Unfreeze names what to lift: one freeze, or all of a user's.
type Unfreeze struct {
	User, Freeze *uuid.UUID
	Reason       string
}

// UnfreezeWallet lifts freezes, and answers those that it lifted. It refuses where one of them is of a chargeback
// that is not decided: its freeze ends with it.
func (s *Service) UnfreezeWallet(ctx context.Context, admin uuid.UUID, in Unfreeze) (lifted []Freeze, err error) {
	defer fault.Wrap(&err, "unfreeze a wallet")
	if in.Reason, err = checkReason(in.Reason); err != nil {
		return nil, err
	}
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		lifted, told = nil, nil
		standing, err := freezesToLift(ctx, tx, in)
		if err == nil {
			err = s.unheld(ctx, tx, standing)
		}
		if err != nil {
			return err
		}
		if err := recordTx(ctx, tx, admin, standing[0].Owner, adminlog.WalletUnfrozen, in.Reason); err != nil {
			return err
		}
		for _, f := range standing {
			event, err := liftTx(ctx, tx, f, ledger.Cause{Kind: causeAdmin, ID: admin}, in.Reason)
			if err != nil {
				return err
			}
			told = append(told, event)
			now, _, err := ledger.FreezeByID(ctx, tx, f.ID)
			if err != nil {
				return err
			}
			lifted = append(lifted, freezeFrom(now))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.publish(ctx, told)
	return lifted, nil
}

// freezesToLift is the freezes that stand of those that are named.
func freezesToLift(ctx context.Context, tx pgx.Tx, in Unfreeze) ([]ledger.Freeze, error) {
	if (in.User == nil) == (in.Freeze == nil) {
		return nil, ErrUserOrFreeze
	}
	if in.User != nil {
		standing, err := ledger.Freezes(ctx, tx, *in.User, true, freezesRead)
		if err == nil && len(standing) == 0 {
			err = ErrWalletNotFrozen.At("userId")
		}
		return standing, err
	}
	f, found, err := ledger.FreezeByID(ctx, tx, *in.Freeze)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, ErrFreezeNotFound.At("freezeId")
	case f.LiftedAt != nil:
		return nil, ErrWalletNotFrozen.At("freezeId")
	}
	return []ledger.Freeze{f}, nil
}

// unheld refuses where a freeze belongs to a chargeback that is not decided.
func (s *Service) unheld(ctx context.Context, tx pgx.Tx, freezes []ledger.Freeze) error {
	freezes = slices.SortedFunc(slices.Values(freezes), func(a, b ledger.Freeze) int { return bytes.Compare(a.Cause.ID[:], b.Cause.ID[:]) })
	for _, f := range freezes {
		if f.Cause.Kind != causeChargeback {
			continue
		}
		row, err := s.q.ChargebackLock(ctx, tx, f.Cause.ID)
		if err != nil {
			return fmt.Errorf("the chargeback of freeze %s: %w", f.ID, err)
		}
		if row.DecidedAt == nil {
			return ErrFreezeHeld
		}
	}
	return nil
}

// liftTx ends a freeze and tells its user.
func liftTx(ctx context.Context, tx pgx.Tx, f ledger.Freeze, by ledger.Cause, reason string) (realtime.Event, error) {
	event, err := feed.AppendTx(ctx, tx, f.Owner, feed.WalletUnfrozen, id.User.ID(f.Owner))
	if err != nil {
		return event, err
	}
	_, err = ledger.LiftTx(ctx, tx, f.ID, by, reason)
	return event, err
}

// WalletFreezes are a user's freezes, standing and lifted, the newest first; 100 at most.
func (s *Service) WalletFreezes(ctx context.Context, user uuid.UUID) ([]Freeze, error) {
	all, err := ledger.Freezes(ctx, s.pool, user, false, freezesRead)
	if err != nil {
		return nil, err
	}
	freezes := make([]Freeze, len(all))
	for i, f := range all {
		freezes[i] = freezeFrom(f)
	}
	return freezes, nil
}

// WalletFreeze is one freeze.
func (s *Service) WalletFreeze(ctx context.Context, freeze uuid.UUID) (Freeze, error) {
	f, found, err := ledger.FreezeByID(ctx, s.pool, freeze)
	if err == nil && !found {
		err = ErrFreezeNotFound
	}
	if err != nil {
		return Freeze{}, fmt.Errorf("read a freeze: %w", err)
	}
	return freezeFrom(f), nil
}

func freezeFrom(f ledger.Freeze) Freeze {
	out := Freeze{ID: f.ID, User: f.Owner, Cause: ByAdmin, Reason: f.Reason, FrozenAt: f.FrozenAt, LiftedAt: f.LiftedAt}
	if f.Cause.Kind == causeChargeback {
		out.Cause = ByChargeback
	}
	if f.LiftedAt != nil {
		out.LiftReason = &f.LiftReason
	}
	return out
}

// checkReason cleans what staff write down.
func checkReason(reason string) (string, error) {
	reason = text.Clean(reason)
	if n := utf8.RuneCountInString(reason); n < 1 || n > maxReason || !text.IsProse(reason) {
		return "", ErrReasonLength
	}
	return reason, nil
}
