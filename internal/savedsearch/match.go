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
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/work"
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
	return work.Every(ctx, matchEvery, s.log, "comparing listings with saved searches", func(ctx context.Context) error {
		_, err := s.Match(ctx)
		return err
	})
}

// Match compares all changes that no other server works on, and says of how many listings it told.
func (s *Service) Match(ctx context.Context) (told int, err error) {
	defer fault.Wrap(&err, "match saved searches")
	return work.Queue{
		Pool: s.pool, Hub: s.hub, Log: s.log, Name: "a listing that saved searches are compared with", Batch: matchChanges, Next: s.matchTx,
		PutOff: func(ctx context.Context, f work.Failure) (int32, error) {
			return s.q.SavedSearchChangePutOff(ctx, s.pool, f.Why, f.Last, f.Change)
		},
	}.Work(ctx)
}

// matchTx compares the oldest changes with as many searches as are told of at once.
func (s *Service) matchTx(ctx context.Context, tx pgx.Tx, most int32) (done work.Worked, err error) {
	changes, err := s.q.SavedSearchChangesNext(ctx, tx, most)
	if done.Changes = changes; err != nil || len(changes) == 0 {
		return done, err
	}
	rows, err := s.q.SavedSearchesMatching(ctx, tx, matchBatch, changes)
	if err != nil {
		return done, err
	}
	if done.Events, err = s.tellTx(ctx, tx, rows); err != nil {
		return done, err
	}
	over := changes
	if len(rows) == matchBatch { // the last one's change goes on from its search
		last := rows[len(rows)-1]
		over = before(changes, last.ChangeID)
		if err := s.q.SavedSearchChangeSeen(ctx, tx, &last.SearchID, last.ChangeID); err != nil {
			return done, err
		}
	}
	return done, s.q.SavedSearchChangesDelete(ctx, tx, over)
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
