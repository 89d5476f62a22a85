package auction_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

// unpaid is a lot that cards back, won and not paid for yet.
type unpaid struct {
	*domaintest.CardWorld

	lot     auction.Auction
	bidders []uuid.UUID // in the order of their bids, the last has won
	cards   []uuid.UUID
	order   order.Order
}

// newUnpaid lets some bid on a lot, each more than the one before; it does not sell below the reserve, where one is above zero.
func newUnpaid(t *testing.T, w *domaintest.CardWorld, reserve int64, cents ...int64) *unpaid {
	t.Helper()
	u := newBids(t, w, reserve, cents...)
	u.end()
	return u
}

// end closes the lot, which the last bidder has won.
func (u *unpaid) end() {
	u.T.Helper()
	u.lot = u.Close(u.lot.ID)
	u.order = u.OrderOf(u.lot.ID, u.bidders[len(u.bidders)-1])
}

func newBids(t *testing.T, w *domaintest.CardWorld, reserve int64, cents ...int64) *unpaid {
	t.Helper()
	u := &unpaid{CardWorld: w}
	seller := w.User(identity.Seller)
	in := auction.StartInput{Listing: w.Listing(seller), Backing: auction.ByCard, StartPrice: domaintest.EUR(10_00), Duration: time.Hour}
	if reserve > 0 {
		in.Reserve = new(domaintest.EUR(reserve))
	}
	var err error
	u.lot, err = w.Auctions.Start(t.Context(), seller, in)
	w.Must(err)
	for i, c := range cents {
		bidder := w.Buyer(500_00)
		card := u.card(bidder, i == len(cents)-1)
		_, err := w.Auctions.Place(t.Context(), bidder, auction.PlaceInput{Auction: u.lot.ID, Amount: domaintest.EUR(c), Card: &card, IdempotencyKey: uuid.NewString()})
		w.Must(err)
		u.bidders, u.cards = append(u.bidders, bidder), append(u.cards, card)
	}
	return u
}

// known are methods that the provider knows, one for each card of a world that is to pay.
var known = []string{"pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_discover", "pm_card_mastercard_debit", "pm_card_mastercard_prepaid"}

// card is a saved card of a bidder's, which the provider knows where it is to pay, as long as there are such.
func (u *unpaid) card(bidder uuid.UUID, pays bool) uuid.UUID {
	u.T.Helper()
	if used := u.Int("SELECT count(*) FROM card WHERE method_id LIKE 'pm_card_%'"); pays && int(used) < len(known) {
		return u.Card(bidder, known[used])
	}
	card := id.New()
	u.Exec(`INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year)
		VALUES ($1, $2, 'stripe', $3, 'visa', '4242', 12, 2040)`, card, bidder, "pm_"+card.String())
	return card
}

// late brings the time to pay an order to now.
func (u *unpaid) late(o uuid.UUID) {
	u.T.Helper()
	u.Exec("UPDATE orders SET pay_by = clock_timestamp() WHERE id = $1", o)
}

// expire cancels an order that was not paid, and answers the offer that follows, nil where none does.
func (u *unpaid) expire(o uuid.UUID) *auction.Chance {
	u.T.Helper()
	u.late(o)
	done, err := u.Auctions.ExpireOrder(u.Ctx(), o)
	u.Must(err)
	if !done {
		u.T.Fatal("the order did not expire")
	}
	return u.open()
}

// open is the lot's open offer, nil where there is none.
func (u *unpaid) open() *auction.Chance {
	u.T.Helper()
	var found *auction.Chance
	for _, bidder := range u.bidders {
		p, err := u.Auctions.Chances(u.Ctx(), bidder, page.Args{})
		u.Must(err)
		for _, c := range p.Nodes {
			if c.AuctionID == u.lot.ID && c.Status == auction.Offered {
				if found != nil {
					u.T.Errorf("two offers at once: %+v and %+v", *found, c)
				}
				found = &c
			}
		}
	}
	return found
}

// lapse brings the end of an offer to now.
func (u *unpaid) lapse(chance uuid.UUID) {
	u.T.Helper()
	u.Exec("ALTER TABLE second_chance DISABLE TRIGGER second_chance_guard")
	u.Exec("UPDATE second_chance SET offered_at = clock_timestamp() - interval '1 s', expires_at = clock_timestamp() WHERE id = $1", chance)
	u.Exec("ALTER TABLE second_chance ENABLE TRIGGER second_chance_guard")
}

