package wish

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/work"
)

const (
	tellEvery = time.Second
	// tellBatch is how many users are told in a transaction: their feeds are locked until it ends.
	tellBatch = 500
)

// TellLoop tells those who wish and wait what has changed, until ctx ends. Any number of servers may do so at once: each change is one
// server's at a time, and a server that is killed leaves it to the others, with how far it came.
func (s *Service) TellLoop(ctx context.Context) error {
	return work.Every(ctx, tellEvery, s.log, "telling what people wish for", func(ctx context.Context) error {
		_, err := s.Tell(ctx)
		return err
	})
}

// Tell tells all that has changed and that no other server works on, and says how many notices there were.
func (s *Service) Tell(ctx context.Context) (told int, err error) {
	defer fault.Wrap(&err, "tell what people wish for")
	return work.Queue{
		Pool: s.pool, Hub: s.hub, Log: s.log, Name: "a change of what people wish for", Next: s.tellBatchTx,
		PutOff: func(ctx context.Context, f work.Failure) (int32, error) {
			return s.q.WishChangePutOff(ctx, s.pool, f.Why, f.Last, f.Change)
		},
	}.Work(ctx)
}

// tellBatchTx tells some of those whom the oldest change is for.
func (s *Service) tellBatchTx(ctx context.Context, tx pgx.Tx, _ int32) (done work.Worked, err error) {
	c, err := s.q.WishChangeNext(ctx, tx)
	if postgres.NoRows(err) {
		return done, nil
	}
	if err != nil {
		return done, err
	}
	done.Changes = []int64{c.WishChange.ID}
	b := batch{WishChangeNextRow: c}
	if catalog.Status(c.Status) == catalog.Active && !c.Newer { // what is not on the market is looked at again when it is
		if c.WishChange.VariantID == nil {
			err = s.priceTx(ctx, tx, &b)
		} else {
			err = s.availableTx(ctx, tx, &b)
		}
	}
	if err != nil {
		return done, err
	}
	if done.Events, err = notify.InsertTx(ctx, tx, b.notes...); err != nil {
		return done, err
	}
	if b.last == nil {
		return done, s.q.WishChangeDelete(ctx, tx, c.WishChange.ID)
	}
	return done, s.q.WishChangeTold(ctx, tx, b.last, c.WishChange.ID)
}

// batch is some of those whom a change is for.
type batch struct {
	db.WishChangeNextRow
	notes []notify.Note
	last  *uuid.UUID // up to whom it goes, where others may follow
}

func (b *batch) after() uuid.UUID {
	if u := b.WishChange.ToldUpTo; u != nil {
		return *u
	}
	return uuid.Nil
}

func (b *batch) key() string { return "wish:" + strconv.FormatInt(b.WishChange.ID, 10) }

// priceTx compares the price as it is now with what each was told last. Prices in two currencies are not compared: the new one is what
// later ones are compared with.
func (s *Service) priceTx(ctx context.Context, tx pgx.Tx, b *batch) error {
	listing := b.WishChange.ListingID
	rows, err := s.q.WishersOfPrice(ctx, tx, listing, b.after(), tellBatch)
	if err != nil || b.Price == nil {
		return err
	}
	now := money.New(*b.Price, money.Currency(*b.Currency))
	var seen []uuid.UUID
	for _, w := range rows {
		if !w.Offered {
			continue
		}
		switch {
		case w.Price == nil || *w.Currency != *b.Currency:
			seen = append(seen, w.UserID)
		case now.Minor < *w.Price:
			seen = append(seen, w.UserID)
			b.notes = append(b.notes, notify.Note{
				Recipient: w.UserID, Kind: notify.PriceDropped, Subject: id.Listing.ID(listing), Key: b.key(),
				Parameters: []notify.Parameter{notify.Sum("price", now), notify.Sum("priceBefore", money.New(*w.Price, now.Currency))},
			})
		}
	}
	if len(rows) == tellBatch {
		b.last = &rows[len(rows)-1].UserID
	}
	if len(seen) == 0 {
		return nil
	}
	return s.q.WishPriceTold(ctx, tx, db.WishPriceToldParams{ListingID: listing, Users: seen, Price: b.Price, Currency: b.Currency})
}

// availableTx tells those who wait for a variant, and those who wish for its listing, at most once a day, while there is some.
func (s *Service) availableTx(ctx context.Context, tx pgx.Tx, b *batch) error {
	listing, variant := b.WishChange.ListingID, *b.WishChange.VariantID
	free, err := s.stock.AvailableTx(ctx, tx, []uuid.UUID{variant})
	if err != nil || free[variant] == 0 {
		return err
	}
	people, err := s.waitersTx(ctx, tx, b)
	if err != nil {
		return err
	}
	var told []uuid.UUID
	for user, offered := range people {
		if offered {
			told = append(told, user)
			b.notes = append(b.notes, notify.Note{Recipient: user, Kind: notify.BackInStock, Subject: id.Variant.ID(variant), Key: b.key()})
		}
	}
	if len(told) == 0 {
		return nil
	}
	if err := s.q.WaitTold(ctx, tx, variant, told); err != nil {
		return err
	}
	return s.q.WishAvailableTold(ctx, tx, listing, told)
}

// waitersTx are the next of those who wait for a variant or wish for its listing, with whether they may see it.
func (s *Service) waitersTx(ctx context.Context, tx pgx.Tx, b *batch) (map[uuid.UUID]bool, error) {
	listing, variant := b.WishChange.ListingID, *b.WishChange.VariantID
	waiting, err := s.q.WaitersOfVariant(ctx, tx, db.WaitersOfVariantParams{ListingID: listing, VariantID: variant, After: b.after(), Batch: tellBatch})
	if err != nil {
		return nil, err
	}
	wishing, err := s.q.WishersOfStock(ctx, tx, listing, b.after(), tellBatch)
	if err != nil {
		return nil, err
	}
	people := make(map[uuid.UUID]bool, len(waiting)+len(wishing))
	for _, w := range waiting {
		people[w.UserID] = w.Offered
	}
	for _, w := range wishing {
		people[w.UserID] = w.Offered
	}
	// Of two lists that are cut the one that ends earlier says how far both go. Beyond that somebody may come twice, and is told once.
	if n := len(waiting); n == tellBatch {
		b.last = &waiting[n-1].UserID
	}
	if n := len(wishing); n == tellBatch && (b.last == nil || bytes.Compare(wishing[n-1].UserID[:], b.last[:]) < 0) {
		b.last = &wishing[n-1].UserID
	}
	return people, nil
}
