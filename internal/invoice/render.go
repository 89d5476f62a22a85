package invoice

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/locale"
	"github.com/souklive/souk/internal/pdf"
)

// Where things stand on a page, in points.
const (
	margin   = 50.0
	inner    = pdf.Width - 2*margin
	halfPage = inner/2 - 10
	bottom   = pdf.Height - 70
	gap      = 8.0
	small    = 8.0
	body     = 9.0
	mostRows = 8 // of one text: nothing makes a row higher than a page
)

// The columns of the lines: where each begins, from the edge where reading begins, and how wide it is.
var columns = struct{ what, quantity, price, amount column }{column{0, 245}, column{255, 40}, column{300, 95}, column{400, 95}}

type column struct{ at, width float64 }

// sheet is a document that is being set, in a language.
type sheet struct {
	invoice Invoice
	words   words
	locale  locale.Locale
	rtl     bool
	set     *pdf.Setter
	doc     *pdf.Document
	pages   []*pdf.Page
	page    *pdf.Page
	row     float64 // from line to line
	y       float64 // the base line of what comes next
}

// Render makes a PDF of an invoice in a language. The same invoice is the same bytes.
func Render(fonts *pdf.Fonts, i Invoice, l locale.Locale) ([]byte, error) {
	s := &sheet{invoice: i, words: wordsOf(l), locale: l, rtl: l == locale.Arabic, set: pdf.NewSetter(fonts), row: 13}
	title := s.words.title(i.Kind) + " " + i.Number()
	s.doc = &pdf.Document{Title: title, Language: string(l), Created: i.IssuedAt, Reads: pdf.LeftToRight}
	if s.rtl {
		s.doc.Reads, s.row = pdf.RightToLeft, 16 // Arabic letters reach further up and down
	}
	s.turn()
	s.head()
	s.parties()
	s.lines()
	s.sums()
	for n, p := range s.pages {
		s.page, s.y = p, pdf.Height-40
		s.start(0, inner/2, i.Number(), pdf.Style{Size: small, Direction: pdf.LeftToRight})
		s.end(inner/2, inner/2, fmt.Sprintf(s.words.page, n+1, len(s.pages)), s.own(small, false))
	}
	return s.doc.Bytes()
}

// own is the style of words that are this document's own.
func (s *sheet) own(size float64, bold bool) pdf.Style {
	style := pdf.Style{Size: size, Bold: bold, Direction: pdf.LeftToRight}
	if s.rtl {
		style.Direction = pdf.RightToLeft
	}
	return style
}

// turn begins a page.
func (s *sheet) turn() {
	s.page = s.doc.Page()
	s.pages, s.y = append(s.pages, s.page), margin+14
}

// room makes sure that so much fits on the page, and says whether it had to begin another.
func (s *sheet) room(height float64) bool {
	if s.y+height <= bottom {
		return false
	}
	s.turn()
	return true
}

// start writes one line at the edge of a column where reading begins.
func (s *sheet) start(at, width float64, text string, style pdf.Style) {
	s.put(s.fitted(text, style, width), at, width, s.rtl)
}

// end writes one line at the other edge.
func (s *sheet) end(at, width float64, text string, style pdf.Style) {
	s.put(s.fitted(text, style, width), at, width, !s.rtl)
}

// fitted sets a line smaller where it is too wide, and cuts it only where it could not be read any more.
func (s *sheet) fitted(text string, style pdf.Style, width float64) pdf.Line {
	for {
		whole := s.set.Line(text, style, 100*pdf.Width)
		if whole.Width <= width || style.Size < 5 {
			return s.set.Line(text, style, width)
		}
		style.Size *= 0.95
	}
}

func (s *sheet) put(line pdf.Line, at, width float64, right bool) {
	x := margin + at
	if s.rtl {
		x = pdf.Width - margin - at - width
	}
	if right {
		x += width - line.Width
	}
	s.page.Text(line, x, s.y)
}

// rule draws a line over the page.
func (s *sheet) rule(y, grey float64) { s.page.Rule(margin, y, inner, 0.6, grey) }

func (s *sheet) head() {
	i, w := s.invoice, s.words
	s.y += 10
	s.start(0, inner, w.title(i.Kind), s.own(20, true))
	s.y += 26
	s.field(w.number, i.Number(), pdf.LeftToRight)
	s.field(w.issued, w.day(i.IssuedAt), s.own(0, false).Direction)
	if i.Kind == AnInvoice {
		s.field(w.supplied, w.day(i.Content.SuppliedAt), s.own(0, false).Direction)
	} else {
		s.field(w.refunded, w.day(i.Content.RefundOf), s.own(0, false).Direction)
	}
	s.field(w.order, i.Content.Order, pdf.LeftToRight)
	if of := i.Content.Of; of != nil {
		s.start(0, inner, fmt.Sprintf(w.against, of.Number, w.day(of.IssuedAt)), s.own(body, true))
		s.y += s.row
	}
	if i.Content.Reason != "" {
		s.field(w.reason, i.Content.Reason, pdf.Auto)
	}
	s.y += gap
}

// field is a name and what it is, which may take several lines.
func (s *sheet) field(name, value string, direction pdf.Direction) {
	const names = 130
	s.start(0, names, name, s.own(body, false))
	for _, line := range s.set.Wrap(value, pdf.Style{Size: body, Direction: direction}, inner-names, mostRows) {
		s.put(line, names, inner-names, s.rtl)
		s.y += s.row
	}
}

