package wish_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/wish"
	"github.com/souklive/souk/internal/work"
)

// bundle is what a test of wishes needs.
type bundle struct {
	*domaintest.World
	*wish.Service
	notices *notify.Service
	seller  uuid.UUID
	place   uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	b := &bundle{World: w, Service: service(w), notices: notify.New(w.Pool), seller: w.User(identity.Seller)}
	l, err := w.Inventory.AddLocation(w.Ctx(), b.seller, "Home", "FR")
	w.Must(err)
	b.place = l.ID
	return b
}

func service(w *domaintest.World) *wish.Service {
	return wish.New(wish.Config{Pool: w.Pool, Inventory: w.Inventory, Hub: w.Told, Log: slog.New(slog.DiscardHandler)})
}

// product is a retail product of the seller's with one variant, of which there is nothing.
func (b *bundle) product(cents int64) (listing, variant uuid.UUID) {
	b.T.Helper()
	listing, variant = id.New(), id.New()
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'RETAIL', 'A shirt', '', 'NEW')`, listing, b.seller)
	b.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $2, $3, $4, 'EUR')`, variant, listing, b.seller, cents)
	return listing, variant
}

func (b *bundle) stock(variant uuid.UUID, n int) {
	b.T.Helper()
	b.Must2(b.Inventory.Adjust(b.Ctx(), b.seller, inventory.ChangeInput{
		Variant: variant, Location: b.place, Quantity: n, IdempotencyKey: uuid.NewString(),
	}))
}

func (b *bundle) price(variant uuid.UUID, cents int64) {
	b.T.Helper()
	b.Exec(`UPDATE variant SET price = $2 WHERE id = $1`, variant, cents)
}

func (b *bundle) wish(user, listing uuid.UUID) {
	b.T.Helper()
	b.Must2(b.Add(b.Ctx(), user, listing))
}

// told tells what there is to tell, and gives what a user was told, the newest first.
func (b *bundle) told(user uuid.UUID) (told []string) {
	b.T.Helper()
	b.Must2(b.Tell(b.Ctx()))
	p, err := b.notices.List(b.Ctx(), user, false, page.Args{First: new(100)})
	b.Must(err)
	for _, n := range p.Nodes {
		words := []string{string(n.Kind)}
		for _, p := range n.Parameters {
			words = append(words, p.Value)
		}
		told = append(told, strings.Join(words, " "))
	}
	return told
}

func (b *bundle) want(what string, user uuid.UUID, want ...string) {
	b.T.Helper()
	if got := b.told(user); fmt.Sprint(got) != fmt.Sprint(want) {
		b.T.Errorf("%s: told %q, want %q", what, got, want)
	}
	if n := b.Int(`SELECT count(*) FROM wish_change`); n != 0 {
		b.T.Errorf("%s: %d changes are left", what, n)
	}
}

// A price is news where it falls below what it was when it was wished for, or told last.
func TestPriceDrops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listing, variant := b.product(10_00)
	early, late := b.User(identity.Buyer), b.User(identity.Buyer)
	b.wish(early, listing)
	b.price(variant, 15_00)
	b.wish(late, listing)
	b.price(variant, 12_00)
	b.want("below what it was later", early)
	b.want("below what it was", late, "PRICE_DROPPED 12.00 EUR 15.00 EUR")
	b.wish(late, listing) // once more changes nothing
	b.price(variant, 9_00)
	b.price(variant, 8_00) // told as one
	b.want("twice at once", early, "PRICE_DROPPED 8.00 EUR 10.00 EUR")
	b.want("twice at once", late, "PRICE_DROPPED 8.00 EUR 12.00 EUR", "PRICE_DROPPED 12.00 EUR 15.00 EUR")
	b.price(variant, 7_00)
	b.price(variant, 8_00)
	b.want("and back", early, "PRICE_DROPPED 8.00 EUR 10.00 EUR")
	b.Exec(`UPDATE variant SET price = 1, currency = 'JPY' WHERE id = $1`, variant)
	b.want("another currency", early, "PRICE_DROPPED 8.00 EUR 10.00 EUR")
	b.Exec(`UPDATE variant SET price = 500, currency = 'EUR' WHERE id = $1`, variant)
	b.want("in euros again", early, "PRICE_DROPPED 8.00 EUR 10.00 EUR")
	b.price(variant, 4_00)
	b.want("and back", early, "PRICE_DROPPED 4.00 EUR 5.00 EUR", "PRICE_DROPPED 8.00 EUR 10.00 EUR")
	b.Must(b.Remove(b.Ctx(), early, listing))
	b.Must(b.Remove(b.Ctx(), early, listing))
	b.price(variant, 3_00)
	b.want("no more", early, "PRICE_DROPPED 4.00 EUR 5.00 EUR", "PRICE_DROPPED 8.00 EUR 10.00 EUR")
}

