package cart

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
)

// ReserveInput says what of a cart to set aside.
type ReserveInput struct {
	Variants       []uuid.UUID // nil for all lines that are not saved for later
	Region         string      // where it is sent, a country's two letters; empty where that is not known
	Pass           string      // of a waiting room
	IdempotencyKey string
}

// keyPrefix keeps the keys of carts apart from those of reservations that somebody makes by themselves.
const keyPrefix = "cart:"

// Reserve sets aside what is in a user's cart, all of it or nothing, for as long as a reservation holds. A cart has one reservation: what
// it had set aside before is taken over, and is as it was where this is refused. The same key gives the same reservation, whatever the cart has become.
func (s *Service) Reserve(ctx context.Context, user uuid.UUID, in ReserveInput) (inventory.Reservation, error) {
	made, held, err := s.ReserveFirst(ctx, user, in)
	if err != nil || !held {
		return made, err
	}
	made, _, err = s.Swap(ctx, user, in, func(pgx.Tx, inventory.Reservation) error { return nil })
	if errors.Is(err, ErrChanged) { // what it had ended meanwhile
		if made, held, err = s.ReserveFirst(ctx, user, in); held {
			err = ErrChanged
		}
	}
	return made, err
}

// ReserveFirst does it where the cart has nothing set aside, or the key was used. Where something is held it does nothing, and leaves it to Swap.
func (s *Service) ReserveFirst(ctx context.Context, user uuid.UUID, in ReserveInput) (_ inventory.Reservation, held bool, err error) {
	defer fault.Wrap(&err, "set a cart aside")
	cart, err := s.q.CartHeld(ctx, s.pool, &user)
	if postgres.NoRows(err) {
		return inventory.Reservation{}, false, ErrEmpty
	}
	if err != nil {
		return inventory.Reservation{}, false, err
	}
	key := keyPrefix + in.IdempotencyKey
	made, err := s.stock.ByKey(ctx, user, key)
	if err == nil {
		made, err = s.link(ctx, made)
		return made, false, err
	}
	if !errors.Is(err, inventory.ErrReservationNotFound) || cart.Held {
		return inventory.Reservation{}, cart.Held, ignore(err, inventory.ErrReservationNotFound)
	}
	wants, _, err := s.wants(ctx, s.pool, cart.ID, in.Variants)
	if err != nil {
		return inventory.Reservation{}, false, err
	}
	made, err = s.stock.Reserve(ctx, user, inventory.ReserveInput{Wants: wants, Region: in.Region, Pass: in.Pass, IdempotencyKey: key})
	if err != nil {
		return inventory.Reservation{}, false, s.blame(ctx, err, wants, nil)
	}
	made, err = s.link(ctx, made)
	return made, false, err
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// Swap sets aside what is in a user's cart in the place of what it has set aside, ties it to the cart and does what comes then, all in one transaction: with any
// error the cart has what it had. Nothing that is in both is anybody else's in between. A key that was used gives its reservation as it is, and is not fresh: then
// nothing is done. What comes then may be called more than once.
//
// The cart is locked before the reservation, and that before what it holds.
func (s *Service) Swap(ctx context.Context, user uuid.UUID, in ReserveInput, then func(pgx.Tx, inventory.Reservation) error) (made inventory.Reservation, fresh bool, err error) {
	defer fault.Wrap(&err, "set a cart aside anew")
	key := keyPrefix + in.IdempotencyKey
	var (
		wants []inventory.Want
		held  map[uuid.UUID]int
	)
	try := func(tx pgx.Tx) error {
		fresh = false
		cart, _, err := s.lockTx(ctx, tx, Owner{User: user})
		if err != nil {
			return err
		}
		open := false
		if cart.ReservationID != nil {
			if open, err = s.stock.LockTx(ctx, tx, user, *cart.ReservationID); err != nil {
				return err
			}
		}
		if _, err := s.q.ReservationByKey(ctx, tx, user, key); !postgres.NoRows(err) {
			return err
		}
		if !open { // it was paid, given back or ran out meanwhile
			return ErrChanged
		}
		if wants, held, err = s.wants(ctx, tx, cart.ID, in.Variants); err != nil {
			return err
		}
		made, err = s.stock.SwapTx(ctx, tx, user, *cart.ReservationID, inventory.ReserveInput{Wants: wants, Region: in.Region, Pass: in.Pass, IdempotencyKey: key})
		if err != nil {
			return err
		}
		if _, err := s.q.CartReserved(ctx, tx, made.ID, cart.ID); err != nil {
			return err
		}
		if err := then(tx, made); err != nil {
			return err
		}
		fresh = true
		return nil
	}
	err = postgres.InTx(ctx, s.pool, try)
	if inventory.Short(err) {
		variants := make([]uuid.UUID, len(wants))
		for i, w := range wants {
			variants[i] = w.Variant
		}
		freed, roomErr := s.stock.MakeRoom(ctx, variants)
		switch {
		case roomErr != nil:
			return inventory.Reservation{}, false, roomErr
		case freed > 0:
			err = postgres.InTx(ctx, s.pool, try)
		}
	}
	if postgres.Violates(err, "reservation_key") { // by the same request, at once
		err = nil
	}
	switch {
	case err != nil:
		return inventory.Reservation{}, false, s.blame(ctx, err, wants, held)
	case !fresh:
		made, err = s.stock.ByKey(ctx, user, key)
	}
	return made, fresh, err
}

// link ties a reservation to its cart, under the cart's lock, so that a cart never has two: what it names already and is still open stays,
// and the one that comes second is given back.
func (s *Service) link(ctx context.Context, made inventory.Reservation) (inventory.Reservation, error) {
	if made.Status != inventory.Open {
		return made, nil
	}
	linked := true
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		cart, _, err := s.lockTx(ctx, tx, Owner{User: made.UserID})
		if err != nil || cart.ReservationID != nil && *cart.ReservationID == made.ID {
			return err
		}
		n, err := s.q.CartReserved(ctx, tx, made.ID, cart.ID)
		if err != nil || n > 0 {
			return err
		}
		linked = false
		_, err = s.q.ReservationFree(ctx, tx, made.ID, string(inventory.Released))
		return err
	})
	if err == nil && !linked {
		err = ErrChanged
	}
	return made, err
}

