package checkout_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/tax"
)

// sentTo quotes a buyer's cart to an address.
func (s *shop) sentTo(buyer uuid.UUID, to address.Postal, codes ...string) checkout.Quote {
	s.T.Helper()
	a, err := s.Addresses.Create(s.Ctx(), buyer, to, false)
	s.Must(err)
	q, err := s.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: &a.ID, Coupons: codes, IdempotencyKey: uuid.NewString()})
	s.Must(err)
	return q
}

func paris() address.Postal {
	return address.Postal{Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR"}
}

func newark() address.Postal {
	return address.Postal{Name: "Amal Haddad", Line1: "1 Broad St", City: "Newark", Region: "NJ", PostalCode: "07102", Country: "US"}
}

// taxesOf are the taxes of a quote's groups.
func taxesOf(q checkout.Quote) (all []order.Charge) {
	for _, g := range q.Groups {
		for _, c := range g.Charges {
			if c.Kind == order.Tax {
				all = append(all, c)
			}
		}
	}
	return all
}

// registers makes a seller one who charges tax.
func (s *shop) registers(seller uuid.UUID, country, number string) {
	s.T.Helper()
	s.Must2(s.Taxes.Register(s.Ctx(), seller, country, number))
}

// In France prices have the tax in them, of what the seller's promotion leaves; the platform hands it on, and gives its share back with a refund. Private sellers charge none.
func TestTaxInThePrice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	private, buyer := s.User(identity.Seller), s.Buyer(100_00)
	s.registers(s.seller, "DE", "de 136 695 976")
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	s.put(buyer, 1, s.shirts(private, 1, 9)[0])
	coupon := s.offers(func(in *promotion.Input) { in.BasisPoints = new(2000) })
	q := s.sentTo(buyer, paris(), *coupon.Code)
	taxes := taxesOf(q)
	if len(taxes) != 1 || taxes[0].Amount.Minor != 4_00 || taxes[0].Bearer != order.AsSeller || *taxes[0].BasisPoints != 2000 || taxes[0].Label != "VAT 20 %" || taxes[0].Estimated || q.TaxEstimated() {
		t.Fatalf("%+v", taxes)
	}
	if *taxes[0].Base != domaintest.EUR(20_00) { // 24 with the tax
		t.Errorf("it is of %s", taxes[0].Base)
	}
	if q.Total.Minor != 34_00 {
		t.Errorf("it costs %s", q.Total)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	s.Must2(s.Orders.Ship(t.Context(), s.seller, orders[0].ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if got := s.Balance(ledger.TaxPayable, uuid.Nil); got != 4_00 {
		t.Errorf("%d are handed on", got)
	}
	if got := s.Earned(s.seller); got != 24_00-2_04-4_00 {
		t.Errorf("the seller has %d", got)
	}
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: orders[0].ID, Amount: new(domaintest.EUR(12_00)), IdempotencyKey: "k"}))
	if got := s.Balance(ledger.TaxPayable, uuid.Nil); got != 2_00 {
		t.Errorf("after half of it was refunded %d are handed on", got)
	}
}

// In the United States it comes on top, by the state, and is an estimate by the table; who is registered elsewhere charges none.
func TestTaxBesideThePrice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	abroad, buyer := s.User(identity.Seller), s.Buyer(100_00)
	s.registers(s.seller, "US", "12-3456789")
	s.registers(abroad, "FR", "FR 83 404 833 048")
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	s.put(buyer, 1, s.shirts(abroad, 1, 9)[0])
	q := s.sentTo(buyer, newark())
	taxes := taxesOf(q)
	if len(taxes) != 1 || taxes[0].Amount.Minor != 1_99 || taxes[0].Bearer != order.AsBuyer || taxes[0].BasisPoints != nil || taxes[0].Label != "Sales tax 6.625 %" || !taxes[0].Estimated || !q.TaxEstimated() {
		t.Fatalf("%+v", taxes)
	}
	if q.Total.Minor != 41_99 {
		t.Errorf("it costs %s", q.Total)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	kept, err := s.Orders.ChargesOf(t.Context(), []uuid.UUID{orders[0].ID})
	s.Must(err)
	for _, c := range kept[orders[0].ID] {
		if c.Kind == order.Tax && (c.Base == nil || c.Base.Minor != 30_00) || c.Kind != order.Tax && c.Base != nil {
			t.Errorf("the order keeps %+v", c)
		}
	}
	charges, err := s.Orders.ChargesOf(t.Context(), []uuid.UUID{orders[0].ID})
	if err != nil || !charges[orders[0].ID][0].Estimated || orders[0].Tax.Minor != 1_99 {
		t.Errorf("%+v, %v", charges, err)
	}
}