// The lowest price counts, of whichever variant, and one that is retired counts no more.
func TestTheLowestPriceCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listing, variant := b.product(10_00)
	other, user := id.New(), b.User(identity.Buyer)
	b.wish(user, listing)
	b.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency, option_values, position) VALUES ($1, $2, $3, 800, 'EUR', '{L}', 2)`, other, listing, b.seller)
	b.want("a cheaper variant", user, "PRICE_DROPPED 8.00 EUR 10.00 EUR")
	b.price(variant, 9_00)
	b.want("the dearer drops", user, "PRICE_DROPPED 8.00 EUR 10.00 EUR")
}

// Whoever gives stock back has it told: received, released, run out; and what exists once by its listing.
func TestBackInStock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listing, variant := b.product(10_00)
	waiter, wisher, buyer := b.User(identity.Buyer), b.User(identity.Buyer), b.User(identity.Buyer)
	const back = "BACK_IN_STOCK"
	b.Must(b.Await(b.Ctx(), waiter, variant))
	b.wish(wisher, listing)
	b.want("nothing yet", waiter)
	b.stock(variant, 1)
	b.want("the first", waiter, back)
	b.want("the first", wisher, back)
	b.Exec(`UPDATE wish SET available_told_at = now() - interval '25 hours'`)

	reserve := func(stock *inventory.Service) inventory.Reservation {
		b.T.Helper()
		r, err := stock.Reserve(b.Ctx(), buyer, inventory.ReserveInput{Wants: []inventory.Want{{Variant: variant, Quantity: 1}}, IdempotencyKey: uuid.NewString()})
		b.Must(err)
		return r
	}
	r := reserve(b.Inventory)
	b.Must(b.Await(b.Ctx(), waiter, variant))
	b.want("reserved", waiter, back)
	b.Must2(b.Inventory.Release(b.Ctx(), buyer, r.ID))
	b.want("released", waiter, back, back)
	b.want("released", wisher, back, back)

	brief := b.InventoryAt(clock.System{}, 30*time.Millisecond)
	r = reserve(brief)
	b.Must(b.Await(b.Ctx(), waiter, variant))
	time.Sleep(time.Until(r.ExpiresAt) + 10*time.Millisecond)
	b.Must2(brief.ExpireDue(b.Ctx()))
	b.want("ran out", waiter, back, back, back)
	b.want("twice a day", wisher, back, back)

	b.Must(b.Await(b.Ctx(), waiter, variant)) // there is some
	b.want("at once", waiter, back, back, back, back)
	b.Must(b.Await(b.Ctx(), waiter, variant))
	b.Must(b.Forget(b.Ctx(), waiter, variant))
	b.want("no more", waiter, back, back, back, back)

	once := b.Listing(b.seller)
	b.Exec(`UPDATE variant SET price = 100, currency = 'EUR' WHERE id = $1`, once)
	r, err := b.Inventory.Reserve(b.Ctx(), buyer, inventory.ReserveInput{Wants: []inventory.Want{{Variant: once, Quantity: 1}}, IdempotencyKey: "once"})
	b.Must(err)
	fan := b.User(identity.Buyer)
	b.wish(fan, once)
	b.Must(b.Await(b.Ctx(), fan, once))
	b.Must2(b.Inventory.Release(b.Ctx(), buyer, r.ID))
	b.want("what exists once", fan, back)
}

// Where it is gone again before it was told, who waits goes on waiting.
func TestGoneAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, variant := b.product(10_00)
	waiter := b.User(identity.Buyer)
	b.Must(b.Await(b.Ctx(), waiter, variant))
	b.stock(variant, 1)
	b.stock(variant, -1)
	b.want("gone again", waiter)
	b.stock(variant, 1)
	b.want("there again", waiter, "BACK_IN_STOCK")
}

// Whose ban is lifted is back with what they have: who wishes or waits for it hears of it, once; nobody does of what is sold out, or of another's.
func TestABanIsLifted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listing, variant := b.product(10_00)
	empty, none := b.product(10_00)
	wisher, waiter := b.User(identity.Buyer), b.User(identity.Buyer)
	b.wish(wisher, listing)
	b.wish(wisher, empty)
	b.Must(b.Await(b.Ctx(), waiter, variant))
	b.Must(b.Await(b.Ctx(), waiter, none))
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, b.seller)
	b.stock(variant, 1)
	b.want("while banned", wisher)
	b.want("while banned", waiter)
	b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = ANY ($1)`, []uuid.UUID{b.seller, b.User(identity.Seller)})
	for range 2 {
		b.want("back", wisher, "BACK_IN_STOCK")
		b.want("back", waiter, "BACK_IN_STOCK")
	}
}

