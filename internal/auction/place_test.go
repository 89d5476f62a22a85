package auction_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
)

func TestHoldsFollowTheLeader(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(50_00)
	lot := w.Lot()
	first := w.MustBid(lot.ID, ada, 10_00)
	if !first.Leading || *first.Auction.LeaderID != ada || *first.Auction.Price != eur(10_00) || first.Auction.NextMinimum != eur(11_00) {
		t.Errorf("the first bid: %+v", first)
	}
	w.WantWallet(ada, 90_00, 10_00)
	second := w.MustBid(lot.ID, ben, 50_00)
	if *second.Bid.Number != 2 || second.Auction.Version != 3 || !second.Leading || second.Price != eur(11_00) || second.NextMinimum != eur(12_00) {
		t.Errorf("the second bid: %+v", second)
	}
	w.WantWallet(ada, 100_00, 0)
	w.WantWallet(ben, 0, 50_00)
	w.MustBid(lot.ID, ada, 100_00)
	w.WantWallet(ada, 0, 100_00)
	w.WantWallet(ben, 50_00, 0)
	w.Audited()
	if events := w.Events(auction.Topic(lot.ID)); len(events) != 4 {
		t.Errorf("%d events", len(events))
	}
}

func TestRefusedBidLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	rich, poor := w.Buyer(1_000_00), w.Buyer(10_00)
	lot := w.Lot()
	seller := lot.SellerID
	w.Fund(seller, eur(100_00))
	w.Fund(poor, money.New(1_000_00, "USD"))
	w.MustBid(lot.ID, rich, 10_00)
	ended := w.Lot()
	w.End(ended.ID)
	before, told := w.Digest(), w.Told.Count()
	for name, c := range map[string]struct {
		bidder uuid.UUID
		in     auction.PlaceInput
		err    error
	}{
		"too low":            {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(10_99), IdempotencyKey: "k"}, auction.ErrBidTooLow},
		"without funds":      {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(11_00), IdempotencyKey: "k"}, payment.ErrInsufficientFunds},
		"the leader again":   {rich, auction.PlaceInput{Auction: lot.ID, Amount: eur(10_00), IdempotencyKey: "k"}, auction.ErrAlreadyLeading},
		"the seller":         {seller, auction.PlaceInput{Auction: lot.ID, Amount: eur(20_00), IdempotencyKey: "k"}, auction.ErrOwnLot},
		"another currency":   {poor, auction.PlaceInput{Auction: lot.ID, Amount: money.New(20_00, "USD"), IdempotencyKey: "k"}, auction.ErrCurrency},
		"after the end":      {rich, auction.PlaceInput{Auction: ended.ID, Amount: eur(20_00), IdempotencyKey: "k"}, auction.ErrClosed},
		"no such lot":        {rich, auction.PlaceInput{Auction: id.New(), Amount: eur(20_00), IdempotencyKey: "k"}, auction.ErrNotFound},
		"zero":               {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(0), IdempotencyKey: "k"}, auction.ErrNotPositive},
		"negative":           {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(-11_00), IdempotencyKey: "k"}, auction.ErrNotPositive},
		"too high":           {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(1_000_000_01), IdempotencyKey: "k"}, auction.ErrBidTooHigh},
		"the highest number": {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(1<<63 - 1), IdempotencyKey: "k"}, auction.ErrBidTooHigh},
		"no key":             {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(11_00)}, auction.ErrKey},
		"a key too long":     {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(11_00), IdempotencyKey: strings.Repeat("k", 256)}, auction.ErrKey},
		"a key with NUL":     {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(11_00), IdempotencyKey: "a\x00b"}, auction.ErrKey},
		"a key not ASCII":    {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(11_00), IdempotencyKey: "clé"}, auction.ErrKey},
		"a key not UTF-8":    {poor, auction.PlaceInput{Auction: lot.ID, Amount: eur(11_00), IdempotencyKey: "\xff"}, auction.ErrKey},
	} {
		if _, err := w.Auctions.Place(t.Context(), c.bidder, c.in); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if w.Digest() != before {
			t.Fatalf("%s: the refusal left something", name)
		}
	}
	if w.Told.Count() != told {
		t.Error("a refusal was told")
	}
	w.Audited()
}

func TestRefusalsTellWhatIsNeeded(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	rich, poor := w.Buyer(100_00), w.Buyer(12_34)
	lot := w.Lot()
	w.MustBid(lot.ID, rich, 20_00)
	_, err := w.Bid(lot.ID, poor, 10_50)
	if f, _ := fault.As(err); f == nil || f.Data["minimum"] != eur(11_00) || f.Data["price"] != eur(10_00) {
		t.Errorf("too low: %+v", f)
	}
	_, err = w.Bid(lot.ID, poor, 21_00)
	if f, _ := fault.As(err); f == nil || f.Code != "INSUFFICIENT_FUNDS" || f.Data["available"] != eur(12_34) {
		t.Errorf("without funds: %+v", f)
	}
}