func (s *sheet) parties() {
	top, lowest := s.y, s.y
	for n, p := range []Party{s.invoice.Content.Seller, s.invoice.Content.Buyer} {
		at := float64(n) * (halfPage + 20)
		s.y = top
		s.start(at, halfPage, []string{s.words.seller, s.words.buyer}[n], s.own(small, false))
		s.y += s.row + 1
		s.block(at, p.Name, pdf.Style{Size: body + 1, Bold: true})
		for _, line := range p.Address {
			s.block(at, line, pdf.Style{Size: body})
		}
		if name := country(p.Country, s.locale); name != "" {
			s.block(at, name, s.own(body, false))
		}
		if p.TaxNumber != "" {
			s.block(at, s.words.taxNumber+": "+p.TaxNumber, s.own(body, false))
		}
		lowest = max(lowest, s.y)
	}
	s.y = lowest + 2*gap
}

// block writes a text in as many lines as it takes, some at most.
func (s *sheet) block(at float64, text string, style pdf.Style) {
	for _, line := range s.set.Wrap(text, style, halfPage, 3) {
		s.put(line, at, halfPage, s.rtl)
		s.y += s.row
	}
}

// header is what stands above the lines, on each page.
func (s *sheet) header() {
	w, bold := s.words, s.own(small, true)
	s.page.Fill(margin, s.y-11, inner, 17, 0.93)
	s.start(columns.what.at+4, columns.what.width-4, w.what, bold)
	if s.invoice.Kind == AnInvoice {
		s.end(columns.price.at, columns.price.width, w.price, bold)
	}
	s.end(columns.quantity.at, columns.quantity.width, w.quantity, bold)
	s.end(columns.amount.at, columns.amount.width-4, w.amount, bold)
	s.y += s.row + 7
}

func (s *sheet) lines() {
	number := pdf.Style{Size: body, Direction: pdf.LeftToRight}
	s.header()
	for _, l := range s.invoice.Content.Lines {
		title := s.set.Wrap(l.Title, pdf.Style{Size: body}, columns.what.width-4, mostRows)
		options := s.set.Wrap(strings.Join(l.Options, " · "), pdf.Style{Size: small}, columns.what.width-4, 2)
		if s.room(s.row*float64(max(1, len(title)+len(options))) + gap) {
			s.header()
		}
		if l.Quantity > 0 {
			s.end(columns.quantity.at, columns.quantity.width, strconv.FormatInt(l.Quantity, 10), number)
		}
		if s.invoice.Kind == AnInvoice {
			s.end(columns.price.at, columns.price.width, s.words.sum(s.invoice.moneyOf(l.UnitPrice)), number)
		}
		s.end(columns.amount.at, columns.amount.width-4, s.words.sum(s.invoice.moneyOf(l.Amount)), number)
		for _, line := range append(title, options...) {
			s.put(line, columns.what.at+4, columns.what.width-4, s.rtl)
			s.y += s.row
		}
		if len(title)+len(options) == 0 {
			s.y += s.row
		}
		s.rule(s.y-s.row/2, 0.85)
		s.y += gap
	}
}

// total is one of the sums: what it is of, and how much.
func (s *sheet) total(name string, minor int64, bold bool) {
	s.room(s.row)
	amount := pdf.Style{Size: body, Bold: bold, Direction: pdf.LeftToRight}
	s.end(0, columns.amount.at-10, name, s.own(body, bold))
	s.end(columns.amount.at, columns.amount.width-4, s.words.sum(s.invoice.moneyOf(minor)), amount)
	s.y += s.row + 1
}

func (s *sheet) sums() {
	i, w := s.invoice, s.words
	s.room(6 * s.row) // not a sum alone on its page
	s.y += gap / 2
	for _, c := range i.Content.Charges {
		name := w.charge[c.Kind]
		if c.Label != "" {
			name += ": " + c.Label
		}
		s.total(name, c.Amount, false)
	}
	for _, t := range i.Content.Taxes {
		if !t.Included && i.Kind == AnInvoice {
			s.total(s.tax(t), t.Amount, false)
		}
	}
	name, promotion, buyer := w.total, w.byPromotion, w.byBuyer
	if i.Kind == CreditNote {
		name, promotion, buyer = w.totalBack, w.promotionBack, w.buyerBack
	}
	s.total(name, i.Total.Minor, true)
	for _, t := range i.Content.Taxes {
		if t.Included || i.Kind == CreditNote {
			s.total(fmt.Sprintf(w.included, s.tax(t)), t.Amount, false)
		}
	}
	if i.Content.Subsidy > 0 {
		s.total(promotion, i.Content.Subsidy, false)
		s.total(buyer, i.Total.Minor-i.Content.Subsidy, true)
	}
	if len(i.Content.Taxes) == 0 {
		note := w.noTax
		if i.Content.Seller.TaxNumber == "" {
			note = w.privately
		}
		s.room(s.row + gap)
		s.y += gap
		s.start(0, inner, note, s.own(body, false))
	}
}

// tax is what a tax is called, and what it is of, whose currency stands beside it: where reading begins at the right it would stand on the number's other side here.
func (s *sheet) tax(t Tax) string {
	if t.Base == nil {
		return s.words.tax(t)
	}
	return fmt.Sprintf(s.words.base, s.words.tax(t), s.words.figure(s.invoice.moneyOf(*t.Base)))
}

// tax is what a tax is called.
func (w words) tax(t Tax) string {
	label := strings.ReplaceAll(t.Label, " %", "%") // a sign behind a space would be on the other side of its number, from the right
	if t.Estimated {
		return fmt.Sprintf(w.estimated, label)
	}
	return label
}
