package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
)

const (
	myStanding = `subscription($id: ID!, $after: Int) { auctionStanding(auctionId: $id, afterVersion: $after) {
		version status maximum { amount } held { amount } price { amount } nextMinimum { amount } } }`
	myFeed = `subscription { viewerEvents { kind object { id } } }`
)

// standingOf is a standing as the tests write it: version, status, maximum, held, price and next minimum.
func standingOf(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var got struct {
		AuctionStanding struct {
			Version           int
			Status            string
			Maximum, Price    *struct{ Amount string }
			Held, NextMinimum struct{ Amount string }
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	amount := func(m *struct{ Amount string }) string {
		if m == nil {
			return "-"
		}
		return m.Amount
	}
	s := got.AuctionStanding
	return fmt.Sprintf("%d %s max %s held %s price %s next %s", s.Version, s.Status, amount(s.Maximum), s.Held.Amount, amount(s.Price), s.NextMinimum.Amount)
}

func wantStandings(t *testing.T, s *apitest.Stream, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := standingOf(t, s.Next().Raw()); got != w {
			t.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

func tellBidders(t *testing.T, a *graphtest.API) {
	t.Helper()
	if _, err := a.Resolver.Auctions.TellBidders(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A bidder sees what concerns them, whatever the cause: a bid of their own, another's, a raise from another device, support, the close.
func TestABidderSeesHowTheyStand(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	ada, ben, support := a.Funded(500), a.Funded(500), a.Person(identity.Support)
	lot := a.Lot(a.Person(identity.Seller), nil)
	vars := apitest.Vars{"id": lot.NodeID().String()}
	s, news := ada.Subscribe(t, myStanding, vars), ada.Subscribe(t, myFeed, nil)
	news.Next()
	wantStandings(t, s, "1 NONE max - held 0.00 price - next 10.00")
	a.Bid(ada, lot, 20)
	wantStandings(t, s, "2 LEADING max 20.00 held 20.00 price 10.00 next 11.00")
	a.Bid(ben, lot, 15)
	wantStandings(t, s, "3 LEADING max 20.00 held 20.00 price 16.00 next 17.00")
	a.Bid(ada, lot, 40) // from another device: no version of the lot
	tellBidders(t, a)
	wantStandings(t, s, "3 LEADING max 40.00 held 40.00 price 16.00 next 17.00")
	a.Bid(ben, lot, 60)
	tellBidders(t, a)
	wantStandings(t, s, "4 OUTBID max 40.00 held 0.00 price 41.00 next 42.00")
	bids, err := a.Resolver.Auctions.Bids(t.Context(), lot, page.Args{First: new(1)})
	if err != nil {
		t.Fatal(err)
	}
	support.Must(t, mutation("bidCancel"), input(apitest.Vars{"bidId": bids.Nodes[0].NodeID().String(), "reason": "a slip", "idempotencyKey": uuid.NewString()}))
	tellBidders(t, a)
	wantStandings(t, s, "5 LEADING max 40.00 held 40.00 price 16.00 next 17.00")
	a.Close(lot)
	tellBidders(t, a)
	wantStandings(t, s, "6 WON max 40.00 held 0.00 price 16.00 next 17.00")
	for _, kind := range []string{"MAXIMUM_RAISED", "OUTBID", "LEADING_AGAIN", "AUCTION_WON"} {
		if e := news.Next().At("viewerEvents"); e.Str("kind") != kind || e.Str("object.id") != lot.NodeID().String() {
			t.Errorf("the feed says %s, want %s", e.Raw(), kind)
		}
	}

	// Who comes back gets what they lack, and what made no version again.
	for after, want := range map[int][]string{
		1: {"2 LEADING max 20.00 held 20.00 price 10.00 next 11.00", "3 LEADING max 40.00 held 40.00 price 16.00 next 17.00"},
		3: {"3 LEADING max 40.00 held 40.00 price 16.00 next 17.00", "4 OUTBID max 40.00 held 0.00 price 41.00 next 42.00"},
		4: {"5 LEADING max 40.00 held 40.00 price 16.00 next 17.00", "6 WON max 40.00 held 0.00 price 16.00 next 17.00"},
		9: {"6 WON max 40.00 held 0.00 price 16.00 next 17.00"},
	} {
		wantStandings(t, ada.Subscribe(t, myStanding, with(vars, "after", after)), want...)
	}
	wantStandings(t, ben.Subscribe(t, myStanding, vars), "6 LOST max 15.00 held 0.00 price 16.00 next 17.00")
}

// The winner does not pay: the next bidder's standing has the offer, and what becomes of it.
func TestAStandingHasTheSecondChance(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	lot, _, winner, next := unpaidLot(t, a)
	const query = `subscription($id: ID!, $after: Int) { auctionStanding(auctionId: $id, afterVersion: $after) { version status secondChance { id status price { amount } } } }`
	vars := apitest.Vars{"id": lot.NodeID().String()}
	s := next.Subscribe(t, query, vars)
	want := func(s *apitest.Stream, status, chance string) string {
		t.Helper()
		e := s.Next().At("auctionStanding")
		if e.Int("version") != 4 || e.Str("status") != status || (chance == "" && string(e.At("secondChance").Raw()) != "null") ||
			(chance != "" && (e.Str("secondChance.status") != chance || e.Str("secondChance.price.amount") != "20.00")) {
			t.Fatalf("got %s, want %s with a chance %q", e.Raw(), status, chance)
		}
		if chance == "" {
			return ""
		}
		return e.Str("secondChance.id")
	}
	want(s, "LOST", "")
	expire(t, a, lot)
	chance := want(s, "LOST", "OFFERED")
	next.Must(t, mutation("secondChanceDecline"), input(apitest.Vars{"secondChanceId": chance}))
	want(s, "LOST", "DECLINED")
	want(next.Subscribe(t, query, with(vars, "after", 4)), "LOST", "DECLINED")
	want(winner.Subscribe(t, query, vars), "WON", "")
}

func TestStandingsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer, lot := a.Person(identity.Buyer), a.Lot(a.Person(identity.Seller), nil)
	for name, c := range map[string]struct {
		who  apitest.Client
		vars apitest.Vars
		code string
	}{
		"nobody":             {a.Nobody(), apitest.Vars{"id": lot.NodeID().String()}, "UNAUTHENTICATED"},
		"of a listing":       {buyer.Client, apitest.Vars{"id": "lst_" + lot.NodeID().String()[4:]}, "ID_WRONG_KIND"},
		"of nothing":         {buyer.Client, apitest.Vars{"id": auction.Auction{ID: uuid.New()}.NodeID().String()}, "AUCTION_NOT_FOUND"},
		"from a version < 0": {buyer.Client, apitest.Vars{"id": lot.NodeID().String(), "after": -1}, "CURSOR_INVALID"},
	} {
		if _, err := c.who.Subscribe(t, myStanding, c.vars).Receive(); err == nil || !strings.Contains(err.Error(), c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// Two bidders watch the same lot with the same text and outbid each other all the while: no maximum that is not theirs ever reaches
// them, not even where both are told of one commit. Each one's amounts end in cents of their own.
func TestAStandingIsNobodyElses(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person(identity.Seller), nil)
	vars := apitest.Vars{"id": lot.NodeID().String()}
	const rounds = 15
	var bidding sync.WaitGroup
	people := []graphtest.Person{a.Funded(9000), a.Funded(9000)}
	streams := []*apitest.Stream{people[0].Subscribe(t, myStanding, vars), people[1].Subscribe(t, myStanding, vars)}
	place := func(who, n int) string {
		answer, err := people[who].Do(mutation("bidPlace"), input(apitest.Vars{
			"auctionId": lot.NodeID().String(), "amount": eur(fmt.Sprintf("%d.0%d", 20+n*50, who+1)), "idempotencyKey": uuid.NewString(),
		}))
		if err != nil {
			return err.Error()
		}
		code, _, _ := refusal(t, answer)
		return code
	}
	for who := range people {
		bidding.Go(func() {
			for n := range rounds {
				if code := place(who, n); code != "none" && code != "BID_TOO_LOW" && code != "ALREADY_LEADING" {
					t.Errorf("bid %d of %d: %s", n, who, code)
				}
			}
		})
	}
	bidding.Wait()
	a.Close(lot)
	for who, s := range streams {
		own := fmt.Sprintf(".0%d", who+1)
		for last := 0; ; {
			raw := s.Next().At("auctionStanding")
			if raw.Int("version") < last {
				t.Errorf("version %d after %d", raw.Int("version"), last)
			}
			last = raw.Int("version")
			if maximum := raw.At("maximum"); string(maximum.Raw()) != "null" && !strings.HasSuffix(maximum.Str("amount"), own) {
				t.Errorf("%d sees the maximum %s", who, maximum.Raw())
			}
			if held := raw.Str("held.amount"); held != "0.00" && (!strings.HasSuffix(held, own) || raw.Str("status") != "LEADING") {
				t.Errorf("%d sees %s held", who, held)
			}
			if status := raw.Str("status"); status == "WON" || status == "LOST" {
				break
			}
		}
	}
}
