package invoice

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
)

// Whatever is refunded in whichever order, each credit note's lines come to its total and its taxes to its tax; no line and no tax gets back more than it was, and when
// all is refunded each has got back exactly what it was.
func TestCreditNotesDivide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := Invoice{ID: uuid.New(), Kind: AnInvoice}
		var goods int64
		for n := range rapid.IntRange(1, 5).Draw(t, "lines") {
			l := Line{Number: n + 1, Quantity: rapid.Int64Range(1, 5).Draw(t, "quantity"), UnitPrice: rapid.Int64Range(0, 10_000).Draw(t, "price")}
			l.Amount = l.Quantity * l.UnitPrice
			goods, i.Content.Lines = goods+l.Amount, append(i.Content.Lines, l)
		}
		o := db.Order{Currency: "EUR", Total: goods + rapid.Int64Range(1, 1_000).Draw(t, "shipping"), Subsidy: rapid.Int64Range(0, 500).Draw(t, "subsidy")}
		o.Fee = (o.Total + o.Subsidy) / 10
		for range rapid.IntRange(0, 3).Draw(t, "taxes") {
			tax := Tax{Base: new(rapid.Int64Range(0, 1<<40).Draw(t, "base")), Amount: rapid.Int64Range(1, 1+(o.Total+o.Subsidy-o.Fee-o.Tax)/5).Draw(t, "tax")}
			if o.Fee+o.Tax+tax.Amount <= o.Total+o.Subsidy {
				o.Tax, i.Content.Taxes = o.Tax+tax.Amount, append(i.Content.Taxes, tax)
			}
		}
		i.Total, i.Tax = money.New(o.Total+o.Subsidy, "EUR"), money.New(o.Tax, "EUR")

		left, subsidy := o.Total, o.Subsidy
		var notes []Invoice
		for left > 0 {
			paid := rapid.Int64Range(1, left).Draw(t, "refund")
			part := subsidy - money.New(o.Subsidy, "").Share(left-paid, o.Total).Minor
			refund := db.OrderRefund{WalletAmount: paid, SubsidyAmount: part}
			if rapid.Bool().Draw(t, "by line") {
				l := rapid.SampledFrom(i.Content.Lines).Draw(t, "line")
				refund.Lines = []byte(`[{"number":` + string(rune('0'+l.Number)) + `,"quantity":1,"restock":false}]`)
			}
			c, total, tax, err := creditOf(i, creditedBy(notes), o, refund)
			if err != nil {
				t.Fatal(err)
			}
			if sum := sumOf(amounts(c.Lines)); sum != total || total != paid+part {
				t.Fatalf("the lines come to %d, the note to %d, the refund to %d", sum, total, paid+part)
			}
			if sum := taxOf(c.Taxes); sum != tax {
				t.Fatalf("the taxes come to %d and not %d", sum, tax)
			}
			left, subsidy = left-paid, subsidy-part
			notes = append(notes, Invoice{Kind: CreditNote, Content: c, Total: money.New(total, "EUR"), Tax: money.New(tax, "EUR")})
			rooms := divide(i.Total.Minor, amounts(i.Content.Lines))
			back, taxes := creditedBy(notes), int64(0)
			for n, l := range i.Content.Lines {
				if back.lines[l.Number] > rooms[n] || left == 0 && back.lines[l.Number] != rooms[n] {
					t.Fatalf("line %d is %d and got back %d, with %d left", l.Number, rooms[n], back.lines[l.Number], left)
				}
			}
			for _, n := range notes {
				taxes += n.Tax.Minor
			}
			if left == 0 && basesOf(notes...) != basesOf(i) || basesOf(notes...) > basesOf(i) {
				t.Fatalf("taxes of %d went back of %d, with %d left", basesOf(notes...), basesOf(i), left)
			}
			if taxes > o.Tax || left == 0 && taxes != o.Tax {
				t.Fatalf("of %d of tax %d went back, with %d left", o.Tax, taxes, left)
			}
		}
	})
}

func sumOf(all []int64) (sum int64) {
	for _, n := range all {
		sum += n
	}
	return sum
}

func taxOf(all []Tax) (sum int64) {
	for _, t := range all {
		sum += t.Amount
	}
	return sum
}

func basesOf(all ...Invoice) (sum int64) {
	for _, i := range all {
		for _, t := range i.Content.Taxes {
			sum += *t.Base
		}
	}
	return sum
}
