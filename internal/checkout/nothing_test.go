package checkout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
)

// gift is something that the seller gives away.
func (s *shop) gift() uuid.UUID {
	s.T.Helper()
	gift := id.New()
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency) VALUES ($1, $2, 'GIVEAWAY', 'A gift', '', 'GOOD', 0, 'EUR')`, gift, s.seller)
	return gift
}

// taken is an order over nothing of a buyer's.
func (s *shop) taken(buyer uuid.UUID) order.Order {
	s.T.Helper()
	s.put(buyer, 1, s.gift())
	orders, err := s.Checkout.Confirm(s.Ctx(), buyer, agreed(s.quoted(buyer)))
	if s.Must(err); len(orders) != 1 || !orders[0].Free() || orders[0].Payment != order.Paid || orders[0].PayBy != nil {
		s.T.Fatalf("%+v", orders)
	}
	return orders[0]
}

// moved is how much of an order's there is where money leaves a trace.
func (s *shop) moved(o order.Order) int64 {
	return s.Int(`SELECT (SELECT count(*) FROM ledger.entry WHERE cause_id = $1) + (SELECT count(*) FROM order_payment WHERE order_id = $1) + (SELECT count(*) FROM order_refund WHERE order_id = $1 AND wallet_amount + card_amount > 0)
		+ (SELECT count(*) FROM invoice_due WHERE order_id = $1)`, o.ID)
}

// What is given away goes from its quote to its completion and beyond without any money, and to every other end.
func TestGivenAway(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	seller := order.Actor{User: s.seller}
	listed := func(o order.Order, want string) {
		t.Helper()
		if l, err := s.Catalog.Get(t.Context(), o.ListingID); err != nil || string(l.Status) != want {
			t.Errorf("the gift is %s, want %s: %v", l.Status, want, err)
		}
	}
	for name, end := range map[string]func(buyer uuid.UUID, o order.Order){
		"received": func(buyer uuid.UUID, o order.Order) {
			s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
			s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, o.ID))
			s.Exec(`UPDATE orders SET settled_at = settled_at - interval '1 year', mature_by = clock_timestamp() WHERE id = $1`, o.ID)
			if done, err := s.Orders.Mature(t.Context(), o.ID); err != nil || !done {
				t.Error(done, err)
			}
			s.WantEvents(o.ID, "CREATED PAID SENT RECEIVED EARNINGS_AVAILABLE")
			listed(o, "SOLD")
		},
		"completed by time": func(_ uuid.UUID, o order.Order) {
			s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
			s.Exec(`UPDATE orders SET complete_by = clock_timestamp() WHERE id = $1`, o.ID)
			if done, err := s.Orders.Complete(t.Context(), o.ID); err != nil || !done {
				t.Error(done, err)
			}
		},
		"cancelled": func(buyer uuid.UUID, o order.Order) {
			if _, err := s.Orders.Cancel(t.Context(), order.Actor{User: buyer}, o.ID, ""); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
				t.Errorf("by its buyer: %v", err)
			}
			for range 2 {
				now, err := s.Orders.Cancel(t.Context(), seller, o.ID, "It broke")
				if s.Must(err); now.Payment != order.Refunded || now.Fulfilment != order.Cancelled {
					t.Errorf("%+v", now)
				}
			}
			listed(o, "ACTIVE")
		},
		"refunded": func(_ uuid.UUID, o order.Order) {
			s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
			if _, err := s.Orders.Refund(t.Context(), seller, order.RefundInput{Order: o.ID, Amount: new(domaintest.EUR(1)), IdempotencyKey: "much"}); domaintest.Code(err) != "REFUND_TOO_LARGE" {
				t.Errorf("a cent: %v", err)
			}
			for range 2 {
				now, err := s.Orders.Refund(t.Context(), seller, order.RefundInput{Order: o.ID, IdempotencyKey: "k"})
				if s.Must(err); now.Payment != order.Refunded || now.Fulfilment != order.Sent {
					t.Errorf("%+v", now)
				}
			}
		},
		"refunded before it is sent": func(_ uuid.UUID, o order.Order) {
			s.Must2(s.Orders.Refund(t.Context(), seller, order.RefundInput{Order: o.ID, IdempotencyKey: "n"}))
			listed(o, "ACTIVE")
		},
	} {
		buyer := s.Buyer(0)
		o := s.taken(buyer)
		end(buyer, o)
		if n := s.moved(o); n != 0 {
			t.Errorf("%s: %d traces of money", name, n)
		}
	}
}

// A coupon of the seller's may take all of it, of goods and of codes, beside what is paid, and with a card named.
func TestAllOfItTakenOff(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	s.registers(s.seller, "FR", "FR 83 404 833 048")
	buyer := s.Buyer(10_00)
	shirt, game, theirs := s.shirts(s.seller, 1, 9)[0], s.stocked(1, 9)[0], s.shirts(s.User(identity.Seller), 1, 9)[0]
	s.put(buyer, 2, shirt, game)
	s.put(buyer, 1, theirs)
	all := s.offers(func(in *promotion.Input) { in.BasisPoints = new(10_000) })
	q, err := s.wants(buyer, *all.Code)
	if s.Must(err); q.Total != domaintest.EUR(10_00) {
		t.Fatalf("%+v", q)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	free := 0
	for _, o := range orders {
		if o.Free() {
			free++
			if o.Payment != order.Paid || s.moved(o) != 0 {
				t.Errorf("%+v", o)
			}
		}
	}
	if free != 2 {
		t.Errorf("%d are free", free)
	}
	s.WantWallet(buyer, 0, 0)
	if n := s.Int(`SELECT count(*) FROM code WHERE order_id IS NOT NULL`); n != 2 {
		t.Errorf("%d codes", n)
	}
	again := s.Buyer(0)
	s.put(again, 1, shirt)
	q, err = s.wants(again, *all.Code)
	s.Must(err)
	in := agreed(q)
	in.Card = s.unasked(again) // which has nothing to pay
	if orders, err := s.Checkout.Confirm(t.Context(), again, in); err != nil || orders[0].Payment != order.Paid {
		t.Errorf("%+v, %v", orders, err)
	}
	if got := s.onHand(shirt); got != 6 {
		t.Errorf("%d shirts are left", got)
	}
}

// What bringing a giveaway costs is its buyer's to pay, or theirs alone to give who gets something for it.
func TestAGiveawayThatIsSent(t *testing.T) {
	t.Parallel()
	s, _ := withVan(t)
	defer s.Audited()
	free := byVan()
	free.Free = true
	buyer := s.Buyer(4_00)
	s.put(buyer, 1, s.gift())
	s.sends(free)
	if _, err := s.choose(buyer, s.home(buyer), "", nil); domaintest.Code(err) != "CHARGES_EXCEED_PRICE" {
		t.Errorf("at its seller's cost: %v", err)
	}
	s.sends(byVan())
	q, err := s.choose(buyer, s.home(buyer), "", nil)
	if s.Must(err); q.Total != domaintest.EUR(4_00) {
		t.Fatalf("%+v", q)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	s.WantWallet(buyer, 0, 0)
	s.Must2(s.Orders.Ship(t.Context(), s.seller, orders[0].ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if got := s.Earned(s.seller); got != 0 {
		t.Errorf("the seller has %d", got)
	}
}

// Everybody wants one gift at the same instant, under one key and many: one has it.
func TestAGiveawayAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	servers := []*domaintest.World{s.World, s.Another(t)}
	for range 5 {
		gift := s.gift()
		var ins []checkout.ConfirmInput
		var buyers []uuid.UUID
		for range 3 {
			buyer := s.Buyer(0)
			s.put(buyer, 1, gift)
			buyers = append(buyers, buyer)
		}
		quotes := make([]checkout.Quote, len(buyers))
		codes := domaintest.Codes(domaintest.AtOnce(len(buyers), func(i int) (err error) {
			quotes[i], err = servers[i%2].Checkout.Quote(t.Context(), buyers[i], checkout.QuoteInput{Address: s.home(buyers[i]), IdempotencyKey: "k"})
			return err
		}))
		if codes[""] != 1 || codes["OUT_OF_STOCK"] != 2 {
			t.Fatalf("quotes: %v", codes)
		}
		for i := range quotes {
			if quotes[i].ID != uuid.Nil {
				ins = append(ins, agreed(quotes[i]), agreed(quotes[i]))
				buyers = []uuid.UUID{buyers[i]}
				break
			}
		}
		codes = domaintest.Codes(domaintest.AtOnce(4, func(i int) error {
			_, err := servers[i%2].Checkout.Confirm(t.Context(), buyers[0], ins[i/2])
			return err
		}))
		if codes[""] != 2 || codes["QUOTE_CONFIRMED"] != 2 {
			t.Fatalf("confirmations: %v", codes)
		}
	}
	if n := s.Int(`SELECT count(*) FROM orders `); n != 5 {
		t.Errorf("%d orders", n)
	}
}

// Beside what is paid from a wallet in another currency, a gift takes nothing of it, and a gift alone is told in none.
func TestAGiftBesideYen(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer := s.User(identity.Buyer)
	s.Fund(buyer, money.New(20_000, "JPY"))
	gift := s.gift()
	s.put(buyer, 1, gift, s.shirts(s.User(identity.Seller), 1, 9)[0])
	q := s.quotedIn(buyer, "JPY")
	orders, err := s.Checkout.Confirm(t.Context(), buyer, exchanged(t, q))
	if s.Must(err); len(orders) != 2 || !orders[0].Free() || s.moved(orders[0]) != 0 || orders[1].Payment != order.Paid {
		t.Errorf("%+v", orders)
	}
	if got := s.wallet(buyer, "JPY"); got != 20_000-1634 {
		t.Errorf("%d yen are left", got)
	}
	s.put(buyer, 1, s.gift())
	if total, err := s.quotedIn(buyer, "JPY").ExchangeTotal(); err != nil || total != nil {
		t.Errorf("a gift alone: %v, %v", total, err)
	}
}

// free is an order over nothing of three of each of two things, of which there were nine, as a coupon of the seller's makes it.
func (s *shop) free(buyer uuid.UUID) (order.Order, []uuid.UUID) {
	s.T.Helper()
	shirts := s.shirts(s.seller, 2, 9)
	s.put(buyer, 3, shirts...)
	q, err := s.wants(buyer, *s.offers(func(in *promotion.Input) { in.BasisPoints = new(10_000) }).Code)
	s.Must(err)
	orders, err := s.Checkout.Confirm(s.Ctx(), buyer, agreed(q))
	if s.Must(err); len(orders) != 1 || !orders[0].Free() {
		s.T.Fatalf("%+v", orders)
	}
	return orders[0], shirts
}

// Lines of an order over nothing are refunded one by one, each once, and may be sold again; with the last of them it ends.
func TestLinesOfNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	o, shirts := s.free(s.Buyer(0))
	seller := order.Actor{User: s.seller}
	refund := func(key string, lines ...order.ReturnedLine) (order.Order, error) {
		return s.Orders.Refund(s.Ctx(), seller, order.RefundInput{Order: o.ID, Lines: lines, IdempotencyKey: key})
	}
	type line = order.ReturnedLine
	for range 2 {
		if now, err := refund("first", line{Number: 1, Quantity: 1}); err != nil || now.Payment != order.Paid || now.Fulfilment != order.FulfilmentPending || now.Version != o.Version+1 {
			t.Fatalf("%+v, %v", now, err)
		}
	}
	for key, c := range map[string]struct {
		line line
		code string
	}{
		"first": {line{Number: 1, Quantity: 2}, "IDEMPOTENCY_KEY_REUSED"}, "too-many": {line{Number: 1, Quantity: 3}, "ORDER_LINES_INVALID"}, "none": {line{Number: 1}, "ORDER_LINES_INVALID"},
		"no-such": {line{Number: 3, Quantity: 1}, "ORDER_LINES_INVALID"}, "not-sent": {line{Number: 2, Quantity: 1, Restock: true}, "RESTOCK_TOO_MANY"},
	} {
		if _, err := refund(key, c.line); domaintest.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", key, err, c.code)
		}
	}
	s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
	if now, err := refund("second", line{Number: 1, Quantity: 2, Restock: true}); err != nil || now.Payment != order.Paid || s.onHand(shirts[0]) != 8 {
		t.Fatalf("%+v, %v; %d are there", now, err, s.onHand(shirts[0]))
	}
	codes := domaintest.Codes(domaintest.AtOnce(4, func(int) error {
		_, err := refund(uuid.NewString(), line{Number: 2, Quantity: 2, Restock: true})
		return err
	}))
	if codes[""] != 1 || codes["ORDER_LINES_INVALID"]+codes["RESTOCK_TOO_MANY"] != 3 || s.onHand(shirts[1]) != 8 {
		t.Errorf("at once: %v; %d are there", codes, s.onHand(shirts[1]))
	}
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
	for range 2 {
		if now, err := refund("rest"); err != nil || now.Payment != order.Refunded || now.Fulfilment != order.Received {
			t.Fatalf("%+v, %v", now, err)
		}
	}
	if _, err := refund("gone"); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("once more: %v", err)
	}
	s.WantEvents(o.ID, "CREATED PAID REFUNDED SENT"+strings.Repeat(" REFUNDED", 2)+" RECEIVED REFUNDED")
	refunds, err := s.Orders.Refunds(t.Context(), []uuid.UUID{o.ID})
	if s.Must(err); len(refunds[o.ID]) != 4 || slices.ContainsFunc(refunds[o.ID], func(r order.Refund) bool { return r.Amount().Minor != 0 }) || s.moved(o) != 0 {
		t.Errorf("%+v", refunds)
	}
	// Whoever writes into the database: no more than was given, and of nothing alone.
	other := s.SaleBy(s.seller, s.Buyer(20_00), 20_00)
	for _, of := range []uuid.UUID{o.ID, other.ID} {
		_, err := s.Pool.Exec(t.Context(), `INSERT INTO order_refund (id, order_id, user_id, wallet_amount, card_amount, currency, fee_returned, seller_returned, reason, lines)
			VALUES (gen_random_uuid(), $1, $2, 0, 0, 'EUR', 0, 0, '', '[{"number": 1, "quantity": 1}]')`, of, s.seller)
		if !refusedAs(err, "SK303") {
			t.Errorf("%v", err)
		}
	}
}

// What comes back of an order over nothing ends it with the last of it, what was refunded before counted once.
func TestAReturnOfNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	o, shirts := s.free(s.Buyer(0))
	seller := order.Actor{User: s.seller}
	s.Must2(s.Orders.Ship(t.Context(), s.seller, o.ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
	back := func(key string, lines ...order.ReturnedLine) order.Order {
		t.Helper()
		s.Must2(s.Orders.RequestReturn(t.Context(), o.BuyerID, o.ID, order.ChangedMind, "It does not fit.", nil))
		s.Must2(s.Orders.AcceptReturn(t.Context(), seller, o.ID, "Send it back.", false))
		now, err := s.Orders.ReceiveReturn(t.Context(), seller, order.ReceivedInput{Order: o.ID, Lines: lines, Text: "The others are missing.", IdempotencyKey: key})
		s.Must(err)
		return now
	}
	s.Must2(s.Orders.Refund(t.Context(), seller, order.RefundInput{Order: o.ID, Lines: []order.ReturnedLine{{Number: 1, Quantity: 2}}, IdempotencyKey: "before"}))
	now := back("some", order.ReturnedLine{Number: 1, Quantity: 3, Restock: true})
	if now.Payment != order.Settled || now.Claim != order.ClaimEscalated || s.onHand(shirts[0]) != 9 {
		t.Fatalf("%+v", now)
	}
	s.Must2(s.Orders.RefuseClaim(t.Context(), order.Actor{User: s.User(identity.Support), Support: true}, o.ID, "They are yours."))
	if now = back("rest", order.ReturnedLine{Number: 2, Quantity: 3, Restock: true}); now.Payment != order.Refunded || now.Claim != "" || s.onHand(shirts[1]) != 9 {
		t.Errorf("%+v", now)
	}
	if n := s.Int(`SELECT count(*) FROM order_refund WHERE order_id = $1`, o.ID); n != 3 || s.moved(o) != 0 {
		t.Errorf("%d refunds", n)
	}
}
