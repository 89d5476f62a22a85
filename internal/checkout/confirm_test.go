package checkout_test

import (
	"flag"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
)

// confirmations is how many quotes are confirmed at once from everywhere, and at the instant of their end; make soak-checkout has more.
var confirmations = flag.Int("confirmations", 60, "how many quotes are confirmed at once")

// onHand is what of a variant is there.
func (s *shop) onHand(variant uuid.UUID) int64 {
	return s.Int(`SELECT coalesce(sum(on_hand - reserved), 0) FROM stock WHERE variant_id = $1`, variant)
}

// One order for each seller, and for codes; each goes its way: sent, received, released; refunded; cancelled, its goods back.
func TestConfirm(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	other, buyer := s.User(identity.Seller), s.Buyer(100_00)
	mine, theirs, game := s.shirts(s.seller, 2, 9), s.shirts(other, 1, 9)[0], s.stocked(1, 9)[0]
	vase := s.Listing(other)
	s.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, vase)
	s.put(buyer, 2, mine[0], theirs)
	s.put(buyer, 1, mine[1], game, vase)
	q := s.quoted(buyer)
	in := agreed(q)
	orders, err := s.Checkout.Confirm(t.Context(), buyer, in)
	if s.Must(err); len(orders) != 3 {
		t.Fatalf("%d orders", len(orders))
	}
	left := 100_00 - q.Total.Minor
	s.WantWallet(buyer, left, 0)
	for i, o := range orders {
		g := q.Groups[i]
		if o.ID != g.OrderID || o.Total != g.Total || o.Payment != order.Paid || (o.Fulfilment == order.Sent) != g.Digital || s.Balance(ledger.Escrow, o.ID) != o.Total.Minor || o.Fee != g.Charges[0].Amount {
			t.Errorf("order %d: %+v", i, o)
		}
	}
	s.WantEvents(orders[0].ID, "CREATED PAID")
	s.WantEvents(orders[2].ID, "CREATED PAID SENT")
	if n := s.Int(`SELECT count(*) FROM cart_line`); n != 0 {
		t.Errorf("%d lines are left in the cart", n)
	}
	lines, err := s.Orders.Lines(t.Context(), []uuid.UUID{orders[0].ID, orders[1].ID})
	s.Must(err)
	if l := lines[orders[0].ID]; len(l) != 2 || *l[0].Variant != mine[0] || l[0].Quantity != 2 || l[0].UnitPrice != domaintest.EUR(10_00) || l[0].Title != "A game" || !slices.Equal(l[1].Options, []string{"1"}) {
		t.Errorf("%+v", l)
	}
	charges, err := s.Orders.ChargesOf(t.Context(), []uuid.UUID{orders[1].ID})
	if s.Must(err); len(charges[orders[1].ID]) != 1 || charges[orders[1].ID][0].Amount != orders[1].Fee {
		t.Errorf("%+v", charges)
	}
	to, err := s.Checkout.ShipTo(t.Context(), []uuid.UUID{orders[0].ID, orders[2].ID})
	if s.Must(err); to[orders[0].ID].PostalCode != "75002" || len(to) != 1 {
		t.Errorf("sent to %+v", to)
	}

	s.Must2(s.Orders.Ship(t.Context(), s.seller, orders[0].ID, "LX 1"))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if got := s.Earned(s.seller); got != orders[0].Earnings().Minor {
		t.Errorf("the seller has %d", got)
	}
	if got := s.onHand(mine[0]); got != 7 {
		t.Errorf("%d are left of what was sold", got)
	}
	if got := orders[1].AvailableActions(order.AsSeller); !slices.Equal(got, []order.Action{order.ActionShip, order.ActionHandOver, order.ActionCancel, order.ActionRefund}) {
		t.Errorf("the seller may %v", got)
	}
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: other}, orders[1].ID, "It broke"))
	s.WantWallet(buyer, left+orders[1].Total.Minor, 0)
	if got := s.onHand(theirs); got != 9 {
		t.Errorf("%d of nine are there again", got)
	}
	if l, err := s.Catalog.Get(t.Context(), vase); err != nil || l.Status != "ACTIVE" {
		t.Errorf("the vase: %+v, %v", l, err)
	}
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: other}, orders[1].ID, "Again"))
	if got := s.onHand(theirs); got != 9 {
		t.Errorf("%d of nine after another cancellation", got)
	}
	s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: orders[2].ID, IdempotencyKey: "k"}))
	if got := s.onHand(game); got != 8 {
		t.Errorf("%d codes: one that was refunded is not sold again", got)
	}
	again, err := s.Checkout.Confirm(t.Context(), buyer, in)
	if s.Must(err); len(again) != 3 || again[0].ID != orders[0].ID || again[1].Payment != order.Refunded {
		t.Errorf("again: %+v", again)
	}
}

