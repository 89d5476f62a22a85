package checkout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
)

// haggle is a seller's shirts at 10 euros, of which buyers are given some for 6.
type haggle struct {
	*shop
	shirt uuid.UUID
}

func haggling(t *testing.T, stock int) *haggle {
	t.Helper()
	s := setup(t)
	h := &haggle{s, s.shirts(s.seller, 1, stock)[0]}
	s.Exec(`INSERT INTO listing_offers (listing_id, takes) SELECT listing_id, true FROM variant WHERE id = $1`, h.shirt)
	return h
}

// accepted is an offer for so many shirts at 6 euros each, that the seller has accepted.
func (h *haggle) accepted(buyer uuid.UUID, quantity int) offer.Offer {
	h.T.Helper()
	return h.acceptedOf(buyer, h.shirt, quantity)
}

func (h *haggle) acceptedOf(buyer, variant uuid.UUID, quantity int) offer.Offer {
	h.T.Helper()
	o, err := h.Offers.Make(h.Ctx(), buyer, offer.MakeInput{Variant: variant, Quantity: quantity, Price: domaintest.EUR(6_00)})
	h.Must(err)
	o, err = h.Offers.Move(h.Ctx(), o.SellerID, offer.MoveInput{Offer: o.ID, Version: o.Version, Action: offer.Accept})
	h.Must(err)
	return o
}

// asks is for a quote of an offer.
func (h *haggle) asks(o offer.Offer) checkout.QuoteInput {
	h.T.Helper()
	return checkout.QuoteInput{Offer: &o.ID, Address: h.home(o.BuyerID), IdempotencyKey: uuid.NewString()}
}

func (h *haggle) quotes(o offer.Offer) checkout.Quote {
	h.T.Helper()
	q, err := h.Checkout.Quote(h.Ctx(), o.BuyerID, h.asks(o))
	h.Must(err)
	return q
}

// now is an offer as it is.
func (h *haggle) now(o offer.Offer) offer.Offer {
	h.T.Helper()
	seen, err := h.Offers.SeenBy(h.Ctx(), o.BuyerID, false, []uuid.UUID{o.ID})
	h.Must(err)
	return seen[o.ID]
}

// tooLate lets an offer's own time be over.
func (h *haggle) tooLate(o offer.Offer) {
	h.T.Helper()
	h.Exec(`ALTER TABLE price_offer DISABLE TRIGGER price_offer_guard`)
	h.Exec(`UPDATE price_offer SET expires_at = clock_timestamp() WHERE id = $1`, o.ID)
	h.Exec(`ALTER TABLE price_offer ENABLE TRIGGER price_offer_guard`)
}

