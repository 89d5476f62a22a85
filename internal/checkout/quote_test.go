package checkout_test

import (
	"strconv"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/order"
)

// shirts is a product at 10 euros with so many of each variant in stock.
func (s *shop) shirts(seller uuid.UUID, variants, each int) []uuid.UUID {
	s.T.Helper()
	ids := s.product(catalog.Retail, seller, variants)
	place, err := s.Inventory.AddLocation(s.Ctx(), seller, "Home "+ids[0].String()[24:], "FR")
	s.Must(err)
	for _, v := range ids {
		s.Must2(s.Inventory.Receive(s.Ctx(), seller, inventory.ChangeInput{Variant: v, Location: place.ID, Quantity: each, IdempotencyKey: uuid.NewString()}))
	}
	return ids
}

// put puts so many of each variant into a buyer's cart.
func (s *shop) put(buyer uuid.UUID, quantity int, variants ...uuid.UUID) {
	s.T.Helper()
	for _, v := range variants {
		if _, _, err := s.Carts.Add(s.Ctx(), cart.Owner{User: buyer}, v, quantity); err != nil {
			s.T.Fatal(err)
		}
	}
}

// home is a buyer's address.
func (s *shop) home(buyer uuid.UUID) *uuid.UUID {
	s.T.Helper()
	a, err := s.Addresses.Create(s.Ctx(), buyer, address.Postal{Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR"}, false)
	s.Must(err)
	return &a.ID
}

// quoted is a quote of a buyer's cart.
func (s *shop) quoted(buyer uuid.UUID) checkout.Quote {
	s.T.Helper()
	q, err := s.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: uuid.NewString()})
	s.Must(err)
	return q
}

// agreed confirms a quote from the wallet.
func agreed(q checkout.Quote) checkout.ConfirmInput {
	return checkout.ConfirmInput{Quote: q.ID, Total: q.Total, IdempotencyKey: uuid.NewString()}
}

// A cart of several sellers is quoted by what becomes orders, each line explained; what the seller changes afterwards changes nothing.
func TestQuote(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	other, buyer := s.User(identity.Seller), s.Buyer(1000_00)
	mine, theirs, codes := s.shirts(s.seller, 2, 9), s.shirts(other, 1, 9), s.stocked(1, 9)
	s.put(buyer, 2, mine[0], theirs[0], codes[0])
	s.put(buyer, 1, mine[1])
	s.Exec(`UPDATE variant SET price = 1250 WHERE id = $1`, theirs[0])
	in := checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: "k"}
	q, err := s.Checkout.Quote(t.Context(), buyer, in)
	s.Must(err)
	if q.Status != checkout.QuoteOpen || q.Total != domaintest.EUR(75_00) || len(q.Groups) != 3 || q.ShipTo.City != "Paris" || q.ExpiresAt.Sub(q.CreatedAt) > inventory.DefaultTTL {
		t.Errorf("%+v", q)
	}
	for i, want := range []struct {
		seller  uuid.UUID
		digital bool
		lines   int
		total   int64
	}{{s.seller, false, 2, 30_00}, {other, false, 1, 25_00}, {s.seller, true, 1, 20_00}} {
		g := q.Groups[i]
		if g.SellerID != want.seller || g.Digital != want.digital || len(g.Lines) != want.lines || g.Total.Minor != want.total {
			t.Errorf("group %d: %+v", i, g)
		}
		if fee := g.Charges[0]; len(g.Charges) != 1 || fee.Kind != order.PlatformFee || fee.Bearer != order.AsSeller || *fee.BasisPoints != domaintest.FeeBasisPoints || fee.Amount != g.Total.BasisPoints(domaintest.FeeBasisPoints) {
			t.Errorf("group %d: %+v", i, g.Charges)
		}
	}
	if l := q.Groups[1].Lines[0]; !l.PriceChanged() || l.PriceSeen.Minor != 10_00 || l.UnitPrice.Minor != 12_50 || l.Title != "A game" || l.Options[0] != "0" {
		t.Errorf("a price that changed: %+v", l)
	}
	if q.Groups[0].Lines[0].PriceChanged() {
		t.Error("a price that did not change")
	}
	s.Exec(`UPDATE variant SET price = 9900`)
	s.Exec(`UPDATE listing SET title = 'Something else'`)
	again, err := s.Checkout.Quote(t.Context(), buyer, in)
	if err != nil || again.ID != q.ID || again.Total != q.Total || again.Groups[0].Lines[0].Title != "A game" {
		t.Errorf("again: %+v, %v", again, err)
	}
	in.Address = nil
	if _, err := s.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("the key with other input: %v", err)
	}
	// The next takes its place.
	next := s.quoted(buyer)
	if old, err := s.Checkout.GetQuote(t.Context(), buyer, q.ID); err != nil || old.Status != checkout.QuoteOver || next.Status != checkout.QuoteOpen {
		t.Errorf("%+v, %v", old, err)
	}
	if _, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Errorf("the one before: %v", err)
	}
	if _, err := s.Checkout.GetQuote(t.Context(), other, q.ID); domaintest.Code(err) != "QUOTE_NOT_FOUND" {
		t.Errorf("another's: %v", err)
	}
}

