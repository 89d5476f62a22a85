package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// ReservationStatus says how a reservation stands.
type ReservationStatus string

// The statuses of a reservation.
const (
	Open     ReservationStatus = "OPEN"
	Consumed ReservationStatus = "CONSUMED" // paid
	Released ReservationStatus = "RELEASED" // given back by its buyer
	Expired  ReservationStatus = "EXPIRED"  // its time was over
)

const (
	// DefaultTTL is how long a reservation holds.
	DefaultTTL = 15 * time.Minute

	maxLines = 50
	// codeShort is what reservation_take answers where a line is short.
	codeShort = "SK410"
	// codeNotAdmitted is what the trigger flash_take answers.
	codeNotAdmitted = "SK431"
)

// Reservation is what somebody has set aside for a while, to pay for it.
type Reservation struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	Status    ReservationStatus // EXPIRED from its time on, whether or not the job has been there
	CreatedAt time.Time
	ExpiresAt time.Time
}

// NodeID is the id that clients see.
func (r Reservation) NodeID() id.ID { return id.Reservation.ID(r.ID) }

// Line is what is reserved of one variant, at one location.
type Line struct {
	VariantID  uuid.UUID
	LocationID *uuid.UUID // nil for what exists once
	Quantity   int
}

// ReserveInput is what somebody wants to buy.
type ReserveInput struct {
	Wants          []Want
	Region         string // where it is sent, a country's two letters; empty where that is not known
	Pass           string // of the waiting room, where a flash sale of something runs
	IdempotencyKey string
}

func (in ReserveInput) validate() error {
	if len(in.Wants) < 1 || len(in.Wants) > maxLines {
		return ErrReservationLines.At("lines")
	}
	seen := make(map[uuid.UUID]bool, len(in.Wants))
	for i, w := range in.Wants {
		if w.Quantity < 1 || w.Quantity > maxQuantity {
			return ErrQuantity.At("lines", strconv.Itoa(i), "quantity")
		}
		if seen[w.Variant] {
			return ErrReservationLines.At("lines", strconv.Itoa(i), "variantId")
		}
		seen[w.Variant] = true
	}
	if in.Region != "" && !isRegion(in.Region) {
		return ErrRegion.At("region")
	}
	return nil
}

// hash is of everything that has to be the same when a key is used again.
func (in ReserveInput) hash() []byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "reserve\n%s\n", in.Region)
	for _, w := range in.Wants {
		_, _ = fmt.Fprintf(h, "%s %d\n", w.Variant, w.Quantity)
	}
	return h.Sum(nil)
}

// Reserve sets aside all that is wanted, or nothing. The same key gives the same reservation.
//
// What is asked for at one time is planned on one reading and taken by one statement, which takes only what is there (openTogether). What
// that leaves goes alone: first by the plan, and where that is short once more under the locks of the stock, after what is beyond its time
// was given back. That answer is the truth.
func (s *Service) Reserve(ctx context.Context, buyer uuid.UUID, in ReserveInput) (_ Reservation, err error) {
	if err := in.validate(); err != nil {
		return Reservation{}, err
	}
	defer fault.Wrap(&err, "reserve %d lines", len(in.Wants))
	o, err := s.opens.Do(ctx, struct{}{}, opening{id: id.New(), buyer: buyer, in: in})
	if err != nil {
		return Reservation{}, err
	}
	if o.began.IsZero() {
		o.id = id.New() // whether the first was opened is not known
		if o.began, err = s.openAlone(ctx, o); postgres.Violates(err, "reservation_key") {
			return s.replay(ctx, buyer, in)
		}
	}
	if err != nil {
		return Reservation{}, outOfStock(err, in.Wants)
	}
	return Reservation{ID: o.id, UserID: buyer, Status: Open, CreatedAt: o.began, ExpiresAt: o.began.Add(s.ttl)}, nil
}

func (s *Service) openAlone(ctx context.Context, o opening) (began time.Time, err error) {
	if o.plan.enough {
		began, err = s.open(ctx, o.id, o.buyer, o.in, o.plan.all())
	}
	if isNotAdmitted(err) { // their place may be for what is beyond its time
		if n, freeErr := s.MakeRoom(ctx, variantsOf(o.in.Wants)); n > 0 || freeErr != nil {
			err = freeErr
		}
		if err == nil {
			began, err = s.open(ctx, o.id, o.buyer, o.in, o.plan.all())
		}
	}
	if !o.plan.enough || isShort(err) {
		began, err = s.reserveLocked(ctx, o.id, o.buyer, o.in, o.plan.once, o.plan.stocked)
	}
	return began, err
}