// What was agreed on is quoted at its price without the cart, and confirmed into an order at it: once.
func TestOfferCheckedOut(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	defer h.Audited()
	buyer := h.Buyer(100_00)
	h.put(buyer, 1, h.stocked(1, 1)[0]) // which stays in the cart
	o := h.accepted(buyer, 3)
	in := h.asks(o)
	q, err := h.Checkout.Quote(t.Context(), buyer, in)
	h.Must(err)
	line := q.Groups[0].Lines[0]
	if q.Total != domaintest.EUR(18_00) || len(q.Groups) != 1 || line.Quantity != 3 || line.UnitPrice != domaintest.EUR(6_00) || line.PriceChanged() || *q.Offer != o.ID {
		t.Errorf("%+v", q)
	}
	h.Exec(`UPDATE variant SET price = 9900 WHERE id = $1`, h.shirt)
	if again, err := h.Checkout.Quote(t.Context(), buyer, in); err != nil || again.ID != q.ID || again.Total != q.Total {
		t.Errorf("again: %+v, %v", again, err)
	}
	other := in
	other.Offer = nil
	if _, err := h.Checkout.Quote(t.Context(), buyer, other); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("the key for the cart: %v", err)
	}
	yes := agreed(q)
	orders, err := h.Checkout.Confirm(t.Context(), buyer, yes)
	if h.Must(err); len(orders) != 1 || orders[0].Total != domaintest.EUR(18_00) || orders[0].Payment != order.Paid || orders[0].Fee != domaintest.EUR(18_00).BasisPoints(domaintest.FeeBasisPoints) {
		t.Errorf("%+v", orders)
	}
	h.WantWallet(buyer, 82_00, 0)
	if got := h.onHand(h.shirt); got != 6 {
		t.Errorf("%d shirts are left", got)
	}
	if n := h.Int(`SELECT count(*) FROM cart_line`); n != 1 {
		t.Errorf("the cart has %d lines", n)
	}
	if got := h.now(o); got.LastStatus != offer.Used || *got.OrderID != orders[0].ID {
		t.Errorf("%+v", got)
	}
	if again, err := h.Checkout.Confirm(t.Context(), buyer, yes); err != nil || again[0].ID != orders[0].ID {
		t.Errorf("confirmed again: %+v, %v", again, err)
	}
	if _, err := h.Checkout.Confirm(t.Context(), buyer, agreed(q)); domaintest.Code(err) != "QUOTE_CONFIRMED" {
		t.Errorf("confirmed under another key: %v", err)
	}
	if again, err := h.Checkout.Quote(t.Context(), buyer, in); err != nil || again.Status != checkout.QuoteConfirmed {
		t.Errorf("quoted again by its key: %+v, %v", again, err)
	}
	if _, err := h.Checkout.Quote(t.Context(), buyer, h.asks(o)); domaintest.Code(err) != "OFFER_OVER" {
		t.Errorf("quoted anew: %v", err)
	}
	// What is cancelled does not come back as an offer, and its goods do.
	h.Must2(h.Orders.Cancel(t.Context(), order.Actor{User: h.seller}, orders[0].ID, ""))
	if got := h.now(o); got.LastStatus != offer.Used || h.onHand(h.shirt) != 9 {
		t.Errorf("cancelled: %+v, %d are there", got, h.onHand(h.shirt))
	}
}

// A new quote takes the place of the one before, of what exists once too, and so for another way to pay.
func TestOfferQuotedAgain(t *testing.T) {
	t.Parallel()
	h := haggling(t, 3)
	defer h.Audited()
	buyer := h.Buyer(100_00)
	once := h.Listing(h.seller)
	h.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, once)
	for _, o := range []offer.Offer{h.accepted(buyer, 3), h.acceptedOf(buyer, once, 1)} {
		first, second := h.quotes(o), h.quotes(o)
		if got, err := h.Checkout.GetQuote(t.Context(), buyer, first.ID); err != nil || got.Status != checkout.QuoteOver || second.Status != checkout.QuoteOpen {
			t.Errorf("%s and %s, %v", got.Status, second.Status, err)
		}
		if _, err := h.Checkout.Confirm(t.Context(), buyer, agreed(first)); domaintest.Code(err) != "QUOTE_OVER" {
			t.Errorf("the one before: %v", err)
		}
		h.Must2(h.Checkout.Confirm(t.Context(), buyer, agreed(second)))
	}
	h.WantWallet(buyer, 76_00, 0)
}

// Quotes of one offer that are asked for at the same instant: the last one's goods are set aside, and nothing else is.
func TestOfferQuotedAtOnce(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	defer h.Audited()
	servers := []*domaintest.World{h.World, h.Another(t)}
	for range 5 {
		o := h.accepted(h.Buyer(100_00), 1)
		ins := []checkout.QuoteInput{h.asks(o), h.asks(o), h.asks(o), h.asks(o)}
		ins[3].IdempotencyKey = ins[2].IdempotencyKey // a request that is sent twice
		quotes := make([]checkout.Quote, len(ins))
		domaintest.AtOnce(len(ins), func(i int) (err error) {
			quotes[i], err = servers[i%2].Checkout.Quote(t.Context(), o.BuyerID, ins[i])
			return err
		})
		open := h.Int(`SELECT count(*) FROM reservation r WHERE r.user_id = $1 AND r.status = 'OPEN' AND r.expires_at > clock_timestamp()`, o.BuyerID)
		kept := h.Int(`SELECT count(*) FROM quote q JOIN price_offer p ON p.reservation_id = q.reservation_id JOIN reservation r ON r.id = q.reservation_id WHERE p.id = $1 AND r.status = 'OPEN'`, o.ID)
		if open != 1 || kept != 1 {
			t.Fatalf("%d are set aside, of which %d are the offer's: %+v", open, kept, quotes)
		}
		h.Must2(h.Offers.Move(t.Context(), o.BuyerID, offer.MoveInput{Offer: o.ID, Version: o.Version, Action: offer.Withdraw}))
	}
}

