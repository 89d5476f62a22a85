package inventory

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// LockTx locks a buyer's reservation, and says whether it still holds something that may be taken over by SwapTx.
func (s *Service) LockTx(ctx context.Context, tx pgx.Tx, buyer, reservation uuid.UUID) (open bool, err error) {
	status, err := s.q.ReservationLock(ctx, tx, reservation, buyer)
	if postgres.NoRows(err) {
		return false, nil
	}
	return ReservationStatus(status) == Open, err
}

// SwapTx sets aside all that is wanted in the place of what another reservation of the buyer holds, which it ends; or nothing. The caller has locked that one by
// LockTx. Nothing that both hold is free in between. With an error the transaction can only be rolled back, and then the other is as it was.
//
// It does not take what is beyond its time: where it is short, or not admitted, MakeRoom may help.
func (s *Service) SwapTx(ctx context.Context, tx pgx.Tx, buyer, old uuid.UUID, in ReserveInput) (_ Reservation, err error) {
	if err := in.validate(); err != nil {
		return Reservation{}, err
	}
	defer fault.Wrap(&err, "reserve %d lines in the place of %s", len(in.Wants), old)
	ask := opening{id: id.New(), buyer: buyer, in: in}
	offers, err := s.offersFor(ctx, tx, []opening{ask})
	if err != nil {
		return Reservation{}, err
	}
	p, err := s.plan(ask, offers[0], nil)
	if err != nil {
		return Reservation{}, err
	}
	began, err := s.q.ReservationInsert(ctx, tx, db.ReservationInsertParams{
		ID: ask.id, UserID: buyer, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(), Seconds: s.ttl.Seconds(),
	})
	if err != nil {
		return Reservation{}, err
	}
	had, err := s.q.ReservationLines(ctx, tx, old)
	if err != nil {
		return Reservation{}, err
	}
	taken, err := s.planLocked(ctx, tx, in, p, had)
	if err != nil {
		return Reservation{}, err
	}
	variants, locations, quantities := columns(taken)
	err = s.q.ReservationSwap(ctx, tx, db.ReservationSwapParams{Old: old, ID: ask.id, Variants: variants, Locations: locations, Quantities: quantities})
	return Reservation{ID: ask.id, UserID: buyer, Status: Open, CreatedAt: began, ExpiresAt: began.Add(s.ttl)}, outOfStock(err, in.Wants)
}

// Short says that there was not enough, or that a waiting room let nobody in: MakeRoom may help.
func Short(err error) bool { return errors.Is(err, ErrOutOfStock) || errors.Is(err, ErrAdmissionUsed) }

// planLocked plans under the locks of what is wanted and of what its buyer has, which counts as free for them.
func (s *Service) planLocked(ctx context.Context, tx pgx.Tx, in ReserveInput, p plan, had []db.ReservationLine) ([]Taken, error) {
	once, stocked, mine := idsOf(p.once), variantsOf(p.stocked), map[shelf]int32{}
	for _, l := range had {
		if l.LocationID == nil {
			once = append(once, l.VariantID)
			continue
		}
		stocked = append(stocked, l.VariantID)
		mine[shelf{l.VariantID, *l.LocationID}] += l.Quantity
	}
	if err := s.q.ListingsLock(ctx, tx, once); err != nil {
		return nil, err
	}
	if _, err := s.q.StockLock(ctx, tx, stocked); err != nil {
		return nil, err
	}
	rows, err := s.q.StockOf(ctx, tx, variantsOf(p.stocked))
	if err != nil {
		return nil, err
	}
	shelves := make([]Shelf, len(rows))
	for i, row := range rows {
		at := shelf{row.Stock.VariantID, row.Stock.LocationID}
		shelves[i] = Shelf{at.variant, at.location, row.Region, row.Stock.OnHand - row.Stock.Reserved + mine[at]}
	}
	taken, short, ok := Allocate(p.stocked, shelves, in.Region)
	if !ok {
		return nil, outAt(slices.IndexFunc(in.Wants, func(w Want) bool { return w.Variant == short }))
	}
	return append(slices.Clone(p.once), taken...), nil
}
