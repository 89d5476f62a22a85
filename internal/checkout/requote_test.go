package checkout_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
)

// thing is what exists once, at 10 euros.
func (s *shop) thing() uuid.UUID {
	s.T.Helper()
	listing := s.Listing(s.seller)
	s.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, listing)
	return listing
}

// still insists that a quote is open and that so many are set aside, and confirms it.
func (s *shop) still(what string, buyer uuid.UUID, q checkout.Quote, reserved int64) {
	s.T.Helper()
	now, err := s.Checkout.GetQuote(s.Ctx(), buyer, q.ID)
	s.Must(err)
	if n := s.Int(`SELECT sum(reserved) FROM stock`); now.Status != checkout.QuoteOpen || !now.ExpiresAt.Equal(q.ExpiresAt) || n != reserved {
		s.T.Errorf("%s: the quote before is %s until %s, %d are set aside", what, now.Status, now.ExpiresAt, n)
	}
	if n := s.Int(`SELECT count(*) FROM reservation WHERE user_id = $1 AND status = 'OPEN'`, buyer); n != 1 {
		s.T.Errorf("%s: %d reservations", what, n)
	}
}

// letGo gives back what a buyer has set aside.
func (s *shop) letGo(buyer uuid.UUID) {
	s.T.Helper()
	rows, err := s.Admin.Query(s.Ctx(), `SELECT id FROM reservation WHERE user_id = $1 AND status = 'OPEN'`, buyer)
	s.Must(err)
	open, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	s.Must(err)
	for _, r := range open {
		s.Must2(s.Inventory.Release(s.Ctx(), buyer, r))
	}
}

// A quote that is refused, for whatever, leaves its buyer the one before with its goods.
func TestARefusedQuoteLeavesTheOneBefore(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer, rival, stranger := s.Buyer(1000_00), s.Buyer(1000_00), s.home(s.Buyer(0))
	shirt, once, dear := s.shirts(s.seller, 1, 9)[0], s.thing(), s.shirts(s.seller, 1, 9)[0]
	s.Exec(`UPDATE variant SET price = $2 WHERE id = $1`, dear, int64(1)<<62)
	s.put(buyer, 4, shirt)
	s.put(buyer, 1, once)
	first := s.quoted(buyer)
	taken := s.reserve(rival, shirt) // one of the five that are left
	s.put(buyer, 4, shirt)
	in := checkout.QuoteInput{Address: s.home(buyer), IdempotencyKey: "k"}
	change := func(f func(*checkout.QuoteInput)) checkout.QuoteInput {
		mine := in
		f(&mine)
		return mine
	}
	refused := func(what string, in checkout.QuoteInput, want string) {
		t.Helper()
		if q, err := s.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != want {
			t.Errorf("%s: %+v, %v, want %s", what, q, err, want)
		}
		s.still(what, buyer, first, 5)
	}
	s.Exec(`UPDATE cart_line SET quantity = 9 WHERE variant_id = $1`, shirt) // of eight
	refused("too few", in, "OUT_OF_STOCK")
	s.Exec(`UPDATE cart_line SET quantity = 8 WHERE variant_id = $1`, shirt)
	refused("no address", change(func(in *checkout.QuoteInput) { in.Address = nil }), "ADDRESS_REQUIRED")
	refused("another's address", change(func(in *checkout.QuoteInput) { in.Address = stranger }), "ADDRESS_NOT_FOUND")
	refused("no such coupon", change(func(in *checkout.QuoteInput) { in.Coupons = []string{"NOTHING1"} }), "COUPON_UNKNOWN")
	refused("a choice of another seller", change(func(in *checkout.QuoteInput) { in.Shipping = []checkout.Choice{{Seller: rival}} }), "SHIPPING_OPTION_UNKNOWN")
	refused("what is not in the cart", change(func(in *checkout.QuoteInput) { in.Variants = []uuid.UUID{dear} }), "CART_LINE_NOT_FOUND")
	s.put(buyer, 9, dear)
	refused("beyond what is money", in, "AMOUNT_OUT_OF_RANGE")
	s.Exec(`DELETE FROM cart_line WHERE variant_id = $1`, dear)
	// With what is there it takes over what the first has, and the rest.
	in.IdempotencyKey = "another"
	next, err := s.Checkout.Quote(t.Context(), buyer, in)
	if s.Must(err); next.Total != domaintest.EUR(90_00) {
		t.Errorf("%+v", next)
	}
	if old, err := s.Checkout.GetQuote(t.Context(), buyer, first.ID); err != nil || old.Status != checkout.QuoteOver {
		t.Errorf("the first: %+v, %v", old, err)
	}
	s.still("the next", buyer, next, 9)
	if again, err := s.Checkout.Quote(t.Context(), buyer, in); err != nil || again.ID != next.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	s.Must2(s.Inventory.Release(t.Context(), rival, taken))
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(next)))
	if n := s.Int(`SELECT sum(on_hand) FROM stock WHERE variant_id = $1`, shirt) + s.Int(`SELECT sum(reserved) FROM stock`); n != 1 {
		t.Errorf("%d are left", n)
	}
}