// The listed price where it is lower by now; else what was agreed on, whatever is asked for since.
func TestOfferAndTheListedPrice(t *testing.T) {
	t.Parallel()
	h := haggling(t, 99)
	defer h.Audited()
	for name, c := range map[string]struct {
		set  string
		want money.Amount
	}{
		"dearer":         {`UPDATE variant SET price = 5000`, domaintest.EUR(6_00)},
		"a little":       {`UPDATE variant SET price = 601`, domaintest.EUR(6_00)},
		"cheaper":        {`UPDATE variant SET price = 599`, domaintest.EUR(5_99)},
		"in other money": {`UPDATE variant SET price = 100, currency = 'USD'`, domaintest.EUR(6_00)},
	} {
		buyer := h.Buyer(100_00)
		h.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, h.shirt)
		o := h.accepted(buyer, 1)
		h.Exec(c.set+` WHERE id = $1`, h.shirt)
		q := h.quotes(o)
		if l := q.Groups[0].Lines[0]; l.UnitPrice != c.want || l.PriceSeen.Minor != 6_00 || l.PriceChanged() != (c.want.Minor != 6_00) {
			t.Errorf("%s: %+v", name, l)
		}
		h.Must2(h.Checkout.Confirm(t.Context(), buyer, agreed(q)))
		h.WantWallet(buyer, 100_00-c.want.Minor, 0)
	}
}

