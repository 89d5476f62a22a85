package want_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/want"
	"github.com/souklive/souk/internal/work"
)

// bundle is what a test of wants needs.
type bundle struct {
	*domaintest.World
	*want.Service
	seller, buyer uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{w, service(w), w.User(identity.Seller), w.User(identity.Buyer)}
}

func service(w *domaintest.World) *want.Service {
	return want.New(w.Pool, w.Told, slog.New(slog.DiscardHandler))
}

// listed is something of the seller's that is on the market.
func (b *bundle) listed(title string, cents int64) uuid.UUID {
	b.T.Helper()
	listing := id.New()
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency) VALUES ($1, $2, 'ONE_OFF', $3, 'From a flat without smokers.', 'GOOD', $4, 'EUR')`,
		listing, b.seller, title, cents)
	return listing
}

func (b *bundle) wants(in want.Input) want.Want {
	b.T.Helper()
	if in.Days == 0 {
		in.Days = 30
	}
	w, err := b.Create(b.Ctx(), b.buyer, in)
	b.Must(err)
	return w
}

// offered are the listings that fit a want, the newest first.
func (b *bundle) offered(w want.Want) (listings []uuid.UUID) {
	b.T.Helper()
	b.Must2(b.Match(b.Ctx()))
	p, err := b.Service.Offers(b.Ctx(), w.ID, page.Args{First: new(100)})
	b.Must(err)
	for _, o := range p.Nodes {
		listings = append(listings, o.ListingID)
	}
	return listings
}

func (b *bundle) told(kind string) int64 {
	b.T.Helper()
	return b.Int(`SELECT count(*) FROM notification WHERE recipient_id = $1 AND kind = $2`, b.buyer, kind)
}

// What fits is found as it is published: by its words in any form, its price, its condition and its category.
func TestWhatFits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, below, beside := id.New(), id.New(), id.New()
	for i, c := range []struct {
		id     uuid.UUID
		parent *uuid.UUID
	}{{top, nil}, {below, &top}, {beside, nil}} {
		b.Exec(`INSERT INTO category (id, parent_id, slug, name_ar, name_en, name_fr) VALUES ($1, $2, $3, 'x', 'x', 'x')`, c.id, c.parent, fmt.Sprint("c", i))
	}
	for name, c := range map[string]struct {
		in   want.Input
		fits bool
	}{
		"its words":          {want.Input{Words: "lamps brass"}, true},
		"in capitals":        {want.Input{Words: "BRASS LAMP"}, true},
		"of the description": {want.Input{Words: "lamp flats"}, true},
		"one word more":      {want.Input{Words: "brass lamp blue"}, false},
		"in French":          {want.Input{Words: "bougies"}, true},
		"in Arabic":          {want.Input{Words: "مصباح"}, true},
		"in its price":       {want.Input{Words: "lamp", Ceiling: new(domaintest.EUR(20_00))}, true},
		"too dear":           {want.Input{Words: "lamp", Ceiling: new(domaintest.EUR(19_99))}, false},
		"other money":        {want.Input{Words: "lamp", Ceiling: new(money.New(9_999_99, "USD"))}, false},
		"its condition":      {want.Input{Words: "lamp", Conditions: []catalog.Condition{"NEW", "GOOD"}}, true},
		"another condition":  {want.Input{Words: "lamp", Conditions: []catalog.Condition{"NEW"}}, false},
		"its category":       {want.Input{Words: "lamp", Category: &below}, true},
		"one above":          {want.Input{Words: "lamp", Category: &top}, true},
		"another":            {want.Input{Words: "lamp", Category: &beside}, false},
	} {
		b.buyer = b.User(identity.Buyer)
		w := b.wants(c.in)
		listing := b.listed("A brass lamp for a bougie, مصباح", 20_00)
		b.Exec(`UPDATE listing SET category_id = $2 WHERE id = $1`, listing, below)
		if got := slices.Contains(b.offered(w), listing); got != c.fits || b.told("WANT_MATCHED") > 0 != c.fits {
			t.Errorf("%s: fits: %t", name, got)
		}
	}
	if n := b.Int(`SELECT count(*) FROM want_change`); n != 0 {
		t.Errorf("%d changes are left", n)
	}
}

// A want and a listing meet once, however often the listing changes, and what is published later fits as well.
func TestOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wants(want.Input{Words: "lamp", Ceiling: new(domaintest.EUR(10_00))})
	listing := b.listed("A lamp", 15_00)
	if got := b.offered(w); len(got) != 0 {
		t.Errorf("too dear: %v", got)
	}
	for _, cents := range []int64{9_00, 8_00, 7_00} {
		b.Exec(`UPDATE variant SET price = $2 WHERE id = $1`, listing, cents)
		if got := b.offered(w); len(got) != 1 {
			t.Errorf("cheaper: %v", got)
		}
	}
	if b.told("WANT_MATCHED") != 1 {
		t.Errorf("told %d times", b.told("WANT_MATCHED"))
	}
	draft := id.New()
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency, status) VALUES ($1, $2, 'ONE_OFF', 'Another lamp', '', 'GOOD', 100, 'EUR', 'DRAFT')`, draft, b.seller)
	if got := b.offered(w); len(got) != 1 {
		t.Errorf("a draft: %v", got)
	}
	b.Exec(`UPDATE listing SET status = 'ACTIVE' WHERE id = $1`, draft)
	if got := b.offered(w); len(got) != 2 {
		t.Errorf("published: %v", got)
	}
	closed, err := b.Service.Close(b.Ctx(), b.buyer, w.ID)
	b.Must(err)
	if closed.StatusAt(time.Now()) != want.Closed {
		t.Errorf("closed: %+v", closed)
	}
	b.listed("A third lamp", 1_00)
	if got := b.offered(w); len(got) != 2 {
		t.Errorf("after it was closed: %v", got)
	}
	old := b.wants(want.Input{Words: "lamp", Days: 1})
	b.Exec(`UPDATE want SET expires_at = now() WHERE id = $1`, old.ID)
	b.listed("A fourth lamp", 1_00)
	if got := b.offered(old); len(got) != 0 || old.StatusAt(time.Now().Add(25*time.Hour)) != want.Expired {
		t.Errorf("after its time: %v", got)
	}
}

