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

// setAside sets aside what is quoted: lines of the cart, or what a price was agreed on for, and then in.offer is how that stands. Where the last quote of it holds
// its goods nothing is done: they are taken over with the quote (requote).
func (s *Service) setAside(ctx context.Context, buyer uuid.UUID, in *asked, region string) (set inventory.Reservation, held bool, err error) {
	if in.Offer == nil {
		return s.carts.ReserveFirst(ctx, buyer, in.ofCart(region))
	}
	o, err := s.offers.ToCheckOut(ctx, buyer, *in.Offer)
	if err != nil {
		return set, false, err
	}
	in.offer = &o
	want := in.ofOffer(o, region)
	if set, err = s.stock.ByKey(ctx, buyer, want.IdempotencyKey); err == nil || !errors.Is(err, inventory.ErrReservationNotFound) {
		return set, false, err
	}
	if o.Reservation != nil {
		last, err := s.stock.Get(ctx, buyer, *o.Reservation)
		if err != nil || last.Status == inventory.Open {
			return set, err == nil, err
		}
	}
	set, err = s.stock.Reserve(ctx, buyer, want)
	return set, false, s.soldMeanwhile(ctx, err, o)
}

// ofCart is what of a cart is set aside.
func (in QuoteInput) ofCart(region string) cart.ReserveInput {
	return cart.ReserveInput{Variants: in.Variants, Region: region, Pass: in.Pass, IdempotencyKey: "quote:" + in.IdempotencyKey}
}

// ofOffer is what is set aside for an offer.
func (in QuoteInput) ofOffer(o offer.Offer, region string) inventory.ReserveInput {
	return inventory.ReserveInput{
		Wants: []inventory.Want{{Variant: o.VariantID, Quantity: int32(o.Quantity)}}, Region: region, Pass: in.Pass, IdempotencyKey: "offer:" + in.IdempotencyKey,
	}
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