// plan parts what exists once from what has a stock, refuses what nobody sells, and says from where the rest is sent. gone is what others
// take of the same stock before.
func (s *Service) plan(ask opening, offers []*offer, gone map[shelf]int32) (p plan, err error) {
	var shelves []Shelf
	for i, w := range ask.in.Wants {
		o := offers[i]
		if o != nil && o.FlashSale != nil {
			if err := s.door.Check(ask.in.Pass, *o.FlashSale, ask.buyer); err != nil {
				return p, err
			}
		}
		switch {
		case o == nil || catalog.Kind(o.Kind) == catalog.AuctionLot:
			return p, catalog.ErrVariantNotFound.At("lines", strconv.Itoa(i), "variantId")
		case catalog.Kind(o.Kind).Once() && w.Quantity == 1:
			p.once = append(p.once, Taken{Want: w})
		case catalog.Kind(o.Kind).Once() || catalog.Status(o.Status) != catalog.Active:
			return p, outAt(i)
		default:
			p.stocked = append(p.stocked, w)
			for _, at := range o.shelves {
				at.Free -= gone[shelf{at.Variant, at.Location}]
				shelves = append(shelves, at)
			}
		}
	}
	p.taken, _, p.enough = Allocate(p.stocked, shelves, ask.in.Region)
	return p, nil
}

func variantsOf(wants []Want) []uuid.UUID {
	ids := make([]uuid.UUID, len(wants))
	for i, w := range wants {
		ids[i] = w.Variant
	}
	return ids
}

// open makes the reservation by one statement.
func (s *Service) open(ctx context.Context, r, buyer uuid.UUID, in ReserveInput, taken []Taken) (began time.Time, err error) {
	variants, locations, quantities := columns(taken)
	err = postgres.Again(ctx, func() (err error) {
		began, err = s.q.ReservationOpen(ctx, s.pool, db.ReservationOpenParams{
			ID: r, UserID: buyer, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(), Seconds: s.ttl.Seconds(),
			Variants: variants, Locations: locations, Quantities: quantities,
		})
		return err
	})
	return began, err
}

// MakeRoom gives back what of variants is set aside beyond its time, each in a transaction of its own, which locks the reservation first, and says of how many reservations.
func (s *Service) MakeRoom(ctx context.Context, variants []uuid.UUID) (freed int, err error) {
	due, err := s.q.ReservationsDueOf(ctx, s.pool, variants)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		err := postgres.Again(ctx, func() error {
			_, err := s.q.ReservationFree(ctx, s.pool, d, string(Expired))
			return err
		})
		if err != nil {
			return freed, err
		}
		freed++
	}
	return freed, nil
}

// reserveLocked plans under the locks, so that what it plans is there. What is beyond its time is given back before.
func (s *Service) reserveLocked(ctx context.Context, r, buyer uuid.UUID, in ReserveInput, once []Taken, stocked []Want) (began time.Time, err error) {
	ids := variantsOf(in.Wants)
	if _, err := s.MakeRoom(ctx, ids); err != nil {
		return began, err
	}
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		began, err = s.q.ReservationInsert(ctx, tx, db.ReservationInsertParams{
			ID: r, UserID: buyer, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(), Seconds: s.ttl.Seconds(),
		})
		if err != nil {
			return err
		}
		if err := s.q.ListingsLock(ctx, tx, idsOf(once)); err != nil {
			return err
		}
		if _, err := s.q.StockLock(ctx, tx, ids); err != nil {
			return err
		}
		rows, err := s.q.StockOf(ctx, tx, variantsOf(stocked))
		if err != nil {
			return err
		}
		shelves := make([]Shelf, len(rows))
		for i, row := range rows {
			shelves[i] = Shelf{row.Stock.VariantID, row.Stock.LocationID, row.Region, row.Stock.OnHand - row.Stock.Reserved}
		}
		taken, short, ok := Allocate(stocked, shelves, in.Region)
		if !ok {
			return outAt(slices.IndexFunc(in.Wants, func(w Want) bool { return w.Variant == short }))
		}
		variants, locations, quantities := columns(append(slices.Clone(once), taken...))
		return s.q.ReservationTake(ctx, tx, db.ReservationTakeParams{ID: r, Variants: variants, Locations: locations, Quantities: quantities})
	})
	return began, err
}

func idsOf(taken []Taken) []uuid.UUID {
	ids := make([]uuid.UUID, len(taken))
	for i, t := range taken {
		ids[i] = t.Variant
	}
	return ids
}

func columns(taken []Taken) (variants, locations []uuid.UUID, quantities []int32) {
	for _, t := range taken {
		variants, locations, quantities = append(variants, t.Variant), append(locations, t.Location), append(quantities, t.Quantity)
	}
	return variants, locations, quantities
}

// isShort says that a line was short.
func isShort(err error) bool { return refuses(err, codeShort) }

// isNotAdmitted says that a waiting room does not let it in.
func isNotAdmitted(err error) bool { return refuses(err, codeNotAdmitted) }

func refuses(err error, code string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == code
}