// What cannot be quoted leaves nothing set aside.
func TestQuotesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	stranger := s.home(s.Buyer(0))
	shirt := s.shirts(s.seller, 1, 1000)[0]
	dear, dollars, hidden, banned := s.shirts(s.seller, 1, 1000)[0], s.shirts(s.seller, 1, 9)[0], s.shirts(s.seller, 1, 9)[0], s.shirts(s.User(identity.Seller), 1, 9)[0]
	code := s.stocked(1, 200)[0]
	s.Exec(`UPDATE variant SET price = $2 WHERE id = $1`, dear, int64(1)<<62)
	s.Exec(`UPDATE variant SET currency = 'USD' WHERE id = $1`, dollars)
	for name, c := range map[string]struct {
		put    []uuid.UUID
		many   int
		after  string // happens to the last of them, once it is in the cart
		change func(*checkout.QuoteInput)
		want   string
	}{
		"no address":            {[]uuid.UUID{shirt}, 1, "", func(in *checkout.QuoteInput) { in.Address = nil }, "ADDRESS_REQUIRED"},
		"another's address":     {[]uuid.UUID{shirt}, 1, "", func(in *checkout.QuoteInput) { in.Address = stranger }, "ADDRESS_NOT_FOUND"},
		"no key":                {[]uuid.UUID{shirt}, 1, "", func(in *checkout.QuoteInput) { in.IdempotencyKey = "" }, "IDEMPOTENCY_KEY_INVALID"},
		"an empty cart":         {nil, 1, "", nil, "CART_EMPTY"},
		"what is not in it":     {[]uuid.UUID{shirt}, 1, "", func(in *checkout.QuoteInput) { in.Variants = []uuid.UUID{dear} }, "CART_LINE_NOT_FOUND"},
		"two currencies":        {[]uuid.UUID{shirt, dollars}, 1, "", nil, "CURRENCY_MISMATCH"},
		"beyond what is money":  {[]uuid.UUID{dear}, 9, "", nil, "AMOUNT_OUT_OF_RANGE"},
		"a sum beyond it":       {[]uuid.UUID{dear, shirt}, 1, `UPDATE variant SET price = 9223372036854775807 WHERE id = $1`, nil, "AMOUNT_OUT_OF_RANGE"},
		"many codes":            {[]uuid.UUID{code}, 101, "", nil, "CODES_PER_ORDER"},
		"gone meanwhile":        {[]uuid.UUID{shirt, hidden}, 2, `UPDATE stock SET reserved = on_hand - 1 WHERE variant_id = $1`, nil, "OUT_OF_STOCK"},
		"hidden meanwhile":      {[]uuid.UUID{shirt, hidden}, 1, `UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = (SELECT listing_id FROM variant WHERE id = $1)`, nil, "OUT_OF_STOCK"},
		"its seller was banned": {[]uuid.UUID{shirt, banned}, 1, `UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM variant WHERE id = $1)`, nil, "OUT_OF_STOCK"},
	} {
		buyer := s.Buyer(100_00)
		for _, v := range c.put {
			s.put(buyer, c.many, v)
		}
		in := checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: "k"}
		if c.change != nil {
			c.change(&in)
		}
		if c.after != "" {
			s.Exec(c.after, c.put[len(c.put)-1])
		}
		if q, err := s.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, q, err, c.want)
		}
		if n := s.Int(`SELECT count(*) FROM reservation WHERE user_id = $1 AND status = 'OPEN'`, buyer) + s.Int(`SELECT count(*) FROM quote WHERE user_id = $1`, buyer); n != 0 {
			t.Errorf("%s: %d are left", name, n)
		}
		switch name { // what happened is undone for the next
		case "a sum beyond it":
			s.Exec(`UPDATE variant SET price = $2 WHERE id = $1`, dear, int64(1)<<62)
		case "gone meanwhile":
			s.Exec(`UPDATE stock SET reserved = 0 WHERE variant_id = $1`, hidden)
		case "hidden meanwhile":
			s.Exec(`UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE status = 'HIDDEN'`)
		}
	}
}

// Codes alone are sent nowhere.
func TestQuoteOfCodes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.Buyer(100_00)
	s.put(buyer, 2, s.stocked(1, 9)[0])
	q, err := s.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: "k"})
	if err != nil || q.ShipTo != nil || !q.Groups[0].Digital || q.Total != domaintest.EUR(20_00) {
		t.Errorf("%+v, %v", q, err)
	}
}

// Who asks for quote after quote and confirms none has to wait; who buys goes on.
func TestQuotesOfAnHour(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.Buyer(100_00)
	s.put(buyer, 1, s.shirts(s.seller, 1, 9)[0])
	var last checkout.Quote
	for range 60 {
		last = s.quoted(buyer)
	}
	ask := func() error {
		_, err := s.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: uuid.NewString()})
		return err
	}
	if err := ask(); domaintest.Code(err) != "TOO_MANY_QUOTES" {
		t.Error(err)
	}
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(last)))
	s.put(buyer, 1, s.shirts(s.seller, 1, 9)[0])
	s.Must(ask())
}

// One key, sent many times at once, is one quote.
func TestQuotedAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	servers, shirt := []*domaintest.World{s.World, s.Another(t)}, s.shirts(s.seller, 1, 500)[0]
	for round := range 10 {
		buyer := s.Buyer(0)
		s.put(buyer, 3, shirt)
		in := checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: strconv.Itoa(round)}
		quotes := make([]checkout.Quote, 6)
		for _, err := range domaintest.AtOnce(len(quotes), func(i int) (err error) {
			quotes[i], err = servers[i%2].Checkout.Quote(t.Context(), buyer, in)
			return err
		}) {
			s.Must(err)
		}
		for _, q := range quotes {
			if q.ID != quotes[0].ID || q.Status != checkout.QuoteOpen {
				t.Errorf("%+v", q)
			}
		}
		if n := s.Int(`SELECT count(*) FROM reservation WHERE user_id = $1`, buyer); n != 1 {
			t.Errorf("%d reservations", n)
		}
	}
}