// wantOffer insists that the lot is offered to a bidder at a price.
func (u *unpaid) wantOffer(c *auction.Chance, bidder int, cents int64) {
	u.T.Helper()
	if c == nil || c.BidderID != u.bidders[bidder] || c.Price != domaintest.EUR(cents) || c.Status != auction.Offered || !c.ExpiresAt.After(c.OfferedAt) {
		u.T.Fatalf("the offer is %+v, want bidder %d at %d", c, bidder, cents)
	}
	u.wantListing("RESERVED")
	u.Audited()
}

func (u *unpaid) wantListing(status string) {
	u.T.Helper()
	if l, err := u.Catalog.Get(u.Ctx(), u.lot.ListingID); err != nil || string(l.Status) != status {
		u.T.Errorf("the listing is %s, want %s: %v", l.Status, status, err)
	}
}

// heard is how often a user was told of a thing.
func (u *unpaid) heard(user uuid.UUID, kind feed.Kind, object id.ID) (n int) {
	u.T.Helper()
	for _, e := range u.Events(feed.Topic(user)) {
		about, err := feed.Object(e)
		u.Must(err)
		if e.Kind == string(kind) && about != nil && *about == object {
			n++
		}
	}
	return n
}

// The lot of an order that was not paid goes to those who bid less, one after the other, to three; then it is its seller's again.
func TestUnpaidLotIsOffered(t *testing.T) {
	t.Parallel()
	u := newUnpaid(t, domaintest.NewWithCards(t), 0, 20_00, 30_00, 40_00, 50_00, 62_00, 70_00)
	if done, err := u.Auctions.ExpireOrder(t.Context(), u.order.ID); done || err != nil {
		t.Fatalf("expired before its time: %v, %v", done, err)
	}
	first := u.expire(u.order.ID)
	u.wantOffer(first, 4, 62_00)
	o, err := u.Orders.Get(t.Context(), u.order.BuyerID, u.order.ID)
	if err != nil || o.Payment != order.Voided || o.Fulfilment != order.Cancelled || o.Reason == "" || o.PayBy != nil {
		t.Errorf("the order is %+v, %v", o, err)
	}
	u.WantEvents(o.ID, "CREATED CANCELLED")
	for _, party := range []uuid.UUID{o.BuyerID, o.SellerID} {
		if n := u.heard(party, feed.OrderExpired, o.NodeID()); n != 1 {
			t.Errorf("a party was told %d times", n)
		}
	}
	if n := u.heard(u.bidders[4], feed.SecondChanceChanged, first.NodeID()); n != 1 {
		t.Errorf("the bidder was told %d times", n)
	}
	if done, err := u.Auctions.ExpireOrder(t.Context(), u.order.ID); done || err != nil {
		t.Errorf("expired twice: %v, %v", done, err)
	}

	declined, err := u.Auctions.Decline(t.Context(), u.bidders[4], first.ID)
	if err != nil || declined.Status != auction.Declined || declined.ResolvedAt == nil {
		t.Fatalf("declined: %+v, %v", declined, err)
	}
	second := u.open()
	u.wantOffer(second, 3, 50_00)
	if again, err := u.Auctions.Decline(t.Context(), u.bidders[4], first.ID); err != nil || again != declined && again.ID != declined.ID {
		t.Errorf("declined again: %+v, %v", again, err)
	}
	if done, err := u.Auctions.ExpireChance(t.Context(), second.ID); done || err != nil {
		t.Fatalf("expired before its time: %v, %v", done, err)
	}
	u.lapse(second.ID)
	if _, _, err := u.Auctions.Accept(t.Context(), u.bidders[3], auction.AcceptInput{Chance: second.ID, IdempotencyKey: "late"}); !errors.Is(err, auction.ErrChanceOver) {
		t.Errorf("accepted after its time: %v", err)
	}
	if done, err := u.Auctions.ExpireChance(t.Context(), second.ID); !done || err != nil {
		t.Fatalf("expired: %v, %v", done, err)
	}
	third := u.open()
	u.wantOffer(third, 2, 40_00)
	if _, err := u.Auctions.Relist(t.Context(), u.lot.SellerID, u.lot.ID); domaintest.Code(err) != "LISTING_NOT_AVAILABLE" {
		t.Errorf("relisted while it is offered: %v", err)
	}
	u.Must2(u.Auctions.Decline(t.Context(), u.bidders[2], third.ID))
	if c := u.open(); c != nil {
		t.Errorf("a fourth is offered: %+v", c)
	}
	u.wantListing("ACTIVE")
	u.Audited()

	relisted, err := u.Auctions.Relist(t.Context(), u.lot.SellerID, u.lot.ID)
	if err != nil || *relisted.RelistedFrom != u.lot.ID || relisted.StartPrice != u.lot.StartPrice || relisted.Backing != u.lot.Backing || relisted.Status != auction.Open {
		t.Errorf("relisted: %+v, %v", relisted, err)
	}
	if _, err := u.Auctions.Relist(t.Context(), u.lot.SellerID, u.lot.ID); domaintest.Code(err) != "LISTING_NOT_AVAILABLE" {
		t.Errorf("relisted twice: %v", err)
	}
}

