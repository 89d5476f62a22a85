package order

import (
	"cmp"
	"context"
	"encoding/json"
	"math/bits"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Line is so many of one thing that an order is of.
type Line struct {
	Listing   uuid.UUID
	Variant   *uuid.UUID // nil in orders from before there were lines
	Title     string     // as it was then; empty when it is made: as it is now
	Options   []string
	Quantity  int
	UnitPrice money.Amount
}

// Amount is what the line comes to.
func (l Line) Amount() (money.Amount, error) {
	high, low := bits.Mul64(uint64(l.UnitPrice.Minor), uint64(l.Quantity))
	if high > 0 || low > 1<<63-1 {
		return money.Amount{}, money.ErrRange
	}
	return money.New(int64(low), l.UnitPrice.Currency), nil
}

// ChargeKind is why something is added to an order's lines, or kept of them.
type ChargeKind string

// The kinds of charge. docs/checkout.md says who may bear each, and whose it is.
const (
	PlatformFee ChargeKind = "PLATFORM_FEE" // what the platform keeps
	Shipping    ChargeKind = "SHIPPING"     // what bringing the goods costs
	Tax         ChargeKind = "TAX"          // that the platform hands on
	Promotion   ChargeKind = "PROMOTION"    // negative: what the buyer need not pay
)

// Counterparty is who stands on the other side of a charge from its bearer.
type Counterparty string

// The counterparties.
const (
	WithPlatform Counterparty = "PLATFORM" // which keeps it, hands it on as tax, or gives it by its promotion
	WithSeller   Counterparty = "SELLER"   // in whose earnings it is
)

// Charge is something that is added to an order's lines, which its buyer bears, or kept of them, which its seller bears.
type Charge struct {
	Kind         ChargeKind
	Bearer       Party
	Counterparty Counterparty  // who gets it, or gives it where it is negative; "" stands for the platform
	Promotion    *uuid.UUID    // of which it is
	BasisPoints  *int          // of what it is a share of; nil where it is none
	Base         *money.Amount // what a tax is of, without it; nil of others
	Label        string        // what it is called: a promotion's title
	Estimated    bool          // nobody could say what it is: a tax that may be another, shipping by a table
	Amount       money.Amount
}

// TaxEstimated says that it is a tax that may be another.
func (c Charge) TaxEstimated() bool { return c.Kind == Tax && c.Estimated }

// Side is who stands on the other side of the charge from its bearer.
func (c Charge) Side() Counterparty { return cmp.Or(c.Counterparty, WithPlatform) }

// BaseMinor is what a tax is of, or -1, as rows are written with.
func (c Charge) BaseMinor() int64 {
	if c.Base == nil {
		return -1
	}
	return c.Base.Minor
}

// PromotionID is the id of the promotion that the charge is of, or uuid.Nil, as rows are written with.
func (c Charge) PromotionID() uuid.UUID {
	if c.Promotion == nil {
		return uuid.Nil
	}
	return *c.Promotion
}

// Charges are a sale's charges with the platform's fee, whatever pays: a share of what the seller sells the goods for, which is what they cost less what the seller's promotions take off.
func (s *Service) Charges(sale Sale) ([]Charge, error) {
	base, err := sale.Goods()
	for _, c := range sale.Charges {
		if c.Kind == Promotion && c.Side() == WithSeller && err == nil {
			base, err = base.Add(c.Amount)
		}
	}
	base.Minor = max(base.Minor, 0)
	fee := Charge{Kind: PlatformFee, Bearer: AsSeller, BasisPoints: new(int(s.feeBasisPoints)), Amount: base.BasisPoints(s.feeBasisPoints)}
	return append(sale.Charges, fee), err
}

// Sale is what becomes one order.
type Sale struct {
	ID      uuid.UUID
	Seller  uuid.UUID
	Lines   []Line
	Charges []Charge
}

// Goods are what the lines come to.
func (s Sale) Goods() (money.Amount, error) {
	sum := money.New(0, s.Lines[0].UnitPrice.Currency)
	for _, l := range s.Lines {
		amount, err := l.Amount()
		if err == nil {
			sum, err = sum.Add(amount)
		}
		if err != nil {
			return money.Amount{}, err
		}
	}
	return sum, nil
}

// Terms are what the buyer pays, with the platform's promotion, and what of both the seller does not get. Charges that no seller could bear
// are refused with ErrCharges.
func (s Sale) Terms() (t payment.Terms, err error) {
	t.Total, err = s.Goods()
	nothing := money.New(0, t.Total.Currency)
	t.Fee, t.Tax, t.Shipping, t.Subsidy = nothing, nothing, nothing, nothing
	for _, c := range s.Charges {
		if c.Bearer == AsBuyer && err == nil {
			t.Total, err = t.Total.Add(c.Amount)
		}
		if sum, sign := sumOf(&t, c); sum != nil && err == nil {
			*sum, err = sum.Add(money.New(sign*c.Amount.Minor, c.Amount.Currency))
		}
	}
	if err == nil {
		err = check(t)
	}
	return t, err
}

// sumOf is which of an order's sums a charge counts into, and with which sign; nil where it is between the buyer and the seller.
func sumOf(t *payment.Terms, c Charge) (sum *money.Amount, sign int64) {
	if c.Side() == WithSeller {
		return nil, 0
	}
	switch c.Kind {
	case PlatformFee:
		return &t.Fee, 1
	case Tax:
		return &t.Tax, 1
	case Shipping:
		return &t.Shipping, 1
	case Promotion:
		return &t.Subsidy, -1
	}
	return nil, 0
}

// check refuses what can't be divided: where those who are paid before the seller want more than there is, or somebody would have to give.
func check(t payment.Terms) error {
	all, err := t.Total.Add(t.Subsidy)
	for _, part := range []money.Amount{t.Fee, t.Tax, t.Shipping} {
		if err == nil {
			all, err = all.Add(money.New(-part.Minor, part.Currency))
		}
	}
	if err == nil && min(all.Minor, t.Total.Minor, t.Subsidy.Minor, t.Fee.Minor, t.Tax.Minor, t.Shipping.Minor) < 0 {
		err = ErrCharges
	}
	return err
}

// campaign is the promotion whose budget pays the sale's subsidy: there is one at most.
func (s Sale) campaign() *uuid.UUID {
	for _, c := range s.Charges {
		if c.Kind == Promotion && c.Side() == WithPlatform {
			return c.Promotion
		}
	}
	return nil
}

// Purchase is what somebody buys at once, in one currency: an order for each sale.
type Purchase struct {
	Buyer       uuid.UUID
	Auction     *uuid.UUID
	Reservation *uuid.UUID // that the goods were set aside by
	Card        *uuid.UUID // to pay with
	PayWithin   time.Duration
	Sales       []Sale
}

// CreateTx makes the orders of a purchase, in the order of its sales, to be paid. The events are to be published after the commit.
func (s *Service) CreateTx(ctx context.Context, tx pgx.Tx, p Purchase) (orders []Order, told []realtime.Event, err error) {
	if p.PayWithin == 0 {
		p.PayWithin = s.payWithin
	}
	insert := db.OrdersInsertParams{
		BuyerID: p.Buyer, AuctionID: p.Auction, ReservationID: p.Reservation, CardID: p.Card, PayWithinSeconds: p.PayWithin.Seconds(),
	}
	for _, sale := range p.Sales {
		t, err := sale.Terms()
		if err != nil {
			return nil, nil, err
		}
		campaign := uuid.Nil
		if t.Subsidy.Minor > 0 {
			campaign = *sale.campaign()
		}
		insert.Currency = string(t.Total.Currency)
		insert.Ids, insert.SellerIds, insert.ListingIds = append(insert.Ids, sale.ID), append(insert.SellerIds, sale.Seller), append(insert.ListingIds, sale.Lines[0].Listing)
		insert.Totals, insert.Fees = append(insert.Totals, t.Total.Minor), append(insert.Fees, t.Fee.Minor)
		insert.Taxes, insert.Shippings = append(insert.Taxes, t.Tax.Minor), append(insert.Shippings, t.Shipping.Minor)
		insert.Subsidies, insert.CampaignIds = append(insert.Subsidies, t.Subsidy.Minor), append(insert.CampaignIds, campaign)
	}
	var rows []db.Order
	err = postgres.Together(ctx, tx,
		func(tx pgx.Tx) (err error) { rows, err = s.q.OrdersInsert(ctx, tx, insert); return err },
		func(tx pgx.Tx) error { return s.q.OrderLinesInsert(ctx, tx, linesOf(p.Sales)) },
		func(tx pgx.Tx) error { return s.q.OrderChargesInsert(ctx, tx, chargesOf(p.Sales, 0)) },
	)
	if err != nil {
		return nil, nil, err
	}
	orders, changes := make([]Order, len(rows)), make([]realtime.Change, len(rows))
	for _, row := range rows {
		i := slices.Index(insert.Ids, row.ID)
		orders[i] = orderOf(row)
		changes[i] = realtime.Change{Topic: Topic(row.ID), Version: row.Version, Kind: EventCreated, Payload: orders[i]} // version 1: the order as it was made
	}
	told, err = realtime.AppendAllTx(ctx, tx, changes)
	return orders, told, err
}

func linesOf(sales []Sale) (rows db.OrderLinesInsertParams) {
	for _, sale := range sales {
		for i, l := range sale.Lines {
			options, _ := json.Marshal(append([]string{}, l.Options...)) // texts always are JSON
			rows.OrderIds, rows.Numbers = append(rows.OrderIds, sale.ID), append(rows.Numbers, int32(i+1))
			rows.ListingIds, rows.VariantIds = append(rows.ListingIds, l.Listing), append(rows.VariantIds, *l.Variant)
			rows.Titles, rows.Options = append(rows.Titles, l.Title), append(rows.Options, string(options))
			rows.Quantities, rows.UnitPrices = append(rows.Quantities, int32(l.Quantity)), append(rows.UnitPrices, l.UnitPrice.Minor)
		}
	}
	return rows
}

// chargesOf are the charges of sales, but for so many at first of each.
func chargesOf(sales []Sale, had int) (rows db.OrderChargesInsertParams) {
	for _, sale := range sales {
		for i, c := range sale.Charges {
			if i < had {
				continue
			}
			share := int32(-1)
			if c.BasisPoints != nil {
				share = int32(*c.BasisPoints)
			}
			rows.OrderIds, rows.Numbers = append(rows.OrderIds, sale.ID), append(rows.Numbers, int32(i+1))
			rows.Kinds, rows.Bearers = append(rows.Kinds, string(c.Kind)), append(rows.Bearers, string(c.Bearer))
			rows.Counterparties, rows.PromotionIds = append(rows.Counterparties, string(c.Side())), append(rows.PromotionIds, c.PromotionID())
			rows.BasisPoints, rows.Amounts = append(rows.BasisPoints, share), append(rows.Amounts, c.Amount.Minor)
			rows.Labels, rows.Estimated = append(rows.Labels, c.Label), append(rows.Estimated, c.Estimated)
			rows.Bases = append(rows.Bases, c.BaseMinor())
		}
	}
	return rows
}

// Lines reads, for a loader, what orders are of.
func (s *Service) Lines(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Line, error) {
	rows, err := s.q.OrderLinesOfOrders(ctx, s.pool, orders)
	lines := make(map[uuid.UUID][]Line, len(orders))
	for _, row := range rows {
		l := row.OrderLine
		lines[l.OrderID] = append(lines[l.OrderID], Line{
			Listing: l.ListingID, Variant: l.VariantID, Title: l.Title, Options: l.Options, Quantity: int(l.Quantity),
			UnitPrice: money.New(l.UnitPrice, money.Currency(row.Currency)),
		})
	}
	return lines, err
}

// ChargesOf reads, for a loader, what was added to orders, or is kept of them.
func (s *Service) ChargesOf(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Charge, error) {
	rows, err := s.q.OrderChargesOfOrders(ctx, s.pool, orders)
	charges := make(map[uuid.UUID][]Charge, len(orders))
	for _, row := range rows {
		c := Charge{
			Kind: ChargeKind(row.OrderCharge.Kind), Bearer: Party(row.OrderCharge.Bearer), Counterparty: Counterparty(row.OrderCharge.Counterparty), Promotion: row.OrderCharge.PromotionID, Label: row.OrderCharge.Label, Estimated: row.OrderCharge.Estimated,
			Amount: money.New(row.OrderCharge.Amount, money.Currency(row.Currency)),
		}
		if share := row.OrderCharge.BasisPoints; share != nil {
			c.BasisPoints = new(int(*share))
		}
		if base := row.OrderCharge.Base; base != nil {
			c.Base = new(money.New(*base, money.Currency(row.Currency)))
		}
		charges[row.OrderCharge.OrderID] = append(charges[row.OrderCharge.OrderID], c)
	}
	return charges, err
}
