package offer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/offer"
)

var (
	statuses = []offer.Status{offer.Open, offer.Countered, offer.Accepted, offer.Used, offer.Declined, offer.Withdrawn, offer.Expired}
	actions  = []offer.Action{offer.Counter, offer.Accept, offer.Decline, offer.Withdraw}
)

// model is what an offer has to be, by the rules of docs/offers.md written once more.
type model struct {
	status  offer.Status
	version int
	cents   int64
	listed  int64
	hidden  bool
}

// move is what a move makes of the offer, or the code by which it is refused.
func (m *model) move(p offer.Party, version int, a offer.Action, cents int64) string {
	to := map[string]offer.Status{
		"SELLER OPEN COUNTER": offer.Countered, "SELLER OPEN ACCEPT": offer.Accepted, "SELLER OPEN DECLINE": offer.Declined,
		"BUYER COUNTERED COUNTER": offer.Open, "BUYER COUNTERED ACCEPT": offer.Accepted,
		"BUYER OPEN WITHDRAW": offer.Withdrawn, "BUYER COUNTERED WITHDRAW": offer.Withdrawn, "BUYER ACCEPTED WITHDRAW": offer.Withdrawn,
	}[strings.Join([]string{string(p), string(m.status), string(a)}, " ")]
	live := slices.Contains([]offer.Status{offer.Open, offer.Countered, offer.Accepted}, m.status)
	lowest, highest := (m.listed+9)/10, m.listed-1
	if p == offer.Seller {
		lowest = max(lowest, m.cents+1)
	} else {
		highest = min(highest, m.cents-1)
	}
	switch {
	case version != m.version:
		return "OFFER_CHANGED_MEANWHILE"
	case !live:
		return "OFFER_OVER"
	case to == "":
		return "OFFER_NOT_YOURS"
	case a == offer.Counter && m.version >= 10:
		return "OFFER_ROUNDS"
	case (a == offer.Counter || a == offer.Accept) && m.hidden:
		return "OFFER_LISTING_GONE"
	case a == offer.Counter && (cents < lowest || cents > highest):
		return "OFFER_PRICE"
	}
	if m.status, m.version = to, m.version+1; a == offer.Counter {
		m.cents = cents
	}
	return ""
}

// Offers live at random, moved by both sides and by time, in the database as in the model.
func TestOffersAsTheModelHasThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(r *rapid.T) {
		b.seller, b.buyer = b.User(identity.Seller), b.User(identity.Buyer)
		thing := b.thing()
		m := &model{status: offer.Open, version: 1, listed: 100_00, cents: rapid.Int64Range(10_00, 99_99).Draw(r, "first")}
		o := b.made(thing, m.cents)
		r.Repeat(map[string]func(*rapid.T){
			"move": func(r *rapid.T) {
				p, a := rapid.SampledFrom([]offer.Party{offer.Buyer, offer.Seller}).Draw(r, "party"), rapid.SampledFrom(actions).Draw(r, "action")
				if rapid.IntRange(0, 2).Draw(r, "names") > 0 { // else most are over soon
					a = offer.Counter
				}
				version := m.version
				if rapid.IntRange(0, 9).Draw(r, "old") == 0 {
					version += rapid.SampledFrom([]int{-2, 1, 5}).Draw(r, "off") // not the one before, which may be a repetition
				}
				in := offer.MoveInput{Offer: o.ID, Version: version, Action: a, Price: domaintest.EUR(rapid.Int64Range(-5, m.listed+10).Draw(r, "price"))}
				if a == offer.Counter && rapid.Bool().Draw(r, "near") {
					in.Price.Minor = m.cents + rapid.Int64Range(-200, 200).Draw(r, "by")
				}
				who := map[offer.Party]uuid.UUID{offer.Buyer: b.buyer, offer.Seller: b.seller}[p]
				want := m.move(p, version, a, in.Price.Minor)
				_, err := b.Offers.Move(b.Ctx(), who, in)
				if got := domaintest.Code(err); got != want {
					r.Fatalf("%s %s of %+v: %q, want %q", p, a, m, got, want)
				}
				if want == "" {
					if _, err := b.Offers.Move(b.Ctx(), who, in); err != nil { // sent again
						r.Fatalf("again: %v", err)
					}
				}
			},
			"price": func(r *rapid.T) {
				m.listed = rapid.Int64Range(1, 200_00).Draw(r, "listed")
				b.Exec(`UPDATE variant SET price = $2 WHERE id = $1`, thing, m.listed)
			},
			"hide": func(*rapid.T) {
				b.Exec(`UPDATE listing SET status = coalesce(hidden_from, 'HIDDEN'), hidden_from = CASE WHEN status = 'HIDDEN' THEN NULL ELSE status END WHERE id = $1`, thing)
				m.hidden = !m.hidden
			},
			"time": func(r *rapid.T) {
				if rapid.IntRange(0, 3).Draw(r, "late") > 0 {
					r.Skip("it is in time")
				}
				if n, err := b.Offers.ExpireDue(b.Ctx()); err != nil || n != 0 {
					r.Fatalf("%d end in their time, %v", n, err)
				}
				b.late(o.ID)
				if slices.Contains([]offer.Status{offer.Open, offer.Countered, offer.Accepted}, m.status) {
					m.status, m.version = offer.Expired, m.version+1
				}
				b.Must2(b.Offers.ExpireDue(b.Ctx()))
			},
			"": func(r *rapid.T) {
				got := b.read(o.ID)
				if got.LastStatus != m.status || got.Version != m.version || got.Price.Minor != m.cents {
					r.Fatalf("it is %+v, and should be %+v", got, m)
				}
				if n := b.Int(`SELECT count(*) FROM price_offer_step WHERE offer_id = $1`, o.ID); n != int64(m.version) {
					r.Fatalf("%d steps to version %d", n, m.version)
				}
			},
		})
	})
}

