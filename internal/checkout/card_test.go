package checkout_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
)

func setupWithCards(t *testing.T) (*shop, *domaintest.CardWorld) {
	t.Helper()
	w := domaintest.NewWithCards(t)
	s := &shop{World: w.World}
	s.seller = s.User(identity.Seller)
	return s, w
}

// An order whose card is refused waits for its payment with its goods, and gives them back when its time is over; one that was paid in
// another way stays.
func TestACardThatIsRefused(t *testing.T) {
	t.Parallel()
	s, w := setupWithCards(t)
	defer s.Audited()
	mine, theirs, buyer := s.shirts(s.seller, 1, 9)[0], s.shirts(s.User(identity.Seller), 1, 9)[0], s.Buyer(25_00)
	vase := s.Listing(s.seller)
	s.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, vase)
	s.put(buyer, 2, mine, theirs)
	s.put(buyer, 1, vase)
	in, declines := agreed(s.quoted(buyer)), w.Card(buyer, "pm_card_chargeCustomerFail")
	in.Card, in.Wallet = &declines, new(domaintest.EUR(5_00))
	orders, err := s.Checkout.Confirm(t.Context(), buyer, in)
	if domaintest.Code(err) != "CARD_DECLINED" || len(orders) != 2 || orders[0].Payment != order.PaymentPending || orders[1].PayBy == nil {
		t.Fatalf("%+v, %v", orders, err)
	}
	s.WantWallet(buyer, 25_00, 0) // what was held for it is free again
	if again, err := s.Checkout.Confirm(t.Context(), buyer, in); err != nil || again[0].ID != orders[0].ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	if s.onHand(mine)+s.onHand(theirs) != 14 {
		t.Error("the goods are not theirs")
	}
	if _, _, err := s.Orders.Pay(t.Context(), buyer, order.PayInput{Order: orders[1].ID, IdempotencyKey: "k"}); err != nil {
		t.Error(err)
	}
	s.Exec(`UPDATE orders SET pay_by = clock_timestamp() WHERE buyer_id = $1`, buyer)
	for _, o := range orders {
		for range 2 {
			if _, err := s.Auctions.ExpireOrder(t.Context(), o.ID); err != nil {
				t.Error(err)
			}
		}
	}
	first, err := s.Orders.Get(t.Context(), buyer, orders[0].ID)
	if err != nil || first.Payment != order.Voided || first.Fulfilment != order.Cancelled {
		t.Errorf("%+v, %v", first, err)
	}
	if s.onHand(mine) != 9 || s.onHand(theirs) != 7 {
		t.Errorf("%d and %d are there", s.onHand(mine), s.onHand(theirs))
	}
	if l, err := s.Catalog.Get(t.Context(), vase); err != nil || l.Status != "ACTIVE" {
		t.Errorf("the vase: %+v, %v", l, err)
	}
	s.WantWallet(buyer, 5_00, 0)
	if n := s.Int(`SELECT count(*) FROM event WHERE kind = 'ORDER_EXPIRED'`); n != 2 {
		t.Errorf("%d were told", n)
	}
}

// One order by card and one by both, each charged as its own seller ships, each released to them.
func TestCardAndWallet(t *testing.T) {
	t.Parallel()
	s, w := setupWithCards(t)
	defer s.Audited()
	other, buyer := s.User(identity.Seller), s.Buyer(25_00)
	s.put(buyer, 2, s.shirts(s.seller, 1, 9)[0], s.shirts(other, 1, 9)[0], s.stocked(1, 5)[0])
	in, visa := agreed(s.quoted(buyer)), w.Card(buyer, "pm_card_visa")
	in.Card, in.Wallet = &visa, new(domaintest.EUR(25_00))
	orders, err := s.Checkout.Confirm(t.Context(), buyer, in)
	s.Must(err)
	for i, want := range []struct {
		payment      order.Payment
		wallet, card int64
	}{{order.Authorised, 5_00, 15_00}, {order.Authorised, 0, 20_00}, {order.Paid, 20_00, 0}} {
		p := w.PaymentOf(orders[i])
		if orders[i].Payment != want.payment || p.WalletAmount.Minor != want.wallet || p.CardAmount.Minor != want.card {
			t.Errorf("order %d: %+v, %+v", i, orders[i], p)
		}
	}
	s.WantWallet(buyer, 0, 5_00)
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: other}, orders[1].ID, "Gone"))
	s.Must2(s.Orders.Ship(t.Context(), s.seller, orders[0].ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if got := s.Earned(s.seller); got != orders[0].Earnings().Minor {
		t.Errorf("the seller has %d", got)
	}
	s.WantWallet(buyer, 0, 0)
}

// Sixty-four people want ten pieces: ten of them have one, and the others are told that there is none.
func TestACrowdAtTheDoor(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	servers, shirt := []*domaintest.World{s.World, s.Another(t)}, s.shirts(s.seller, 1, 10)[0]
	buyers, homes := make([]uuid.UUID, 64), make([]*uuid.UUID, 64)
	for i := range buyers {
		buyers[i] = s.Buyer(10_00)
		s.put(buyers[i], 1, shirt)
		homes[i] = s.home(buyers[i])
	}
	codes := domaintest.Codes(domaintest.AtOnce(len(buyers), func(i int) error {
		at := servers[i%2].Checkout
		q, err := at.Quote(t.Context(), buyers[i], checkout.QuoteInput{Address: homes[i], IdempotencyKey: "k"})
		if err != nil {
			return err
		}
		orders, err := at.Confirm(t.Context(), buyers[i], agreed(q))
		if err == nil && (len(orders) != 1 || orders[0].Payment != order.Paid) {
			err = errors.New("it is not paid")
		}
		return err
	}))
	if codes[""] != 10 || codes["OUT_OF_STOCK"] != 54 {
		t.Errorf("%v", codes)
	}
	if n := s.Int(`SELECT count(*) FROM orders WHERE payment = 'PAID'`); n != 10 || s.onHand(shirt) != 0 {
		t.Errorf("%d orders, %d are left", n, s.onHand(shirt))
	}
}