// Nobody is offered a lot who is banned, whose bid was taken back, whose best is below the reserve, or who did not pay for it; the
// best of several bids counts, and of equal ones the earlier.
func TestWhoIsOffered(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	u := newBids(t, w, 35_00, 20_00, 34_00, 40_00, 50_00, 62_00, 70_00)
	w.Exec("UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1", u.bidders[4])
	bids, err := w.Auctions.Bids(t.Context(), u.lot, page.Args{})
	w.Must(err)
	for _, bid := range bids.Nodes {
		if bid.BidderID == u.bidders[3] {
			w.Must2(w.Auctions.Cancel(t.Context(), w.User(identity.Support), bid.ID, "a slip of the finger"))
		}
	}
	u.end()
	only := u.expire(u.order.ID)
	u.wantOffer(only, 2, 40_00)
	_, o, err := u.Auctions.Accept(t.Context(), u.bidders[2], auction.AcceptInput{Chance: only.ID, Card: &u.cards[2], IdempotencyKey: "k"})
	w.Must(err)
	w.Audited()
	if c := u.expire(o.ID); c != nil {
		t.Errorf("offered below the reserve, or again: %+v", c)
	}
	u.wantListing("ACTIVE")
	u.Audited()

	alone := newUnpaid(t, w, 0, 20_00)
	if c := alone.expire(alone.order.ID); c != nil {
		t.Errorf("offered to %+v", c)
	}
	alone.wantListing("ACTIVE")
	alone.Audited()
}

// Who accepts pays from the wallet at once, or has an order to pay by the card that they name; once, however often they say so.
func TestAcceptSecondChance(t *testing.T) {
	t.Parallel()
	for name, card := range map[string]bool{"by the wallet": false, "by a card": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			u := newUnpaid(t, w, 0, 20_00, 30_00)
			c := u.expire(u.order.ID)
			u.wantOffer(c, 0, 20_00)
			before := w.Digest()
			in := auction.AcceptInput{Chance: c.ID, IdempotencyKey: "once"}
			foreign := u.cards[1]
			for code, bad := range map[string]struct {
				who uuid.UUID
				in  auction.AcceptInput
			}{
				"SECOND_CHANCE_NOT_FOUND": {u.bidders[1], in},
				"IDEMPOTENCY_KEY_INVALID": {u.bidders[0], auction.AcceptInput{Chance: c.ID}},
				"CARD_NOT_FOUND":          {u.bidders[0], auction.AcceptInput{Chance: c.ID, Card: &foreign, IdempotencyKey: "once"}},
			} {
				if _, _, err := u.Auctions.Accept(t.Context(), bad.who, bad.in); domaintest.Code(err) != code {
					t.Errorf("%v, want %s", err, code)
				}
			}
			if w.Digest() != before {
				t.Error("a refusal left something")
			}
			if card {
				in.Card = new(u.card(u.bidders[0], true))
			}
			got, o, err := u.Auctions.Accept(t.Context(), u.bidders[0], in)
			if err != nil || got.Status != auction.Accepted || *got.OrderID != o.ID || o.Total != domaintest.EUR(20_00) || o.BuyerID != u.bidders[0] {
				t.Fatalf("accepted: %+v, %+v, %v", got, o, err)
			}
			u.wantListing("SOLD")
			if card {
				if o.Payment != order.PaymentPending || o.PayBy == nil || *o.CardID != *in.Card {
					t.Errorf("the order is %+v", o)
				}
				_, p, err := w.Pay(o, *in.Card, 5_00)
				if err != nil || p.Status != payment.OrderAuthorised {
					t.Errorf("paid: %+v, %v", p, err)
				}
				w.WantWallet(u.bidders[0], 495_00, 5_00)
			} else {
				if o.Payment != order.Paid {
					t.Errorf("the order is %+v", o)
				}
				w.WantWallet(u.bidders[0], 480_00, 0)
			}
			w.Audited()
			before = w.Digest()
			if again, same, err := u.Auctions.Accept(t.Context(), u.bidders[0], in); err != nil || again.ID != got.ID || same.ID != o.ID {
				t.Errorf("again: %+v, %+v, %v", again, same, err)
			}
			if _, err := u.Auctions.Decline(t.Context(), u.bidders[0], c.ID); !errors.Is(err, auction.ErrChanceOver) {
				t.Errorf("declined afterwards: %v", err)
			}
			if w.Digest() != before {
				t.Error("a repetition left something")
			}
			for _, party := range []uuid.UUID{u.bidders[0], u.lot.SellerID} {
				if n := u.heard(party, feed.SecondChanceChanged, c.NodeID()); n != 2 {
					t.Errorf("a party was told %d times", n)
				}
			}
		})
	}
}

