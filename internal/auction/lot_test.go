package auction_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// stage is a show with its host.
type stage struct {
	*domaintest.World

	host uuid.UUID
	show show.Show
}

// newStage is a show that is scheduled; live takes it live.
func newStage(t *testing.T) stage {
	t.Helper()
	w := domaintest.New(t)
	host := w.User(identity.Seller)
	s, err := w.Shows.Create(t.Context(), host, show.Draft{Title: "A show", StartsAt: time.Now()})
	w.Must(err)
	return stage{w, host, s}
}

func (s stage) live() stage {
	s.T.Helper()
	var err error
	s.show, err = s.Shows.Start(s.Ctx(), s.host, s.show.ID)
	s.Must(err)
	return s
}

// add puts a lot of a new listing into the show: from 10.00 EUR, for an hour.
func (s stage) add() auction.Auction {
	s.T.Helper()
	a, err := s.Auctions.AddLot(s.Ctx(), s.host, auction.StartInput{
		Listing: s.Listing(s.host), Show: &s.show.ID, StartPrice: eur(10_00), Duration: time.Hour,
	})
	s.Must(err)
	return a
}

func (s stage) open() auction.Auction {
	s.T.Helper()
	a, err := s.Auctions.OpenLot(s.Ctx(), s.host, s.add().ID)
	s.Must(err)
	return a
}

// listing is a lot's listing's status.
func (s stage) listing(a auction.Auction) catalog.Status {
	s.T.Helper()
	found, err := s.Catalog.ByID(s.Ctx(), []uuid.UUID{a.ListingID})
	s.Must(err)
	return found[a.ListingID].Status
}

// kinds are the kinds of a topic's events.
func (s stage) kinds(topic realtime.Topic) string {
	s.T.Helper()
	var kinds []string
	for _, e := range s.Events(topic) {
		kinds = append(kinds, e.Kind)
	}
	return strings.Join(kinds, " ")
}

func (s stage) queue() (ids []uuid.UUID) {
	s.T.Helper()
	one := 1
	args := page.Args{First: &one}
	for {
		p, err := s.Auctions.Lots(s.Ctx(), s.show.ID, auction.WaitingLots, args)
		s.Must(err)
		for _, a := range p.Nodes {
			ids = append(ids, a.ID)
		}
		if !p.HasNext {
			return ids
		}
		args.After = p.PageInfo().EndCursor
	}
}

// A lot waits, is opened, paused, resumed and sold under the hammer; its viewers and those of its show hear the same of it.
func TestALotOfAShow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	lot := s.add()
	if lot.Status != auction.Queued || *lot.LotNumber != 1 || *lot.Position != 1 || lot.EndsAt != nil || s.listing(lot) != catalog.Reserved {
		t.Errorf("it waits: %+v", lot)
	}
	if _, err := s.Auctions.OpenLot(t.Context(), s.host, lot.ID); !errors.Is(err, show.ErrNotLive) {
		t.Errorf("before the show: %v", err)
	}
	s = s.live()
	lot, err := s.Auctions.OpenLot(t.Context(), s.host, lot.ID)
	s.Must(err)
	if lot.Status != auction.Open || lot.Position != nil || lot.EndsAt.Sub(*lot.OpenedAt) != time.Hour {
		t.Errorf("it is open: %+v", lot)
	}
	buyer := s.Buyer(100_00)
	s.MustBid(lot.ID, buyer, 20_00)
	lot, err = s.Auctions.PauseLot(t.Context(), s.host, lot.ID)
	s.Must(err)
	if lot.Status != auction.Paused || lot.EndsAt != nil || *lot.TimeLeft <= 0 || *lot.TimeLeft > time.Hour {
		t.Errorf("it is paused: %+v", lot)
	}
	if _, err := s.Bid(lot.ID, s.Buyer(100_00), 30_00); !errors.Is(err, auction.ErrPaused) {
		t.Errorf("a bid meanwhile: %v", err)
	}
	left := *lot.TimeLeft
	lot, err = s.Auctions.ResumeLot(t.Context(), s.host, lot.ID)
	s.Must(err)
	told := s.Events(auction.Topic(lot.ID))
	if runs := lot.EndsAt.Sub(told[len(told)-1].At); lot.Status != auction.Open || lot.TimeLeft != nil || runs > left || runs < left-time.Minute {
		t.Errorf("it is resumed: %+v", lot)
	}
	lot, err = s.Auctions.HammerLot(t.Context(), s.host, lot.ID)
	s.Must(err)
	if lot.Status != auction.Sold || *lot.LeaderID != buyer || lot.Price.Minor != 10_00 || s.listing(lot) != catalog.Sold {
		t.Errorf("it is sold: %+v", lot)
	}
	if o := s.OrderOf(lot.ID, buyer); o.Total.Minor < 10_00 {
		t.Errorf("the order: %+v", o)
	}
	if got, want := s.kinds(auction.Topic(lot.ID)), "QUEUED OPENED BIDS_PLACED PAUSED RESUMED SOLD"; got != want {
		t.Errorf("the lot's viewers hear %s, want %s", got, want)
	}
	if got, want := s.kinds(show.Topic(s.show.ID)), "SCHEDULED LOT_QUEUED STARTED LOT_OPENED BIDS_PLACED LOT_PAUSED LOT_RESUMED LOT_SOLD"; got != want {
		t.Errorf("the show's viewers hear %s, want %s", got, want)
	}
	for _, e := range s.Events(show.Topic(s.show.ID)) {
		if change, err := auction.FromEvent(e); err != nil || strings.HasPrefix(e.Kind, "LOT_") && change.Auction.ID != lot.ID || e.Kind == auction.EventBids && len(change.Bids) != 1 {
			t.Errorf("%s is about %+v, %v", e.Kind, change, err)
		}
	}
	s.Audited()
}

