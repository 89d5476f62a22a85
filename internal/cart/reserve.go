package cart

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
// it had set aside before is given back first. The same key gives the same reservation, whatever the cart has become.
func (s *Service) Reserve(ctx context.Context, user uuid.UUID, in ReserveInput) (_ inventory.Reservation, err error) {
	defer fault.Wrap(&err, "set a cart aside")
	cart, err := s.q.CartOfUser(ctx, s.pool, &user)
	if postgres.NoRows(err) {
		return inventory.Reservation{}, ErrEmpty
	}
	if err != nil {
		return inventory.Reservation{}, err
	}
	key := keyPrefix + in.IdempotencyKey
	made, err := s.stock.ByKey(ctx, user, key)
	if err == nil {
		return s.link(ctx, made)
	}
	if !errors.Is(err, inventory.ErrReservationNotFound) {
		return inventory.Reservation{}, err
	}
	wants, err := s.wants(ctx, cart.ID, in.Variants)
	if err != nil {
		return inventory.Reservation{}, err
	}
	if err := s.giveBack(ctx, user, key); err != nil {
		return inventory.Reservation{}, err
	}
	made, err = s.stock.Reserve(ctx, user, inventory.ReserveInput{Wants: wants, Region: in.Region, Pass: in.Pass, IdempotencyKey: key})
	if err != nil {
		return inventory.Reservation{}, s.blame(ctx, err, wants)
	}
	return s.link(ctx, made)
}

// giveBack makes room for what is reserved by key, unless that is reserved already: then its first request decides what the cart has.
func (s *Service) giveBack(ctx context.Context, user uuid.UUID, key string) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		cart, _, err := s.lockTx(ctx, tx, Owner{User: user})
		if err != nil || cart.ReservationID == nil {
			return err
		}
		if _, err := s.q.ReservationByKey(ctx, tx, user, key); !postgres.NoRows(err) {
			return err
		}
		_, err = s.q.ReservationFree(ctx, tx, *cart.ReservationID, string(inventory.Released))
		return err
	})
}

// link ties a reservation to its cart, under the cart's lock, so that a cart never has two: what it names already and is still open stays,
// and the one that comes second is given back. What is open is given back only for a key that was not used yet, so that of many requests
// at once the last key's has its goods.
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

// wants are the lines to set aside.
func (s *Service) wants(ctx context.Context, cart uuid.UUID, only []uuid.UUID) (wants []inventory.Want, err error) {
	lines, err := s.q.CartLines(ctx, s.pool, cart)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if line := l.CartLine; !line.Saved && (only == nil || slices.Contains(only, line.VariantID)) {
			wants = append(wants, inventory.Want{Variant: line.VariantID, Quantity: line.Quantity})
		}
	}
	for i, v := range only {
		if !slices.ContainsFunc(wants, func(w inventory.Want) bool { return w.Variant == v }) {
			return nil, ErrLineNotFound.At("variantIds", strconv.Itoa(i))
		}
	}
	if len(wants) == 0 {
		return nil, ErrEmpty
	}
	return wants, nil
}

// blame names the line that could not be set aside, with how many there are.
func (s *Service) blame(ctx context.Context, err error, wants []inventory.Want) error {
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
	return short(variant, int(free[variant]))
}
