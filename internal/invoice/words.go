package invoice

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/souklive/souk/internal/locale"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
)

// words are what a document says in a language besides what its sale says.
type words struct {
	invoice, note                             string // what it is
	number, issued, supplied, refunded, order string
	against                                   string // a credit note's invoice: its number and its day
	seller, buyer, taxNumber                  string
	what, quantity, price, amount             string
	charge                                    map[order.ChargeKind]string
	total, totalBack                          string
	byPromotion, byBuyer                      string
	promotionBack, buyerBack                  string
	included, estimated, base                 string // of a tax; the last with what it is of
	noTax, privately                          string
	reason, page                              string
	months                                    [12]string
	thousands, point                          string
}

func wordsOf(l locale.Locale) words {
	switch l {
	case locale.French:
		return words{
			invoice: "Facture", note: "Avoir",
			number: "Numéro", issued: "Date d’émission", supplied: "Date de livraison", refunded: "Date du remboursement", order: "Commande",
			against: "Facture créditée : %s du %s",
			seller:  "Vendeur", buyer: "Acheteur", taxNumber: "Numéro de TVA ou fiscal",
			what: "Désignation", quantity: "Qté", price: "Prix unitaire", amount: "Montant",
			charge: map[order.ChargeKind]string{order.Shipping: "Livraison", order.Promotion: "Remise"},
			total:  "Total", totalBack: "Total remboursé",
			byPromotion: "Pris en charge par la plateforme", byBuyer: "Payé par l’acheteur",
			promotionBack: "Rendu à la plateforme", buyerBack: "Rendu à l’acheteur",
			included: "dont %s", estimated: "%s (estimation)", base: "%s sur %s hors taxe",
			noTax: "Aucune taxe n’est due sur cette vente.", privately: "Vente par un particulier : aucune taxe n’est facturée.",
			reason: "Motif", page: "Page %d sur %d",
			months:    [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
			thousands: " ", point: ",",
		}
	case locale.Arabic:
		return words{
			invoice: "فاتورة", note: "إشعار دائن",
			number: "الرقم", issued: "تاريخ الإصدار", supplied: "تاريخ التسليم", refunded: "تاريخ الاسترداد", order: "الطلب",
			against: "إلغاء من الفاتورة %s بتاريخ %s",
			seller:  "البائع", buyer: "المشتري", taxNumber: "الرقم الضريبي",
			what: "البيان", quantity: "الكمية", price: "سعر الوحدة", amount: "المبلغ",
			charge: map[order.ChargeKind]string{order.Shipping: "الشحن", order.Promotion: "خصم"},
			total:  "المجموع", totalBack: "المبلغ المسترد",
			byPromotion: "تدفعه المنصة", byBuyer: "دفعه المشتري",
			promotionBack: "أعيد إلى المنصة", buyerBack: "أعيد إلى المشتري",
			included: "منها %s", estimated: "%s (تقدير)", base: "%s على %s قبل الضريبة",
			noTax: "لا تستحق أي ضريبة على هذا البيع.", privately: "بيع من شخص عادي: لا تحتسب أي ضريبة.",
			reason: "السبب", page: "صفحة %d من %d",
			months:    [12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"},
			thousands: ",", point: ".",
		}
	case locale.English:
	}
	return words{
		invoice: "Invoice", note: "Credit note",
		number: "Number", issued: "Date of issue", supplied: "Date of supply", refunded: "Date of the refund", order: "Order",
		against: "Credits invoice %s of %s",
		seller:  "Seller", buyer: "Buyer", taxNumber: "Tax number",
		what: "Description", quantity: "Qty", price: "Unit price", amount: "Amount",
		charge: map[order.ChargeKind]string{order.Shipping: "Shipping", order.Promotion: "Discount"},
		total:  "Total", totalBack: "Total refunded",
		byPromotion: "Paid by the marketplace", byBuyer: "Paid by the buyer",
		promotionBack: "Returned to the marketplace", buyerBack: "Returned to the buyer",
		included: "of which %s", estimated: "%s (estimated)", base: "%s on %s before tax",
		noTax: "No tax is due on this sale.", privately: "Sold by a private person: no tax is charged.",
		reason: "Reason", page: "Page %d of %d",
		months:    [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		thousands: ",", point: ".",
	}
}

// day is a day as people write it, in UTC, as the year of a number is.
func (w words) day(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%d %s %d", t.Day(), w.months[t.Month()-1], t.Year())
}

// sum is an amount with its currency's own decimals.
func (w words) sum(a money.Amount) string { return w.figure(a) + " " + string(a.Currency) }

// figure is an amount without its currency.
func (w words) figure(a money.Amount) string {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(a.Decimal(), "-"), ".")
	var b strings.Builder
	if a.Minor < 0 {
		b.WriteString("−")
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(w.thousands)
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		b.WriteString(w.point + fraction)
	}
	return b.String()
}

// country is a country's name in a language.
func country(code string, l locale.Locale) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return ""
	}
	return display.Regions(language.Make(string(l))).Name(region)
}

// title is what a document is called.
func (w words) title(k Kind) string {
	if k == CreditNote {
		return w.note
	}
	return w.invoice
}
