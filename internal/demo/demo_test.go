package demo

import (
	"bytes"
	"context"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

const stripeKey = "sk_test_souk_0123456789abcdef"

type bundle struct {
	*domaintest.World
	demo Services
}

func setup(t *testing.T) bundle {
	t.Helper()
	w := domaintest.New(t)
	fake, err := stripefake.New(stripefake.Config{Key: stripeKey, Seed: 7})
	w.Must(err)
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	jobs, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{})
	w.Must(err)
	pay := payment.New(payment.Config{Pool: w.Pool, Provider: payment.NewStripe(stripeKey, listener.URL, nil), Jobs: jobs})
	return bundle{World: w, demo: Services{
		Identity: w.Identity, Catalog: w.Catalog, Media: w.Media, Shows: w.Shows, Payment: pay, Auctions: w.Auctions,
		Log: slog.New(slog.DiscardHandler), side: 16,
	}}
}

// whole insists that there are exactly the demo's people and goods, and one live lot.
func (b bundle) whole() auction.Auction {
	b.T.Helper()
	for _, a := range Accounts() {
		s, err := b.Identity.SignIn(b.Ctx(), a.Email, Password)
		if err != nil || s.User.Name != a.Name || s.User.Role != a.Role {
			b.T.Errorf("%s: %+v, %v", a.Name, s.User, err)
		}
		wallets, err := b.demo.Payment.Wallets(b.Ctx(), s.User.ID)
		if buyer := a.As == "buyer"; err != nil || (len(wallets) == 1) != buyer || (buyer && wallets[0].Available != money.New(500_00, "EUR")) {
			b.T.Errorf("%s has %+v, %v", a.Name, wallets, err)
		}
	}
	if n := b.Int(`SELECT count(*) FROM app_user`); n != int64(len(Accounts())) {
		b.T.Errorf("%d people", n)
	}
	b.stalled(len(goods))
	if n := b.Int(`SELECT count(*) FROM show WHERE status = 'LIVE'`); n != 1 || b.Int(`SELECT count(*) FROM show`) != 1 {
		b.T.Errorf("%d live shows", n)
	}
	open := b.open()
	if len(open) != 1 || open[0].ShowID == nil {
		b.T.Fatalf("open lots: %+v", open)
	}
	b.Audited()
	return open[0]
}

// stalled insists on each good being on the market once, with its photo, among so many listings.
func (b bundle) stalled(all int) {
	b.T.Helper()
	hundred := 100
	listings, err := b.Catalog.List(b.Ctx(), catalog.Filter{}, page.Args{First: &hundred})
	b.Must(err)
	var titles, want []string
	for _, l := range listings.Nodes {
		if photos, err := b.Catalog.PhotosByListing(b.Ctx(), []uuid.UUID{l.ID}); err != nil || len(photos[l.ID]) != 1 {
			b.T.Errorf("%s has %d photos, %v", l.Title, len(photos[l.ID]), err)
		}
		if l.Status != catalog.Sold {
			titles = append(titles, l.Title)
		}
	}
	for _, g := range goods {
		want = append(want, g.title)
	}
	slices.Sort(titles)
	slices.Sort(want)
	if !slices.Equal(titles, want) || len(listings.Nodes) != all {
		b.T.Errorf("%d listings; on the market are %q", len(listings.Nodes), titles)
	}
}

func (b bundle) open() []auction.Auction {
	b.T.Helper()
	status := auction.Open
	p, err := b.Auctions.List(b.Ctx(), &status, page.Args{})
	b.Must(err)
	return p.Nodes
}

// resolve does what the job does for a top-up that was cut between its intent and its charge.
func (b bundle) resolve() {
	b.T.Helper()
	rows, err := b.Pool.Query(b.Ctx(), `SELECT id FROM top_up WHERE resolved_at IS NULL`)
	b.Must(err)
	open, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	b.Must(err)
	for _, top := range open {
		_, err := b.demo.Payment.Resolve(b.Ctx(), top)
		b.Must(err)
	}
}

func TestSeedTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.demo.KeepLotOpen(t.Context()); err == nil {
		t.Error("it keeps a lot open without a host")
	}
	b.Must(b.demo.Seed(t.Context()))
	first := b.whole()
	before := b.Digest()
	b.Must(b.demo.Seed(t.Context()))
	if b.Digest() != before {
		t.Error("the second time changed something")
	}
	if again := b.whole(); again.ID != first.ID {
		t.Error("there is another lot")
	}
}

// cut is a context that ends when it has been asked often enough: a cut at any step, by count and not by time.
type cut struct {
	context.Context
	cancel context.CancelFunc
	left   *atomic.Int64
}

func (c cut) Done() <-chan struct{} {
	if c.left.Add(-1) <= 0 {
		c.cancel()
	}
	return c.Context.Done()
}

func TestSeedGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	whole := false
	cuts := 0
	for asked := int64(1); !whole; asked += 17 {
		ctx, cancel := context.WithCancel(t.Context())
		left := &atomic.Int64{}
		left.Store(asked)
		err := b.demo.Seed(cut{ctx, cancel, left})
		whole = err == nil
		cancel()
		if cuts++; cuts > 500 {
			t.Fatalf("it never got to its end: %v", err)
		}
	}
	if cuts < 10 {
		t.Errorf("it was cut %d times only", cuts)
	}
	b.resolve()
	b.whole()
}

// Whether a lot was sold or not, the next one opens, and the stall stays full and without doubles.
func TestNextLotOpens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Must(b.demo.Seed(t.Context()))
	host, _, err := b.Identity.UserByEmail(t.Context(), "hana@souk.example")
	b.Must(err)
	buyer := b.Buyer(10_000_00)
	sold := 0
	for round := range len(goods) + 2 {
		lot := b.open()[0]
		if round%5 == 2 {
			b.MustBid(lot.ID, buyer, 20_00)
			sold++
		}
		b.Close(lot.ID)
		b.Must(b.demo.keepLotOpen(t.Context(), host))
		open := b.open()
		if len(open) != 1 || open[0].ID == lot.ID || *open[0].LotNumber != int32(round+2) {
			t.Fatalf("round %d: %+v", round, open)
		}
	}
	b.Must(b.demo.Seed(t.Context()))
	b.stalled(len(goods) + sold)
	b.Audited()

	// What the host has put into an auction by hand is passed over.
	listed, err := b.demo.stall(t.Context(), host)
	b.Must(err)
	lot := b.open()[0]
	next := int(*lot.LotNumber) % len(goods)
	_, err = b.Auctions.Start(t.Context(), host.ID, auction.StartInput{
		Listing: listed[goods[next].title].ID, StartPrice: money.New(1_00, "EUR"), Duration: time.Hour,
	})
	b.Must(err)
	b.Close(lot.ID)
	b.Must(b.demo.keepLotOpen(t.Context(), host))
	if !slices.ContainsFunc(b.open(), func(a auction.Auction) bool {
		return a.ListingID == listed[goods[next+1].title].ID && a.ShowID != nil
	}) {
		t.Errorf("%+v", b.open())
	}
}

func TestGoodsCanBeShown(t *testing.T) {
	t.Parallel()
	if len(goods) != 12 {
		t.Errorf("%d goods are no dozen", len(goods))
	}
	for _, g := range goods[:1] {
		body, err := g.draw(photoSide)
		if err != nil || len(body) > 8<<20 {
			t.Fatalf("%s: %d bytes, %v", g.title, len(body), err)
		}
		img, err := png.Decode(bytes.NewReader(body))
		if err != nil || img.Bounds().Dx() != photoSide || img.Bounds().Dy() != photoSide {
			t.Errorf("%s: %v", g.title, err)
		}
	}
}