// What a buyer quotes anew is nobody else's in between, and nobody is told that there is some again.
func TestQuotedAnewBeforeACrowd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	another, shirt, once := s.Another(t), s.shirts(s.seller, 1, 3)[0], s.thing()
	buyer, crowd := s.Buyer(1000_00), []uuid.UUID{s.User(identity.Buyer), s.User(identity.Buyer), s.User(identity.Buyer)}
	s.Exec(`INSERT INTO availability_wait (user_id, variant_id) VALUES ($1, $2)`, crowd[0], shirt)
	s.put(buyer, 3, shirt)
	s.put(buyer, 1, once)
	last, told := s.quoted(buyer), s.Int(`SELECT count(*) FROM wish_change`)
	home := s.home(buyer)
	for round := range 10 {
		errs := domaintest.AtOnce(len(crowd)+1, func(i int) (err error) {
			if i == len(crowd) {
				last, err = another.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: home, IdempotencyKey: uuid.NewString()})
				return err
			}
			variant := []uuid.UUID{shirt, once}[(i+round)%2]
			for range 5 {
				_, err = s.Inventory.Reserve(s.Ctx(), crowd[i], inventory.ReserveInput{Wants: []inventory.Want{{Variant: variant, Quantity: 1}}, IdempotencyKey: uuid.NewString()})
				if domaintest.Code(err) != "OUT_OF_STOCK" {
					break
				}
			}
			return err
		})
		s.Must(errs[len(crowd)])
		if codes := domaintest.Codes(errs[:len(crowd)]); codes["OUT_OF_STOCK"] != len(crowd) {
			t.Fatalf("round %d: %v", round, codes)
		}
	}
	s.still("the last", buyer, last, 3)
	if n := s.Int(`SELECT count(*) FROM wish_change`); n != told {
		t.Errorf("%d are told that there is some again", n-told)
	}
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(last)))
}

// Of a quote's confirmation and the next quote one comes first: what was bought is not quoted again, and what was quoted anew is not bought.
func TestConfirmedAndQuotedAnewAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	another, shirt := s.Another(t), s.shirts(s.seller, 1, 500)[0]
	for round := range 20 {
		buyer := s.Buyer(100_00)
		s.put(buyer, 2, shirt)
		q, home := s.quoted(buyer), s.home(buyer)
		errs := domaintest.AtOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Checkout.Confirm(s.Ctx(), buyer, agreed(q))
			} else {
				_, err = another.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: home, IdempotencyKey: "next"})
			}
			return err
		})
		confirmed, quoted := domaintest.Code(errs[0]), domaintest.Code(errs[1])
		open, orders := s.Int(`SELECT count(*) FROM reservation WHERE user_id = $1 AND status = 'OPEN'`, buyer), s.Int(`SELECT count(*) FROM orders WHERE buyer_id = $1`, buyer)
		switch {
		case confirmed == "" && quoted == "CART_EMPTY" && open == 0 && orders == 1:
		case confirmed == "QUOTE_OVER" && quoted == "" && open == 1 && orders == 0:
		default:
			t.Errorf("round %d: confirmed %v, quoted %v, %d open, %d orders", round, errs[0], errs[1], open, orders)
		}
	}
}

// Quotes of one cart at one instant, by keys of their own and by one: one is open in the end and has its goods, and no goods are set aside beside.
func TestQuotedAnewAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	servers, shirt, once := []*domaintest.World{s.World, s.Another(t)}, s.shirts(s.seller, 1, 2)[0], s.thing()
	buyer := s.Buyer(0)
	s.put(buyer, 2, shirt)
	s.put(buyer, 1, once)
	s.quoted(buyer)
	home := s.home(buyer)
	for round := range 10 {
		keys := []string{uuid.NewString(), uuid.NewString()}
		errs := domaintest.AtOnce(4, func(i int) error {
			_, err := servers[i/2].Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: home, IdempotencyKey: keys[i%2]})
			return err
		})
		for _, err := range errs {
			if err != nil {
				t.Fatalf("round %d: %v", round, errs)
			}
		}
		open := s.Int(`SELECT count(*) FROM quote q JOIN reservation r ON r.id = q.reservation_id WHERE r.status = 'OPEN'`)
		if n := s.Int(`SELECT sum(reserved) FROM stock`); open != 1 || n != 2 || s.Int(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`) != 1 {
			t.Fatalf("round %d: %d are open, %d are set aside", round, open, n)
		}
	}
}

// An offer's quote that is refused leaves the one before, and one that is not takes its goods over.
func TestAnOfferIsQuotedAnew(t *testing.T) {
	t.Parallel()
	h := haggling(t, 3)
	defer h.Audited()
	buyer := h.Buyer(100_00)
	o := h.accepted(buyer, 3)
	first := h.quotes(o)
	in := h.asks(o)
	in.Address = nil
	if _, err := h.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != "ADDRESS_REQUIRED" {
		t.Errorf("no address: %v", err)
	}
	h.still("no address", buyer, first, 3)
	next := h.quotes(o)
	h.still("the next", buyer, next, 3)
	if _, err := h.Checkout.Confirm(t.Context(), buyer, agreed(first)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Errorf("the first: %v", err)
	}
	// Of what has run out nothing is held, and somebody else may have it.
	h.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE status = 'OPEN'`)
	h.reserve(h.Buyer(0), h.shirt)
	if _, err := h.Checkout.Quote(t.Context(), buyer, h.asks(o)); domaintest.Code(err) != "OUT_OF_STOCK" {
		t.Errorf("what somebody else has: %v", err)
	}
}

// What another let run out is there for who quotes anew, before any job has been there.
func TestQuotedAnewWithWhatRanOut(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer, shirt := s.Buyer(0), s.shirts(s.seller, 1, 2)[0]
	s.put(buyer, 1, shirt)
	s.quoted(buyer)
	ran := s.reserve(s.Buyer(0), shirt)
	s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE id = $1`, ran)
	s.put(buyer, 1, shirt)
	if q := s.quoted(buyer); q.Total != domaintest.EUR(20_00) {
		t.Errorf("%+v", q)
	}
}