// A wallet that has too little leaves the offer open.
func TestAcceptWithoutFunds(t *testing.T) {
	t.Parallel()
	u := newUnpaid(t, domaintest.NewWithCards(t), 0, 600_00, 700_00)
	c := u.expire(u.order.ID)
	before := u.Digest()
	if _, _, err := u.Auctions.Accept(t.Context(), u.bidders[0], auction.AcceptInput{Chance: c.ID, IdempotencyKey: "k"}); !errors.Is(err, payment.ErrInsufficientFunds) {
		t.Errorf("accepted: %v", err)
	}
	if u.Digest() != before {
		t.Error("a refusal left something")
	}
	u.wantOffer(u.open(), 0, 600_00)
}

// An order that is due is paid or cancelled, whoever comes first: by the wallet, by a card, or with the card's answer lost.
func TestPaidAsItExpires(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	paid := 0
	for i := range 2 * len(known) {
		u := newUnpaid(t, w, 0, 20_00, 30_00)
		u.late(u.order.ID)
		winner, card := u.order.BuyerID, &u.cards[1]
		in := order.PayInput{Order: u.order.ID, IdempotencyKey: "pay"}
		if i < len(known) {
			in.Card, in.Wallet = card, new(domaintest.EUR(10_00))
		}
		var p payment.OrderPayment
		errs := domaintest.AtOnce(3, func(n int) (err error) {
			if n > 0 {
				_, err = u.Auctions.ExpireOrder(t.Context(), u.order.ID)
				return err
			}
			_, p, err = u.Orders.Pay(t.Context(), winner, in)
			return err
		})
		w.Must(errors.Join(errs[1], errs[2]))
		if p.ID != uuid.Nil {
			p = w.Advance(p.ID)
		}
		o, err := u.Orders.Get(t.Context(), winner, u.order.ID)
		w.Must(err)
		switch o.Fulfilment {
		case order.FulfilmentPending:
			paid++
			if errs[0] != nil || (o.Payment != order.Paid && o.Payment != order.Authorised) || u.open() != nil {
				t.Errorf("%d: paid: %+v, %v, offered: %+v", i, o, errs[0], u.open())
			}
			u.wantListing("SOLD")
		case order.Cancelled:
			if o.Payment != order.Voided || (p.ID != uuid.Nil && p.Status != payment.OrderVoided) {
				t.Errorf("%d: cancelled: %+v, %+v, %v", i, o, p, errs[0])
			}
			w.WantWallet(winner, 500_00, 0)
			u.wantOffer(u.open(), 0, 20_00)
		default:
			t.Errorf("%d: %+v", i, o)
		}
		w.Audited()
	}
	t.Logf("%d of %d were paid", paid, 2*len(known))
}

// A payment that is under way as its order expires is given up: what its card sets aside is let go, also where we are cut off from the
// provider just then.
func TestExpiresWhileItIsPaid(t *testing.T) {
	t.Parallel()
	for _, fault := range []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			u := newUnpaid(t, w, 0, 20_00, 30_00)
			w.Broken("confirm", fault)
			_, p, err := w.Pay(u.order, u.cards[1], 10_00)
			if err != nil || p.Status != payment.OrderProcessing {
				t.Fatalf("%+v, %v", p, err)
			}
			u.late(u.order.ID)
			if done, err := u.Auctions.ExpireOrder(t.Context(), u.order.ID); !done {
				t.Fatalf("not expired: %v", err)
			}
			u.wantOffer(u.open(), 0, 20_00)
			w.WantWallet(u.order.BuyerID, 500_00, 0)
			w.Mended(fault)
			if p = w.Advance(p.ID); p.Status != payment.OrderVoided {
				t.Errorf("the payment is %+v", p)
			}
			if o, err := u.Orders.Get(t.Context(), u.order.BuyerID, u.order.ID); err != nil || o.Payment != order.Voided {
				t.Errorf("the order is %+v, %v", o, err)
			}
			if n := len(w.Stripe.Journal()); n != 0 {
				t.Errorf("the provider moved %d times", n)
			}
			w.Audited()
		})
	}
}

