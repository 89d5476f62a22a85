package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// Freeze is a reason for which nothing may leave an owner's wallets. Several may stand at once.
type Freeze struct {
	ID       uuid.UUID
	Owner    uuid.UUID
	Cause    Cause
	Reason   string // for staff
	FrozenAt time.Time

	LiftedAt   *time.Time // nil while it stands
	LiftedBy   Cause      // what lifted it
	LiftReason string
}

// FreezeTx freezes an owner's wallets, and answers the freeze that stands for this cause, whether it is new or
// not. What takes from the wallets and was on its way is done when it returns; whatever comes later is ErrFrozen. Like
// PostTx it comes last in its transaction: it takes the wallets' locks.
func FreezeTx(ctx context.Context, tx pgx.Tx, f Freeze) (_ uuid.UUID, fresh bool, err error) {
	defer fault.Wrap(&err, "freeze the wallets of %s", f.Owner)
	row, err := db.New().LedgerFreeze(ctx, tx, db.LedgerFreezeParams{
		ID: f.ID, Owner: f.Owner, CauseKind: f.Cause.Kind, CauseID: f.Cause.ID, Reason: f.Reason,
	})
	return row.FreezeID, row.Fresh, err
}

// LiftTx ends a freeze; false where it had ended before. The wallets stay frozen while another one stands.
func LiftTx(ctx context.Context, tx pgx.Tx, freeze uuid.UUID, by Cause, reason string) (lifted bool, err error) {
	defer fault.Wrap(&err, "lift freeze %s", freeze)
	return db.New().LedgerLift(ctx, tx, db.LedgerLiftParams{ID: freeze, LiftedKind: by.Kind, LiftedBy: by.ID, Reason: reason})
}

// Frozen says whether any freeze stands on an owner's wallets.
func Frozen(ctx context.Context, q db.DBTX, owner uuid.UUID) (bool, error) {
	frozen, err := db.New().LedgerFrozen(ctx, q, owner)
	if err != nil {
		return false, fmt.Errorf("look for a freeze of %s: %w", owner, err)
	}
	return frozen, nil
}

// Freezes are an owner's freezes, the newest first: those that stand, or lifted ones as well.
func Freezes(ctx context.Context, q db.DBTX, owner uuid.UUID, standing bool, limit int32) ([]Freeze, error) {
	rows, err := db.New().LedgerFreezes(ctx, q, owner, standing, limit)
	if err != nil {
		return nil, fmt.Errorf("freezes of %s: %w", owner, err)
	}
	freezes := make([]Freeze, len(rows))
	for i, row := range rows {
		freezes[i] = freezeOf(row)
	}
	return freezes, nil
}

// FreezeByID is one freeze; false where there is none.
func FreezeByID(ctx context.Context, q db.DBTX, freeze uuid.UUID) (_ Freeze, found bool, err error) {
	row, err := db.New().LedgerFreezeGet(ctx, q, freeze)
	if errors.Is(err, pgx.ErrNoRows) {
		return Freeze{}, false, nil
	}
	if err != nil {
		return Freeze{}, false, fmt.Errorf("read freeze %s: %w", freeze, err)
	}
	return freezeOf(row), true, nil
}

func freezeOf(row db.LedgerFreeze) Freeze {
	f := Freeze{
		ID: row.ID, Owner: row.Owner, Cause: Cause{Kind: row.CauseKind, ID: row.CauseID}, Reason: row.Reason, FrozenAt: row.FrozenAt.UTC(),
	}
	if row.LiftedAt != nil {
		at := row.LiftedAt.UTC()
		f.LiftedAt, f.LiftedBy, f.LiftReason = &at, Cause{Kind: *row.LiftedKind, ID: *row.LiftedBy}, *row.LiftReason
	}
	return f
}
