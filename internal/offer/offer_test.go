package offer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/page"
)

// bundle is what a test of offers needs.
type bundle struct {
	*domaintest.World
	seller, buyer uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{w, w.User(identity.Seller), w.User(identity.Buyer)}
}

// thing is what exists once, at 100 euros.
func (b *bundle) thing() uuid.UUID {
	b.T.Helper()
	listing := b.Listing(b.seller)
	b.Exec(`UPDATE variant SET price = 10000, currency = 'EUR' WHERE id = $1`, listing)
	return listing
}

// product is a product of a kind at 100 euros, by its variant.
func (b *bundle) product(kind string) (listing, variant uuid.UUID) {
	b.T.Helper()
	listing, variant = id.New(), id.New()
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, $3, 'A shirt', '', 'NEW')`, listing, b.seller, kind)
	b.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $2, $3, 10000, 'EUR')`, variant, listing, b.seller)
	return listing, variant
}

// one is an offer for one.
func one(variant uuid.UUID, cents int64) offer.MakeInput {
	return offer.MakeInput{Variant: variant, Quantity: 1, Price: domaintest.EUR(cents)}
}

func (b *bundle) made(variant uuid.UUID, cents int64) offer.Offer {
	b.T.Helper()
	o, err := b.Offers.Make(b.Ctx(), b.buyer, one(variant, cents))
	b.Must(err)
	return o
}

// does is a move of an offer as it is.
func does(o offer.Offer, a offer.Action) offer.MoveInput {
	return offer.MoveInput{Offer: o.ID, Version: o.Version, Action: a}
}

func counters(o offer.Offer, cents int64) offer.MoveInput {
	in := does(o, offer.Counter)
	in.Price = domaintest.EUR(cents)
	return in
}

func (b *bundle) moved(who uuid.UUID, in offer.MoveInput) offer.Offer {
	b.T.Helper()
	o, err := b.Offers.Move(b.Ctx(), who, in)
	b.Must(err)
	return o
}

// read is an offer as its buyer sees it.
func (b *bundle) read(which uuid.UUID) offer.Offer {
	b.T.Helper()
	offers, err := b.Offers.SeenBy(b.Ctx(), b.buyer, false, []uuid.UUID{which})
	b.Must(err)
	return offers[which]
}

// story is an offer's steps: who made of it what, at which price.
func (b *bundle) story(which uuid.UUID) string {
	b.T.Helper()
	steps, err := b.Offers.Steps(b.Ctx(), []uuid.UUID{which})
	b.Must(err)
	var told []string
	for _, s := range steps[which] {
		told = append(told, fmt.Sprintf("%s %s %d", s.By, s.Status, s.Price.Minor/100))
	}
	return strings.Join(told, ", ")
}

// late lets an offer's time be over.
func (b *bundle) late(which uuid.UUID) {
	b.T.Helper()
	b.Exec(`ALTER TABLE price_offer DISABLE TRIGGER price_offer_guard`)
	b.Exec(`UPDATE price_offer SET expires_at = clock_timestamp() - interval '1 second', quoted_until = CASE WHEN quoted_until IS NOT NULL THEN clock_timestamp() - interval '1 second' END WHERE id = $1`, which)
	b.Exec(`ALTER TABLE price_offer ENABLE TRIGGER price_offer_guard`)
}

// notices are the statuses that somebody was told of, with the price in euros.
func (b *bundle) notices(who uuid.UUID) string {
	b.T.Helper()
	var told string
	b.Must(b.Admin.QueryRow(b.Ctx(), `SELECT coalesce(string_agg((parameters -> 0 ->> 'value') || '@' || split_part(parameters -> 1 ->> 'value', '.', 1), ', ' ORDER BY created_at), '') FROM notification WHERE recipient_id = $1 AND kind = 'OFFER_CHANGED'`, who).Scan(&told))
	return told
}

