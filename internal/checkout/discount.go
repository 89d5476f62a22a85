package checkout

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
)

// errQuoted says that the same request, sent twice at once, has made the quote meanwhile.
var errQuoted = errors.New("the reservation has a quote")

// discountTx takes off of groups what promotions give, and takes their uses for the quote.
func (s *Service) discountTx(ctx context.Context, tx pgx.Tx, quote uuid.UUID, set inventory.Reservation, groups []QuoteGroup, in asked) error {
	if len(in.codes) > 0 { // a request that was sent twice must not find its own coupon used
		if _, err := s.q.CheckoutReservationLock(ctx, tx, set.ID, set.UserID); err != nil {
			return err
		}
		quoted, err := s.q.QuoteOfReservation(ctx, tx, &set.ID)
		if err == nil && quoted {
			err = errQuoted
		}
		if err != nil {
			return err
		}
	}
	goods, err := goodsOf(groups)
	if err != nil {
		return at(err, "variantIds")
	}
	given, err := s.promotion.QuoteTx(ctx, tx, promotion.Ask{Quote: quote, User: set.UserID, Codes: in.codes, Agreed: in.offer != nil, Currency: goods.Currency, Groups: askOf(groups)})
	for _, d := range given {
		p := d.Promotion
		charge := order.Charge{
			Kind: order.Promotion, Bearer: order.AsBuyer, Counterparty: order.WithSeller, Promotion: &p.ID, BasisPoints: p.BasisPoints, Label: p.Title,
			Amount: money.New(-d.Amount, goods.Currency),
		}
		switch {
		case p.ByPlatform():
			charge.Counterparty = order.WithPlatform
		case p.Kind != promotion.FreeShipping:
			groups[d.Group].off += d.Amount
		}
		groups[d.Group].Charges = append(groups[d.Group].Charges, charge)
	}
	return err
}

// goodsOf is what all that is bought comes to, which has to be money, in one currency.
func goodsOf(groups []QuoteGroup) (sum money.Amount, err error) {
	for i, g := range groups {
		goods, err := g.sale().Goods()
		if i == 0 {
			sum.Currency = goods.Currency
		}
		if err == nil {
			sum, err = sum.Add(goods)
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// askOf is what promotions look at. Each line's price was checked to be money.
func askOf(groups []QuoteGroup) []promotion.Group {
	ask := make([]promotion.Group, len(groups))
	for i, g := range groups {
		ask[i].Seller = g.SellerID
		for _, l := range g.Lines {
			ask[i].Lines = append(ask[i].Lines, promotion.Line{Listing: l.Listing, Amount: l.UnitPrice.Minor * int64(l.Quantity)})
		}
		for _, c := range g.Charges {
			if c.Kind == order.Shipping && c.Bearer == order.AsBuyer {
				ask[i].Shipping += c.Amount.Minor
			}
		}
	}
	return ask
}