// Nobody hears of what they may not see, nor of their own.
func TestNobodyHearsOfWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wants(want.Input{Words: "lamp"})
	for name, hide := range map[string]string{
		"hidden":             `UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`,
		"for another tier":   `UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`,
		"ended":              `UPDATE listing SET status = 'ENDED' WHERE id = $1`,
		"of who looks":       `UPDATE want SET buyer_id = (SELECT seller_id FROM listing WHERE id = $1)`,
		"of a banned seller": `UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`,
	} {
		listing := b.listed("A lamp", 1_00)
		b.Exec(hide, listing)
		if got := b.offered(w); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
		b.Exec(`UPDATE want SET buyer_id = $1`, b.buyer)
		b.Exec(`UPDATE listing SET status = 'ENDED' WHERE status = 'ACTIVE'`)
		b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL`)
	}
	if b.told("WANT_MATCHED") != 0 {
		t.Error("told")
	}
	listing := b.listed("A lamp", 1_00)
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, b.seller)
	b.Must2(b.Match(b.Ctx()))
	b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`, b.seller)
	for range 2 {
		if got := b.offered(w); len(got) != 1 || got[0] != listing || b.told("WANT_MATCHED") != 1 {
			t.Errorf("once the ban is lifted: %v, told %d times", got, b.told("WANT_MATCHED"))
		}
	}
}