// A buyer and a seller agree, each hearing of what the other has named.
func TestAgreed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.made(b.thing(), 60_00)
	if left := time.Until(o.ExpiresAt); o.Version != 1 || left < 47*time.Hour || left > 48*time.Hour || o.StatusAt(time.Now()) != offer.Open {
		t.Errorf("made: %+v", o)
	}
	o = b.moved(b.seller, counters(o, 90_00))
	o = b.moved(b.buyer, counters(o, 70_00))
	o = b.moved(b.seller, counters(o, 80_00))
	o = b.moved(b.buyer, does(o, offer.Accept))
	if left := time.Until(o.ExpiresAt); o.Price != domaintest.EUR(80_00) || o.StatusAt(time.Now()) != offer.Accepted || left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("accepted: %+v", o)
	}
	if got := b.story(o.ID); got != "BUYER OPEN 60, SELLER COUNTERED 90, BUYER OPEN 70, SELLER COUNTERED 80, BUYER ACCEPTED 80" {
		t.Error(got)
	}
	if buyer, seller := b.notices(b.buyer), b.notices(b.seller); buyer != "COUNTERED@90, COUNTERED@80" || seller != "OPEN@60, OPEN@70, ACCEPTED@80" {
		t.Errorf("the buyer hears %s, the seller %s", buyer, seller)
	}
}

// What is sent twice is done once, and a move that answers what is not there any more does nothing and says what is.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thing := b.thing()
	o := b.made(thing, 60_00)
	if again := b.made(thing, 60_00); again.ID != o.ID {
		t.Errorf("made again: %+v", again)
	}
	for name, in := range map[string]offer.MakeInput{"another price": one(thing, 61_00)} {
		if _, err := b.Offers.Make(t.Context(), b.buyer, in); !errors.Is(err, offer.ErrLive) || carried(err).ID != o.ID {
			t.Errorf("%s: %v", name, err)
		}
	}
	counter := counters(o, 80_00)
	o = b.moved(b.seller, counter)
	if again := b.moved(b.seller, counter); again.Version != o.Version || again.Price != o.Price {
		t.Errorf("countered again: %+v", again)
	}
	if _, err := b.Offers.Make(t.Context(), b.buyer, one(thing, 60_00)); !errors.Is(err, offer.ErrLive) {
		t.Errorf("made again after it was countered: %v", err)
	}
	for _, move := range []offer.MoveInput{{Offer: o.ID, Version: 1, Action: offer.Accept}, {Offer: o.ID, Version: 7, Action: offer.Accept}, {Offer: o.ID, Version: -1, Action: offer.Withdraw}} {
		if _, err := b.Offers.Move(t.Context(), b.buyer, move); !errors.Is(err, offer.ErrChanged) || carried(err).Version != 2 || carried(err).Price != domaintest.EUR(80_00) {
			t.Errorf("%+v: %v", move, err)
		}
	}
	accept := does(o, offer.Accept)
	o = b.moved(b.buyer, accept)
	if again := b.moved(b.buyer, accept); again.Version != o.Version || !again.ExpiresAt.Equal(o.ExpiresAt) {
		t.Errorf("accepted again: %+v", again)
	}
	if n := b.Int(`SELECT count(*) FROM price_offer_step`); n != 3 {
		t.Errorf("%d steps", n)
	}
}

// carried is the offer that a refusal tells.
func carried(err error) offer.Offer {
	f, _ := fault.As(err)
	if f == nil {
		return offer.Offer{}
	}
	o, _ := f.Data["offer"].(offer.Offer)
	return o
}