// What somebody may not see is neither wished for nor told; what comes back is.
func TestNobodyIsToldOfWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listing, variant := b.product(10_00)
	user := b.User(identity.Buyer)
	b.wish(user, listing)
	b.Must(b.Await(b.Ctx(), user, variant))
	hide := func() { b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, listing) }
	restore := func() { b.Exec(`UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`, listing) }
	ban := func() { b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, b.seller) }
	forgive := func() { b.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`, b.seller) }
	restrict := func() { b.Exec(`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE id = $1`, listing) }
	free := func() { b.Exec(`UPDATE listing SET minimum_tier = NULL WHERE id = $1`, listing) }
	other := b.User(identity.Buyer)
	for _, c := range []struct {
		name          string
		away, back    func()
		toldOfItsBack []string
	}{{"for others", restrict, free, nil}, {"banned", ban, forgive, []string{"PRICE_DROPPED 9.98 EUR 9.99 EUR"}}} {
		name := c.name
		c.away()
		if _, err := b.Add(b.Ctx(), other, listing); !errors.Is(err, catalog.ErrListingNotFound) {
			t.Errorf("%s: wished for: %v", name, err)
		}
		if err := b.Await(b.Ctx(), other, variant); !errors.Is(err, catalog.ErrVariantNotFound) {
			t.Errorf("%s: waited for: %v", name, err)
		}
		b.price(variant, b.Int(`SELECT price FROM variant WHERE id = $1`, variant)-1)
		b.stock(variant, 1)
		b.want(name, user)
		b.stock(variant, -1)
		c.back()
		b.want(name+", and back", user, c.toldOfItsBack...)
		b.Exec(`UPDATE wish SET price = (SELECT price FROM variant WHERE id = $1)`, variant)
	}
	hide()
	if _, err := b.Add(b.Ctx(), other, listing); !errors.Is(err, catalog.ErrListingNotFound) {
		t.Errorf("hidden: wished for: %v", err)
	}
	b.price(variant, 1_00)
	b.stock(variant, 1)
	b.want("hidden", user, "PRICE_DROPPED 9.98 EUR 9.99 EUR")
	restore()
	b.want("restored", user, "BACK_IN_STOCK", "PRICE_DROPPED 1.00 EUR 9.98 EUR", "PRICE_DROPPED 9.98 EUR 9.99 EUR")
	draft := b.Listing(b.seller)
	b.Exec(`UPDATE listing SET status = 'ENDED', published_at = NULL WHERE id = $1`, draft)
	if _, err := b.Add(b.Ctx(), user, draft); !errors.Is(err, catalog.ErrListingNotFound) {
		t.Errorf("a draft is wished for: %v", err)
	}
	if _, err := b.Add(b.Ctx(), b.seller, listing); !errors.Is(err, wish.ErrOwnListing) {
		t.Errorf("one's own is wished for: %v", err)
	}
	if err := b.Await(b.Ctx(), b.seller, variant); !errors.Is(err, wish.ErrOwnListing) {
		t.Errorf("one's own is waited for: %v", err)
	}
}

// Many who wish for one thing are told by several servers, each of them once, while the price goes on changing and a server is killed.
func TestManyAreToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const crowd = 1200
	listing, variant := b.product(10_00)
	b.Exec(`INSERT INTO app_user (id, email, name, role, password_hash)
		SELECT gen_random_uuid(), 'fan' || n || '@souk.example', 'Fan', 'BUYER', 'x' FROM generate_series(1, $1) n`, crowd)
	b.Exec(`INSERT INTO wish (user_id, listing_id, price, currency) SELECT id, $1, 1000, 'EUR' FROM app_user WHERE name = 'Fan'`, listing)
	b.Exec(`INSERT INTO availability_wait (user_id, variant_id) SELECT id, $1 FROM app_user WHERE name = 'Fan' ORDER BY id LIMIT 700`, variant)
	started := time.Now()
	b.price(variant, 9_00)
	b.stock(variant, 3)
	if took := time.Since(started); took > time.Second {
		t.Errorf("the changes took %v", took)
	}
	servers := []*wish.Service{b.Service, service(b.Another(t)), service(b.Another(t))}
	// A server that is killed after half of its batch has done nothing.
	tx, err := b.Pool.Begin(b.Ctx())
	b.Must(err)
	if _, err := tx.Exec(b.Ctx(), `UPDATE wish_change SET told_up_to = 'ffffffff-ffff-ffff-ffff-ffffffffffff'`); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Tell(b.Ctx()); n != 0 || err != nil {
		t.Errorf("told %d beside another server, %v", n, err)
	}
	b.Must(tx.Rollback(b.Ctx()))
	for _, err := range domaintest.AtOnce(len(servers), func(i int) error { _, err := servers[i].Tell(b.Ctx()); return err }) {
		b.Must(err)
	}
	for kind, want := range map[string]int64{"PRICE_DROPPED": crowd, "BACK_IN_STOCK": crowd} {
		if n := b.Int(`SELECT count(DISTINCT recipient_id) FROM notification WHERE kind = $1`, kind); n != want {
			t.Errorf("%s: %d were told", kind, n)
		}
		if n := b.Int(`SELECT count(*) FROM notification WHERE kind = $1`, kind); n != want {
			t.Errorf("%s: told %d times", kind, n)
		}
	}
	if n := b.Int(`SELECT count(*) FROM wish_change`); n != 0 {
		t.Errorf("%d changes are left", n)
	}
}

// Of a wish and a change that come at once one sees the other, whichever comes first: nobody who waits is forgotten.
func TestWishAgainstChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 30 {
		listing, variant := b.product(10_00)
		if i%2 == 0 {
			b.stock(variant, 1)
			b.stock(variant, -1)
		}
		user := b.User(identity.Buyer)
		var wished wish.Wish
		errs := domaintest.AtOnce(4, func(n int) (err error) {
			switch n {
			case 0:
				wished, err = b.Add(b.Ctx(), user, listing)
			case 1:
				_, err = b.Pool.Exec(b.Ctx(), `UPDATE variant SET price = 900 WHERE id = $1`, variant)
			case 2:
				err = b.Await(b.Ctx(), user, variant)
			default:
				_, err = b.Inventory.Adjust(b.Ctx(), b.seller, inventory.ChangeInput{Variant: variant, Location: b.place, Quantity: 1, IdempotencyKey: uuid.NewString()})
			}
			return err
		})
		for _, err := range errs {
			b.Must(err)
		}
		told := fmt.Sprint(b.told(user))
		want := "[BACK_IN_STOCK]"
		if wished.Price.Minor == 1000 {
			want = "both"
		}
		if (want == "both") != (len(told) > len("[BACK_IN_STOCK]")) || b.Int(`SELECT count(*) FROM notification WHERE recipient_id = $1 AND kind = 'BACK_IN_STOCK'`, user) == 0 {
			t.Fatalf("round %d: wished at %v, told %s", i, wished.Price, told)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.User(identity.Buyer)
	var listings []uuid.UUID
	for range 5 {
		listing, variant := b.product(10_00)
		listings = append(listings, listing)
		b.wish(user, listing)
		b.Must(b.Await(b.Ctx(), user, variant))
	}
	var seen []uuid.UUID
	args := page.Args{First: new(2)}
	for more := true; more; {
		p, err := b.List(b.Ctx(), user, args)
		b.Must(err)
		for _, w := range p.Nodes {
			seen = append(seen, w.ListingID)
		}
		more, args.After = p.HasNext, p.PageInfo().EndCursor
	}
	for i, l := range seen {
		if l != listings[len(listings)-1-i] {
			t.Errorf("%d is %s", i, l)
		}
	}
	waits, err := b.Waits(b.Ctx(), user, page.Args{First: new(2)})
	if err != nil || len(waits.Nodes) != 2 || !waits.HasNext {
		t.Errorf("waits %+v, %v", waits, err)
	}
	if _, err := b.Waits(b.Ctx(), user, page.Args{After: args.After}); !errors.Is(err, page.ErrCursor) {
		t.Errorf("a cursor of another list: %v", err)
	}
	among, err := b.Among(b.Ctx(), user, append(listings[:1:1], uuid.New()))
	if err != nil || len(among) != 2 || !among[listings[0]] {
		t.Errorf("among %v, %v", among, err)
	}
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) SELECT gen_random_uuid(), $1, 'ONE_OFF', 'A thing', '', 'GOOD' FROM generate_series(1, 995)`, b.seller)
	b.Exec(`INSERT INTO wish (user_id, listing_id) SELECT $1, id FROM listing WHERE title = 'A thing'`, user)
	more, _ := b.product(1_00)
	if _, err := b.Add(b.Ctx(), user, more); !errors.Is(err, wish.ErrTooMany) {
		t.Errorf("the thousand and first: %v", err)
	}
	b.Exec(`INSERT INTO availability_wait (user_id, variant_id) SELECT $1, id FROM listing WHERE title = 'A thing' LIMIT 195`, user)
	_, last := b.product(1_00)
	if err := b.Await(b.Ctx(), user, last); !errors.Is(err, wish.ErrTooManyOf) {
		t.Errorf("the two hundred and first: %v", err)
	}
}

