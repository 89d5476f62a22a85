package checkout

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/shipping"
)

// GetQuote reads a buyer's own quote.
func (s *Service) GetQuote(ctx context.Context, buyer, quote uuid.UUID) (Quote, error) {
	return s.readQuote(ctx, s.pool, buyer, quote)
}

func (s *Service) readQuote(ctx context.Context, conn postgres.Conn, buyer, quote uuid.UUID) (Quote, error) {
	var (
		row   db.QuoteOfUserRow
		parts groupRows
	)
	err := postgres.Together(ctx, conn,
		func(tx pgx.Tx) (err error) { row, err = s.q.QuoteOfUser(ctx, tx, quote, buyer); return err },
		func(tx pgx.Tx) (err error) { parts.groups, err = s.q.QuoteGroups(ctx, tx, quote); return err },
		func(tx pgx.Tx) (err error) { parts.lines, err = s.q.QuoteLines(ctx, tx, quote); return err },
		func(tx pgx.Tx) (err error) { parts.charges, err = s.q.QuoteCharges(ctx, tx, quote); return err },
	)
	if postgres.NoRows(err) {
		return Quote{}, ErrQuoteNotFound
	}
	if err != nil {
		return Quote{}, err
	}
	c := money.Currency(row.Quote.Currency)
	q := Quote{
		ID: quote, UserID: buyer, Status: QuoteOver, Total: money.New(row.Quote.Total, c), CreatedAt: row.Quote.CreatedAt, ExpiresAt: row.EndsAt,
		Order: row.Quote.OrderID, Paid: row.Quote.Paid, Offer: row.Quote.OfferID,
	}
	if row.Quote.ReservationID != nil {
		q.reservation = *row.Quote.ReservationID
	}
	switch {
	case row.Confirmed:
		q.Status = QuoteConfirmed
	case row.Open:
		q.Status = QuoteOpen
	}
	if row.Quote.ShipTo != nil {
		q.ShipTo = &address.Postal{}
		if err := json.Unmarshal(row.Quote.ShipTo, q.ShipTo); err != nil {
			return Quote{}, fmt.Errorf("where quote %s is sent: %w", quote, err)
		}
	}
	if q.Groups, err = parts.read(quote, c); err == nil && row.Quote.PayCurrency != nil {
		err = postgres.Together(ctx, conn, func(tx pgx.Tx) error { return s.readExchanges(ctx, tx, quote, q.Groups) })
	}
	return q, err
}

// groupRows are the rows of a quote's groups.
type groupRows struct {
	groups  []db.QuoteGroup
	lines   []db.QuoteLine
	charges []db.QuoteCharge
}

func (r groupRows) read(quote uuid.UUID, c money.Currency) (groups []QuoteGroup, err error) {
	groups = make([]QuoteGroup, len(r.groups))
	for i, row := range r.groups { // numbered from 1
		groups[i] = QuoteGroup{OrderID: row.OrderID, SellerID: row.SellerID, Digital: row.Digital, Total: money.New(row.Total, c)}
		if groups[i].Parcels, err = shipping.ReadPlans(row.Parcels); err != nil {
			return nil, fmt.Errorf("the parcels of quote %s: %w", quote, err)
		}
	}
	for _, l := range r.lines {
		g := &groups[l.GroupNumber-1]
		line := QuoteLine{Line: order.Line{
			Listing: l.ListingID, Variant: &l.VariantID, Title: l.Title, Options: l.Options, Quantity: int(l.Quantity), UnitPrice: money.New(l.UnitPrice, c),
		}}
		if l.PriceSeen != nil {
			line.PriceSeen = new(money.New(*l.PriceSeen, c))
		}
		g.Lines = append(g.Lines, line)
	}
	for _, row := range r.charges {
		charge := order.Charge{
			Kind: order.ChargeKind(row.Kind), Bearer: order.Party(row.Bearer), Counterparty: order.Counterparty(row.Counterparty), Promotion: row.PromotionID, Label: row.Label, Estimated: row.Estimated, Amount: money.New(row.Amount, c),
		}
		if row.BasisPoints != nil {
			charge.BasisPoints = new(int(*row.BasisPoints))
		}
		if row.Base != nil {
			charge.Base = new(money.New(*row.Base, c))
		}
		g := &groups[row.GroupNumber-1]
		g.Charges = append(g.Charges, charge)
	}
	return groups, nil
}

// ShipTo reads, for a loader, where orders are sent; those that are not sent have nothing.
func (s *Service) ShipTo(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID]address.Postal, error) {
	rows, err := s.q.ShipToOfOrders(ctx, s.pool, orders)
	if err != nil {
		return nil, err
	}
	all := make(map[uuid.UUID]address.Postal, len(rows))
	for _, row := range rows {
		var to address.Postal
		if err := json.Unmarshal(row.ShipTo, &to); err != nil {
			return nil, fmt.Errorf("where order %s is sent: %w", row.OrderID, err)
		}
		all[row.OrderID] = to
	}
	return all, nil
}
