package auction_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
)

// busy is a lot whose lock is taken, so that what is bid on it waits, until it is let go.
type busy struct {
	*domaintest.World

	lot     uuid.UUID
	tx      pgx.Tx
	mu      sync.Mutex
	answers map[string]error // by the bids' keys
	placed  map[string]auction.Placed
	bidding sync.WaitGroup
}

func newBusy(w *domaintest.World, lot uuid.UUID) *busy {
	w.T.Helper()
	b := &busy{World: w, lot: lot, answers: map[string]error{}, placed: map[string]auction.Placed{}}
	var err error
	b.tx, err = w.Admin.Begin(w.Ctx())
	w.Must(err)
	w.Must2(b.tx.Exec(w.Ctx(), `SELECT FROM auction WHERE id = $1 FOR UPDATE`, lot))
	return b
}

// bids has somebody bid, and gives nothing back before the lot is let go.
func (b *busy) bids(who uuid.UUID, cents int64, key string) {
	b.bidding.Go(func() {
		placed, err := b.Auctions.Place(b.Ctx(), who, auction.PlaceInput{Auction: b.lot, Amount: eur(cents), IdempotencyKey: key})
		b.mu.Lock()
		defer b.mu.Unlock()
		b.answers[key], b.placed[key] = err, placed
	})
}

// first is a bid that is being judged, and waits for the lot's lock.
func (b *busy) first(who uuid.UUID, cents int64) {
	b.T.Helper()
	b.bids(who, cents, "first")
	for b.Int(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%AuctionLock%'`) == 0 {
		time.Sleep(time.Millisecond) // it has to come to wait
	}
}

// next is a bid that waits behind the others.
func (b *busy) next(who uuid.UUID, cents int64, key string) {
	b.T.Helper()
	before := b.Auctions.Waiting(b.lot)
	b.bids(who, cents, key)
	for b.Auctions.Waiting(b.lot) == before {
		time.Sleep(time.Millisecond)
	}
}

// done lets the lot go, and waits for all answers.
func (b *busy) done() {
	b.T.Helper()
	b.Must(b.tx.Rollback(b.Ctx()))
	b.bidding.Wait()
}

// What waits while a lot is busy is judged together, in the order of its arrival, and is one version of the lot.
func TestWhatWaitsIsOneCommit(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	b := newBusy(w, lot.ID)
	b.first(w.Buyer(100_00), 10_00)
	keys := []string{"a", "b", "c"}
	for i, key := range keys {
		b.next(w.Buyer(100_00), 20_00+int64(i)*10_00, key)
	}
	b.done()
	for i, key := range keys {
		if got := b.placed[key]; b.answers[key] != nil || *got.Bid.Number != int32(i+2) || !got.Leading || got.Auction.Version != 3 {
			t.Errorf("%s: %+v, %v", key, got, b.answers[key])
		}
	}
	if events := w.Events(auction.Topic(lot.ID)); len(events) != 3 {
		t.Errorf("%d events", len(events))
	}
	w.Audited()
}

// A bid that the database does not take, for a reason of its own, is refused alone: the others of its batch are judged one by one, in their
// order.
func TestAPoisonedBidIsRefusedAlone(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot, poison := w.Lot(), w.Buyer(1_000_00)
	w.Exec(`CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$`)
	w.Exec(`CREATE TRIGGER poisoned BEFORE INSERT ON bid FOR EACH ROW WHEN (NEW.bidder_id = '` + poison.String() + `') EXECUTE FUNCTION poisoned()`)
	b := newBusy(w, lot.ID)
	b.first(w.Buyer(100_00), 10_00)
	b.next(w.Buyer(100_00), 20_00, "before")
	b.next(poison, 30_00, "poisoned")
	b.next(w.Buyer(100_00), 25_00, "after") // leads, where the poisoned bid would have
	b.done()
	if err := b.answers["poisoned"]; err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("the poisoned bid: %v", err)
	}
	for i, key := range []string{"before", "after"} {
		if got := b.placed[key]; b.answers[key] != nil || *got.Bid.Number != int32(i+2) || !got.Leading {
			t.Errorf("%s: %+v, %v", key, got, b.answers[key])
		}
	}
	a := wantLot(w, lot.ID, b.placed["after"].Bid.BidderID, 21_00)
	if a.Version != 4 { // each by itself
		t.Errorf("version %d", a.Version)
	}
	w.WantWallet(poison, 1_000_00, 0)
	w.Exec(`DROP TRIGGER poisoned ON bid`)
	if placed, err := w.Auctions.Place(t.Context(), poison, auction.PlaceInput{Auction: lot.ID, Amount: eur(30_00), IdempotencyKey: "poisoned"}); err != nil || !placed.Leading {
		t.Errorf("the key of the poisoned bid is used up: %v", err)
	}
	w.Audited()
}