// The database has the same moves as the code, and takes no other, whoever writes.
func TestMovesOfTheDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows, err := db.New().OfferMoves(t.Context(), b.Pool)
	b.Must(err)
	allowed := map[[3]string]bool{}
	for _, row := range rows {
		allowed[[3]string{row.FromStatus, row.ToStatus, row.MovedBy}] = true
	}
	shown := map[[3]string]bool{{"ACCEPTED", "USED", "BUYER"}: true}
	for _, from := range []offer.Status{offer.Open, offer.Countered, offer.Accepted} {
		shown[[3]string{string(from), "EXPIRED", "TIME"}] = true
	}
	to := map[offer.Action][]offer.Status{offer.Counter: {offer.Open, offer.Countered}, offer.Accept: {offer.Accepted}, offer.Decline: {offer.Declined}, offer.Withdraw: {offer.Withdrawn}}
	for _, from := range statuses {
		for _, p := range []offer.Party{offer.Buyer, offer.Seller} {
			o := offer.Offer{LastStatus: from, Version: 1, ExpiresAt: time.Now().Add(time.Hour), EndsAt: time.Now().Add(time.Hour)}
			for _, a := range o.ActionsAt(p, time.Now()) {
				for _, next := range to[a] {
					if next != from {
						shown[[3]string{string(from), string(next), string(p)}] = true
					}
				}
			}
		}
	}
	if len(shown) != len(allowed) {
		t.Errorf("the code has %d moves, the database %d", len(shown), len(allowed))
	}
	for move := range shown {
		if !allowed[move] {
			t.Errorf("the database does not know %v", move)
		}
	}
	o := b.made(b.thing(), 60_00)
	for name, statement := range map[string]string{
		"no such move":         `UPDATE price_offer SET status = 'USED', version = 2, order_id = gen_random_uuid()`,
		"accepted by itself":   `UPDATE price_offer SET status = 'ACCEPTED', moved_by = 'BUYER', version = 2`,
		"a price without move": `UPDATE price_offer SET unit_price = 1`,
		"more time":            `UPDATE price_offer SET expires_at = now() + interval '1 year'`,
		"before its time":      `UPDATE price_offer SET status = 'EXPIRED', moved_by = 'TIME', version = 2`,
		"two at once":          `UPDATE price_offer SET status = 'DECLINED', moved_by = 'SELLER', version = 3`,
		"another's":            `UPDATE price_offer SET buyer_id = gen_random_uuid()`,
		"no offer":             `DELETE FROM price_offer`,
		"none at all":          `TRUNCATE price_offer CASCADE`,
		"another history":      `UPDATE price_offer_step SET unit_price = 1`,
		"no history":           `DELETE FROM price_offer_step`,
	} {
		if _, err := b.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("the owner may: %s", name)
		}
		if _, err := b.Pool.Exec(t.Context(), statement); err == nil {
			t.Errorf("a server may: %s", name)
		}
	}
	for _, statement := range []string{`INSERT INTO price_offer_move VALUES ('OPEN', 'USED', 'BUYER')`, `INSERT INTO price_offer_step SELECT offer_id, 9, status, moved_by, unit_price, moved_at FROM price_offer_step`} {
		if _, err := b.Pool.Exec(t.Context(), statement); err == nil {
			t.Errorf("a server may: %s", statement)
		}
	}
	if got := b.story(o.ID); got != "BUYER OPEN 60" {
		t.Error(got)
	}
}
