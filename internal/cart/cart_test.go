package cart_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
)

// bundle is what a test of carts needs.
type bundle struct {
	*domaintest.World
	*cart.Service
	seller uuid.UUID
	buyer  uuid.UUID
	place  uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	b := &bundle{World: w, Service: cart.New(w.Pool, w.Inventory, clock.System{}), seller: w.User(identity.Seller), buyer: w.User(identity.Buyer)}
	l, err := w.Inventory.AddLocation(w.Ctx(), b.seller, "Home", "FR")
	w.Must(err)
	b.place = l.ID
	return b
}

// product is a retail product of the seller's, of which there are so many, at a price in cents.
func (b *bundle) product(n int, cents int64) uuid.UUID {
	b.T.Helper()
	listing, variant := id.New(), id.New()
	b.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'RETAIL', 'A shirt', '', 'NEW')`, listing, b.seller)
	b.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $2, $3, $4, 'EUR')`, variant, listing, b.seller, cents)
	if n > 0 {
		b.stock(variant, n)
	}
	return variant
}

func (b *bundle) stock(variant uuid.UUID, n int) {
	b.T.Helper()
	b.Must2(b.Inventory.Adjust(b.Ctx(), b.seller, inventory.ChangeInput{
		Variant: variant, Location: b.place, Quantity: n, IdempotencyKey: uuid.NewString(),
	}))
}

// thing is what exists once, at a price in cents.
func (b *bundle) thing(cents int64) uuid.UUID {
	b.T.Helper()
	listing := b.Listing(b.seller)
	b.Exec(`UPDATE variant SET price = $2, currency = 'EUR' WHERE id = $1`, listing, cents)
	return listing
}

func (b *bundle) mine() cart.Owner { return cart.Owner{User: b.buyer} }

func (b *bundle) add(o cart.Owner, variant uuid.UUID, n int) (cart.Cart, cart.Owner) {
	b.T.Helper()
	c, token, err := b.Add(b.Ctx(), o, variant, n)
	b.Must(err)
	if token != "" {
		o.Token = token
	}
	return c, o
}

func (b *bundle) get(o cart.Owner) cart.Cart {
	b.T.Helper()
	c, err := b.Get(b.Ctx(), o)
	b.Must(err)
	return c
}

// quantities are those of a cart's lines, by variant.
func quantities(c cart.Cart) map[uuid.UUID]int {
	out := map[uuid.UUID]int{}
	for _, l := range c.Lines {
		out[l.VariantID] = l.Quantity
	}
	return out
}

func line(t *testing.T, c cart.Cart, variant uuid.UUID) cart.Line {
	t.Helper()
	at := slices.IndexFunc(c.Lines, func(l cart.Line) bool { return l.VariantID == variant })
	if at < 0 {
		t.Fatalf("no line of %s in %+v", variant, c)
	}
	return c.Lines[at]
}

func TestWhatMayBePutIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt, once, lot, unpriced := b.product(5, 10_00), b.thing(7_00), b.Listing(b.seller), b.Listing(b.seller)
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, lot)
	draft := b.thing(3_00)
	b.Exec(`UPDATE listing SET status = 'ENDED' WHERE id = $1`, draft)
	full := b.product(5000, 1_00)
	before := b.Digest()
	for name, c := range map[string]struct {
		owner    cart.Owner
		variant  uuid.UUID
		quantity int
		want     error
	}{
		"none":             {b.mine(), shirt, 0, cart.ErrQuantity},
		"less than none":   {b.mine(), shirt, -1, cart.ErrQuantity},
		"a billion":        {b.mine(), shirt, 1_000_000_000, cart.ErrQuantity},
		"more than a line": {b.mine(), full, 1001, cart.ErrQuantity},
		"more than there":  {b.mine(), shirt, 6, cart.ErrShort},
		"two of one":       {b.mine(), once, 2, cart.ErrShort},
		"one's own":        {cart.Owner{User: b.seller}, shirt, 1, cart.ErrOwnListing},
		"hidden":           {b.mine(), lot, 1, cart.ErrVariantNotFound},
		"without a price":  {b.mine(), unpriced, 1, cart.ErrVariantNotFound},
		"ended":            {b.mine(), draft, 1, cart.ErrShort},
		"nothing":          {b.mine(), uuid.New(), 1, cart.ErrVariantNotFound},
		"a wrong token":    {cart.Owner{Token: "crt_x"}, shirt, 1, cart.ErrNotFound},
		"no token":         {cart.Owner{Token: "x"}, shirt, 1, cart.ErrNotFound},
		"a long token":     {cart.Owner{Token: "crt_" + strings.Repeat("x", 1<<16)}, shirt, 1, cart.ErrNotFound},
		"a user's token":   {cart.Owner{User: b.buyer, Token: "crt_y"}, shirt, 1, cart.ErrNotFound},
	} {
		if _, _, err := b.Add(b.Ctx(), c.owner, c.variant, c.quantity); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if now := b.Digest(); now != before {
		t.Error("a refusal changed something")
	}
	_, _, err := b.Add(b.Ctx(), b.mine(), shirt, 6)
	if f, _ := fault.As(err); f.Data["available"] != 5 || f.Data["variant"] != shirt {
		t.Errorf("short of %+v", f.Data)
	}
	b.add(b.mine(), full, 600)
	if _, _, err := b.Add(b.Ctx(), b.mine(), full, 600); !errors.Is(err, cart.ErrQuantity) {
		t.Errorf("1200 in a line: %v", err)
	}
	if got := line(t, b.get(b.mine()), full).Quantity; got != 600 {
		t.Errorf("after the refusal there are %d", got)
	}
}