// Accepting, declining and the end of the time come at once, from several servers: one of them is what happens.
func TestChanceAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	seen := map[auction.ChanceStatus]int{}
	for i := range 12 {
		u := newUnpaid(t, w, 0, 20_00, 30_00, 40_00)
		c := u.expire(u.order.ID)
		u.wantOffer(c, 1, 30_00)
		if i%3 == 0 {
			u.lapse(c.ID)
		}
		errs := domaintest.AtOnce(6, func(n int) (err error) {
			switch n % 3 {
			case 0:
				_, _, err = u.Auctions.Accept(t.Context(), u.bidders[1], auction.AcceptInput{Chance: c.ID, IdempotencyKey: strconv.Itoa(n)})
			case 1:
				_, err = u.Auctions.Decline(t.Context(), u.bidders[1], c.ID)
			case 2:
				_, err = u.Auctions.ExpireChance(t.Context(), c.ID)
			}
			return err
		})
		for n, err := range errs {
			if err != nil && !errors.Is(err, auction.ErrChanceOver) {
				t.Errorf("%d: %v", n, err)
			}
		}
		now, err := u.Auctions.Chance(t.Context(), u.bidders[1], c.ID)
		w.Must(err)
		seen[now.Status]++
		if now.Status == auction.Accepted {
			if o := w.OrderOf(u.lot.ID, u.bidders[1]); o.Payment != order.Paid || o.ID != *now.OrderID || u.open() != nil {
				t.Errorf("accepted: %+v, %+v", o, u.open())
			}
			w.WantWallet(u.bidders[1], 470_00, 0)
			u.wantListing("SOLD")
		} else {
			w.WantWallet(u.bidders[1], 500_00, 0)
			u.wantOffer(u.open(), 0, 20_00)
		}
		w.Audited()
	}
	if seen[auction.Expired] != 4 || seen[auction.Offered] != 0 {
		t.Errorf("%v", seen)
	}
	t.Logf("%v", seen)
}

// Two servers that sweep at once end each thing once.
func TestAftermathOfTwoServers(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	u := newUnpaid(t, w, 0, 20_00, 30_00, 40_00)
	u.late(u.order.ID)
	done := make([]bool, 8)
	for _, err := range domaintest.AtOnce(len(done), func(i int) (err error) {
		done[i], err = u.Auctions.ExpireOrder(t.Context(), u.order.ID)
		return err
	}) {
		w.Must(err)
	}
	n := 0
	for _, d := range done {
		if d {
			n++
		}
	}
	if n != 1 || w.Int("SELECT count(*) FROM second_chance") != 1 {
		t.Errorf("%d ended it, %d offers", n, w.Int("SELECT count(*) FROM second_chance"))
	}
	u.wantOffer(u.open(), 1, 30_00)
}

// Whatever a server's code believes, the database keeps what was offered and how it was answered.
func TestDatabaseGuardsChances(t *testing.T) {
	t.Parallel()
	u := newUnpaid(t, domaintest.NewWithCards(t), 0, 20_00, 30_00, 40_00)
	c := u.expire(u.order.ID)
	u.Must2(u.Auctions.Decline(t.Context(), u.bidders[1], c.ID))
	before := u.Digest()
	for name, statement := range map[string]string{
		"the price":             "UPDATE second_chance SET amount = amount - 1 WHERE status = 'OFFERED'",
		"the time":              "UPDATE second_chance SET expires_at = expires_at + interval '1 day' WHERE status = 'OFFERED'",
		"the answer":            "UPDATE second_chance SET status = 'EXPIRED' WHERE status = 'DECLINED'",
		"accepted, no order":    "UPDATE second_chance SET status = 'ACCEPTED', resolved_at = now() WHERE status = 'OFFERED'",
		"a deletion":            "DELETE FROM second_chance",
		"a second live order":   "INSERT INTO orders (id, buyer_id, seller_id, listing_id, auction_id, total, fee, currency) SELECT gen_random_uuid(), buyer_id, seller_id, listing_id, auction_id, total, fee, currency FROM orders, generate_series(1, 2)",
		"an offer to one twice": "INSERT INTO second_chance SELECT gen_random_uuid(), auction_id, 3, bidder_id, bid_id, amount, currency, 'EXPIRED', NULL, offered_at, expires_at, now() FROM second_chance WHERE status = 'OFFERED'",
	} {
		if _, err := u.Pool.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s could be changed", name)
		}
	}
	if u.Digest() != before {
		t.Error("something changed")
	}
}
