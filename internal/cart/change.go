package cart

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

// Add puts so many of a variant into a cart, besides those that are there. A guest without a cart gets one: its token is told this once.
func (s *Service) Add(ctx context.Context, o Owner, variant uuid.UUID, quantity int) (_ Cart, token string, err error) {
	if quantity < 1 || quantity > maxQuantity {
		return Cart{}, "", ErrQuantity.At("quantity")
	}
	defer fault.Wrap(&err, "put variant %s into a cart", variant)
	sold, free, err := s.forSale(ctx, o, variant)
	if err != nil {
		return Cart{}, "", err
	}
	var row db.Cart
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, token, err = s.lockTx(ctx, tx, o); err != nil {
			return err
		}
		err = s.q.CartLineAdd(ctx, tx, db.CartLineAddParams{
			CartID: row.ID, VariantID: variant, Quantity: int32(quantity), PriceSeen: *sold.Price, CurrencySeen: *sold.Currency,
		})
		if err != nil {
			return err
		}
		return s.checkTx(ctx, tx, row.ID, variant, free)
	})
	if postgres.Violates(err, "cart_line_quantity_check") { // with those that are there
		err = ErrQuantity.At("quantity")
	}
	if err != nil {
		return Cart{}, "", err
	}
	c, err := s.read(ctx, row)
	return c, token, err
}

// forSale reads what may be put into a cart, and how much of it is free.
func (s *Service) forSale(ctx context.Context, o Owner, variant uuid.UUID) (db.CartVariantRow, int, error) {
	sold, err := s.q.CartVariant(ctx, s.pool, variant, o.User)
	switch {
	case postgres.NoRows(err), err == nil && (sold.Price == nil || catalog.Kind(sold.Kind) == catalog.AuctionLot):
		return sold, 0, ErrVariantNotFound.At("variantId")
	case err != nil:
		return sold, 0, err
	case sold.SellerID == o.User:
		return sold, 0, ErrOwnListing.At("variantId")
	}
	free, err := s.stock.Available(ctx, []uuid.UUID{variant})
	return sold, int(free[variant]), err
}

// checkTx refuses a cart that is too full, and a line that wants more than there is. A cart is no reservation: what is free was read a
// moment ago.
func (s *Service) checkTx(ctx context.Context, tx pgx.Tx, cart, variant uuid.UUID, free int) error {
	lines, err := s.q.CartLines(ctx, tx, cart)
	if err != nil {
		return err
	}
	if len(lines) > maxLines {
		return ErrFull
	}
	for _, l := range lines {
		if l.CartLine.VariantID != variant {
			continue
		}
		if available := free + int(l.Held); int(l.CartLine.Quantity) > available {
			return short(variant, available).At("quantity")
		}
	}
	return nil
}

// Change is what changes of a line; what is nil stays.
type Change struct {
	Quantity      *int
	SavedForLater *bool
}

// Update changes a line. Fewer are always taken; more only where there are so many.
func (s *Service) Update(ctx context.Context, o Owner, variant uuid.UUID, change Change) (_ Cart, err error) {
	if n := change.Quantity; n != nil && (*n < 1 || *n > maxQuantity) {
		return Cart{}, ErrQuantity.At("quantity")
	}
	defer fault.Wrap(&err, "change variant %s in a cart", variant)
	sold, free, err := s.forSale(ctx, o, variant)
	gone := fault.KindOf(err) == fault.NotFound // and may be saved for later, or wanted less
	if err != nil && !gone {
		return Cart{}, err
	}
	return s.change(ctx, o, func(tx pgx.Tx, cart uuid.UUID) error {
		line, err := s.q.CartLineLock(ctx, tx, cart, variant)
		if postgres.NoRows(err) {
			return ErrLineNotFound.At("variantId")
		}
		if err != nil {
			return err
		}
		set := db.CartLineSetParams{
			CartID: cart, VariantID: variant, Quantity: line.Quantity, Saved: line.Saved, PriceSeen: line.PriceSeen, CurrencySeen: line.CurrencySeen,
		}
		if !gone {
			set.PriceSeen, set.CurrencySeen = *sold.Price, *sold.Currency
		}
		if change.SavedForLater != nil {
			set.Saved = *change.SavedForLater
		}
		if change.Quantity != nil {
			set.Quantity = int32(*change.Quantity)
		}
		if err := s.q.CartLineSet(ctx, tx, set); err != nil || set.Quantity <= line.Quantity {
			return err
		}
		return s.checkTx(ctx, tx, cart, variant, free)
	})
}

// Remove takes a line out. One that is not there is out already.
func (s *Service) Remove(ctx context.Context, o Owner, variant uuid.UUID) (_ Cart, err error) {
	defer fault.Wrap(&err, "take variant %s out of a cart", variant)
	return s.change(ctx, o, func(tx pgx.Tx, cart uuid.UUID) error {
		_, err := s.q.CartLineDelete(ctx, tx, cart, variant)
		return err
	})
}

// change works on a cart that is there, under its lock.
func (s *Service) change(ctx context.Context, o Owner, do func(tx pgx.Tx, cart uuid.UUID) error) (Cart, error) {
	if o.User == uuid.Nil && o.Token == "" {
		return Cart{}, ErrNotFound.At("cartToken")
	}
	var row db.Cart
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, _, err = s.lockTx(ctx, tx, o); err != nil {
			return err
		}
		return do(tx, row.ID)
	})
	if err != nil {
		return Cart{}, err
	}
	return s.read(ctx, row)
}