// Fifty lines fit, however many put them in at once.
func TestFiftyLines(t *testing.T) {
	t.Parallel()
	b := setup(t)
	variants := make([]uuid.UUID, 60)
	for i := range variants {
		variants[i] = b.thing(int64(i + 1))
	}
	codes := domaintest.Codes(domaintest.AtOnce(len(variants), func(i int) error {
		_, _, err := b.Add(b.Ctx(), b.mine(), variants[i], 1)
		return err
	}))
	if codes[""] != 50 || codes["CART_FULL"] != 10 {
		t.Errorf("answers %v", codes)
	}
	if c := b.get(b.mine()); c.LineCount() != 50 || len(c.Groups()) != 1 || len(c.Groups()[0].Lines) != 50 {
		t.Errorf("the cart has %d lines", c.LineCount())
	}
}

// What has changed since it was put in is told: the price, what is left, and that it went away.
func TestWhatHasChangedIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt, once, hidden := b.product(5, 10_00), b.thing(7_00), b.thing(2_00)
	other := b.User(identity.Seller)
	foreign := b.Listing(other)
	b.Exec(`UPDATE variant SET price = 900, currency = 'JPY' WHERE id = $1`, foreign)
	for _, v := range []uuid.UUID{shirt, once, hidden, foreign} {
		b.add(b.mine(), v, 1)
	}
	c, err := b.Update(b.Ctx(), b.mine(), shirt, cart.Change{Quantity: new(4)})
	b.Must(err)
	if sums := c.Totals(); len(sums) != 2 || sums[0] != domaintest.EUR(49_00) || sums[1].Minor != 900 {
		t.Errorf("totals %v", sums)
	}
	if g := c.Groups(); len(g) != 2 || g[0].SellerID != b.seller || len(g[0].Lines) != 3 || g[1].SellerID != other {
		t.Errorf("groups %+v", g)
	}
	b.Exec(`UPDATE variant SET price = 1200 WHERE id = $1`, shirt)
	b.stock(shirt, -3)
	b.Exec(`UPDATE listing SET status = 'ENDED' WHERE id = $1`, once)
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, hidden)
	c = b.get(b.mine())
	l := line(t, c, shirt)
	if l.PriceSeen != domaintest.EUR(10_00) || *l.Price != domaintest.EUR(12_00) || l.Available != 2 || l.Status() != cart.Short {
		t.Errorf("the shirt: %+v", l)
	}
	if l := line(t, c, once); l.Status() != cart.Unavailable || l.Available != 0 || l.Price == nil {
		t.Errorf("what ended: %+v", l)
	}
	if gone := c.Gone(); len(gone) != 1 || gone[0].VariantID != hidden || gone[0].Price != nil || gone[0].Status() != cart.Unavailable {
		t.Errorf("what is hidden: %+v", gone)
	}
	if sums := c.Totals(); sums[0] != domaintest.EUR(24_00) {
		t.Errorf("totals %v", sums)
	}
	// Less is taken although it is short, more is not, and what is gone may be saved for later and taken out.
	c, err = b.Update(b.Ctx(), b.mine(), shirt, cart.Change{Quantity: new(3)})
	b.Must(err)
	if l := line(t, c, shirt); l.Quantity != 3 || l.PriceSeen != domaintest.EUR(12_00) {
		t.Errorf("changed: %+v", l)
	}
	if _, err := b.Update(b.Ctx(), b.mine(), shirt, cart.Change{Quantity: new(5)}); !errors.Is(err, cart.ErrShort) {
		t.Errorf("more than there is: %v", err)
	}
	for _, n := range []int{0, -1, 1_000_000_000} {
		if _, err := b.Update(b.Ctx(), b.mine(), shirt, cart.Change{Quantity: &n}); !errors.Is(err, cart.ErrQuantity) {
			t.Errorf("%d of them: %v", n, err)
		}
	}
	c, err = b.Update(b.Ctx(), b.mine(), hidden, cart.Change{SavedForLater: new(true)})
	b.Must(err)
	if len(c.Saved()) != 1 || len(c.Gone()) != 0 {
		t.Errorf("saved: %+v", c.Saved())
	}
	if _, err := b.Update(b.Ctx(), b.mine(), uuid.New(), cart.Change{}); !errors.Is(err, cart.ErrLineNotFound) {
		t.Errorf("no line: %v", err)
	}
	for range 2 {
		c, err = b.Remove(b.Ctx(), b.mine(), hidden)
		b.Must(err)
	}
	if c.LineCount() != 3 {
		t.Errorf("%d lines are left", c.LineCount())
	}
	b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, other)
	if gone := b.get(b.mine()).Gone(); len(gone) != 1 || gone[0].VariantID != foreign {
		t.Errorf("of a banned seller: %+v", gone)
	}
}

