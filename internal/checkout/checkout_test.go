package checkout_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
)

// shop sells codes at 10 euros.
type shop struct {
	*domaintest.World
	seller uuid.UUID
}

func setup(t *testing.T) *shop {
	t.Helper()
	s := &shop{World: domaintest.New(t)}
	s.seller = s.User(identity.Seller)
	return s
}

// product is a listing with variants.
func (s *shop) product(kind catalog.Kind, seller uuid.UUID, variants int) (ids []uuid.UUID) {
	s.T.Helper()
	listing := id.New()
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, option_names) VALUES ($1, $2, $3, 'A game', '', 'NEW', '{Edition}')`, listing, seller, string(kind))
	for i := range variants {
		ids = append(ids, id.New())
		s.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency, option_values) VALUES ($1, $2, $3, 1000, 'EUR', $4)`, ids[i], listing, seller, []string{strconv.Itoa(i)})
	}
	return ids
}

// stocked is products with so many codes of each variant.
func (s *shop) stocked(variants, codes int) []uuid.UUID {
	s.T.Helper()
	ids := s.product(catalog.DigitalCode, s.seller, variants)
	for _, v := range ids {
		s.upload(v, codes)
	}
	return ids
}

func (s *shop) upload(variant uuid.UUID, n int) {
	s.T.Helper()
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("%s-%d", variant, i)
	}
	s.Must2(s.Codes.Upload(s.Ctx(), s.seller, code.UploadInput{Variant: variant, Text: strings.Join(lines, "\n"), IdempotencyKey: uuid.NewString()}))
}

// reserve sets one of each variant aside.
func (s *shop) reserve(buyer uuid.UUID, variants ...uuid.UUID) uuid.UUID {
	s.T.Helper()
	in := inventory.ReserveInput{IdempotencyKey: uuid.NewString()}
	for _, v := range variants {
		in.Wants = append(in.Wants, inventory.Want{Variant: v, Quantity: 1})
	}
	r, err := s.Inventory.Reserve(s.Ctx(), buyer, in)
	s.Must(err)
	return r.ID
}

func pays(reservation uuid.UUID, cents int64) checkout.PayInput {
	return checkout.PayInput{Reservation: reservation, Total: domaintest.EUR(cents), IdempotencyKey: uuid.NewString()}
}

// Codes of several products are several orders, paid together, each released to its seller by its buyer.
func TestPay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	a, b := s.stocked(2, 3), s.stocked(1, 3)
	buyer := s.Buyer(100_00)
	in := pays(s.reserve(buyer, a[0], b[0], a[1]), 30_00)
	orders, err := s.Checkout.Pay(t.Context(), buyer, in)
	if s.Must(err); len(orders) != 2 {
		t.Fatalf("%d orders", len(orders))
	}
	s.WantWallet(buyer, 70_00, 0)
	var ids []uuid.UUID
	for _, o := range orders {
		ids = append(ids, o.ID)
		if o.Payment != order.Paid || o.Fulfilment != order.Sent || s.Balance(ledger.Escrow, o.ID) != o.Total.Minor {
			t.Errorf("%+v", o)
		}
		s.WantEvents(o.ID, "CREATED PAID SENT")
	}
	codes, err := s.Codes.OfOrders(t.Context(), ids)
	s.Must(err)
	for _, o := range orders {
		if int64(len(codes[o.ID]))*10_00 != o.Total.Minor {
			t.Errorf("%d codes for %s", len(codes[o.ID]), o.Total)
		}
	}
	again, err := s.Checkout.Pay(t.Context(), buyer, in)
	if s.Must(err); len(again) != 2 || again[0].ID != orders[0].ID {
		t.Errorf("again: %+v", again)
	}
	s.WantWallet(buyer, 70_00, 0)
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if got := s.Earned(s.seller); got != orders[0].Earnings().Minor || got == 0 {
		t.Errorf("the seller has %d", got)
	}
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: orders[1].ID, IdempotencyKey: "k"}))
	if _, err := s.Codes.Reveal(t.Context(), buyer, codes[orders[1].ID][0].ID); domaintest.Code(err) != "CODE_REFUNDED" {
		t.Errorf("refunded: %v", err)
	}
}