// What a lot ends as when its host ends it, with nobody's bid, one below the reserve, and one that wins.
func TestHammerAndPass(t *testing.T) {
	t.Parallel()
	s := newStage(t).live()
	for name, c := range map[string]struct {
		bid       int64 // cents, 0: none
		end       func(*auction.Service, uuid.UUID) (auction.Auction, error)
		status    auction.Status
		err       error
		listing   catalog.Status
		available int64
		held      int64
	}{
		"hammer, no bid":        {0, s.hammer, auction.Unsold, nil, catalog.Active, 100_00, 0},
		"hammer, the reserve":   {20_00, s.hammer, auction.Unsold, nil, catalog.Active, 100_00, 0},
		"hammer, a bid":         {50_00, s.hammer, auction.Sold, nil, catalog.Sold, 70_00, 0},
		"pass, no bid":          {0, s.pass, auction.Passed, nil, catalog.Active, 100_00, 0},
		"pass, the reserve":     {20_00, s.pass, auction.Passed, nil, catalog.Active, 100_00, 0},
		"pass, a bid that wins": {50_00, s.pass, auction.Open, auction.ErrWouldSell, catalog.Reserved, 50_00, 50_00},
	} {
		a, err := s.Auctions.AddLot(t.Context(), s.host, auction.StartInput{
			Listing: s.Listing(s.host), Show: &s.show.ID, StartPrice: eur(10_00), Reserve: new(eur(30_00)), Duration: time.Hour,
		})
		s.Must(err)
		_, err = s.Auctions.OpenLot(t.Context(), s.host, a.ID)
		s.Must(err)
		buyer := s.Buyer(100_00)
		if c.bid > 0 {
			s.MustBid(a.ID, buyer, c.bid)
		}
		if _, err = c.end(s.Auctions, a.ID); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		now, err := s.Auctions.Get(t.Context(), a.ID)
		s.Must(err)
		if now.Status != c.status || s.listing(a) != c.listing {
			t.Errorf("%s: %s, the listing %s", name, now.Status, s.listing(a))
		}
		s.WantWallet(buyer, c.available, c.held)
	}
	s.Audited()
}

func (s stage) hammer(a *auction.Service, lot uuid.UUID) (auction.Auction, error) {
	return a.HammerLot(s.Ctx(), s.host, lot)
}

func (s stage) pass(a *auction.Service, lot uuid.UUID) (auction.Auction, error) {
	return a.PassLot(s.Ctx(), s.host, lot)
}