// A total beyond 64 bits is none, and no wrong one.
func TestTotalsDoNotOverflow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		b.add(b.mine(), b.product(1000, 1<<62), 2)
	}
	c := b.get(b.mine())
	if c.Totals() != nil {
		t.Errorf("totals %v", c.Totals())
	}
}

// Only who has the token has a guest's cart, and the token is kept nowhere.
func TestGuests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt := b.product(5, 10_00)
	_, ada := b.add(cart.Owner{}, shirt, 2)
	_, ben := b.add(cart.Owner{}, shirt, 1)
	if ada.Token == ben.Token || len(ada.Token) < 30 {
		t.Errorf("tokens %q, %q", ada.Token, ben.Token)
	}
	if got := quantities(b.get(ada)); got[shirt] != 2 {
		t.Errorf("ada has %v", got)
	}
	if n := b.Int(`SELECT count(*) FROM cart WHERE encode(token_hash, 'escape') LIKE '%crt%' OR token_hash = $1::bytea`, []byte(ada.Token)); n != 0 {
		t.Error("a token is in the database")
	}
	if _, err := b.Get(b.Ctx(), cart.Owner{}); !errors.Is(err, cart.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	if _, err := b.Remove(b.Ctx(), cart.Owner{}, shirt); !errors.Is(err, cart.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	b.Exec(`UPDATE cart SET changed_at = now() - interval '31 days'`)
	b.add(ben, shirt, 1) // and it is young again
	b.add(b.mine(), shirt, 1)
	b.Exec(`UPDATE cart SET changed_at = now() - interval '31 days' WHERE user_id IS NOT NULL`)
	if n, err := b.Prune(b.Ctx()); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if _, err := b.Get(b.Ctx(), ada); !errors.Is(err, cart.ErrNotFound) {
		t.Errorf("ada's is there: %v", err)
	}
	b.get(ben)
	if b.get(b.mine()).LineCount() != 1 {
		t.Error("a user's cart was pruned")
	}
}

func TestMerging(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt, scarce, later, own := b.product(50, 10_00), b.product(3, 5_00), b.thing(1_00), b.thing(2_00)
	gone := b.thing(4_00)
	b.add(b.mine(), shirt, 2)
	b.add(b.mine(), scarce, 2)
	b.add(b.mine(), later, 1)
	_, guest := b.add(cart.Owner{}, shirt, 3)
	b.add(guest, scarce, 2)
	b.add(guest, later, 1)
	b.add(guest, gone, 1)
	for _, o := range []cart.Owner{guest} {
		_, err := b.Update(b.Ctx(), o, later, cart.Change{SavedForLater: new(true)})
		b.Must(err)
	}
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, gone)
	errs := domaintest.AtOnce(8, func(int) error { _, _, err := b.Merge(b.Ctx(), b.buyer, guest.Token); return err })
	for _, err := range errs {
		b.Must(err)
	}
	c := b.get(b.mine())
	if got, want := fmt.Sprint(quantities(c)), fmt.Sprint(map[uuid.UUID]int{shirt: 5, scarce: 3, later: 1, gone: 1}); got != want {
		t.Errorf("merged %s, want %s", got, want)
	}
	if line(t, c, later).SavedForLater || len(c.Gone()) != 1 {
		t.Errorf("merged %+v", c)
	}
	if _, err := b.Get(b.Ctx(), guest); !errors.Is(err, cart.ErrNotFound) {
		t.Errorf("the guest's is there: %v", err)
	}
	// What one sells oneself is left out, and so is what goes beyond the lines.
	_, mixed := b.add(cart.Owner{}, own, 1)
	if c, left, err := b.Merge(b.Ctx(), b.seller, mixed.Token); err != nil || left != 1 || c.LineCount() != 0 {
		t.Errorf("one's own: %d, %v, %+v", left, err, c)
	}
	_, many := b.add(cart.Owner{}, b.thing(1), 1)
	for range 47 {
		b.add(many, b.thing(1), 1)
	}
	if c, left, err := b.Merge(b.Ctx(), b.buyer, many.Token); err != nil || left != 2 || c.LineCount() != 50 {
		t.Errorf("too many: %d left out, %v, %d lines", left, err, c.LineCount())
	}
	for _, token := range []string{guest.Token, "", "x"} {
		if c, left, err := b.Merge(b.Ctx(), b.buyer, token); err != nil || left != 0 || c.LineCount() != 50 {
			t.Errorf("merging %q: %d, %v", token, left, err)
		}
	}
}

