package checkout

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
)

// maxRehearsals is how often it is looked at anew what a quote would be of, before it is given up.
const maxRehearsals = 4

// maxRivals is of how many quotes at the same instant one may be the last: each is behind another's that is there.
const maxRivals = 10

// errMoved says that what a quote would be of is not what was planned for.
var errMoved = errors.New("it lies elsewhere, or is sold otherwise, than was planned for")

// goods sets aside what is quoted. Where that is done already it gives the quote: it has taken the place of another, or the key was used meanwhile.
func (s *Service) goods(ctx context.Context, buyer uuid.UUID, in *asked, region string) (set inventory.Reservation, done *Quote, err error) {
	for range maxRivals {
		var held bool
		if set, held, err = s.setAside(ctx, buyer, in, region); err != nil || !held {
			break
		}
		again, err := s.requote(ctx, buyer, *in, region)
		if !errors.Is(err, cart.ErrChanged) {
			return set, &again, err
		}
		// What was held ended, or another quote has it.
	}
	if err == nil && set.Status == inventory.Open {
		return set, nil, nil
	}
	if err != nil && !errors.Is(err, cart.ErrChanged) {
		return set, nil, err
	}
	done, readErr := s.quotedBefore(ctx, buyer, in.IdempotencyKey, in.hash()) // by the same request, sent twice at once, before another quote took its place
	switch {
	case done != nil || readErr != nil:
		return set, done, readErr
	case err == nil && set.Status != "": // a retry that comes late
		err = inventory.ErrReservationOver
	case err == nil: // there is always another
		err = cart.ErrChanged
	}
	return set, nil, err
}

// requote quotes what an earlier quote of the same cart, or offer, holds the goods of. One transaction takes the goods over and writes the quote, so that the earlier
// one stays as it was until this one is there, whatever this one is refused for. Carriers are asked before it, and have to know where the goods would come from: so the
// transaction is rehearsed first, which tells that and is rolled back, and counts only where it finds what they were asked about.
func (s *Service) requote(ctx context.Context, buyer uuid.UUID, in asked, region string) (_ Quote, err error) {
	quote := id.New()
	var (
		known  []db.QuoteLinesToMakeRow
		groups []QuoteGroup
	)
	then := func(tx pgx.Tx, set inventory.Reservation) error {
		rows, err := s.linesToMake(ctx, tx, set.ID, in)
		if err != nil {
			return err
		}
		if groups == nil || !reflect.DeepEqual(rows, known) {
			known = rows
			return errMoved
		}
		_, err = s.quoteTx(ctx, tx, quote, set, slices.Clone(groups), in)
		return err
	}
	for range maxRehearsals {
		var fresh bool
		if in.offer == nil {
			_, fresh, err = s.carts.Swap(ctx, buyer, in.ofCart(region), then)
		} else {
			fresh, err = s.swapOffer(ctx, buyer, in, region, then)
		}
		switch {
		case err == nil && fresh:
			return s.GetQuote(ctx, buyer, quote)
		case err == nil: // by the same request, sent twice at once
			first, err := s.quotedBefore(ctx, buyer, in.IdempotencyKey, in.hash())
			if first == nil && err == nil { // which is at it
				err = cart.ErrChanged
			}
			return deref(first), err
		case !errors.Is(err, errMoved):
			return Quote{}, err
		}
		if groups, err = group(known); err != nil {
			return Quote{}, err
		}
		if in.local, err = s.plan(ctx, groups, in); err != nil {
			return Quote{}, err
		}
	}
	return Quote{}, cart.ErrChanged
}

// swapOffer sets aside what an offer is about in the place of what is set aside for it, and does what comes then in the same transaction. It is not fresh where
// the key was used: then nothing is done.
func (s *Service) swapOffer(ctx context.Context, buyer uuid.UUID, in asked, region string, then func(pgx.Tx, inventory.Reservation) error) (fresh bool, err error) {
	o, want := *in.offer, in.ofOffer(*in.offer, region)
	defer fault.Wrap(&err, "set aside anew what offer %s is about", o.ID)
	try := func(tx pgx.Tx) error {
		fresh = false
		open, err := s.stock.LockTx(ctx, tx, buyer, *o.Reservation)
		if err != nil {
			return err
		}
		if _, err := s.q.ReservationByKey(ctx, tx, buyer, want.IdempotencyKey); !postgres.NoRows(err) {
			return err
		}
		same, err := s.offers.HoldTx(ctx, tx, o)
		if err == nil && (!same || !open) {
			err = cart.ErrChanged
		}
		if err != nil {
			return err
		}
		set, err := s.stock.SwapTx(ctx, tx, buyer, *o.Reservation, want)
		if err != nil {
			return err
		}
		if err := then(tx, set); err != nil {
			return err
		}
		fresh = true
		return nil
	}
	err = postgres.InTx(ctx, s.pool, try)
	if inventory.Short(err) {
		freed, roomErr := s.stock.MakeRoom(ctx, []uuid.UUID{o.VariantID})
		switch {
		case roomErr != nil:
			return false, roomErr
		case freed > 0:
			err = postgres.InTx(ctx, s.pool, try)
		}
	}
	if postgres.Violates(err, "reservation_key") {
		return false, nil
	}
	return fresh, s.soldMeanwhile(ctx, err, o)
}