// A change that always fails holds up no other, and is set aside in the end: it waits for somebody who mends it.
func TestABadChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad, expensive := b.product(10_00)
	good, other := b.product(10_00)
	buyer := b.User(identity.Buyer)
	b.wish(buyer, bad)
	b.wish(buyer, good)
	b.price(expensive, 5_00)
	b.price(other, 5_00)
	b.Exec(`CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bad'; END $$`)
	b.Exec(fmt.Sprintf(`CREATE TRIGGER bad BEFORE INSERT ON notification FOR EACH ROW WHEN (NEW.subject = '%s') EXECUTE FUNCTION bad()`, id.Listing.ID(bad)))
	for n := 1; n <= work.Tries; n++ {
		if _, err := b.Tell(b.Ctx()); err == nil {
			t.Errorf("try %d: it did not fail", n)
		}
		if told := b.Int(`SELECT count(*) FROM notification WHERE kind = 'PRICE_DROPPED'`); told != 1 {
			t.Errorf("try %d: %d are told", n, told)
		}
		if waits := b.Int(`SELECT count(*) FROM wish_change WHERE failures = $1 AND failure LIKE '%bad%' AND next_try_at > clock_timestamp() AND (set_aside_at IS NOT NULL) = ($1 = 10)`, n); waits != 1 {
			t.Errorf("try %d: %d wait", n, waits)
		}
		if _, err := b.Tell(b.Ctx()); err != nil {
			t.Errorf("before it is due: %v", err)
		}
		b.Exec(`UPDATE wish_change SET next_try_at = clock_timestamp()`)
	}
	if _, err := b.Tell(b.Ctx()); err != nil {
		t.Errorf("it is set aside: %v", err)
	}
	b.Exec(`DROP TRIGGER bad ON notification`)
	b.Exec(`UPDATE wish_change SET failures = 0, set_aside_at = NULL`)
	if _, err := b.Tell(b.Ctx()); err != nil || b.Int(`SELECT count(*) FROM notification WHERE kind = 'PRICE_DROPPED'`) != 2 {
		t.Errorf("mended: %d are told, %v", b.Int(`SELECT count(*) FROM notification WHERE kind = 'PRICE_DROPPED'`), err)
	}
}