// More bids than may wait for a lot are refused at once, and say so; all others have their answer.
func TestTooManyBidsWait(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	people := make([]uuid.UUID, 50)
	for i := range people {
		people[i] = w.Buyer(100_000_00)
	}
	const tooMany = 100
	b := newBusy(w, lot.ID)
	b.first(people[0], 10_00)
	for i := range auction.WaitingMax + tooMany {
		b.bids(people[i%len(people)], 11_00+int64(i), uuid.NewString())
	}
	refused := func() (n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.answers)
	}
	for refused() < tooMany {
		time.Sleep(time.Millisecond)
	}
	if waiting := b.Auctions.Waiting(lot.ID); waiting != auction.WaitingMax {
		t.Errorf("%d wait", waiting)
	}
	b.done()
	codes, taken := map[string]int{}, 0
	for _, err := range b.answers {
		if codes[domaintest.Code(err)]++; err == nil {
			taken++
		}
		if errors.Is(err, batch.ErrBusy) && fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v is of kind %v", err, fault.KindOf(err))
		}
	}
	if codes["TOO_BUSY"] != tooMany || codes[""]+codes["BID_TOO_LOW"]+codes["ALREADY_LEADING"] != auction.WaitingMax+1 {
		t.Errorf("%v", codes)
	}
	if stored := w.Int(`SELECT count(*) FROM bid`); int(stored) != taken {
		t.Errorf("%d bids are stored, %d were taken", stored, taken)
	}
	w.Audited()
}

// terms starts a lot from 10.00 EUR, for an hour, on terms.
func terms(w *domaintest.World, change func(*auction.StartInput)) auction.Auction {
	w.T.Helper()
	seller := w.User(identity.Seller)
	in := auction.StartInput{Listing: w.Listing(seller), StartPrice: eur(10_00), Duration: time.Hour}
	change(&in)
	a, err := w.Auctions.Start(w.Ctx(), seller, in)
	w.Must(err)
	return a
}

func buy(w *domaintest.World, lot, buyer uuid.UUID, key string) (auction.Placed, error) {
	return w.Auctions.BuyNow(w.Ctx(), buyer, auction.BuyInput{Auction: lot, IdempotencyKey: key})
}

