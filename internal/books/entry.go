package books

import (
	"context"
	"fmt"
	"time"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/ledger"
)

// Entry is an entry of the ledger as it is booked.
type Entry struct {
	ID         int64
	Key        string
	Flow       ledger.Flow
	Cause      ledger.Cause
	Reverses   *int64 // the entry that it takes back
	ReversedBy *int64 // the entry that takes it back
	PostedAt   time.Time
}

// CauseKind is what kind of thing it was posted for.
func (e Entry) CauseKind() string { return e.Cause.Kind }

// Entries reads entries for a loader.
func (s *Service) Entries(ctx context.Context, ids []int64) (map[int64]Entry, error) {
	rows, err := s.q.BooksEntries(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	entries := make(map[int64]Entry, len(rows))
	for _, row := range rows {
		entries[row.ID] = entryOf(row)
	}
	return entries, nil
}

// PostingsOfEntries reads the legs of entries for a loader, in the order of their accounts.
func (s *Service) PostingsOfEntries(ctx context.Context, ids []int64) (map[int64][]Posting, error) {
	rows, err := s.q.BooksPostingsOfEntries(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("read the legs of entries: %w", err)
	}
	legs := make(map[int64][]Posting, len(ids))
	for _, row := range rows {
		legs[row.EntryID] = append(legs[row.EntryID], postingOf(row))
	}
	return legs, nil
}

func entryOf(row db.BooksEntriesRow) Entry {
	e := Entry{
		ID: row.ID, Key: row.Key, Flow: ledger.Flow(row.Flow), Cause: ledger.Cause{Kind: row.CauseKind, ID: row.CauseID},
		Reverses: row.Reverses, PostedAt: row.PostedAt,
	}
	if row.ReversedBy != 0 {
		e.ReversedBy = &row.ReversedBy
	}
	return e
}
