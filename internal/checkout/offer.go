package checkout

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
)

// setAside sets aside what is quoted: lines of the cart, or what a price was agreed on for. What its last quote had set aside is given back.
func (s *Service) setAside(ctx context.Context, buyer uuid.UUID, in QuoteInput, region string) (set inventory.Reservation, of *offer.Offer, err error) {
	if in.Offer == nil {
		set, err = s.carts.Reserve(ctx, buyer, cart.ReserveInput{Variants: in.Variants, Region: region, Pass: in.Pass, IdempotencyKey: "quote:" + in.IdempotencyKey})
		return set, nil, err
	}
	o, err := s.offers.ToCheckOut(ctx, buyer, *in.Offer)
	if err != nil {
		return set, nil, err
	}
	key := "offer:" + in.IdempotencyKey
	if set, err = s.stock.ByKey(ctx, buyer, key); err == nil || !errors.Is(err, inventory.ErrReservationNotFound) {
		return set, &o, err
	}
	if o.Reservation != nil {
		if _, err := s.stock.Release(ctx, buyer, *o.Reservation); err != nil && !errors.Is(err, inventory.ErrReservationOver) {
			return set, nil, err
		}
	}
	set, err = s.stock.Reserve(ctx, buyer, inventory.ReserveInput{
		Wants: []inventory.Want{{Variant: o.VariantID, Quantity: int32(o.Quantity)}}, Region: region, Pass: in.Pass, IdempotencyKey: key,
	})
	return set, &o, s.soldMeanwhile(ctx, err, o)
}

// soldMeanwhile says of what there is too little, and how many there are.
func (s *Service) soldMeanwhile(ctx context.Context, err error, o offer.Offer) error {
	f, ok := fault.As(err)
	if !ok || len(f.Field) == 0 || f.Field[0] != "lines" {
		return err
	}
	left := 0
	if f.Kind != fault.NotFound { // hidden, of somebody banned, sold no more
		free, err := s.stock.Available(ctx, []uuid.UUID{o.VariantID})
		if err != nil {
			return err
		}
		left = int(free[o.VariantID])
	}
	return inventory.ErrOutOfStock.At("offerId").With("variant", o.VariantID).With("available", left)
}

// agreedOn puts the price of an offer in the place of the listed one, unless that is lower by now. What is sold no more stays without a price.
func agreedOn(rows []db.QuoteLinesToMakeRow, o offer.Offer) {
	for i := range rows {
		row := &rows[i]
		if row.Price == nil || row.Currency == nil {
			continue
		}
		row.PriceSeen = o.Price.Minor
		if money.Currency(*row.Currency) != o.Price.Currency || *row.Price > o.Price.Minor {
			row.Price, row.Currency = &o.Price.Minor, (*string)(&o.Price.Currency)
		}
	}
}