// Of many who want a lot at once one has it, at its price, and its order is paid; who led below the reserve has their money back.
func TestBuyNow(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	price, reserve := eur(60_00), eur(50_00)
	lot := terms(w, func(in *auction.StartInput) { in.BuyNow, in.Reserve = &price, &reserve })
	leader, people := w.Buyer(100_00), make([]uuid.UUID, 8)
	for i := range people {
		people[i] = w.Buyer(100_00)
	}
	w.MustBid(lot.ID, leader, 20_00)
	placed := make([]auction.Placed, len(people))
	errs := domaintest.AtOnce(len(people), func(i int) (err error) {
		placed[i], err = buy(w, lot.ID, people[i], "mine")
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 1 || codes["AUCTION_CLOSED"] != len(people)-1 {
		t.Fatal(codes)
	}
	for i, p := range people {
		if errs[i] != nil {
			w.WantWallet(p, 100_00, 0)
			continue
		}
		w.WantWallet(p, 40_00, 0)
		if o := w.OrderOf(lot.ID, p); o.Total != price || placed[i].Auction.Status != auction.Sold || *placed[i].Bid.Number != 2 {
			t.Errorf("%+v, order %+v", placed[i], o)
		}
		before := w.Digest()
		if again, err := buy(w, lot.ID, p, "mine"); err != nil || again.Bid.ID != placed[i].Bid.ID || w.Digest() != before {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
	w.WantWallet(leader, 100_00, 0)
	if got := (stage{World: w}).kinds(auction.Topic(lot.ID)); got != "OPENED"+strings.Repeat(" BIDS_PLACED", 2)+" SOLD" {
		t.Errorf("its viewers hear %s", got)
	}
	w.Audited()
}

func TestBuyNowThatIsRefused(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	price, reserve := eur(60_00), eur(50_00)
	buyable := func(in *auction.StartInput) { in.BuyNow = &price }
	fresh, plain, bid, met := terms(w, buyable), w.Lot(), terms(w, buyable), terms(w, func(in *auction.StartInput) { in.BuyNow, in.Reserve = &price, &reserve })
	rich, poor := w.Buyer(500_00), w.Buyer(59_99)
	w.Fund(fresh.SellerID, eur(100_00))
	w.MustBid(bid.ID, rich, 10_00)
	w.MustBid(met.ID, rich, 50_00)
	before := w.Digest()
	for name, c := range map[string]struct {
		lot, who uuid.UUID
		code     string
	}{
		"no such price":      {plain.ID, rich, "BUY_NOW_GONE"},
		"somebody has bid":   {bid.ID, rich, "BUY_NOW_GONE"},
		"the reserve is met": {met.ID, rich, "BUY_NOW_GONE"},
		"a cent is missing":  {fresh.ID, poor, "INSUFFICIENT_FUNDS"},
		"one's own":          {fresh.ID, fresh.SellerID, "BID_ON_OWN_LOT"},
		"no such lot":        {uuid.New(), rich, "AUCTION_NOT_FOUND"},
	} {
		if _, err := buy(w, c.lot, c.who, uuid.NewString()); domaintest.Code(err) != c.code || w.Digest() != before {
			t.Errorf("%s: %v, want %s and no trace", name, err, c.code)
		}
	}
	w.Audited()
}

// A lot with a date takes no bid before it, opens by itself, once whoever looks, and runs for its time from then.
func TestALotOpensAtItsDate(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	other := w.Another(t)
	date := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	lot := terms(w, func(in *auction.StartInput) { in.OpensAt = &date })
	ada := w.Buyer(100_00)
	if lot.Status != auction.Scheduled || lot.EndsAt != nil {
		t.Errorf("it waits as %+v", lot)
	}
	_, err := w.Bid(lot.ID, ada, 10_00)
	if refusal, _ := fault.As(err); refusal == nil || refusal.Code != "AUCTION_NOT_OPEN" || !refusal.Data["opensAt"].(*time.Time).Equal(date) {
		t.Errorf("before its date: %+v", refusal)
	}
	if n, err := w.Auctions.OpenDue(t.Context(), slog.New(slog.DiscardHandler)); n != 0 || err != nil {
		t.Errorf("%d opened before their date, %v", n, err)
	}
	w.Exec(`UPDATE auction SET opens_at = clock_timestamp() WHERE id = $1`, lot.ID)
	opened := make([]int, 4)
	for _, err := range domaintest.AtOnce(len(opened), func(i int) (err error) {
		opened[i], err = []*domaintest.World{w, other}[i%2].Auctions.OpenDue(t.Context(), slog.New(slog.DiscardHandler))
		return err
	}) {
		w.Must(err)
	}
	if opened[0]+opened[1]+opened[2]+opened[3] != 1 {
		t.Errorf("opened %v times", opened)
	}
	now, err := w.Auctions.Get(t.Context(), lot.ID)
	w.Must(err)
	if now.Status != auction.Open || now.EndsAt.Sub(*now.OpenedAt) != time.Hour {
		t.Errorf("%+v", now)
	}
	if got := (stage{World: w}).kinds(auction.Topic(lot.ID)); got != "SCHEDULED OPENED" {
		t.Errorf("its viewers hear %s", got)
	}
	w.MustBid(lot.ID, ada, 10_00)
}

// Who is too young, or not known well enough, is told what is missing; a birthday counts from its day on, by the database's clock.
func TestWhoMayBid(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	age, tier := 18, identity.Verified
	lot := terms(w, func(in *auction.StartInput) { in.MinimumAge, in.MinimumTier = &age, &tier })
	born := func(when string, tier identity.Tier) uuid.UUID {
		user := w.Buyer(1_000_00)
		w.Exec(`UPDATE app_user SET birth_date = `+when+`, tier = $2 WHERE id = $1`, user, string(tier))
		return user
	}
	const today = `(clock_timestamp()::date - interval '18 years')::date`
	banned := born(`'1990-01-01'`, identity.Trusted)
	w.Exec(`UPDATE app_user SET banned_at = clock_timestamp(), ban_reason = 'x' WHERE id = $1`, banned)
	cents := int64(10_00)
	for _, c := range []struct {
		name string
		who  uuid.UUID
		code string
		age  any
		tier any
	}{
		{"a birth date that nobody knows", born(`NULL`, identity.Verified), "BIDDER_NOT_ELIGIBLE", 18, nil},
		{"eighteen tomorrow", born(today+` + 1`, identity.Verified), "BIDDER_NOT_ELIGIBLE", 18, nil},
		{"not verified", born(`'1990-01-01'`, identity.Unverified), "BIDDER_NOT_ELIGIBLE", nil, identity.Verified},
		{"neither", born(`NULL`, identity.Unverified), "BIDDER_NOT_ELIGIBLE", 18, identity.Verified},
		{"banned", banned, "USER_BANNED", nil, nil},
		{"eighteen today", born(today, identity.Verified), "", nil, nil},
		{"trusted", born(`'1990-01-01'`, identity.Trusted), "", nil, nil},
	} {
		before := w.Digest()
		_, err := w.Bid(lot.ID, c.who, cents)
		if domaintest.Code(err) != c.code {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
		if err == nil {
			cents += 10_00
			continue
		}
		if refusal, _ := fault.As(err); refusal.Data["minimumAge"] != c.age || refusal.Data["minimumTier"] != c.tier || w.Digest() != before {
			t.Errorf("%s: %+v", c.name, refusal.Data)
		}
	}
	w.Audited()
}