// Who is not the host, and what a lot's status does not allow, is refused, and nothing changes.
func TestLotsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t).live()
	rival := newRival(s)
	waiting, open, passed := s.add(), s.open(), s.add()
	_, err := s.Auctions.PassLot(t.Context(), s.host, passed.ID)
	s.Must(err)
	alone := s.Lot()
	unknown := id.New()
	type do = func(host, lot uuid.UUID) error
	one := func(f func(*auction.Service, uuid.UUID, uuid.UUID) (auction.Auction, error)) do {
		return func(host, lot uuid.UUID) error { _, err := f(s.Auctions, host, lot); return err }
	}
	opens := one(func(a *auction.Service, host, lot uuid.UUID) (auction.Auction, error) {
		return a.OpenLot(t.Context(), host, lot)
	})
	pauses := one(func(a *auction.Service, host, lot uuid.UUID) (auction.Auction, error) {
		return a.PauseLot(t.Context(), host, lot)
	})
	resumes := one(func(a *auction.Service, host, lot uuid.UUID) (auction.Auction, error) {
		return a.ResumeLot(t.Context(), host, lot)
	})
	hammers := one(func(a *auction.Service, host, lot uuid.UUID) (auction.Auction, error) {
		return a.HammerLot(t.Context(), host, lot)
	})
	passes := one(func(a *auction.Service, host, lot uuid.UUID) (auction.Auction, error) {
		return a.PassLot(t.Context(), host, lot)
	})
	removes := one(func(a *auction.Service, host, lot uuid.UUID) (auction.Auction, error) {
		return a.RemoveLot(t.Context(), host, lot)
	})
	pins := func(host, lot uuid.UUID) error {
		_, err := s.Auctions.PinLot(t.Context(), host, s.show.ID, &lot)
		return err
	}
	moves := func(host, lot uuid.UUID) error {
		_, err := s.Auctions.ReorderLots(t.Context(), host, s.show.ID, []uuid.UUID{lot})
		return err
	}
	before, told := s.Digest(), s.Told.Count()
	for name, c := range map[string]struct {
		do        do
		host, lot uuid.UUID
		err       error
	}{
		"opening another's":       {opens, rival, waiting.ID, show.ErrNotHost},
		"passing another's":       {passes, rival, open.ID, show.ErrNotHost},
		"pinning another's":       {pins, rival, open.ID, show.ErrNotHost},
		"moving another's":        {moves, rival, waiting.ID, show.ErrNotHost},
		"opening no lot":          {opens, s.host, unknown, auction.ErrNotFound},
		"opening an open one":     {opens, s.host, open.ID, auction.ErrNotWaiting},
		"opening a passed one":    {opens, s.host, passed.ID, auction.ErrNotWaiting},
		"opening one alone":       {opens, alone.SellerID, alone.ID, auction.ErrNotInShow},
		"pausing a waiting one":   {pauses, s.host, waiting.ID, auction.ErrLotNotOpen},
		"pausing a passed one":    {pauses, s.host, passed.ID, auction.ErrLotNotOpen},
		"resuming an open one":    {resumes, s.host, open.ID, auction.ErrNotPaused},
		"hammer on a waiting one": {hammers, s.host, waiting.ID, auction.ErrLotNotOpen},
		"hammer on a passed one":  {hammers, s.host, passed.ID, auction.ErrLotNotOpen},
		"passing a passed one":    {passes, s.host, passed.ID, auction.ErrLotNotOpen},
		"removing an open one":    {removes, s.host, open.ID, auction.ErrNotWaiting},
		"pinning one elsewhere":   {pins, s.host, alone.ID, auction.ErrNotInShow},
		"pinning no lot":          {pins, s.host, unknown, auction.ErrNotFound},
		"moving an open one":      {moves, s.host, open.ID, auction.ErrReorder},
		"moving no lot":           {moves, s.host, unknown, auction.ErrReorder},
	} {
		if err := c.do(c.host, c.lot); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	for _, lots := range [][]uuid.UUID{nil, {waiting.ID, waiting.ID}, make([]uuid.UUID, 10_000)} {
		if _, err := s.Auctions.ReorderLots(t.Context(), s.host, s.show.ID, lots); !errors.Is(err, auction.ErrReorder) {
			t.Errorf("%d lots in order: %v", len(lots), err)
		}
	}
	if s.Digest() != before || s.Told.Count() != told {
		t.Error("a refusal left something behind")
	}
}

func newRival(s stage) uuid.UUID {
	s.T.Helper()
	return s.User(identity.Seller)
}

// The lots that wait change their order; those that are named come first, the others keep theirs.
func TestReorder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a, b, c, d := s.add().ID, s.add().ID, s.add().ID, s.add().ID
	if got := s.queue(); !slices.Equal(got, []uuid.UUID{a, b, c, d}) {
		t.Errorf("as they were added: %v", got)
	}
	_, err := s.Auctions.ReorderLots(t.Context(), s.host, s.show.ID, []uuid.UUID{d, b})
	s.Must(err)
	if got := s.queue(); !slices.Equal(got, []uuid.UUID{d, b, a, c}) {
		t.Errorf("in order: %v", got)
	}
	_, err = s.Auctions.RemoveLot(t.Context(), s.host, b)
	s.Must(err)
	e := s.add().ID
	if got := s.queue(); !slices.Equal(got, []uuid.UUID{d, a, c, e}) {
		t.Errorf("after one was taken out and one added: %v", got)
	}
	orders := [][]uuid.UUID{{a, c, d, e}, {e, d, c, a}, {c, a, e, d}}
	for _, err := range domaintest.AtOnce(6, func(i int) error {
		_, err := s.Auctions.ReorderLots(t.Context(), s.host, s.show.ID, orders[i%3])
		return err
	}) {
		s.Must(err)
	}
	if got := s.queue(); !slices.ContainsFunc(orders, func(o []uuid.UUID) bool { return slices.Equal(o, got) }) {
		t.Errorf("at once, %v is nobody's order", got)
	}
}

