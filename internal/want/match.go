package want

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
	"github.com/souklive/souk/internal/work"
)

const (
	matchEvery = time.Second
	// matchBatch is how many wants are answered in a transaction: their buyers' feeds are locked until it ends.
	matchBatch = 500
)

// MatchLoop looks for whom each listing is that comes to the market, until ctx ends. Any number of servers may do so at once: each
// listing is one server's at a time, and a server that is killed leaves it to the others.
func (s *Service) MatchLoop(ctx context.Context) error {
	return work.Every(ctx, matchEvery, s.log, "looking for whom listings are", func(ctx context.Context) error {
		_, err := s.Match(ctx)
		return err
	})
}

// Match looks at all listings that came to the market and that no other server looks at, and says how many buyers it told.
func (s *Service) Match(ctx context.Context) (told int, err error) {
	defer fault.Wrap(&err, "match wants")
	return work.Queue{
		Pool: s.pool, Hub: s.hub, Log: s.log, Name: "a listing that wants are compared with", Next: s.matchTx,
		PutOff: func(ctx context.Context, f work.Failure) (int32, error) {
			return s.q.WantChangePutOff(ctx, s.pool, f.Why, f.Last, f.Change)
		},
	}.Work(ctx)
}

// matchTx matches some wants with the oldest listing that waits.
func (s *Service) matchTx(ctx context.Context, tx pgx.Tx, _ int32) (done work.Worked, err error) {
	c, err := s.q.WantChangeNext(ctx, tx)
	if postgres.NoRows(err) {
		return done, nil
	}
	if err != nil {
		return done, err
	}
	done.Changes = []int64{c.WantChange.ID}
	if !c.Active { // what is off the market again is looked at when it comes back
		return done, s.q.WantChangeDelete(ctx, tx, c.WantChange.ID)
	}
	after := uuid.Nil
	if c.WantChange.SeenUpTo != nil {
		after = *c.WantChange.SeenUpTo
	}
	rows, err := s.q.WantsMatching(ctx, tx, db.WantsMatchingParams{
		CategoryID: c.CategoryID, After: after, Words: c.Title + " " + c.Description, SellerID: c.SellerID, Currency: c.Currency, Price: c.Price,
		Condition: c.Condition, ListingID: c.WantChange.ListingID, Batch: matchBatch,
	})
	if err != nil {
		return done, err
	}
	if done.Events, err = s.tellTx(ctx, tx, c.WantChange.ListingID, rows); err != nil {
		return done, err
	}
	if len(rows) < matchBatch {
		return done, s.q.WantChangeDelete(ctx, tx, c.WantChange.ID)
	}
	return done, s.q.WantChangeSeen(ctx, tx, &rows[len(rows)-1].ID, c.WantChange.ID)
}

// tellTx notes what a listing fits, and tells the buyers for whom that is new.
func (s *Service) tellTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID, rows []db.WantsMatchingRow) ([]realtime.Event, error) {
	wants, buyers := make([]uuid.UUID, len(rows)), make(map[uuid.UUID]uuid.UUID, len(rows))
	for i, row := range rows {
		wants[i], buyers[row.ID] = row.ID, row.BuyerID
	}
	found, err := s.q.WantOffersInsert(ctx, tx, wants, listing)
	if err != nil {
		return nil, err
	}
	notes := make([]notify.Note, len(found))
	for i, want := range found {
		notes[i] = notify.Note{
			Recipient: buyers[want], Kind: notify.WantMatched, Subject: id.Listing.ID(listing), Key: "match:" + listing.String() + ":" + want.String(),
			Parameters: []notify.Parameter{notify.Text("want", id.Want.Encode(want))},
		}
	}
	return notify.InsertTx(ctx, tx, notes...)
}
