package savedsearch

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	matchEvery = time.Second
	// matchChanges is how many changes are looked at in a transaction, and matchBatch how many owners are told in it: their feeds are locked
	// until it ends.
	matchChanges = 100
	matchBatch   = 500
)

// MatchLoop looks for whom each listing is that comes to be found, until ctx ends. Any number of servers may do so at once: each change is
// one server's at a time, and a server that is killed leaves it to the others.
func (s *Service) MatchLoop(ctx context.Context) error {
	tick := time.NewTicker(matchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := s.Match(ctx); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "comparing listings with saved searches failed and will be tried again", "error", err)
			}
		}
	}
}

// Match compares all changes that no other server works on, and says of how many listings it told.
func (s *Service) Match(ctx context.Context) (told int, err error) {
	defer fault.Wrap(&err, "match saved searches")
	for more := true; more; {
		var events []realtime.Event
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
			events, more, err = s.matchTx(ctx, tx)
			return err
		})
		if err != nil {
			return told, err
		}
		s.hub.Publish(ctx, events...)
		told += len(events)
	}
	return told, nil
}

// matchTx compares the oldest changes with as many searches as are told of at once. more is false where none waits.
func (s *Service) matchTx(ctx context.Context, tx pgx.Tx) (events []realtime.Event, more bool, err error) {
	changes, err := s.q.SavedSearchChangesNext(ctx, tx, matchChanges)
	if err != nil || len(changes) == 0 {
		return nil, false, err
	}
	rows, err := s.q.SavedSearchesMatching(ctx, tx, matchBatch, changes)
	if err != nil {
		return nil, false, err
	}
	if events, err = s.tellTx(ctx, tx, rows); err != nil {
		return nil, false, err
	}
	done := changes
	if len(rows) == matchBatch { // the last one's change goes on from its search
		last := rows[len(rows)-1]
		done = before(changes, last.ChangeID)
		if err := s.q.SavedSearchChangeSeen(ctx, tx, &last.SearchID, last.ChangeID); err != nil {
			return nil, false, err
		}
	}
	return events, true, s.q.SavedSearchChangesDelete(ctx, tx, done)
}

// before are the changes that came before one; they are in their order.
func before(changes []int64, one int64) []int64 {
	for i, c := range changes {
		if c >= one {
			return changes[:i]
		}
	}
	return changes
}

// tellTx notes what was found, and tells the owners for whom that is new.
func (s *Service) tellTx(ctx context.Context, tx pgx.Tx, rows []db.SavedSearchesMatchingRow) ([]realtime.Event, error) {
	searches, listings, owners := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows)), make(map[uuid.UUID]uuid.UUID, len(rows))
	for i, row := range rows {
		searches[i], listings[i], owners[row.SearchID] = row.SearchID, row.ListingID, row.OwnerID
	}
	found, err := s.q.SavedSearchHitsInsert(ctx, tx, searches, listings)
	if err != nil {
		return nil, err
	}
	notes := make([]notify.Note, len(found))
	for i, hit := range found {
		notes[i] = notify.Note{
			Recipient: owners[hit.SearchID], Kind: notify.SearchFound, Subject: id.Listing.ID(hit.ListingID),
			Key:        "search:" + hit.SearchID.String() + ":" + hit.ListingID.String(),
			Parameters: []notify.Parameter{notify.Text("search", id.SavedSearch.Encode(hit.SearchID))},
		}
	}
	return notify.InsertTx(ctx, tx, notes...)
}