// What cannot be paid leaves everything as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	game, buyer, poor := s.stocked(1, 300)[0], s.Buyer(10_000_00), s.Buyer(9_99)
	shirt := s.product(catalog.Retail, s.seller, 1)[0]
	place, err := s.Inventory.AddLocation(t.Context(), s.seller, "Home", "FR")
	s.Must(err)
	s.Must2(s.Inventory.Receive(t.Context(), s.seller, inventory.ChangeInput{Variant: shirt, Location: place.ID, Quantity: 9, IdempotencyKey: "k"}))
	over, released, frozen := s.reserve(buyer, game), s.reserve(buyer, game), s.Buyer(50_00)
	s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE id = $1`, over)
	s.Must2(s.Inventory.Release(t.Context(), buyer, released))
	many, err := s.Inventory.Reserve(t.Context(), buyer, inventory.ReserveInput{Wants: []inventory.Want{{Variant: game, Quantity: 101}}, IdempotencyKey: "many"})
	s.Must(err)
	s.Must2(s.Payment.FreezeWallet(t.Context(), s.User(identity.Admin), frozen, "why"))
	used := pays(s.reserve(buyer, game), 10_00)
	s.Must2(s.Checkout.Pay(t.Context(), buyer, used))
	used.Reservation = s.reserve(buyer, game)
	dollars := pays(s.reserve(buyer, game), 10_00)
	dollars.Total.Currency = "USD"
	before := s.Int(`SELECT count(*) FROM ledger.entry`)
	for name, c := range map[string]struct {
		who  uuid.UUID
		in   checkout.PayInput
		want string
	}{
		"a shirt":                      {buyer, pays(s.reserve(buyer, shirt), 10_00), "RESERVATION_NOT_DIGITAL"},
		"a shirt beside a code":        {buyer, pays(s.reserve(buyer, game, shirt), 20_00), "RESERVATION_NOT_DIGITAL"},
		"its time is over":             {buyer, pays(over, 10_00), "RESERVATION_OVER"},
		"it was given back":            {buyer, pays(released, 10_00), "RESERVATION_OVER"},
		"it was paid under a key":      {buyer, pays(s.paid(buyer, game), 10_00), "RESERVATION_OVER"},
		"another's":                    {poor, pays(s.reserve(buyer, game), 10_00), "RESERVATION_NOT_FOUND"},
		"too little money":             {poor, pays(s.reserve(poor, game), 10_00), "INSUFFICIENT_FUNDS"},
		"a frozen wallet":              {frozen, pays(s.reserve(frozen, game), 10_00), "WALLET_FROZEN"},
		"a cent too much":              {buyer, pays(s.reserve(buyer, game), 10_01), "PRICE_CHANGED"},
		"another currency":             {buyer, dollars, "CURRENCY_MISMATCH"},
		"too many":                     {buyer, pays(many.ID, 1010_00), "CODES_PER_ORDER"},
		"one's own":                    {s.seller, pays(s.reserve(s.seller, game), 10_00), "OWN_LISTING"},
		"a key of another reservation": {buyer, used, "IDEMPOTENCY_KEY_REUSED"},
		"no key":                       {buyer, checkout.PayInput{Reservation: used.Reservation, Total: domaintest.EUR(10_00)}, "IDEMPOTENCY_KEY_INVALID"},
	} {
		if _, err := s.Checkout.Pay(t.Context(), c.who, c.in); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if n := s.Int(`SELECT count(*) FROM ledger.entry`); n != before+1 {
		t.Errorf("%d entries were posted", n-before)
	}
	if n := s.Int(`SELECT count(*) FROM code WHERE order_id IS NOT NULL`); n != 2 {
		t.Errorf("%d codes are sold", n)
	}
	// What was refused for want of money is paid once there is some.
	later := pays(s.reserve(poor, game), 10_00)
	if _, err := s.Checkout.Pay(t.Context(), poor, later); domaintest.Code(err) != "INSUFFICIENT_FUNDS" {
		t.Error(err)
	}
	s.Fund(poor, domaintest.EUR(1))
	s.Must2(s.Checkout.Pay(t.Context(), poor, later))
}

// paid is a reservation that was paid.
func (s *shop) paid(buyer, game uuid.UUID) uuid.UUID {
	s.T.Helper()
	r := s.reserve(buyer, game)
	s.Must2(s.Checkout.Pay(s.Ctx(), buyer, pays(r, 10_00)))
	return r
}

// The price goes up between the reservation and its payment: nobody pays what they have not agreed to.
func TestPriceChanged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	game, buyer := s.stocked(1, 1)[0], s.Buyer(100_00)
	r := s.reserve(buyer, game)
	s.Exec(`UPDATE variant SET price = 1200 WHERE id = $1`, game)
	if _, err := s.Checkout.Pay(t.Context(), buyer, pays(r, 10_00)); domaintest.Code(err) != "PRICE_CHANGED" {
		t.Error(err)
	}
	s.Must2(s.Checkout.Pay(t.Context(), buyer, pays(r, 12_00)))
	s.WantWallet(buyer, 88_00, 0)
}

// One reservation is paid at once from everywhere, under one key and under many: once.
func TestPaidAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	servers, game, buyer := []*domaintest.World{s.World, s.Another(t)}, s.stocked(1, 20)[0], s.Buyer(1000_00)
	for round := range 10 {
		in := pays(s.reserve(buyer, game), 10_00)
		codes := domaintest.Codes(domaintest.AtOnce(8, func(i int) error {
			mine := in
			if round%2 == 1 {
				mine.IdempotencyKey = uuid.NewString()
			}
			_, err := servers[i%2].Checkout.Pay(t.Context(), buyer, mine)
			return err
		}))
		if want := map[bool]int{false: 8, true: 1}[round%2 == 1]; codes[""] != want || codes[""]+codes["RESERVATION_OVER"] != 8 {
			t.Errorf("round %d: %v", round, codes)
		}
	}
	s.WantWallet(buyer, 900_00, 0)
	if n := s.Int(`SELECT count(*) FROM code WHERE order_id IS NOT NULL`); n != 10 {
		t.Errorf("%d codes are sold", n)
	}
}

// A payment at the instant at which its reservation ends: either all of it, or nothing.
func TestPaidAtItsEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	game, buyer := s.stocked(1, 60)[0], s.Buyer(1000_00)
	paid := int64(0)
	for i := range 60 {
		r := s.reserve(buyer, game)
		s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() + $2 * interval '1 microsecond' WHERE id = $1`, r, 1000+i%6*800)
		errs := domaintest.AtOnce(2, func(who int) error {
			if who == 0 {
				_, err := s.Checkout.Pay(t.Context(), buyer, pays(r, 10_00))
				return err
			}
			_, err := s.Inventory.ExpireDue(t.Context())
			return err
		})
		s.Must(errs[1])
		switch domaintest.Code(errs[0]) {
		case "":
			paid++
		case "RESERVATION_OVER":
		default:
			t.Fatal(errs[0])
		}
	}
	s.WantWallet(buyer, 1000_00-paid*10_00, 0)
	if n := s.Int(`SELECT count(*) FROM code WHERE order_id IS NOT NULL`); n != paid {
		t.Errorf("%d were paid, %d codes are sold", paid, n)
	}
	t.Logf("%d of 60 were paid in time", paid)
}