// What cannot be offered leaves everything as it was.
func TestOffersThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thing, lot, hidden, ended, unpriced, forKnown := b.thing(), b.thing(), b.thing(), b.thing(), b.Listing(b.seller), b.thing()
	b.Exec(`UPDATE listing SET status = 'RESERVED' WHERE id = $1`, lot) // as a lot has it
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, hidden)
	b.Exec(`UPDATE listing SET status = 'ENDED' WHERE id = $1`, ended)
	b.Exec(`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, forKnown)
	_, shirt := b.product("RETAIL")
	agreed, dozen := b.product("RETAIL")
	b.Must(b.Offers.SetTaken(t.Context(), b.seller, agreed, true))
	_, code := b.product("DIGITAL_CODE")
	banned := b.User(identity.Buyer)
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, banned)
	before := b.Digest()
	for name, c := range map[string]struct {
		who  uuid.UUID
		in   offer.MakeInput
		want error
	}{
		"none":                    {b.buyer, offer.MakeInput{Variant: thing, Price: domaintest.EUR(50_00)}, offer.ErrQuantity},
		"less than none":          {b.buyer, offer.MakeInput{Variant: dozen, Quantity: -1, Price: domaintest.EUR(50_00)}, offer.ErrQuantity},
		"a billion":               {b.buyer, offer.MakeInput{Variant: dozen, Quantity: 1_000_000_000, Price: domaintest.EUR(50_00)}, offer.ErrQuantity},
		"two of one":              {b.buyer, offer.MakeInput{Variant: thing, Quantity: 2, Price: domaintest.EUR(50_00)}, offer.ErrQuantity},
		"nothing":                 {b.buyer, one(thing, 0), offer.ErrPrice},
		"below nothing":           {b.buyer, one(thing, -50_00), offer.ErrPrice},
		"below a tenth":           {b.buyer, one(thing, 9_99), offer.ErrPrice},
		"the listed price":        {b.buyer, one(thing, 100_00), offer.ErrPrice},
		"all the money there is":  {b.buyer, one(thing, 1<<63-1), offer.ErrPrice},
		"other money":             {b.buyer, offer.MakeInput{Variant: thing, Quantity: 1, Price: money.New(50_00, "USD")}, money.ErrMismatch},
		"one's own":               {b.seller, one(thing, 50_00), offer.ErrOwnListing},
		"in a lot":                {b.buyer, one(lot, 50_00), offer.ErrVariant},
		"hidden":                  {b.buyer, one(hidden, 50_00), offer.ErrVariant},
		"ended":                   {b.buyer, one(ended, 50_00), offer.ErrVariant},
		"for known buyers":        {b.buyer, one(forKnown, 50_00), offer.ErrVariant},
		"without a price":         {b.buyer, one(unpriced, 50_00), offer.ErrNotTaken},
		"that there is not":       {b.buyer, one(uuid.New(), 50_00), offer.ErrVariant},
		"a product":               {b.buyer, one(shirt, 50_00), offer.ErrNotTaken},
		"a code":                  {b.buyer, one(code, 50_00), offer.ErrNotTaken},
		"by somebody banned":      {banned, one(thing, 50_00), offer.ErrVariant},
		"by nobody":               {uuid.New(), one(thing, 50_00), offer.ErrVariant},
		"a cent above nine tenth": {b.buyer, one(thing, 100_01), offer.ErrPrice},
	} {
		if _, err := b.Offers.Make(t.Context(), c.who, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	_, err := b.Offers.Make(t.Context(), b.buyer, one(thing, 5_00))
	if f, _ := fault.As(err); f == nil || f.Data["minimum"] != domaintest.EUR(10_00) || f.Data["maximum"] != domaintest.EUR(99_99) {
		t.Errorf("what may be named: %v", f)
	}
	for name, c := range map[string]struct {
		who, listing uuid.UUID
		want         error
	}{
		"another's": {b.buyer, thing, offer.ErrListing}, "a code's": {b.seller, b.listingOf(code), offer.ErrNotTaken}, "none": {b.seller, uuid.New(), offer.ErrListing},
	} {
		if err := b.Offers.SetTaken(t.Context(), c.who, c.listing, true); !errors.Is(err, c.want) {
			t.Errorf("whether %s takes offers: %v", name, err)
		}
	}
	if b.Digest() != before {
		t.Error("a refusal changed something")
	}
	b.Must(b.Offers.SetTaken(t.Context(), b.seller, thing, false))
	if _, err := b.Offers.Make(t.Context(), b.buyer, one(thing, 50_00)); !errors.Is(err, offer.ErrNotTaken) {
		t.Errorf("one that takes none any more: %v", err)
	}
	if _, err := b.Offers.Make(t.Context(), b.buyer, offer.MakeInput{Variant: dozen, Quantity: 1000, Price: domaintest.EUR(50_00)}); err != nil {
		t.Errorf("a thousand: %v", err)
	}
}

func (b *bundle) listingOf(variant uuid.UUID) (listing uuid.UUID) {
	b.T.Helper()
	b.Must(b.Admin.QueryRow(b.Ctx(), `SELECT listing_id FROM variant WHERE id = $1`, variant).Scan(&listing))
	return listing
}

// What is not a party's to do, or not any more, is refused with what there is.
func TestMovesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger := b.User(identity.Buyer)
	open := b.made(b.thing(), 60_00)
	countered := b.moved(b.seller, counters(b.made(b.thing(), 60_00), 80_00))
	declined := b.moved(b.seller, does(b.made(b.thing(), 60_00), offer.Decline))
	gone := b.made(b.thing(), 60_00)
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, gone.ListingID)
	cheaper := b.moved(b.seller, counters(b.made(b.thing(), 60_00), 80_00))
	b.Exec(`UPDATE variant SET price = 5000 WHERE id = $1`, cheaper.VariantID)
	late := b.made(b.thing(), 60_00)
	b.late(late.ID)
	before := b.Digest()
	for name, c := range map[string]struct {
		who  uuid.UUID
		in   offer.MoveInput
		want error
	}{
		"accepting one's own price":         {b.buyer, does(open, offer.Accept), offer.ErrNotYours},
		"raising one's own price":           {b.buyer, counters(open, 70_00), offer.ErrNotYours},
		"a buyer declines":                  {b.buyer, does(open, offer.Decline), offer.ErrNotYours},
		"a seller withdraws":                {b.seller, does(open, offer.Withdraw), offer.ErrNotYours},
		"a seller accepts their own":        {b.seller, does(countered, offer.Accept), offer.ErrNotYours},
		"a seller declines their own":       {b.seller, does(countered, offer.Decline), offer.ErrNotYours},
		"no action":                         {b.seller, does(open, "BURN"), offer.ErrNotYours},
		"a stranger accepts":                {stranger, does(open, offer.Accept), offer.ErrNotFound},
		"a stranger looks by moving":        {stranger, does(declined, offer.Withdraw), offer.ErrNotFound},
		"what there is not":                 {b.buyer, offer.MoveInput{Offer: uuid.New(), Version: 1, Action: offer.Accept}, offer.ErrNotFound},
		"after it was declined":             {b.buyer, does(declined, offer.Withdraw), offer.ErrOver},
		"after its time":                    {b.seller, does(late, offer.Accept), offer.ErrOver},
		"declined after its time":           {b.seller, does(late, offer.Decline), offer.ErrOver},
		"asking for less than is given":     {b.seller, counters(open, 60_00), offer.ErrPrice},
		"asking for more than all pay":      {b.seller, counters(open, 100_00), offer.ErrPrice},
		"giving more than is asked for":     {b.buyer, counters(countered, 80_00), offer.ErrPrice},
		"giving less than a tenth":          {b.buyer, counters(countered, 9_99), offer.ErrPrice},
		"giving what all pay by now":        {b.buyer, counters(cheaper, 50_00), offer.ErrPrice},
		"other money":                       {b.seller, offer.MoveInput{Offer: open.ID, Version: 1, Action: offer.Counter, Price: money.New(80_00, "USD")}, money.ErrMismatch},
		"accepting what is hidden":          {b.seller, does(gone, offer.Accept), offer.ErrGone},
		"countering about what is hidden":   {b.seller, counters(gone, 80_00), offer.ErrGone},
		"a counter-offer of a lot of money": {b.seller, counters(open, 1<<62), offer.ErrPrice},
	} {
		_, err := b.Offers.Move(t.Context(), c.who, c.in)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if carries := slices.Contains([]error{offer.ErrNotYours, offer.ErrOver, offer.ErrGone}, c.want); carries && carried(err).ID != c.in.Offer {
			t.Errorf("%s: it says of %+v", name, carried(err))
		}
	}
	if b.Digest() != before {
		t.Error("a refusal changed something")
	}
	b.moved(b.buyer, does(gone, offer.Withdraw)) // which one always may
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, b.buyer)
	if _, err := b.Offers.Move(t.Context(), b.seller, does(open, offer.Accept)); !errors.Is(err, offer.ErrGone) {
		t.Errorf("accepting the price of somebody banned: %v", err)
	}
	b.moved(b.seller, does(open, offer.Decline))
	b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`, b.buyer)
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, b.seller)
	if _, err := b.Offers.Move(t.Context(), b.buyer, does(countered, offer.Accept)); !errors.Is(err, offer.ErrGone) {
		t.Errorf("accepting the price of a seller who is banned: %v", err)
	}
}