// What can't be checked out leaves nothing set aside, and says why.
func TestOffersThatAreNotCheckedOut(t *testing.T) {
	t.Parallel()
	h := haggling(t, 50)
	defer h.Audited()
	open, err := h.Offers.Make(t.Context(), h.Buyer(0), offer.MakeInput{Variant: h.shirt, Quantity: 1, Price: domaintest.EUR(6_00)})
	h.Must(err)
	withdrawn, late, tooMany, beside, nowhere := h.accepted(h.Buyer(0), 1), h.accepted(h.Buyer(0), 1), h.accepted(h.Buyer(0), 51), h.accepted(h.Buyer(0), 1), h.accepted(h.Buyer(0), 1)
	h.Must2(h.Offers.Move(t.Context(), withdrawn.BuyerID, offer.MoveInput{Offer: withdrawn.ID, Version: withdrawn.Version, Action: offer.Withdraw}))
	h.tooLate(late)
	once := h.Listing(h.seller)
	h.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, once)
	sold, mine := h.acceptedOf(h.Buyer(0), once, 1), h.acceptedOf(h.Buyer(100_00), once, 1)
	h.Must2(h.Checkout.Confirm(t.Context(), mine.BuyerID, agreed(h.quotes(mine))))
	hidden := h.acceptedOf(h.Buyer(0), h.open(), 1)
	h.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, hidden.ListingID)
	ended := h.acceptedOf(h.Buyer(0), h.open(), 1)
	h.Exec(`UPDATE listing SET status = 'ENDED' WHERE id = $1`, ended.ListingID)
	coupon := h.offers(func(in *promotion.Input) { in.BasisPoints = new(10_000) })
	for name, c := range map[string]struct {
		who  uuid.UUID
		of   offer.Offer
		add  func(*checkout.QuoteInput)
		want string
	}{
		"that nobody has accepted":      {open.BuyerID, open, nil, "OFFER_NOT_ACCEPTED"},
		"that was taken back":           {withdrawn.BuyerID, withdrawn, nil, "OFFER_OVER"},
		"after its time":                {late.BuyerID, late, nil, "OFFER_OVER"},
		"of more than there are":        {tooMany.BuyerID, tooMany, nil, "OUT_OF_STOCK"},
		"of what was sold meanwhile":    {sold.BuyerID, sold, nil, "OUT_OF_STOCK"},
		"of what is hidden":             {hidden.BuyerID, hidden, nil, "OUT_OF_STOCK"},
		"of what has ended":             {ended.BuyerID, ended, nil, "OUT_OF_STOCK"},
		"another's":                     {open.BuyerID, beside, func(in *checkout.QuoteInput) { in.Address = nil }, "OFFER_NOT_FOUND"},
		"the seller's own":              {h.seller, beside, func(in *checkout.QuoteInput) { in.Address = nil }, "OFFER_NOT_FOUND"},
		"that there is not":             {beside.BuyerID, offer.Offer{ID: uuid.New(), BuyerID: beside.BuyerID}, nil, "OFFER_NOT_FOUND"},
		"beside lines of the cart":      {beside.BuyerID, beside, func(in *checkout.QuoteInput) { in.Variants = []uuid.UUID{h.shirt} }, "OFFER_ALONE"},
		"without an address":            {nowhere.BuyerID, nowhere, func(in *checkout.QuoteInput) { in.Address = nil }, "ADDRESS_REQUIRED"},
		"with a coupon of its seller's": {beside.BuyerID, beside, func(in *checkout.QuoteInput) { in.Coupons = []string{*coupon.Code} }, "COUPON_NOT_FOR_THIS"},
	} {
		in := h.asks(c.of)
		if c.add != nil {
			c.add(&in)
		}
		before := h.Int(`SELECT count(*) FROM quote`)
		if _, err := h.Checkout.Quote(t.Context(), c.who, in); domaintest.Code(err) != c.want {
			t.Errorf("an offer %s: %v, want %s", name, err, c.want)
		}
		if n := h.Int(`SELECT count(*) FROM quote`) - before + h.Int(`SELECT count(*) FROM reservation WHERE status = 'OPEN'`); n != 0 {
			t.Errorf("an offer %s: %d quotes and reservations", name, n)
		}
	}
}

// open is a thing at 10 euros.
func (h *haggle) open() uuid.UUID {
	h.T.Helper()
	listing := h.Listing(h.seller)
	h.Exec(`UPDATE variant SET price = 1000, currency = 'EUR' WHERE id = $1`, listing)
	return listing
}

// A party who is banned after it was agreed checks nothing out; what was quoted before binds, as of a cart.
func TestOfferOfSomebodyBanned(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	defer h.Audited()
	o, quoted := h.accepted(h.Buyer(100_00), 1), h.accepted(h.Buyer(100_00), 1)
	q := h.quotes(quoted)
	h.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, h.seller)
	if _, err := h.Checkout.Quote(t.Context(), o.BuyerID, h.asks(o)); domaintest.Code(err) != "OUT_OF_STOCK" {
		t.Errorf("of a banned seller: %v", err)
	}
	h.Must2(h.Checkout.Confirm(t.Context(), quoted.BuyerID, agreed(q)))
}

