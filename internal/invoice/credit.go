package invoice

import (
	"encoding/json"
	"fmt"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// credited is what earlier credit notes of an invoice come to.
type credited struct {
	paid    int64         // by its buyer
	lines   map[int]int64 // by number
	subsidy int64
}

func creditedBy(notes []Invoice) credited {
	c := credited{lines: map[int]int64{}}
	for _, n := range notes {
		c.subsidy += n.Content.Subsidy
		c.paid += n.Total.Minor - n.Content.Subsidy
		for _, l := range n.Content.Lines {
			c.lines[l.Number] += l.Amount
		}
	}
	return c
}

// returned is one of a refund's lines, as its row has it.
type returned struct {
	Number   int   `json:"number"`
	Quantity int64 `json:"quantity"`
}

// creditOf is what the credit note of a refund says, and the total and the tax of it. The tax is that part of the order's by which the refund makes it less (payment.Terms), as
// the ledger has it, and is divided over the rates in the same way; the total is divided over the lines by what is left of each, or over those that the money went back for.
func creditOf(invoice Invoice, before credited, o db.Order, refund db.OrderRefund) (c Content, total, tax int64, err error) {
	c = invoice.Content
	c.Of, c.Reason, c.RefundOf = &Reference{invoice.Number(), invoice.IssuedAt}, refund.Reason, refund.CreatedAt
	paid := refund.WalletAmount + refund.CardAmount
	total, c.Subsidy = paid+refund.SubsidyAmount, refund.SubsidyAmount
	var back []returned
	if len(refund.Lines) > 0 {
		if err := json.Unmarshal(refund.Lines, &back); err != nil {
			return c, 0, 0, fmt.Errorf("the lines of refund %s: %w", refund.ID, err)
		}
	}
	c.Lines, c.Charges = creditLines(invoice, before, back, total), []Charge{}
	c.Taxes, tax = creditTaxes(invoice.Content.Taxes, o, before.paid, paid)
	return c, total, tax, nil
}

// creditTaxes is by how much the tax of each rate is less, where what is left of an order goes down by an amount.
func creditTaxes(taxes []Tax, o db.Order, before, paid int64) (less []Tax, sum int64) {
	less = []Tax{}
	was, is := taxesLeft(taxes, o, o.Total-before), taxesLeft(taxes, o, o.Total-before-paid)
	for i, t := range taxes {
		if t.Base != nil {
			t.Base = new(baseOf(t, was[i], o.Currency) - baseOf(t, is[i], o.Currency))
		}
		if t.Amount = was[i] - is[i]; t.Amount > 0 {
			less, sum = append(less, t), sum+t.Amount
		}
	}
	return less, sum
}

// baseOf is what a part of a tax is of: its share of what all of it is of, so that credit notes come to no more than that.
func baseOf(t Tax, part int64, currency string) int64 {
	return money.New(*t.Base, money.Currency(currency)).Share(part, t.Amount).Minor
}

// taxesLeft is the tax of each rate of what is left of an order: of the whole, which payment.Terms has, each its share of what those before it leave.
func taxesLeft(taxes []Tax, o db.Order, left int64) []int64 {
	of := func(minor int64) money.Amount { return money.New(minor, money.Currency(o.Currency)) }
	terms := payment.Terms{Total: of(o.Total), Subsidy: of(o.Subsidy), Card: of(0), Fee: of(o.Fee), Tax: of(o.Tax), Shipping: of(o.Shipping)}
	rest, whole := terms.Of(of(left)).Tax.Minor, o.Tax
	parts := make([]int64, len(taxes))
	for i, t := range taxes {
		if whole > 0 {
			parts[i] = of(t.Amount).Share(rest, whole).Minor
		}
		rest, whole = rest-parts[i], whole-t.Amount
	}
	return parts
}

// creditLines divides an amount over an invoice's lines: over those that came back, by their prices, and what these do not take any more over the others.
func creditLines(invoice Invoice, before credited, back []returned, amount int64) []Line {
	lines := invoice.Content.Lines
	room := divide(invoice.Total.Minor, amounts(lines))
	for i, l := range lines {
		room[i] -= before.lines[l.Number]
	}
	quantity, weights := make([]int64, len(lines)), room
	if len(back) > 0 {
		weights = make([]int64, len(lines))
		for i, l := range lines {
			for _, b := range back {
				if b.Number == l.Number {
					quantity[i], weights[i] = b.Quantity, l.UnitPrice*b.Quantity
				}
			}
		}
	}
	parts := divide(amount, weights)
	var over int64
	for i := range parts {
		if parts[i] > room[i] {
			over, parts[i] = over+parts[i]-room[i], room[i]
		}
	}
	for i := range parts {
		more := min(over, room[i]-parts[i])
		over, parts[i] = over-more, parts[i]+more
	}
	credit := []Line{}
	for i, l := range lines {
		if parts[i] > 0 || quantity[i] > 0 {
			l.Amount, l.Quantity, l.UnitPrice = parts[i], quantity[i], 0
			credit = append(credit, l)
		}
	}
	return credit
}

func amounts(lines []Line) []int64 {
	all := make([]int64, len(lines))
	for i, l := range lines {
		all[i] = l.Amount
	}
	return all
}

// divide divides an amount by weights, each its share of what those before it leave, rounded down; by the first where none weighs anything.
func divide(amount int64, weights []int64) []int64 {
	var whole int64
	for _, w := range weights {
		whole += w
	}
	parts := make([]int64, len(weights))
	if whole == 0 {
		parts[0] = amount
		return parts
	}
	for i, w := range weights {
		if w > 0 {
			parts[i] = money.New(amount, "").Share(w, whole).Minor
			amount, whole = amount-parts[i], whole-w
		}
	}
	return parts
}
