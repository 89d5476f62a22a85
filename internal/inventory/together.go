package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/postgres"
)

// opening is a reservation that somebody asks for.
type opening struct {
	id, buyer uuid.UUID
	in        ReserveInput
	plan      plan
	began     time.Time // zero where it was not opened with others: it goes on alone
}

// plan is how a reservation is to be made.
type plan struct {
	once    []Taken // of what exists once
	stocked []Want
	taken   []Taken // of stock, as it was read
	enough  bool    // for all that is stocked
}

func (p plan) all() []Taken { return append(p.once, p.taken...) }

// openTogether plans all that is asked for at one time on one reading, in the order of arrival, and opens what can be taken from stock by
// one statement. What it can't open so goes on alone, and nobody is refused because of another. Nor does anybody wait long for another: the
// statement waits for a row that a payment holds for a tenth of a second at most.
func (s *Service) openTogether(ctx context.Context, _ struct{}, asks []opening) []batch.Answer[opening] {
	answers := make([]batch.Answer[opening], len(asks))
	offers, err := s.offersFor(ctx, s.pool, asks)
	if err != nil {
		return batch.Fail[opening](len(asks), err)
	}
	insert, opened := db.ReservationsOpenParams{Seconds: s.ttl.Seconds()}, []int(nil)
	gone := map[shelf]int32{} // that those before have taken
	for i, ask := range asks {
		p, err := s.plan(ask, offers[i], gone)
		ask.plan, answers[i].Err = p, err
		answers[i].Value = ask
		if err != nil || !p.enough || len(p.once) > 0 {
			continue
		}
		for _, t := range p.taken {
			gone[shelf{t.Variant, t.Location}] += t.Quantity
		}
		opened = append(opened, i)
		add(&insert, ask)
	}
	if len(opened) == 0 {
		return answers
	}
	if began, err := s.q.ReservationsOpen(ctx, s.pool, insert); err == nil {
		for _, i := range opened {
			answers[i].Value.began = began
		}
	}
	return answers
}

// shelf is a variant at a location.
type shelf struct{ variant, location uuid.UUID }

func add(insert *db.ReservationsOpenParams, ask opening) {
	insert.Ids, insert.Users = append(insert.Ids, ask.id), append(insert.Users, ask.buyer)
	insert.Keys, insert.Hashes = append(insert.Keys, ask.in.IdempotencyKey), append(insert.Hashes, ask.in.hash())
	for i, t := range ask.plan.taken {
		insert.OfLines, insert.Numbers = append(insert.OfLines, int32(len(insert.Ids))), append(insert.Numbers, int32(i+1))
		insert.Variants, insert.Locations = append(insert.Variants, t.Variant), append(insert.Locations, t.Location)
		insert.Quantities = append(insert.Quantities, t.Quantity)
	}
}

// offer is what is known of something that is wanted; nil: nobody sells it to them.
type offer struct {
	db.VariantsForSaleRow

	shelves []Shelf
}

// offersFor reads, for each of what is asked for, what is offered of each thing that is wanted.
func (s *Service) offersFor(ctx context.Context, conn db.DBTX, asks []opening) ([][]*offer, error) {
	var wanted, buyers []uuid.UUID
	for _, ask := range asks {
		for _, w := range ask.in.Wants {
			wanted, buyers = append(wanted, w.Variant), append(buyers, ask.buyer)
		}
	}
	rows, err := s.q.VariantsForSale(ctx, conn, wanted, buyers)
	if err != nil {
		return nil, err
	}
	all := make([]*offer, len(wanted))
	for _, row := range rows {
		o := all[row.Number-1]
		if o == nil {
			o = &offer{VariantsForSaleRow: row}
			all[row.Number-1] = o
		}
		if row.LocationID != nil {
			o.shelves = append(o.shelves, Shelf{wanted[row.Number-1], *row.LocationID, row.Region, row.Free})
		}
	}
	offers := make([][]*offer, len(asks))
	for i, ask := range asks {
		n := len(ask.in.Wants)
		offers[i], all = all[:n], all[n:]
	}
	return offers, nil
}

// releasing is a buyer's wish to give back.
type releasing struct{ buyer, reservation uuid.UUID }

// releaseTogether gives back what is given back at one time; nil where that failed: each is then given back alone.
func (s *Service) releaseTogether(ctx context.Context, _ struct{}, asks []releasing) []batch.Answer[*Reservation] {
	answers := make([]batch.Answer[*Reservation], len(asks))
	ids, users := make([]uuid.UUID, len(asks)), make([]uuid.UUID, len(asks))
	for i, ask := range asks {
		ids[i], users[i] = ask.reservation, ask.buyer
	}
	rows, err := s.q.ReservationsRelease(ctx, s.pool, ids, users)
	if err != nil {
		return answers
	}
	for i, ask := range asks {
		answers[i].Err = ErrReservationNotFound
		for _, row := range rows {
			if row.ID != ask.reservation || row.UserID != ask.buyer {
				continue
			}
			was := db.Reservation{
				ID: row.ID, UserID: row.UserID, IdempotencyKey: row.IdempotencyKey, RequestHash: row.RequestHash,
				Status: row.Status, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, EndedAt: row.EndedAt,
			}
			answers[i] = batch.Answer[*Reservation]{Value: new(s.released(was, row.Freed))}
		}
	}
	return answers
}

// releaseAlone gives one back, however long it waits for what that takes.
func (s *Service) releaseAlone(ctx context.Context, buyer, reservation uuid.UUID) (Reservation, error) {
	var row db.ReservationReleaseRow
	err := postgres.Again(ctx, func() (err error) {
		row, err = s.q.ReservationRelease(ctx, s.pool, reservation, buyer)
		return err
	})
	if postgres.NoRows(err) {
		err = ErrReservationNotFound
	}
	return s.released(row.Reservation, row.Freed), err
}

// released is a reservation as it was before, or as it is by what was done. It says Open where somebody else ended it in this moment.
func (s *Service) released(row db.Reservation, freed bool) Reservation {
	r := s.reservationOf(row)
	if r.Status = ReservationStatus(row.Status); freed {
		r.Status = Released
	}
	return r
}