// outOfStock names the line that was short.
func outOfStock(err error, wants []Want) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if ok && e.Code == codeNotAdmitted {
		return ErrAdmissionUsed
	}
	if !ok || e.Code != codeShort {
		return err
	}
	return outAt(slices.IndexFunc(wants, func(w Want) bool { return w.Variant.String() == e.Detail }))
}

func outAt(i int) error { return ErrOutOfStock.At("lines", strconv.Itoa(i)) }

// replay answers what the key was used for first.
func (s *Service) replay(ctx context.Context, buyer uuid.UUID, in ReserveInput) (Reservation, error) {
	row, err := s.q.ReservationByKey(ctx, s.pool, buyer, in.IdempotencyKey)
	if err == nil && !bytes.Equal(row.RequestHash, in.hash()) {
		err = ErrKeyReused.At("idempotencyKey")
	}
	return s.reservationOf(row), err
}

// Release gives back what the buyer has reserved. What was given back already stays so.
func (s *Service) Release(ctx context.Context, buyer, reservation uuid.UUID) (_ Reservation, err error) {
	defer fault.Wrap(&err, "release reservation %s", reservation)
	var r Reservation
	together, err := s.releases.Do(ctx, struct{}{}, releasing{buyer, reservation})
	switch {
	case err != nil:
	case together != nil:
		r = *together
	default:
		r, err = s.releaseAlone(ctx, buyer, reservation)
	}
	if err == nil && r.Status == Open {
		r, err = s.byID(ctx, reservation)
	}
	if err == nil && r.Status == Consumed {
		err = ErrReservationOver
	}
	return r, err
}

// ConsumeTx makes what a reservation holds its buyer's, in the transaction that pays for it. Of it and the end of the reservation's
// time one comes first; where that is the time, ErrReservationOver is the error. After any, the transaction can only be rolled back. The events are to be published
// after the commit: sellers are told what gets low, and their feeds are locked together with those of others, whom the caller tells of more in its transaction.
func (s *Service) ConsumeTx(ctx context.Context, tx pgx.Tx, reservation uuid.UUID, others ...uuid.UUID) (told []realtime.Event, err error) {
	defer fault.Wrap(&err, "consume reservation %s", reservation)
	sold, err := s.q.ReservationSell(ctx, tx, reservation)
	switch {
	case err != nil:
		return nil, err
	case !sold.Consumed:
		return nil, ErrReservationOver
	case len(sold.Variants) == 0:
		return nil, nil
	}
	rows, err := s.q.VariantSellers(ctx, tx, sold.Variants)
	if err != nil {
		return nil, err
	}
	var lows []low
	for i, variant := range sold.Variants {
		at := slices.IndexFunc(rows, func(r db.VariantSellersRow) bool { return r.ID == variant })
		lows = append(lows, low{rows[at].SellerID, variant, sold.Locations[i], catalog.Kind(rows[at].Kind), sold.Numbers[i], sold.LeftOnHand[i]})
	}
	slices.SortStableFunc(lows, func(a, b low) int { return bytes.Compare(a.seller[:], b.seller[:]) }) // by variant and place they are
	return tellLowTx(ctx, tx, lows, others...)
}

// ByKey reads what a buyer has reserved by a key.
func (s *Service) ByKey(ctx context.Context, buyer uuid.UUID, key string) (Reservation, error) {
	row, err := s.q.ReservationByKey(ctx, s.pool, buyer, key)
	if postgres.NoRows(err) {
		return Reservation{}, ErrReservationNotFound
	}
	return s.reservationOf(row), err
}

// Get reads a buyer's own reservation.
func (s *Service) Get(ctx context.Context, buyer, reservation uuid.UUID) (Reservation, error) {
	r, err := s.byID(ctx, reservation)
	if postgres.NoRows(err) || err == nil && r.UserID != buyer {
		return Reservation{}, ErrReservationNotFound
	}
	return r, err
}

func (s *Service) byID(ctx context.Context, reservation uuid.UUID) (Reservation, error) {
	row, err := s.q.ReservationByID(ctx, s.pool, reservation)
	return s.reservationOf(row), err
}

func (s *Service) reservationOf(row db.Reservation) Reservation {
	r := Reservation{ID: row.ID, UserID: row.UserID, Status: ReservationStatus(row.Status), CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt}
	if r.Status == Open && !s.clock.Now().Before(r.ExpiresAt) {
		r.Status = Expired
	}
	return r
}

// Lines are what a reservation holds, or held.
func (s *Service) Lines(ctx context.Context, reservation uuid.UUID) ([]Line, error) {
	rows, err := s.q.ReservationLines(ctx, s.pool, reservation)
	lines := make([]Line, len(rows))
	for i, row := range rows {
		lines[i] = Line{VariantID: row.VariantID, LocationID: row.LocationID, Quantity: int(row.Quantity)}
	}
	return lines, err
}