// Of many who open, or end, a lot at once one does; a show that ends at the same moment ends without an open lot.
func TestLotsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t).live()
	lot := s.add()
	codes := domaintest.Codes(domaintest.AtOnce(8, func(int) error {
		_, err := s.Auctions.OpenLot(t.Context(), s.host, lot.ID)
		return err
	}))
	if codes[""] != 1 || codes["LOT_NOT_WAITING"] != 7 {
		t.Errorf("opened: %v", codes)
	}
	codes = domaintest.Codes(domaintest.AtOnce(8, func(i int) error {
		end := s.hammer
		if i%2 == 0 {
			end = s.pass
		}
		_, err := end(s.Auctions, lot.ID)
		return err
	}))
	if codes[""] != 1 || codes["LOT_NOT_OPEN"] != 7 {
		t.Errorf("ended: %v", codes)
	}
	for range 10 {
		s := newStage(t).live()
		lot := s.add()
		errs := domaintest.AtOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Auctions.OpenLot(t.Context(), s.host, lot.ID)
			} else {
				_, err = s.Auctions.EndShow(t.Context(), s.host, s.show.ID)
			}
			return err
		})
		now, err := s.Auctions.Get(t.Context(), lot.ID)
		s.Must(err)
		got := fmt.Sprint(domaintest.Code(errs[0]), " ", domaintest.Code(errs[1]), " ", now.Status)
		if got != " SHOW_HAS_OPEN_LOT OPEN" && got != "SHOW_NOT_LIVE  PASSED" {
			t.Errorf("opened and ended at once: %q", got)
		}
	}
}