// Whose wallet is freed by the same bid may use that money at once: the entry is the net change.
func TestMoneyFreedOnOneLotPaysOnAnother(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(20_00), w.Buyer(40_00)
	lot, next := w.Lot(), w.Lot()
	w.MustBid(lot.ID, ada, 20_00)
	if _, err := w.Bid(next.ID, ada, 10_00); !errors.Is(err, payment.ErrInsufficientFunds) {
		t.Errorf("held money was bid again: %v", err)
	}
	w.MustBid(lot.ID, ben, 30_00)
	w.MustBid(next.ID, ada, 20_00)
	w.WantWallet(ada, 0, 20_00)
	w.Audited()
}

func TestLateBidExtends(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(100_00)
	seller := w.Buyer(0)
	a, err := w.Auctions.Start(t.Context(), seller, auction.StartInput{
		Listing: w.Listing(seller), StartPrice: eur(10_00), Duration: time.Minute, Extension: 5 * time.Minute,
	})
	w.Must(err)
	first := w.MustBid(a.ID, ada, 10_00)
	if want := first.Bid.PlacedAt.Add(5 * time.Minute); !first.Auction.EndsAt.Equal(want) {
		t.Errorf("it ends at %v, want %v", first.Auction.EndsAt, want)
	}
	second := w.MustBid(a.ID, ben, 20_00)
	if !second.Auction.EndsAt.After(*first.Auction.EndsAt) {
		t.Error("the second late bid did not move the end")
	}
	sudden := w.Lot()
	if placed := w.MustBid(sudden.ID, ada, 10_00); !placed.Auction.EndsAt.Equal(*sudden.EndsAt) {
		t.Error("a bid moved the end of a sudden death")
	}
}

// What everyone may see names no hold, no address and no key.
func TestEventsHoldNothingPrivate(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(100_00), w.Buyer(100_00)
	lot := w.Lot()
	w.MustBid(lot.ID, ada, 10_00)
	w.MustBid(lot.ID, ben, 20_00)
	w.Close(lot.ID)
	var private []string
	rows, err := w.Admin.Query(t.Context(), `SELECT id::text FROM hold UNION SELECT idempotency_key FROM bid UNION SELECT email FROM app_user`)
	w.Must(err)
	for rows.Next() {
		var secret string
		w.Must(rows.Scan(&secret))
		private = append(private, secret)
	}
	w.Must(rows.Err())
	events := w.Events(auction.Topic(lot.ID))
	if len(events) != 4 || len(private) < 6 {
		t.Fatalf("%d events, %d secrets", len(events), len(private))
	}
	for _, e := range events {
		for _, secret := range private {
			if strings.Contains(string(e.Payload), secret) {
				t.Errorf("%s holds %s", e.Kind, secret)
			}
		}
		change, err := auction.FromEvent(e)
		if err != nil || change.Auction.Version != e.Version || (len(change.Bids) == 1) != (e.Kind == auction.EventBids) {
			t.Errorf("%s: %+v, %v", e.Kind, change, err)
		}
	}
}

func TestSnapshotIsTheLotAsItIs(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	lot := w.Lot()
	placed := w.MustBid(lot.ID, w.Buyer(100_00), 10_00)
	e, err := w.Auctions.Snapshot(lot.ID)(t.Context())
	w.Must(err)
	change, err := auction.FromEvent(e)
	if err != nil || e.Version != 2 || change.Bids != nil || *change.Auction.Price != *placed.Auction.Price {
		t.Errorf("%+v %+v %v", e, change, err)
	}
	if _, err := w.Auctions.Snapshot(id.New())(t.Context()); !errors.Is(err, auction.ErrNotFound) {
		t.Errorf("of an unknown lot: %v", err)
	}
}

// While bids come in, pages of a lot's bids neither skip nor repeat.
func TestBidsPageByPage(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben := w.Buyer(1_000_00), w.Buyer(1_000_00)
	lot := w.Lot()
	bid := func(n int) {
		w.MustBid(lot.ID, []uuid.UUID{ada, ben}[n%2], int64(10_00+n*10_00))
	}
	for n := range 5 {
		bid(n)
	}
	two := 2
	args := page.Args{First: &two}
	var numbers []int32
	for n := 5; ; n++ {
		p, err := w.Auctions.Bids(t.Context(), lot, args)
		w.Must(err)
		for _, b := range p.Nodes {
			numbers = append(numbers, *b.Number)
		}
		if !p.HasNext {
			break
		}
		args.After = p.PageInfo().EndCursor
		bid(n)
	}
	if fmt.Sprint(numbers) != "[5 4 3 2 1]" {
		t.Errorf("%v", numbers)
	}
}
