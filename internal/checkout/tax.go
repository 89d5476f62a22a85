package checkout

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/tax"
)

// taxTx adds the tax of what sellers send, or hand over, who are registered for it. Codes bear none.
func (s *Service) taxTx(ctx context.Context, tx pgx.Tx, groups []QuoteGroup, in asked) error {
	var sent []*QuoteGroup
	for i := range groups {
		switch g := &groups[i]; {
		case g.sent():
			sent = append(sent, g)
		case g.InPerson():
			if err := s.taxAtTx(ctx, tx, []*QuoteGroup{g}, in.local[g.SellerID]); err != nil {
				return err
			}
		}
	}
	if in.to == nil {
		return nil
	}
	return s.taxAtTx(ctx, tx, sent, local{in.to.Country, in.rates})
}

// taxAtTx adds the tax of a place to groups.
func (s *Service) taxAtTx(ctx context.Context, tx pgx.Tx, groups []*QuoteGroup, here local) error {
	rates := here.rates
	var sellers, listings []uuid.UUID
	for _, g := range groups {
		sellers = append(sellers, g.SellerID)
		for _, l := range g.Lines {
			listings = append(listings, l.Listing)
		}
	}
	if len(sellers) == 0 || rates.None() {
		return nil
	}
	registered, err := s.tax.Registered(ctx, tx, sellers, here.country)
	if err != nil || len(registered) == 0 {
		return err
	}
	classes, err := s.tax.Classes(ctx, tx, rates, listings)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if !registered[g.SellerID] {
			continue
		}
		for _, due := range rates.Charge(g.taxed(classes), g.Lines[0].UnitPrice.Currency) {
			charge := order.Charge{
				Kind: order.Tax, Bearer: order.AsBuyer, Counterparty: order.WithPlatform, BasisPoints: due.Rate.BasisPoints(), Label: due.Label, Estimated: due.Estimated, Base: &due.Base, Amount: due.Amount,
			}
			if due.Inclusive {
				charge.Bearer = order.AsSeller
			}
			g.Charges = append(g.Charges, charge)
		}
	}
	return nil
}

// taxed is what of a group bears tax: its lines less what its seller's promotions take off, each its share of what those before it leave, and what the seller
// charges for sending it.
func (g QuoteGroup) taxed(classes map[uuid.UUID]tax.Class) (items []tax.Item) {
	off, rest := g.off, int64(0)
	for _, l := range g.Lines {
		rest += l.UnitPrice.Minor * int64(l.Quantity)
	}
	for _, l := range g.Lines {
		item := tax.Item{Class: tax.Standard, Amount: l.UnitPrice.Minor * int64(l.Quantity)}
		if class, ok := classes[l.Listing]; ok {
			item.Class = class
		}
		if off > 0 {
			part := money.New(off, "").Share(item.Amount, rest).Minor
			off, rest, item.Amount = off-part, rest-item.Amount, item.Amount-part
		}
		items = append(items, item)
	}
	for _, c := range g.Charges {
		if c.Kind == order.Shipping && c.Bearer == order.AsBuyer && c.Side() == order.WithSeller {
			items = append(items, tax.Item{Class: tax.Standard, Amount: c.Amount.Minor})
		}
	}
	return items
}