// A cart is set aside as a whole, once for each key; what was set aside before is free again, and what is paid for is out of the cart.
func TestSettingAside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt, once, later := b.product(5, 10_00), b.thing(7_00), b.product(5, 1_00)
	if _, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{IdempotencyKey: "a"}); !errors.Is(err, cart.ErrEmpty) {
		t.Errorf("nothing: %v", err)
	}
	b.add(b.mine(), shirt, 4)
	b.add(b.mine(), once, 1)
	b.add(b.mine(), later, 1)
	_, err := b.Update(b.Ctx(), b.mine(), later, cart.Change{SavedForLater: new(true)})
	b.Must(err)
	one, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{Region: "FR", IdempotencyKey: "a"})
	b.Must(err)
	c := b.get(b.mine())
	if l := line(t, c, shirt); l.Reserved != 4 || l.Available != 5 || l.Status() != cart.Available {
		t.Errorf("the shirt: %+v", l)
	}
	if l := line(t, c, once); l.Reserved != 1 || l.Available != 1 {
		t.Errorf("what exists once: %+v", l)
	}
	if l := line(t, c, later); l.Reserved != 0 || *c.ReservationID != one.ID {
		t.Errorf("saved for later: %+v", l)
	}
	same, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{Region: "FR", IdempotencyKey: "a"})
	if err != nil || same.ID != one.ID || same.Status != inventory.Open {
		t.Errorf("again: %+v, %v", same, err)
	}
	two, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{Variants: []uuid.UUID{shirt}, IdempotencyKey: "b"})
	b.Must(err)
	if first, err := b.Inventory.Get(b.Ctx(), b.buyer, one.ID); err != nil || first.Status != inventory.Released {
		t.Errorf("the first is %+v, %v", first, err)
	}
	if _, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{Variants: []uuid.UUID{later}, IdempotencyKey: "c"}); !errors.Is(err, cart.ErrLineNotFound) {
		t.Errorf("what is for later: %v", err)
	}
	b.add(b.mine(), shirt, 1) // there are five with those that are set aside
	b.Must(postgres.InTx(b.Ctx(), b.Pool, func(tx pgx.Tx) error { _, err := b.Inventory.ConsumeTx(b.Ctx(), tx, two.ID); return err }))
	if got := quantities(b.get(b.mine())); got[shirt] != 1 || got[once] != 1 || got[later] != 1 {
		t.Errorf("after it was paid %v", got)
	}
	b.Audited()
}