// A quote that was made in time binds its own time, though the offer's be over, and nobody ends the offer before.
func TestOfferQuotedInItsTime(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	defer h.Audited()
	o, left := h.accepted(h.Buyer(100_00), 1), h.accepted(h.Buyer(100_00), 1)
	q, other := h.quotes(o), h.quotes(left)
	h.tooLate(o)
	h.tooLate(left)
	if n, err := h.Offers.ExpireDue(t.Context()); err != nil || n != 0 {
		t.Errorf("%d end before their quotes do, %v", n, err)
	}
	if got := h.now(o); got.StatusAt(time.Now()) != offer.Accepted || len(got.ActionsAt(offer.Buyer, time.Now())) != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := h.Checkout.Quote(t.Context(), o.BuyerID, h.asks(o)); domaintest.Code(err) != "OFFER_OVER" {
		t.Errorf("another quote: %v", err)
	}
	h.Must2(h.Checkout.Confirm(t.Context(), o.BuyerID, agreed(q)))
	h.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE status = 'OPEN'`)
	h.Exec(`ALTER TABLE price_offer DISABLE TRIGGER price_offer_guard`)
	h.Exec(`UPDATE price_offer SET quoted_until = clock_timestamp() WHERE id = $1`, left.ID)
	h.Exec(`ALTER TABLE price_offer ENABLE TRIGGER price_offer_guard`)
	if n, err := h.Offers.ExpireDue(t.Context()); err != nil || n != 1 {
		t.Errorf("%d end, %v", n, err)
	}
	if _, err := h.Checkout.Confirm(t.Context(), left.BuyerID, agreed(other)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Errorf("after the quote's time: %v", err)
	}
}

// An offer that is taken back takes its quote with it.
func TestOfferWithdrawnAfterItsQuote(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	defer h.Audited()
	o := h.accepted(h.Buyer(100_00), 1)
	q := h.quotes(o)
	h.Must2(h.Offers.Move(t.Context(), o.BuyerID, offer.MoveInput{Offer: o.ID, Version: o.Version, Action: offer.Withdraw}))
	if got, err := h.Checkout.GetQuote(t.Context(), o.BuyerID, q.ID); err != nil || got.Status != checkout.QuoteOver {
		t.Errorf("%s, %v", got.Status, err)
	}
	if _, err := h.Checkout.Confirm(t.Context(), o.BuyerID, agreed(q)); domaintest.Code(err) != "QUOTE_OVER" {
		t.Error(err)
	}
	h.WantWallet(o.BuyerID, 100_00, 0)
}

// Sellers' promotions take nothing off of what was agreed on; the platform's do.
func TestOfferAndPromotions(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	defer h.Audited()
	h.offers(func(in *promotion.Input) { in.Code, in.BasisPoints = nil, new(5_000) })
	buyer := h.Buyer(100_00)
	h.put(buyer, 1, h.shirt)
	if q := h.quoted(buyer); q.Total != domaintest.EUR(5_00) {
		t.Errorf("of the cart: %s", q.Total)
	}
	o := h.accepted(buyer, 1)
	if q := h.quotes(o); q.Total != domaintest.EUR(6_00) {
		t.Errorf("of the offer: %s", q.Total)
	}
}

// Quotes of one offer that are confirmed at once, at several servers and with the offer being taken back: one makes its order, or none where it was taken back.
func TestOfferUsedAtOnce(t *testing.T) {
	t.Parallel()
	h := haggling(t, 500)
	defer h.Audited()
	servers := []*domaintest.World{h.World, h.Another(t)}
	seller, used := h.seller, 0
	for round := range 10 {
		buyer := h.Buyer(100_00)
		o := h.accepted(buyer, 1)
		in := h.asks(o)
		var quotes [4]checkout.Quote
		errs := domaintest.AtOnce(len(quotes), func(i int) (err error) { // none of them sees another's
			mine := in
			mine.IdempotencyKey = uuid.NewString()
			quotes[i], err = servers[i%2].Checkout.Quote(t.Context(), buyer, mine)
			return err
		})
		for i, err := range errs {
			if err != nil {
				t.Fatalf("quote %d: %v", i, err)
			}
		}
		errs = domaintest.AtOnce(len(quotes)+round%2, func(i int) error {
			if i == len(quotes) {
				_, err := h.Offers.Move(t.Context(), buyer, offer.MoveInput{Offer: o.ID, Version: o.Version, Action: offer.Withdraw})
				return err
			}
			_, err := servers[i%2].Checkout.Confirm(t.Context(), buyer, agreed(quotes[i]))
			return err
		})
		codes := domaintest.Codes(errs[:len(quotes)])
		now, orders := h.now(o), h.Int(`SELECT count(*) FROM orders WHERE buyer_id = $1`, buyer)
		switch {
		case now.LastStatus == offer.Used && codes[""] == 1 && codes["QUOTE_OVER"] == len(quotes)-1 && orders == 1:
			used++
			h.WantWallet(buyer, 94_00, 0)
		case round%2 == 1 && now.LastStatus == offer.Withdrawn && codes["QUOTE_OVER"] == len(quotes) && orders == 0:
			h.WantWallet(buyer, 100_00, 0)
		default:
			t.Errorf("round %d: %v, and the offer is %s with %d orders", round, errs, now.LastStatus, orders)
		}
	}
	if h.seller = seller; used < 5 {
		t.Errorf("%d were used", used)
	}
}

// A confirmation as its quote, and its offer, run out: all of it, or nothing, and then the offer has expired.
func TestOfferConfirmedAtItsEnd(t *testing.T) {
	t.Parallel()
	h := haggling(t, 100)
	defer h.Audited()
	paid := 0
	for i := range 20 {
		buyer := h.Buyer(100_00)
		o := h.accepted(buyer, 1)
		q := h.quotes(o)
		h.Exec(`ALTER TABLE price_offer DISABLE TRIGGER price_offer_guard`)
		h.Exec(`WITH r AS (UPDATE reservation SET expires_at = clock_timestamp() + $2 * interval '1 microsecond' WHERE user_id = $1 RETURNING user_id, expires_at)
			UPDATE price_offer f SET expires_at = r.expires_at, quoted_until = r.expires_at FROM r WHERE f.buyer_id = r.user_id`, buyer, 1500+i%10*1200)
		h.Exec(`ALTER TABLE price_offer ENABLE TRIGGER price_offer_guard`)
		errs := domaintest.AtOnce(3, func(who int) (err error) {
			switch who {
			case 0:
				_, err = h.Checkout.Confirm(t.Context(), buyer, agreed(q))
			case 1:
				for range 5 {
					if _, err := h.Offers.ExpireDue(t.Context()); err != nil {
						return err
					}
				}
			default:
				_, err = h.Inventory.ExpireDue(t.Context())
			}
			return err
		})
		h.Must(errs[1])
		h.Must(errs[2])
		now, orders := h.now(o), h.Int(`SELECT count(*) FROM orders WHERE buyer_id = $1`, buyer)
		switch domaintest.Code(errs[0]) {
		case "":
			if paid++; now.LastStatus != offer.Used || orders != 1 {
				t.Errorf("confirmed, and the offer is %s with %d orders", now.LastStatus, orders)
			}
		case "QUOTE_OVER":
			if now.LastStatus == offer.Used || orders != 0 {
				t.Errorf("over, and the offer is %s with %d orders", now.LastStatus, orders)
			}
		default:
			t.Error(errs[0])
		}
	}
	t.Logf("%d of 20 were confirmed in time", paid)
}

// A release before this one does not confirm what it does not know, and an offer is used by an order that there is.
func TestNobodyUsesAnOfferOtherwise(t *testing.T) {
	t.Parallel()
	h := haggling(t, 9)
	o := h.accepted(h.Buyer(100_00), 1)
	q := h.quotes(o)
	for name, statement := range map[string]string{
		"confirmed, and not used": `INSERT INTO checkout (quote_id, user_id, idempotency_key, request_hash, wallet_amount, card_amount) SELECT id, user_id, 'k', '', total, 0 FROM quote WHERE id = '` + q.ID.String() + `'`,
		"used by no order":        `UPDATE price_offer SET status = 'USED', version = version + 1, moved_by = 'BUYER', order_id = gen_random_uuid()`,
		"used without an order":   `UPDATE price_offer SET status = 'USED', version = version + 1, moved_by = 'BUYER'`,
	} {
		if _, err := h.Pool.Exec(t.Context(), statement); err == nil || !slices.ContainsFunc([]string{"SK471", "price_offer_order", "price_offer_check"}, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