// Many look for one thing; several servers tell each of them once.
func TestManyLookForOneThing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const crowd = 1200
	b.Exec(`INSERT INTO app_user (id, email, name, role, password_hash)
		SELECT gen_random_uuid(), 'fan' || n || '@souk.example', 'Fan', 'BUYER', 'x' FROM generate_series(1, $1) n`, crowd)
	b.Exec(`INSERT INTO want (id, buyer_id, words, expires_at) SELECT gen_random_uuid(), id, 'brass lamp', now() + interval '1 day' FROM app_user WHERE name = 'Fan'`)
	b.listed("A brass lamp", 1_00)
	servers := []*want.Service{b.Service, service(b.Another(t)), service(b.Another(t))}
	for _, err := range domaintest.AtOnce(len(servers), func(i int) error { _, err := servers[i].Match(b.Ctx()); return err }) {
		b.Must(err)
	}
	b.Must2(b.Match(b.Ctx()))
	if n := b.Int(`SELECT count(*) FROM notification WHERE kind = 'WANT_MATCHED'`); n != crowd {
		t.Errorf("%d were told", n)
	}
	if n := b.Int(`SELECT count(*) FROM want_change`); n != 0 {
		t.Errorf("%d changes are left", n)
	}
}

func TestWhatMayBePosted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	none := uuid.New()
	for name, c := range map[string]struct {
		in   want.Input
		want error
	}{
		"no words":            {want.Input{Words: " x ", Days: 1}, want.ErrWords},
		"too many words":      {want.Input{Words: strings.Repeat("lamp ", 25), Days: 1}, want.ErrWords},
		"two lines":           {want.Input{Words: "a lamp\nof brass", Days: 1}, want.ErrWords},
		"no word to look for": {want.Input{Words: "the of !!", Days: 1}, want.ErrWords},
		"no time":             {want.Input{Words: "lamp"}, want.ErrDays},
		"too much time":       {want.Input{Words: "lamp", Days: 91}, want.ErrDays},
		"below nothing":       {want.Input{Words: "lamp", Days: 1, Ceiling: new(domaintest.EUR(-1))}, catalog.ErrPricePositive},
		"no category":         {want.Input{Words: "lamp", Days: 1, Category: &none}, want.ErrCategory},
	} {
		if _, err := b.Create(b.Ctx(), b.buyer, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	codes := domaintest.Codes(domaintest.AtOnce(25, func(int) error {
		_, err := b.Create(b.Ctx(), b.buyer, want.Input{Words: "lamp", Days: 1})
		return err
	}))
	if codes[""] != 20 || codes["TOO_MANY_WANTS"] != 5 {
		t.Errorf("answers %v", codes)
	}
	if _, err := b.Service.Close(b.Ctx(), b.seller, none); !errors.Is(err, want.ErrNotFound) {
		t.Errorf("closes no want: %v", err)
	}
	own, err := b.Own(b.Ctx(), b.buyer, page.Args{First: new(3)})
	b.Must(err)
	if _, err := b.Service.Close(b.Ctx(), b.seller, own.Nodes[0].ID); !errors.Is(err, want.ErrNotFound) {
		t.Errorf("closes another's: %v", err)
	}
	next, err := b.Own(b.Ctx(), b.buyer, page.Args{First: new(100), After: own.PageInfo().EndCursor})
	if err != nil || len(own.Nodes) != 3 || len(next.Nodes) != 17 {
		t.Errorf("in pages %d and %d, %v", len(own.Nodes), len(next.Nodes), err)
	}
	if _, err := b.List(b.Ctx(), nil, page.Args{After: own.PageInfo().EndCursor}); !errors.Is(err, page.ErrCursor) {
		t.Errorf("a cursor of another list: %v", err)
	}
}

// A seller answers with a listing of theirs that the buyer may see, and the buyer is told once.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wants(want.Input{Words: "a samovar"})
	lamp, hidden := b.listed("A lamp", 1_00), b.listed("A hidden lamp", 1_00)
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, hidden)
	restricted := b.listed("Another lamp", 1_00)
	b.Exec(`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, restricted)
	own := b.User(identity.Seller)
	for name, c := range map[string]struct {
		seller, want, listing uuid.UUID
		err                   error
	}{
		"no want":            {b.seller, uuid.New(), lamp, want.ErrNotFound},
		"no listing":         {b.seller, w.ID, uuid.New(), catalog.ErrListingNotFound},
		"another's listing":  {own, w.ID, lamp, catalog.ErrListingNotFound},
		"a hidden listing":   {b.seller, w.ID, hidden, want.ErrNotOffered},
		"one for other eyes": {b.seller, w.ID, restricted, want.ErrNotOffered},
		"one's own want":     {b.buyer, w.ID, lamp, want.ErrOwn},
	} {
		if _, err := b.Answer(b.Ctx(), c.seller, c.want, c.listing); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	for _, err := range domaintest.AtOnce(5, func(int) error { _, err := b.Answer(b.Ctx(), b.seller, w.ID, lamp); return err }) {
		b.Must(err)
	}
	if got := b.offered(w); len(got) != 1 || got[0] != lamp || b.told("WANT_ANSWERED") != 1 {
		t.Errorf("answered with %v, told %d times", got, b.told("WANT_ANSWERED"))
	}
	for range 9 {
		b.Must2(b.Answer(b.Ctx(), b.seller, w.ID, b.listed("One more lamp", 1_00)))
	}
	if _, err := b.Answer(b.Ctx(), b.seller, w.ID, b.listed("One too many", 1_00)); !errors.Is(err, want.ErrTooManyOf) {
		t.Errorf("the eleventh: %v", err)
	}
	b.Must2(b.Service.Close(b.Ctx(), b.buyer, w.ID))
	if _, err := b.Answer(b.Ctx(), b.seller, w.ID, lamp); !errors.Is(err, want.ErrNotFound) {
		t.Errorf("a closed one: %v", err)
	}
}

func TestWhoSeesWants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wants(want.Input{Words: "a samovar"})
	see := func(who uuid.UUID, staff bool) bool {
		t.Helper()
		found, err := b.SeenBy(b.Ctx(), who, staff, []uuid.UUID{w.ID})
		b.Must(err)
		return len(found) == 1
	}
	listed := func() int {
		t.Helper()
		p, err := b.List(b.Ctx(), nil, page.Args{})
		b.Must(err)
		return len(p.Nodes)
	}
	if !see(b.seller, false) || listed() != 1 {
		t.Error("an open one is not seen")
	}
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, b.buyer)
	if see(b.seller, false) || listed() != 0 || !see(b.buyer, false) {
		t.Error("of a banned buyer it is seen")
	}
	b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL`)
	b.Must2(b.Service.Close(b.Ctx(), b.buyer, w.ID))
	if see(b.seller, false) || listed() != 0 || !see(b.buyer, false) || !see(b.seller, true) {
		t.Error("a closed one is seen by others, or not by its own")
	}
}

