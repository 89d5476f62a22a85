package auction_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

var eur = domaintest.EUR

// liveShow is a show of a host that is live.
func liveShow(w *domaintest.World, host uuid.UUID) show.Show {
	w.T.Helper()
	s, err := w.Shows.Create(w.Ctx(), host, show.Draft{Title: "A show", StartsAt: time.Now()})
	w.Must(err)
	s, err = w.Shows.Start(w.Ctx(), host, s.ID)
	w.Must(err)
	return s
}

func TestStart(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	host := w.User(identity.Seller)
	live := liveShow(w, host)
	for want := int32(1); want <= 2; want++ {
		listing := w.Listing(host)
		a, err := w.Auctions.Start(t.Context(), host, auction.StartInput{
			Listing: listing, Show: &live.ID, StartPrice: eur(20_00), Duration: 90 * time.Second, Extension: 10 * time.Second,
		})
		w.Must(err)
		switch {
		case a.ListingID != listing, a.SellerID != host, *a.ShowID != live.ID, *a.LotNumber != want:
			t.Errorf("%+v", a)
		case a.Price != nil, a.LeaderID != nil, a.BidCount != 0, a.NextMinimum != eur(20_00), a.StartPrice != eur(20_00):
			t.Errorf("%+v", a)
		case a.Status != auction.Open, a.ClosedAt != nil, a.EndsAt.Sub(*a.OpenedAt) != 90*time.Second, a.ExtensionSeconds() != 10:
			t.Errorf("%+v", a)
		}
		events := w.Events(auction.Topic(a.ID))
		if len(events) != 1 || events[0].Kind != auction.EventOpened {
			t.Errorf("events %+v", events)
		}
		if l, err := w.Catalog.Get(t.Context(), listing); err != nil || l.Status != catalog.Reserved {
			t.Errorf("the listing is %s, %v", l.Status, err)
		}
	}
	lots, err := w.Auctions.ByShow(t.Context(), []uuid.UUID{live.ID})
	if err != nil || len(lots[live.ID]) != 2 || *lots[live.ID][0].LotNumber != 2 {
		t.Errorf("the show's lots: %+v, %v", lots, err)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	host, other := w.User(identity.Seller), w.User(identity.Seller)
	mine, taken, foreign := w.Listing(host), w.Listing(host), w.Listing(other)
	live, foreignShow := liveShow(w, host), liveShow(w, other)
	scheduled, err := w.Shows.Create(t.Context(), host, show.Draft{Title: "Later", StartsAt: time.Now().Add(time.Hour)})
	w.Must(err)
	good := auction.StartInput{Listing: taken, StartPrice: eur(100), Duration: time.Minute}
	_, err = w.Auctions.Start(t.Context(), host, good)
	w.Must(err)
	unknown := id.New()
	before, told := w.Digest(), w.Told.Count()
	for name, c := range map[string]struct {
		change func(*auction.StartInput)
		err    error
	}{
		"a price of zero":             {func(in *auction.StartInput) { in.StartPrice.Minor = 0 }, auction.ErrNotPositive},
		"a negative price":            {func(in *auction.StartInput) { in.StartPrice.Minor = -1 }, auction.ErrNotPositive},
		"a price too high":            {func(in *auction.StartInput) { in.StartPrice = eur(1_000_000_01) }, auction.ErrBidTooHigh},
		"a price far too high":        {func(in *auction.StartInput) { in.StartPrice = eur(1<<63 - 1) }, auction.ErrBidTooHigh},
		"a currency without auctions": {func(in *auction.StartInput) { in.StartPrice = money.New(100, "CHF") }, auction.ErrNoIncrements},
		"too short":                   {func(in *auction.StartInput) { in.Duration = 5*time.Second - 1 }, auction.ErrDuration},
		"negative":                    {func(in *auction.StartInput) { in.Duration = -time.Hour }, auction.ErrDuration},
		"too long":                    {func(in *auction.StartInput) { in.Duration = 7*24*time.Hour + 1 }, auction.ErrDuration},
		"a negative extension":        {func(in *auction.StartInput) { in.Extension = -1 }, auction.ErrDuration},
		"an extension too long":       {func(in *auction.StartInput) { in.Extension = 601 * time.Second }, auction.ErrDuration},
		"a listing in an auction":     {func(in *auction.StartInput) { in.Listing = taken }, catalog.ErrListingTaken},
		"another's listing":           {func(in *auction.StartInput) { in.Listing = foreign }, catalog.ErrListingTaken},
		"no such listing":             {func(in *auction.StartInput) { in.Listing = unknown }, catalog.ErrListingTaken},
		"another's show":              {func(in *auction.StartInput) { in.Show = &foreignShow.ID }, show.ErrNotHost},
		"a show that is not live":     {func(in *auction.StartInput) { in.Show = &scheduled.ID }, show.ErrNotLive},
		"no such show":                {func(in *auction.StartInput) { in.Show = &unknown }, show.ErrNotFound},
		"a live show, a taken listing": {func(in *auction.StartInput) {
			in.Show, in.Listing = &live.ID, taken
		}, catalog.ErrListingTaken},
	} {
		in := good
		in.Listing = mine
		c.change(&in)
		if _, err := w.Auctions.Start(t.Context(), host, in); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("a refusal left something")
	}
}

// However many start the same listing, one lot opens, and no lot number is lost.
func TestStartRace(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	host := w.User(identity.Seller)
	live := liveShow(w, host)
	listings := []uuid.UUID{w.Listing(host), w.Listing(host), w.Listing(host)}
	errs := domaintest.AtOnce(12, func(i int) error {
		_, err := w.Auctions.Start(t.Context(), host, auction.StartInput{
			Listing: listings[i%3], Show: &live.ID, StartPrice: eur(100), Duration: time.Minute,
		})
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 3 || codes["LISTING_NOT_AVAILABLE"] != 9 {
		t.Errorf("%v", codes)
	}
	lots, err := w.Auctions.ByShow(t.Context(), []uuid.UUID{live.ID})
	w.Must(err)
	for i, a := range lots[live.ID] {
		if *a.LotNumber != int32(3-i) {
			t.Errorf("lot %d has number %d", 3-i, *a.LotNumber)
		}
		w.Events(auction.Topic(a.ID))
	}
}

func TestAuctionsAreListed(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	var lots []auction.Auction
	for range 5 {
		lots = append(lots, w.Lot())
	}
	w.Close(lots[2].ID)
	open, unsold, two := auction.Open, auction.Unsold, 2
	seen := make(map[uuid.UUID]bool)
	args := page.Args{First: &two}
	for {
		p, err := w.Auctions.List(t.Context(), &open, args)
		w.Must(err)
		for _, a := range p.Nodes {
			if seen[a.ID] || a.ID == lots[2].ID {
				t.Errorf("%s is listed twice, or is closed", a.ID)
			}
			seen[a.ID] = true
		}
		if !p.HasNext {
			break
		}
		args.After = p.PageInfo().EndCursor
	}
	if len(seen) != 4 {
		t.Errorf("%d open lots are listed", len(seen))
	}
	if p, err := w.Auctions.List(t.Context(), &unsold, page.Args{}); err != nil || len(p.Nodes) != 1 || p.Nodes[0].ID != lots[2].ID {
		t.Errorf("unsold: %+v, %v", p.Nodes, err)
	}
	if p, err := w.Auctions.List(t.Context(), nil, page.Args{}); err != nil || len(p.Nodes) != 5 {
		t.Errorf("all: %d, %v", len(p.Nodes), err)
	}
	if _, err := w.Auctions.Get(t.Context(), id.New()); !errors.Is(err, auction.ErrNotFound) {
		t.Errorf("an unknown lot: %v", err)
	}
}

// A listing's newest lot is told by the database: the one that goes on, or that ended last, whatever its id says, which a server's
// clock made.
func TestTheLatestLotOfAListing(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	old := uuid.MustParse("ffffffff-ffff-7fff-bfff-ffffffffffff") // of a server whose clock was far ahead
	w.Exec(`INSERT INTO auction (id, listing_id, seller_id, backing, currency, start_price, duration, extension, status, opened_at, ends_at, closed_at, version)
		SELECT $2, listing_id, seller_id, 'HOLD', 'EUR', 100, 60, 0, 'UNSOLD', opened_at - interval '1 hour', opened_at - interval '1 hour', opened_at - interval '1 hour', 2
		FROM auction WHERE id = $1`, lot.ID, old)
	for _, when := range []string{"open", "ended"} {
		latest, err := w.Auctions.LatestByListing(t.Context(), []uuid.UUID{lot.ListingID})
		w.Must(err)
		if got := latest[lot.ListingID].ID; got != lot.ID {
			t.Errorf("%s: the latest is %s, want %s", when, got, lot.ID)
		}
		if when == "open" {
			w.Close(lot.ID)
		}
	}
}