// moody is a provider whose rate changes.
type moody struct{ rate tax.Rate }

func (m *moody) Rates(context.Context, tax.Region) (tax.Rates, error) {
	return tax.Rates{Name: "VAT", Of: map[tax.Class]tax.Rate{tax.Standard: m.rate}}, nil
}

// A rate, or a seller's standing, that changes after the quote is for the next quote: what was shown binds, and nothing else is ever charged.
func TestTaxChangesAfterTheQuote(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	shirt, provider := s.shirts(s.seller, 1, 9)[0], &moody{rate: 10_000}
	s.registers(s.seller, "FR", "FR83404833048")
	at := func() *checkout.Service { // a server that has asked nobody yet
		return checkout.New(checkout.Config{
			Pool: s.Pool, Addresses: s.Addresses, Carts: s.Carts, Inventory: s.Inventory, Codes: s.Codes, Orders: s.Orders, Promotion: s.Promotions,
			Tax: tax.New(s.Pool, provider, clock.System{}, slog.New(slog.DiscardHandler)), Shipping: s.Shipping, Payment: s.Payment, Hub: s.Told,
		})
	}
	quote := func(buyer uuid.UUID) checkout.Quote {
		q, err := at().Quote(t.Context(), buyer, checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: uuid.NewString()})
		s.Must(err)
		return q
	}
	buyer := s.Buyer(100_00)
	s.put(buyer, 1, shirt)
	q := quote(buyer)
	if q.Total.Minor != 11_00 {
		t.Errorf("it costs %s", q.Total)
	}
	provider.rate = 20_000
	s.Must(s.Taxes.Deregister(t.Context(), s.seller))
	s.Must2(at().Confirm(t.Context(), buyer, agreed(q)))
	s.WantWallet(buyer, 89_00, 0)
	s.put(buyer, 1, shirt)
	if q := quote(buyer); q.Total.Minor != 10_00 || len(taxesOf(q)) != 0 {
		t.Errorf("of who is not registered any more: %s", q.Total)
	}
	s.registers(s.seller, "FR", "FR83404833048")
	if q := quote(buyer); q.Total.Minor != 12_00 {
		t.Errorf("by the new rate: %s", q.Total)
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if r, err := s.Taxes.Registration(t.Context(), s.seller); r != nil || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	for number, want := range map[string]string{"FR": "TAX_NUMBER", "": "TAX_NUMBER", "DE136695976": "TAX_NUMBER", "FR83404833048\x00": "TAX_NUMBER", "fr 83.404-833 048": ""} {
		if _, err := s.Taxes.Register(t.Context(), s.seller, "FR", number); domaintest.Code(err) != want {
			t.Errorf("%q: %v, want %s", number, err, want)
		}
	}
	if _, err := s.Taxes.Register(t.Context(), s.seller, "ZZ", "12345"); domaintest.Code(err) != "ADDRESS_COUNTRY" {
		t.Error(err)
	}
	if r, err := s.Taxes.Registration(t.Context(), s.seller); err != nil || r.Number != "FR83404833048" || r.Country != "FR" {
		t.Errorf("%+v, %v", r, err)
	}
}