// A listing that always fails holds up no other, and is set aside in the end: it waits for somebody who mends it.
func TestABadChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wants(want.Input{Words: "a lamp"})
	bad := b.listed("A lamp", 10_00)
	b.listed("Another lamp", 10_00)
	b.Exec(`CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bad'; END $$`)
	b.Exec(fmt.Sprintf(`CREATE TRIGGER bad BEFORE INSERT ON notification FOR EACH ROW WHEN (NEW.subject = '%s') EXECUTE FUNCTION bad()`, id.Listing.ID(bad)))
	for n := 1; n <= work.Tries; n++ {
		if _, err := b.Match(b.Ctx()); err == nil {
			t.Errorf("try %d: it did not fail", n)
		}
		if told := b.told("WANT_MATCHED"); told != 1 {
			t.Errorf("try %d: %d are told", n, told)
		}
		if waits := b.Int(`SELECT count(*) FROM want_change WHERE failures = $1 AND failure LIKE '%bad%' AND next_try_at > clock_timestamp() AND (set_aside_at IS NOT NULL) = ($1 = 10)`, n); waits != 1 {
			t.Errorf("try %d: %d wait", n, waits)
		}
		if _, err := b.Match(b.Ctx()); err != nil {
			t.Errorf("before it is due: %v", err)
		}
		b.Exec(`UPDATE want_change SET next_try_at = clock_timestamp()`)
	}
	if _, err := b.Match(b.Ctx()); err != nil {
		t.Errorf("it is set aside: %v", err)
	}
	b.Exec(`DROP TRIGGER bad ON notification`)
	b.Exec(`UPDATE want_change SET failures = 0, set_aside_at = NULL`)
	if _, err := b.Match(b.Ctx()); err != nil || b.told("WANT_MATCHED") != 2 {
		t.Errorf("mended: %d are told, %v", b.told("WANT_MATCHED"), err)
	}
}