// A refund of all before it is sent brings the goods back as well; one in part does not.
func TestRefundedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	shirt, buyer := s.shirts(s.seller, 1, 9)[0], s.Buyer(100_00)
	s.put(buyer, 4, shirt)
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(s.quoted(buyer)))
	s.Must(err)
	for _, step := range []struct{ cents, left int64 }{{10_00, 5}, {30_00, 9}} {
		s.Must2(s.Orders.Refund(t.Context(), order.Actor{User: s.seller}, order.RefundInput{Order: orders[0].ID, Amount: new(domaintest.EUR(step.cents)), IdempotencyKey: uuid.NewString()}))
		if got := s.onHand(shirt); got != step.left {
			t.Errorf("after %d: %d are there", step.cents, got)
		}
	}
	s.WantWallet(buyer, 100_00, 0)
}

// What cannot be confirmed leaves everything as it was, the quote open.
func TestConfirmationsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	shirt, game := s.shirts(s.seller, 1, 100)[0], s.stocked(1, 50)[0]
	quoted := func(cents int64, variants ...uuid.UUID) (uuid.UUID, checkout.Quote) {
		buyer := s.Buyer(cents)
		s.put(buyer, 1, variants...)
		return buyer, s.quoted(buyer)
	}
	buyer, open := quoted(100_00, shirt)
	poor, dear := quoted(9_99, shirt)
	_, frozen := quoted(100_00, shirt)
	s.Must2(s.Payment.FreezeWallet(t.Context(), s.User(identity.Admin), frozen.UserID, "why"))
	_, late := quoted(100_00, shirt)
	s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE user_id = $1`, late.UserID)
	_, given := quoted(100_00, shirt)
	s.Exec(`UPDATE reservation SET status = 'RELEASED', ended_at = now() WHERE user_id = $1`, given.UserID)
	s.Exec(`UPDATE stock SET reserved = reserved - 1 WHERE variant_id = $1`, shirt)
	_, done := quoted(100_00, shirt)
	used := agreed(done)
	s.Must2(s.Checkout.Confirm(t.Context(), done.UserID, used))
	_, both := quoted(100_00, shirt, game)
	with := func(q checkout.Quote, change func(*checkout.ConfirmInput)) checkout.ConfirmInput {
		in := agreed(q)
		change(&in)
		return in
	}
	card := id.New()
	before := s.Int(`SELECT count(*) FROM ledger.entry`)
	for name, c := range map[string]struct {
		who  uuid.UUID
		in   checkout.ConfirmInput
		want string
	}{
		"no quote":                  {buyer, with(open, func(in *checkout.ConfirmInput) { in.Quote = id.New() }), "QUOTE_NOT_FOUND"},
		"another's":                 {poor, agreed(open), "QUOTE_NOT_FOUND"},
		"a cent less":               {buyer, with(open, func(in *checkout.ConfirmInput) { in.Total.Minor-- }), "PRICE_CHANGED"},
		"another currency":          {buyer, with(open, func(in *checkout.ConfirmInput) { in.Total.Currency = "USD" }), "PRICE_CHANGED"},
		"too little money":          {poor, agreed(dear), "INSUFFICIENT_FUNDS"},
		"a frozen wallet":           {frozen.UserID, agreed(frozen), "WALLET_FROZEN"},
		"late":                      {late.UserID, agreed(late), "QUOTE_OVER"},
		"given back":                {given.UserID, agreed(given), "QUOTE_OVER"},
		"confirmed":                 {done.UserID, agreed(done), "QUOTE_CONFIRMED"},
		"the key with other input":  {done.UserID, with(done, func(in *checkout.ConfirmInput) { in.IdempotencyKey = used.IdempotencyKey; in.Total.Minor-- }), "IDEMPOTENCY_KEY_REUSED"},
		"no key":                    {buyer, with(open, func(in *checkout.ConfirmInput) { in.IdempotencyKey = "" }), "IDEMPOTENCY_KEY_INVALID"},
		"the wallet pays a part":    {buyer, with(open, func(in *checkout.ConfirmInput) { in.Wallet = new(domaintest.EUR(9_00)) }), "CARD_REQUIRED"},
		"the wallet pays more":      {buyer, with(open, func(in *checkout.ConfirmInput) { in.Wallet = new(domaintest.EUR(10_01)) }), "PAYMENT_SPLIT_INVALID"},
		"the wallet pays less":      {buyer, with(open, func(in *checkout.ConfirmInput) { in.Wallet = new(domaintest.EUR(-1)) }), "PAYMENT_SPLIT_INVALID"},
		"the wallet pays yen":       {buyer, with(open, func(in *checkout.ConfirmInput) { in.Wallet = new(domaintest.EUR(10_00)); in.Wallet.Currency = "JPY" }), "CURRENCY_MISMATCH"},
		"a card pays nothing":       {buyer, with(open, func(in *checkout.ConfirmInput) { in.Wallet, in.Card = &open.Total, &card }), "PAYMENT_SPLIT_INVALID"},
		"no such card":              {buyer, with(open, func(in *checkout.ConfirmInput) { in.Card = &card }), "CARD_NOT_FOUND"},
		"a card pays too little":    {buyer, with(open, func(in *checkout.ConfirmInput) { in.Wallet, in.Card = new(domaintest.EUR(9_90)), &card }), "CARD_AMOUNT_TOO_SMALL"},
		"a card is to pay for code": {both.UserID, with(both, func(in *checkout.ConfirmInput) { in.Wallet, in.Card = new(domaintest.EUR(9_99)), &card }), "DIGITAL_BY_WALLET"},
	} {
		if _, err := s.Checkout.Confirm(t.Context(), c.who, c.in); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if n := s.Int(`SELECT count(*) FROM ledger.entry`) - before + s.Int(`SELECT count(*) FROM orders`) - 1; n != 0 {
		t.Errorf("%d entries and orders were made", n)
	}
	s.Fund(poor, domaintest.EUR(1))
	s.Must2(s.Checkout.Confirm(t.Context(), poor, agreed(dear)))
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, agreed(open)))
}

// One quote is confirmed at once from everywhere, by one key and by many, thousands of times: one set of orders.
func TestConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	rounds := *confirmations
	servers, buyer := []*domaintest.World{s.World, s.Another(t)}, s.Buyer(int64(rounds)*20_00)
	shirt, other := s.shirts(s.seller, 1, rounds)[0], s.shirts(s.User(identity.Seller), 1, rounds)[0]
	for round := range rounds {
		s.put(buyer, 1, shirt, other)
		q := s.quoted(buyer)
		in := agreed(q)
		codes := domaintest.Codes(domaintest.AtOnce(6, func(i int) error {
			mine := in
			if round%2 == 1 {
				mine.IdempotencyKey = uuid.NewString()
			}
			orders, err := servers[i%2].Checkout.Confirm(t.Context(), buyer, mine)
			if err == nil && (len(orders) != 2 || orders[0].ID != q.Groups[0].OrderID || orders[0].Payment != order.Paid) {
				t.Errorf("%+v", orders)
			}
			return err
		}))
		if want := map[bool]int{false: 6, true: 1}[round%2 == 1]; codes[""] != want || codes[""]+codes["QUOTE_CONFIRMED"] != 6 {
			t.Fatalf("round %d: %v", round, codes)
		}
	}
	s.WantWallet(buyer, 0, 0)
	if n := s.Int(`SELECT count(*) FROM orders`); n != int64(2*rounds) || s.onHand(shirt)+s.onHand(other) != 0 {
		t.Errorf("%d orders", n)
	}
}

// A quote is confirmed at the instant at which it runs out, while another takes its place, and while its goods are cancelled: all of it or nothing.
func TestConfirmedAtItsEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	rounds := *confirmations
	shirt, confirmed := s.shirts(s.seller, 1, rounds)[0], int64(0)
	for i := range rounds {
		buyer := s.Buyer(10_00) // each their own: nobody may have many quotes that they do not confirm
		home, left := s.home(buyer), int64(10_00)
		s.put(buyer, 1, shirt)
		q := s.quoted(buyer)
		if i%2 == 0 {
			s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() + $2 * interval '1 microsecond' WHERE user_id = $1 AND status = 'OPEN'`, buyer, 1000+i%6*800)
		}
		errs := domaintest.AtOnce(2, func(who int) (err error) {
			switch {
			case who == 0:
				_, err = s.Checkout.Confirm(t.Context(), buyer, agreed(q))
			case i%2 == 0:
				_, err = s.Inventory.ExpireDue(t.Context())
			default:
				_, err = s.Checkout.Quote(t.Context(), buyer, checkout.QuoteInput{Address: home, IdempotencyKey: uuid.NewString()})
			}
			return err
		})
		switch domaintest.Code(errs[0]) {
		case "":
			confirmed++
			left = 0
		case "QUOTE_OVER":
		default:
			t.Fatal(errs[0])
		}
		if code := domaintest.Code(errs[1]); code != "" && code != "CART_EMPTY" && code != "OUT_OF_STOCK" {
			t.Fatal(errs[1])
		}
		s.WantWallet(buyer, left, 0)
		s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE user_id = $1 AND status = 'OPEN'`, buyer) // for the next
	}
	if n := s.Int(`SELECT count(*) FROM orders`); n != confirmed {
		t.Errorf("%d were confirmed, %d orders are there", confirmed, n)
	}
	t.Logf("%d of %d were confirmed", confirmed, rounds)
}
