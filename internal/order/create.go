package order

import (
	"context"
	"encoding/json"
	"math/bits"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
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

// PlatformFee is what the platform keeps.
const PlatformFee ChargeKind = "PLATFORM_FEE"

// Charge is something that is added to an order's lines, which its buyer bears, or kept of them, which its seller bears.
type Charge struct {
	Kind        ChargeKind
	Bearer      Party
	BasisPoints *int // of the lines; nil where it is no share of them
	Amount      money.Amount
}

// Charges are what goes with goods at a price: the one place where they are computed, whatever pays.
func (s *Service) Charges(goods money.Amount) []Charge {
	return []Charge{{Kind: PlatformFee, Bearer: AsSeller, BasisPoints: new(int(s.feeBasisPoints)), Amount: goods.BasisPoints(s.feeBasisPoints)}}
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

// Terms are what the buyer pays, and what of it the seller does not get: the lines with the charges that each of them bears.
func (s Sale) Terms() (total, fee money.Amount, err error) {
	total, err = s.Goods()
	fee = money.New(0, total.Currency)
	for _, c := range s.Charges {
		sum := &fee
		if c.Bearer == AsBuyer {
			sum = &total
		}
		if err == nil {
			*sum, err = sum.Add(c.Amount)
		}
	}
	return total, fee, err
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
		total, fee, err := sale.Terms()
		if err != nil {
			return nil, nil, err
		}
		insert.Currency = string(total.Currency)
		insert.Ids, insert.SellerIds, insert.ListingIds = append(insert.Ids, sale.ID), append(insert.SellerIds, sale.Seller), append(insert.ListingIds, sale.Lines[0].Listing)
		insert.Totals, insert.Fees = append(insert.Totals, total.Minor), append(insert.Fees, fee.Minor)
	}
	rows, err := s.q.OrdersInsert(ctx, tx, insert)
	if err == nil {
		err = s.q.OrderLinesInsert(ctx, tx, linesOf(p.Sales))
	}
	if err == nil {
		err = s.q.OrderChargesInsert(ctx, tx, chargesOf(p.Sales))
	}
	if err != nil {
		return nil, nil, err
	}
	orders = make([]Order, len(rows))
	for _, row := range rows {
		o := orderOf(row)
		created, err := s.stepTx(ctx, tx, &o, o.state(), EventCreated) // version 1: the order as it was made
		if err != nil {
			return nil, nil, err
		}
		orders[slices.Index(insert.Ids, row.ID)], told = o, append(told, created...)
	}
	return orders, told, nil
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

func chargesOf(sales []Sale) (rows db.OrderChargesInsertParams) {
	for _, sale := range sales {
		for i, c := range sale.Charges {
			share := int32(-1)
			if c.BasisPoints != nil {
				share = int32(*c.BasisPoints)
			}
			rows.OrderIds, rows.Numbers = append(rows.OrderIds, sale.ID), append(rows.Numbers, int32(i+1))
			rows.Kinds, rows.Bearers = append(rows.Kinds, string(c.Kind)), append(rows.Bearers, string(c.Bearer))
			rows.BasisPoints, rows.Amounts = append(rows.BasisPoints, share), append(rows.Amounts, c.Amount.Minor)
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
		c := Charge{Kind: ChargeKind(row.OrderCharge.Kind), Bearer: Party(row.OrderCharge.Bearer), Amount: money.New(row.OrderCharge.Amount, money.Currency(row.Currency))}
		if share := row.OrderCharge.BasisPoints; share != nil {
			c.BasisPoints = new(int(*share))
		}
		charges[row.OrderCharge.OrderID] = append(charges[row.OrderCharge.OrderID], c)
	}
	return charges, err
}