// Ten prices are named, and no more.
func TestRounds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.made(b.thing(), 20_00)
	for round := range 9 {
		who, cents := b.seller, int64(90_00-round*100)
		if round%2 == 1 {
			who, cents = b.buyer, int64(20_00+round*100)
		}
		o = b.moved(who, counters(o, cents))
	}
	if _, err := b.Offers.Move(t.Context(), b.buyer, counters(o, 50_00)); !errors.Is(err, offer.ErrRounds) {
		t.Errorf("an eleventh: %v", err)
	}
	if actions := o.ActionsAt(offer.Buyer, time.Now()); !slices.Equal(actions, []offer.Action{offer.Accept, offer.Withdraw}) {
		t.Errorf("the buyer may %v", actions)
	}
	b.moved(b.buyer, does(o, offer.Accept))
}

// What nobody answers ends, both are told once, and the buyer may begin anew before anybody has come to end it.
func TestExpired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thing := b.thing()
	o := b.made(thing, 60_00)
	b.late(o.ID)
	if got := b.read(o.ID); got.StatusAt(time.Now()) != offer.Expired || len(got.ActionsAt(offer.Seller, time.Now())) > 0 {
		t.Errorf("before anybody came: %+v", got)
	}
	again := b.made(thing, 70_00)
	if got := b.story(o.ID); got != "BUYER OPEN 60, TIME EXPIRED 60" {
		t.Error(got)
	}
	b.late(again.ID)
	servers := []*offer.Service{b.Offers, b.Another(t).Offers, b.Another(t).Offers}
	for _, err := range domaintest.AtOnce(len(servers), func(i int) error { _, err := servers[i].ExpireDue(t.Context()); return err }) {
		b.Must(err)
	}
	if n, err := b.Offers.ExpireDue(t.Context()); err != nil || n != 0 {
		t.Errorf("%d more end, %v", n, err)
	}
	if buyer, seller := b.notices(b.buyer), b.notices(b.seller); buyer != "EXPIRED@60, EXPIRED@70" || seller != "OPEN@60, EXPIRED@60, OPEN@70, EXPIRED@70" {
		t.Errorf("the buyer hears %s, the seller %s", buyer, seller)
	}
	if got := b.read(again.ID); got.LastStatus != offer.Expired {
		t.Errorf("%+v", got)
	}
}