// wants are the lines to set aside, and how many of each are set aside for the cart already.
func (s *Service) wants(ctx context.Context, conn db.DBTX, cart uuid.UUID, only []uuid.UUID) (wants []inventory.Want, held map[uuid.UUID]int, err error) {
	lines, err := s.q.CartLines(ctx, conn, cart)
	if err != nil {
		return nil, nil, err
	}
	held = make(map[uuid.UUID]int, len(lines))
	for _, l := range lines {
		if line := l.CartLine; !line.Saved && (only == nil || slices.Contains(only, line.VariantID)) {
			wants = append(wants, inventory.Want{Variant: line.VariantID, Quantity: line.Quantity})
			held[line.VariantID] = int(l.Held)
		}
	}
	for i, v := range only {
		if !slices.ContainsFunc(wants, func(w inventory.Want) bool { return w.Variant == v }) {
			return nil, nil, ErrLineNotFound.At("variantIds", strconv.Itoa(i))
		}
	}
	if len(wants) == 0 {
		return nil, nil, ErrEmpty
	}
	return wants, held, nil
}

// blame names the line that could not be set aside, with how many there are, those among them that are held for the cart.
func (s *Service) blame(ctx context.Context, err error, wants []inventory.Want, held map[uuid.UUID]int) error {
	f, ok := fault.As(err)
	if !ok || len(f.Field) < 2 || f.Field[0] != "lines" {
		return err
	}
	at, parseErr := strconv.Atoi(f.Field[1])
	if parseErr != nil || at < 0 || at >= len(wants) {
		return err
	}
	variant := wants[at].Variant
	if f.Kind == fault.NotFound { // hidden, banned, retired
		return short(variant, 0)
	}
	free, readErr := s.stock.Available(ctx, []uuid.UUID{variant})
	if readErr != nil {
		return readErr
	}
	return short(variant, int(free[variant])+held[variant])
}
