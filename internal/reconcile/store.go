package reconcile

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

const differenceList = 'R' // marks cursors of a run's differences

// store keeps the run with the first differences of each kind.
func (c *comparison) store(ctx context.Context) error {
	r := c.run
	err := postgres.InTx(ctx, c.pool, func(tx pgx.Tx) error {
		err := c.q.ReconciliationRunInsert(ctx, tx, db.ReconciliationRunInsertParams{
			ID: r.ID, Provider: r.Provider, Since: r.Since, Cut: r.Cut, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
			ProviderRecords: r.ProviderRecords, OurRecords: r.OurRecords, Pending: r.Pending, Differences: r.DifferenceCount,
		})
		for i := 0; err == nil && i < len(c.found); i++ {
			err = c.q.ReconciliationDifferenceInsert(ctx, tx, rowOf(r.ID, c.found[i]))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store the run: %w", err)
	}
	return nil
}

// DifferencePage is a page of a run's differences.
type DifferencePage = page.Page[Difference]

// DifferenceEdge is a difference with its cursor.
type DifferenceEdge = page.Edge[Difference]

// Last is the run that finished last; nil where none has.
func (s *Service) Last(ctx context.Context) (*Run, error) {
	row, err := s.q.ReconciliationRunLast(ctx, s.pool)
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last reconciliation: %w", err)
	}
	return &Run{
		ID: row.ID, Provider: row.Provider, Since: row.Since, Cut: row.Cut, StartedAt: row.StartedAt, FinishedAt: row.FinishedAt,
		ProviderRecords: row.ProviderRecords, OurRecords: row.OurRecords, Pending: row.Pending, DifferenceCount: row.Differences,
	}, nil
}

// Differences are those of a run that were kept, in the order in which they were found.
func (s *Service) Differences(ctx context.Context, run uuid.UUID, args page.Args) (DifferencePage, error) {
	size, err := args.Size()
	if err != nil {
		return DifferencePage{}, err
	}
	before, err := args.BeforeNumber(differenceList)
	if err != nil {
		return DifferencePage{}, err
	}
	// Cursors are of lists that go down, and this one goes up.
	rows, err := s.q.ReconciliationDifferencePage(ctx, s.pool, run, math.MaxInt64-before, int32(size+1))
	if err != nil {
		return DifferencePage{}, fmt.Errorf("read differences: %w", err)
	}
	return page.Of(rows, size, differenceOf, func(d Difference) string {
		return page.EncodeNumber(differenceList, math.MaxInt64-d.Number)
	}), nil
}

func rowOf(run uuid.UUID, d Difference) db.ReconciliationDifferenceInsertParams {
	return db.ReconciliationDifferenceInsertParams{
		RunID: run, Number: d.Number, Kind: string(d.Kind), ProviderID: orNull(d.ProviderID), EntryKey: orNull(d.EntryKey), EntryID: d.EntryID,
		Currency: string(d.Currency), Theirs: minorOf(d.Theirs), Ours: minorOf(d.Ours), Detail: d.Detail,
	}
}

func differenceOf(row db.ReconciliationDifference) Difference {
	c := money.Currency(row.Currency)
	d := Difference{
		Number: row.Number, Kind: Kind(row.Kind), EntryID: row.EntryID, Currency: c,
		Theirs: amountOf(row.Theirs, c), Ours: amountOf(row.Ours, c), Detail: row.Detail,
	}
	if row.ProviderID != nil {
		d.ProviderID = *row.ProviderID
	}
	if row.EntryKey != nil {
		d.EntryKey = *row.EntryKey
	}
	return d
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func minorOf(a *money.Amount) *int64 {
	if a == nil {
		return nil
	}
	return &a.Minor
}