// A show ends without open lots; those that wait are passed, and their listings are free.
func TestEndShow(t *testing.T) {
	t.Parallel()
	s := newStage(t).live()
	sold, open, first, second := s.open(), s.open(), s.add(), s.add()
	buyer := s.Buyer(100_00)
	s.MustBid(sold.ID, buyer, 20_00)
	_, err := s.Auctions.HammerLot(t.Context(), s.host, sold.ID)
	s.Must(err)
	_, err = s.Auctions.PinLot(t.Context(), s.host, s.show.ID, &open.ID)
	s.Must(err)
	_, err = s.Auctions.EndShow(t.Context(), s.host, s.show.ID)
	if refusal, _ := fault.As(err); refusal == nil || !errors.Is(err, show.ErrHasOpenLot) || refusal.Data["lot"].(auction.Auction).ID != open.ID {
		t.Errorf("with an open lot: %v", err)
	}
	_, err = s.Auctions.PauseLot(t.Context(), s.host, open.ID)
	s.Must(err)
	if _, err := s.Auctions.EndShow(t.Context(), s.host, s.show.ID); !errors.Is(err, show.ErrHasOpenLot) {
		t.Errorf("with a paused lot: %v", err)
	}
	_, err = s.Auctions.ResumeLot(t.Context(), s.host, open.ID)
	s.Must(err)
	s.End(open.ID) // its end has come, and nobody has closed it yet
	if _, err := s.Auctions.EndShow(t.Context(), newRival(s), s.show.ID); !errors.Is(err, show.ErrNotHost) {
		t.Errorf("another: %v", err)
	}
	ended, err := s.Auctions.EndShow(t.Context(), s.host, s.show.ID)
	s.Must(err)
	if ended.Status != show.Ended || ended.EndedAt == nil || ended.PinnedLotID != nil {
		t.Errorf("%+v", ended)
	}
	for _, lot := range []auction.Auction{first, second} {
		now, err := s.Auctions.Get(t.Context(), lot.ID)
		if err != nil || now.Status != auction.Passed || s.listing(lot) != catalog.Active || s.kinds(auction.Topic(lot.ID)) != "QUEUED PASSED" {
			t.Errorf("%+v, %v", now, err)
		}
	}
	for name, err := range map[string]error{
		"ended again": second2(s.Auctions.EndShow(t.Context(), s.host, s.show.ID)), "cancelled": second2(s.Auctions.CancelShow(t.Context(), s.host, s.show.ID)),
	} {
		if !errors.Is(err, show.ErrOver) && !errors.Is(err, show.ErrNotScheduled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Auctions.AddLot(t.Context(), s.host, auction.StartInput{Listing: first.ListingID, Show: &s.show.ID, StartPrice: eur(1), Duration: time.Hour}); !errors.Is(err, show.ErrOver) {
		t.Errorf("a lot of a show that is over: %v", err)
	}
	p, err := s.Auctions.Lots(t.Context(), s.show.ID, auction.SoldLots, page.Args{})
	if err != nil || len(p.Nodes) != 1 || p.Nodes[0].ID != sold.ID || p.Nodes[0].Price.Minor != 10_00 {
		t.Errorf("sold: %+v, %v", p.Nodes, err)
	}
	s.Audited()
}

func second2[T any](_ T, err error) error { return err }

// A show that is called off lets its lots go.
func TestCancelShow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	lot := s.add()
	cancelled, err := s.Auctions.CancelShow(t.Context(), s.host, s.show.ID)
	s.Must(err)
	if cancelled.Status != show.Cancelled || s.listing(lot) != catalog.Active {
		t.Errorf("%+v", cancelled)
	}
	if _, err := s.Shows.Start(t.Context(), s.host, s.show.ID); !errors.Is(err, show.ErrNotScheduled) {
		t.Errorf("started: %v", err)
	}
	if got := s.kinds(show.Topic(s.show.ID)); got != "SCHEDULED LOT_QUEUED CANCELLED" {
		t.Errorf("its viewers hear %s", got)
	}
}

// A show takes a thousand lots; ending it passes all that wait at once.
func TestAThousandLots(t *testing.T) {
	t.Parallel()
	s := newStage(t).live()
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition)
		SELECT gen_random_uuid(), $1, 'ONE_OFF', 'One of many', '', 'GOOD' FROM generate_series(1, 999)`, s.host)
	s.Exec(`UPDATE listing SET status = 'RESERVED'`)
	s.Exec(`INSERT INTO auction (id, listing_id, seller_id, show_id, lot_number, position, backing, currency, start_price, duration, extension, status, version)
		SELECT gen_random_uuid(), id, seller_id, $1, row_number() OVER (), row_number() OVER (), 'HOLD', 'EUR', 100, 60, 0, 'QUEUED', 0 FROM listing`, s.show.ID)
	s.Exec(`UPDATE show SET lots = 999 WHERE id = $1`, s.show.ID)
	s.add()
	if _, err := s.Auctions.AddLot(t.Context(), s.host, auction.StartInput{Listing: s.Listing(s.host), Show: &s.show.ID, StartPrice: eur(1), Duration: time.Hour}); !errors.Is(err, show.ErrTooManyLots) {
		t.Errorf("one more: %v", err)
	}
	queue := s.Int(`SELECT count(*) FROM auction WHERE status = 'QUEUED'`)
	_, err := s.Auctions.EndShow(t.Context(), s.host, s.show.ID)
	s.Must(err)
	if passed, free := s.Int(`SELECT count(*) FROM auction WHERE status = 'PASSED'`), s.Int(`SELECT count(*) FROM listing WHERE status = 'ACTIVE'`); queue != 1000 || passed != 1000 || free != 1001 {
		t.Errorf("%d waited, %d are passed, %d are free", queue, passed, free)
	}
}

// Who is banned from a show does not bid in it; who is muted there does.
func TestOutcastsDoNotBid(t *testing.T) {
	t.Parallel()
	s := newStage(t).live()
	lot := s.open()
	ada, badr := s.Buyer(100_00), s.Buyer(100_00)
	until := time.Now().Add(time.Hour)
	for user, in := range map[uuid.UUID]showchat.MemberInput{
		ada: {Action: showchat.Ban, Reason: "spam"}, badr: {Action: showchat.Mute, Until: &until, Reason: "spam"},
	} {
		in.Show, in.User = s.show.ID, user
		if _, err := s.ShowChat.Moderate(t.Context(), s.host, in); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Digest()
	if _, err := s.Bid(lot.ID, ada, 20_00); !errors.Is(err, showchat.ErrBanned) {
		t.Errorf("banned: %v", err)
	}
	if s.Digest() != before {
		t.Error("the refused bid left something")
	}
	s.MustBid(lot.ID, badr, 20_00)
}
