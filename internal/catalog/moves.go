package catalog

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// Status is where a listing stands.
type Status string

// The statuses of a listing.
const (
	Draft    Status = "DRAFT"    // its seller writes it
	Active   Status = "ACTIVE"   // on the market
	Reserved Status = "RESERVED" // in a lot, or won and not yet handed over
	Sold     Status = "SOLD"
	Ended    Status = "ENDED"  // its seller took it off the market
	Hidden   Status = "HIDDEN" // by support; beneath, it goes on as it would
)

// moves are the allowed ones; the table listing_move holds the same, and a test compares the two. Into HIDDEN and back a listing
// changes nothing beneath, so that a lot or an order whose listing is hidden ends as any other.
var moves = map[Status][]Status{
	Draft:    {Active, Ended},
	Active:   {Reserved, Ended, Hidden},
	Reserved: {Active, Sold, Hidden},
	Sold:     {Active, Hidden},
	Ended:    {Active, Hidden},
	Hidden:   {Active, Reserved, Sold, Ended},
}

// check refuses a move that a listing can't make from where it stands.
func (l Listing) check(to Status) error {
	if !slices.Contains(moves[l.Status], to) {
		return ErrMove.With("status", string(l.Status))
	}
	return nil
}

// Publish puts a draft, or what was ended, on the market, once it is complete.
func (s *Service) Publish(ctx context.Context, seller, listing uuid.UUID) (_ Listing, err error) {
	defer fault.Wrap(&err, "publish listing %s", listing)
	return s.change(ctx, listing, ownedBy(seller, s.publish(ctx)))
}

// PublishTx is Publish within a transaction.
func (s *Service) PublishTx(ctx context.Context, tx pgx.Tx, seller, listing uuid.UUID) (Listing, error) {
	return s.changeTx(ctx, tx, listing, ownedBy(seller, s.publish(ctx)))
}

func (s *Service) publish(ctx context.Context) doing {
	return func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if l.Status == Active {
			return db.Listing{}, errUnchanged
		}
		if l.Status != Draft && l.Status != Ended {
			return db.Listing{}, ErrMove.With("status", string(l.Status))
		}
		if err := s.completeTx(ctx, tx, l); err != nil {
			return db.Listing{}, err
		}
		return s.q.ListingSetStatus(ctx, tx, string(Active), l.ID)
	}
}

// End takes a listing off the market; a draft is given up.
func (s *Service) End(ctx context.Context, seller, listing uuid.UUID) (_ Listing, err error) {
	defer fault.Wrap(&err, "end listing %s", listing)
	return s.change(ctx, listing, ownedBy(seller, func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if l.Status == Ended {
			return db.Listing{}, errUnchanged
		}
		if err := l.check(Ended); err != nil || l.Status == Hidden {
			return db.Listing{}, ErrMove.With("status", string(l.Status))
		}
		return s.q.ListingSetStatus(ctx, tx, string(Ended), listing)
	}))
}

// Hide takes a listing out of everybody's sight, whatever becomes of it beneath. It is for staff, and is recorded.
func (s *Service) Hide(ctx context.Context, by, listing uuid.UUID, reason string) (_ Listing, err error) {
	defer fault.Wrap(&err, "hide listing %s", listing)
	return s.moderate(ctx, by, listing, reason, adminlog.ListingHidden, func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if l.Status == Hidden {
			return db.Listing{}, errUnchanged
		}
		if err := l.check(Hidden); err != nil {
			return db.Listing{}, err
		}
		return s.q.ListingHide(ctx, tx, listing)
	})
}

// Restore shows a hidden listing again, as what it has become beneath. It is for staff, and is recorded.
func (s *Service) Restore(ctx context.Context, by, listing uuid.UUID, reason string) (_ Listing, err error) {
	defer fault.Wrap(&err, "restore listing %s", listing)
	return s.moderate(ctx, by, listing, reason, adminlog.ListingRestored, func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if l.Status != Hidden {
			return db.Listing{}, ErrMove.With("status", string(l.Status))
		}
		return s.q.ListingRestore(ctx, tx, listing)
	})
}

// moderate changes a listing for staff, and keeps who did it and why. A reason that is no good is refused first.
func (s *Service) moderate(
	ctx context.Context, by, listing uuid.UUID, reason string, kind adminlog.Kind, change func(pgx.Tx, Listing) (db.Listing, error),
) (Listing, error) {
	if _, err := adminlog.Reason(reason); err != nil {
		return Listing{}, err
	}
	return s.change(ctx, listing, func(tx pgx.Tx, l Listing) (db.Listing, error) {
		row, err := change(tx, l)
		if err != nil {
			return row, err
		}
		_, err = adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: by, Kind: kind, Subject: id.Listing.Encode(listing), Reason: reason})
		return row, err
	})
}

// errUnchanged ends a change that has nothing to do: the listing is answered as it is.
var errUnchanged = errors.New("nothing was to be done")

// doing works on a listing that is locked, and gives its row as it is then.
type doing func(pgx.Tx, Listing) (db.Listing, error)

// ownedBy lets nobody but the listing's seller do it; another's is not found.
func ownedBy(seller uuid.UUID, do doing) doing {
	return func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if l.SellerID != seller {
			return db.Listing{}, ErrListingNotFound
		}
		return do(tx, l)
	}
}

// change works on a listing under its lock, and answers it as it is then.
func (s *Service) change(ctx context.Context, listing uuid.UUID, do doing) (changed Listing, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		changed, err = s.changeTx(ctx, tx, listing, do)
		return err
	})
	return changed, err
}

func (s *Service) changeTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID, do doing) (Listing, error) {
	row, err := s.q.ListingLock(ctx, tx, listing)
	if postgres.NoRows(err) {
		return Listing{}, ErrListingNotFound
	}
	if err != nil {
		return Listing{}, err
	}
	locked := listingOf(row)
	row, err = do(tx, locked)
	if errors.Is(err, errUnchanged) {
		return locked, nil
	}
	if err != nil {
		return locked, err
	}
	return listingOf(row), nil
}

// ReserveTx takes the seller's own listing off the market for an auction. Only one taker succeeds.
func (s *Service) ReserveTx(ctx context.Context, tx pgx.Tx, listing, seller uuid.UUID) error {
	n, err := s.q.ListingReserve(ctx, tx, listing, seller)
	if err == nil && n == 0 {
		return ErrListingTaken
	}
	return err
}

// SellTx marks a reserved listing as sold.
func (s *Service) SellTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID) error {
	return s.moveTx(ctx, tx, listing, Reserved, Sold)
}

// ReturnTx puts a sold listing back on the market: its sale has come to nothing, and its seller has it still.
func (s *Service) ReturnTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID) error {
	return s.moveTx(ctx, tx, listing, Sold, Active)
}

// FreeTx puts a reserved listing back on the market.
func (s *Service) FreeTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID) error {
	return s.moveTx(ctx, tx, listing, Reserved, Active)
}

// FreeAllTx is FreeTx for many.
func (s *Service) FreeAllTx(ctx context.Context, tx pgx.Tx, listings []uuid.UUID) error {
	n, err := s.q.ListingsFree(ctx, tx, listings)
	if err == nil && n != int64(len(listings)) {
		return fault.New(fault.Internal, "LISTING_MOVE", "%d of %d listings are reserved", n, len(listings))
	}
	return err
}

func (s *Service) moveTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID, from, to Status) error {
	n, err := s.q.ListingMove(ctx, tx, string(to), listing, string(from))
	if err == nil && n != 1 {
		return fault.New(fault.Internal, "LISTING_MOVE", "listing %s is not %s", listing, from)
	}
	return err
}
