package invoice

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
)

// Content is all that an invoice or a credit note says, as it was when it was issued, but for its number and its time. Amounts are in the currency's minor unit.
type Content struct {
	Seller     Party      `json:"seller"`
	Buyer      Party      `json:"buyer"`
	Order      string     `json:"order"`
	OrderedAt  time.Time  `json:"orderedAt"`
	SuppliedAt time.Time  `json:"suppliedAt"`
	Lines      []Line     `json:"lines"`
	Charges    []Charge   `json:"charges"`           // what the buyer bears besides, but tax that is added
	Taxes      []Tax      `json:"taxes"`             // by rate
	Subsidy    int64      `json:"subsidy"`           // what of the total the platform's promotion pays, or has back
	Of         *Reference `json:"of,omitempty"`      // a credit note's invoice
	Reason     string     `json:"reason,omitempty"`  // a credit note's
	RefundOf   time.Time  `json:"refundOf,omitzero"` // when that refund was made
}

// Party is the seller or the buyer.
type Party struct {
	Name      string   `json:"name"`
	Address   []string `json:"address"`
	Country   string   `json:"country"` // ISO 3166-1; empty where it is not known
	TaxNumber string   `json:"taxNumber"`
}

// Line is so many of one thing. On a credit note the amount is what went back for it, with its share of all charges and taxes, and the quantity is how many of it came back,
// 0 where nobody said.
type Line struct {
	Number    int      `json:"number"`
	Title     string   `json:"title"`
	Options   []string `json:"options"`
	Quantity  int64    `json:"quantity"`
	UnitPrice int64    `json:"unitPrice"`
	Amount    int64    `json:"amount"`
}

// Charge is something that the buyer bears besides the lines, or need not pay of them.
type Charge struct {
	Kind   order.ChargeKind `json:"kind"`
	Label  string           `json:"label"`
	Amount int64            `json:"amount"`
}

// Tax is the tax at one rate.
type Tax struct {
	Label       string `json:"label"`
	BasisPoints *int32 `json:"basisPoints"`
	Included    bool   `json:"included"` // prices have it in them
	Estimated   bool   `json:"estimated"`
	Base        *int64 `json:"base,omitempty"` // what it is of, without it; nil on what was issued before that was kept
	Amount      int64  `json:"amount"`
}

// Reference names another document.
type Reference struct {
	Number   string    `json:"number"`
	IssuedAt time.Time `json:"issuedAt"`
}

// partiesOf fills in who sells and who buys. A registered seller's address has to stand on an invoice; a private person's street is nobody's business: their city is.
func partiesOf(row db.InvoiceSourceRow) (c Content, err error) {
	c = Content{
		Order: id.Order.Encode(row.Order.ID), OrderedAt: row.Order.CreatedAt, SuppliedAt: *row.Order.SentAt, Subsidy: row.Order.Subsidy,
		Seller: Party{Name: row.SellerName, TaxNumber: row.SellerTaxNumber, Address: []string{}},
		Buyer:  Party{Name: row.BuyerName, TaxNumber: row.BuyerTaxNumber, Address: []string{}},
		Lines:  []Line{}, Charges: []Charge{}, Taxes: []Tax{},
	}
	if len(row.SellerAddress) > 0 {
		var a struct {
			address.Postal
			PostalCode string `json:"postal_code"`
		}
		if err := json.Unmarshal(row.SellerAddress, &a); err != nil {
			return c, fmt.Errorf("the seller's address: %w", err)
		}
		a.Postal.PostalCode, c.Seller.Country = a.PostalCode, a.Country
		if c.Seller.Address = []string{a.City}; c.Seller.TaxNumber != "" {
			c.Seller.Name, c.Seller.Address = a.Name, linesOf(a.Postal)
		}
	}
	if len(row.ShipTo) > 0 {
		var to address.Postal
		if err := json.Unmarshal(row.ShipTo, &to); err != nil {
			return c, fmt.Errorf("the buyer's address: %w", err)
		}
		c.Buyer.Name, c.Buyer.Address, c.Buyer.Country = to.Name, linesOf(to), to.Country
	}
	return c, nil
}

func linesOf(p address.Postal) (lines []string) {
	lines = []string{p.Line1}
	if p.Line2 != "" {
		lines = append(lines, p.Line2)
	}
	city := strings.TrimSpace(p.PostalCode + " " + p.City)
	if p.Region != "" {
		city += ", " + p.Region
	}
	return append(lines, city)
}

// contentOf is what an order's invoice says, and the total and the tax of it.
func contentOf(row db.InvoiceSourceRow, lines []order.Line, charges []order.Charge) (c Content, total, tax int64, err error) {
	if c, err = partiesOf(row); err != nil {
		return c, 0, 0, err
	}
	for i, l := range lines {
		amount, err := l.Amount()
		if err != nil {
			return c, 0, 0, err
		}
		options := append([]string{}, l.Options...)
		c.Lines = append(c.Lines, Line{Number: i + 1, Title: l.Title, Options: options, Quantity: int64(l.Quantity), UnitPrice: l.UnitPrice.Minor, Amount: amount.Minor})
	}
	for _, ch := range charges {
		switch {
		case ch.Kind == order.Tax:
			t := Tax{Label: ch.Label, Included: ch.Bearer == order.AsSeller, Estimated: ch.Estimated, Amount: ch.Amount.Minor}
			if ch.BasisPoints != nil {
				t.BasisPoints = new(int32(*ch.BasisPoints))
			}
			if ch.Base != nil {
				t.Base = &ch.Base.Minor
			}
			c.Taxes, tax = append(c.Taxes, t), tax+t.Amount
		case ch.Bearer == order.AsBuyer && (ch.Kind != order.Promotion || ch.Side() == order.WithSeller): // the platform's promotion pays: it takes nothing off
			c.Charges = append(c.Charges, Charge{Kind: ch.Kind, Label: ch.Label, Amount: ch.Amount.Minor})
		}
	}
	total = row.Order.Total + row.Order.Subsidy
	if sum := c.sum(); sum != total {
		return c, 0, 0, fmt.Errorf("the invoice of order %s comes to %d, the order to %d", row.Order.ID, sum, total)
	}
	return c, total, tax, nil
}

// sum is what an invoice's parts come to.
func (c Content) sum() (sum int64) {
	for _, l := range c.Lines {
		sum += l.Amount
	}
	for _, ch := range c.Charges {
		sum += ch.Amount
	}
	for _, t := range c.Taxes {
		if !t.Included {
			sum += t.Amount
		}
	}
	return sum
}

// moneyOf is an amount of an invoice.
func (i Invoice) moneyOf(minor int64) money.Amount { return money.New(minor, i.Total.Currency) }