// Each lists their own, in pages that neither skip nor repeat, and sees what they are in.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger := b.User(identity.Seller)
	var all []uuid.UUID
	for range 5 {
		all = append(all, b.made(b.thing(), 60_00).ID)
	}
	b.moved(b.seller, does(b.read(all[1]), offer.Decline))
	b.late(all[2])
	for name, list := range map[string]func(live bool, args page.Args) (offer.OfferPage, error){
		"made": func(live bool, args page.Args) (offer.OfferPage, error) {
			return b.Offers.Made(t.Context(), b.buyer, live, args)
		},
		"received": func(live bool, args page.Args) (offer.OfferPage, error) {
			return b.Offers.Received(t.Context(), b.seller, live, args)
		},
	} {
		var got []uuid.UUID
		args := page.Args{First: new(2)}
		for {
			p, err := list(false, args)
			b.Must(err)
			for _, o := range p.Nodes {
				got = append(got, o.ID)
			}
			if !p.PageInfo().HasNextPage {
				break
			}
			args.After = p.PageInfo().EndCursor
		}
		slices.Reverse(got)
		if !slices.Equal(got, all) {
			t.Errorf("%s: %v, not %v", name, got, all)
		}
		if p, err := list(true, page.Args{}); err != nil || len(p.Nodes) != 3 {
			t.Errorf("%s and live: %d, %v", name, len(p.Nodes), err)
		}
	}
	p, err := b.Offers.Made(t.Context(), b.buyer, false, page.Args{First: new(2)})
	b.Must(err)
	if _, err := b.Offers.Received(t.Context(), b.seller, false, page.Args{After: p.PageInfo().EndCursor}); !errors.Is(err, page.ErrCursor) {
		t.Errorf("a cursor of another list: %v", err)
	}
	for name, c := range map[string]struct {
		who   uuid.UUID
		staff bool
		sees  int
	}{"the buyer": {b.buyer, false, 5}, "the seller": {b.seller, false, 5}, "a stranger": {stranger, false, 0}, "staff": {stranger, true, 5}, "nobody": {uuid.Nil, false, 0}} {
		if seen, err := b.Offers.SeenBy(t.Context(), c.who, c.staff, all); err != nil || len(seen) != c.sees {
			t.Errorf("%s sees %d, %v", name, len(seen), err)
		}
	}
	if p, err := b.Offers.Received(t.Context(), stranger, false, page.Args{}); err != nil || len(p.Nodes) != 0 {
		t.Errorf("a stranger lists %d, %v", len(p.Nodes), err)
	}
}