// A cart that can't be had whole takes nothing, and says which line.
func TestACartThatIsShort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt, hat, hidden := b.product(5, 10_00), b.product(5, 2_00), b.thing(1_00)
	b.add(b.mine(), shirt, 2)
	b.add(b.mine(), hat, 4)
	b.stock(hat, -2)
	_, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{IdempotencyKey: "a"})
	if f, _ := fault.As(err); !errors.Is(err, cart.ErrShort) || f.Data["variant"] != hat || f.Data["available"] != 3 {
		t.Errorf("short: %v", err)
	}
	b.stock(hat, 2)
	b.add(b.mine(), hidden, 1)
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, hidden)
	_, err = b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{IdempotencyKey: "b"})
	if f, _ := fault.As(err); !errors.Is(err, cart.ErrShort) || f.Data["variant"] != hidden || f.Data["available"] != 0 {
		t.Errorf("gone: %v", err)
	}
	if n := b.Int(`SELECT coalesce(sum(reserved), 0) FROM stock`); n != 0 {
		t.Errorf("%d are set aside", n)
	}
}

// Two that set one cart aside at once: what is set aside in the end is what the cart says, and no more.
func TestOneCartAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt := b.product(100, 10_00)
	b.add(b.mine(), shirt, 3)
	codes := domaintest.Codes(domaintest.AtOnce(6, func(i int) error {
		_, err := b.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{IdempotencyKey: strconv.Itoa(i % 3)})
		return err
	}))
	if codes[""]+codes["CART_RESERVED_MEANWHILE"]+codes["IDEMPOTENCY_KEY_REUSED"] != 6 || codes[""] == 0 {
		t.Errorf("answers %v", codes)
	}
	if n := b.Int(`SELECT reserved FROM stock WHERE variant_id = $1`, shirt); n != 3 {
		t.Errorf("%d are set aside", n)
	}
	if l := line(t, b.get(b.mine()), shirt); l.Reserved != 3 {
		t.Errorf("the cart says %+v", l)
	}
}

// Beyond its time a reservation holds nothing, and the cart says so before any job.
func TestTimeIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	brief := b.InventoryAt(clock.System{}, 50*time.Millisecond)
	carts := cart.New(b.Pool, brief, clock.System{})
	shirt := b.product(5, 10_00)
	b.add(b.mine(), shirt, 5)
	made, err := carts.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{IdempotencyKey: "a"})
	b.Must(err)
	time.Sleep(time.Until(made.ExpiresAt) + 10*time.Millisecond)
	if l := line(t, b.get(b.mine()), shirt); l.Reserved != 0 || l.Available != 5 {
		t.Errorf("beyond its time %+v", l)
	}
	if _, err := carts.Reserve(b.Ctx(), b.buyer, cart.ReserveInput{IdempotencyKey: "b"}); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// Guests of one address have sixty carts at once; who has a token, comes from elsewhere or is signed in goes on.
func TestGuestsBeginSoManyCarts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shirt := b.product(1000, 100)
	here, neighbour, there := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.2")
	var token string
	for i := range 61 {
		_, given, err := b.Add(t.Context(), cart.Owner{From: here}, shirt, 1)
		switch {
		case i < 60 && err != nil:
			t.Fatalf("cart %d: %v", i, err)
		case i == 60 && !errors.Is(err, cart.ErrTooMany):
			t.Errorf("one too many: %v", err)
		case i == 0:
			token = given
		}
	}
	if _, _, err := b.Add(t.Context(), cart.Owner{From: neighbour}, shirt, 1); !errors.Is(err, cart.ErrTooMany) {
		t.Errorf("by another address of theirs: %v", err)
	}
	if n := b.Int(`SELECT count(*) FROM cart`); n != 60 {
		t.Errorf("%d carts", n)
	}
	for name, o := range map[string]cart.Owner{"by a token": {Token: token, From: here}, "from elsewhere": {From: there}, "signed in": {User: b.buyer, From: here}} {
		if _, _, err := b.Add(t.Context(), o, shirt, 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
