package auction_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/auctiontest"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// doorOf is a server's services at a lot.
func doorOf(w *domaintest.World, lot uuid.UUID) auctiontest.Door {
	return func(c auctiontest.Call) (a auctiontest.Answer, err error) {
		switch c.Act {
		case auctiontest.End:
			w.End(lot)
		case auctiontest.Close:
			a.Closed, err = w.Auctions.Close(w.Ctx(), lot)
		case auctiontest.Look:
			return looked(w.Auctions.Get(w.Ctx(), lot))
		case auctiontest.Bid:
			placed, err := w.Auctions.Place(w.Ctx(), c.Who, auction.PlaceInput{Auction: lot, Amount: eur(c.Cents), IdempotencyKey: c.Key})
			return bidden(placed, err)
		}
		return a, err
	}
}

func looked(a auction.Auction, err error) (auctiontest.Answer, error) {
	heard := auctiontest.Answer{Status: a.Status, Bids: a.BidCount, Minimum: a.NextMinimum.Minor}
	if a.LeaderID != nil {
		heard.Leader, heard.Price = *a.LeaderID, a.Price.Minor
	}
	return heard, err
}

func bidden(p auction.Placed, err error) (auctiontest.Answer, error) {
	if refusal, ok := fault.As(err); ok {
		heard := auctiontest.Answer{Code: refusal.Code}
		if refusal.Code == "BID_TOO_LOW" {
			price, _ := refusal.Data["price"].(money.Amount)
			minimum, _ := refusal.Data["minimum"].(money.Amount)
			heard.Price, heard.Minimum = price.Minor, minimum.Minor
		}
		return heard, nil
	}
	heard := auctiontest.Answer{Leading: p.Leading, Price: p.Price.Minor, Minimum: p.NextMinimum.Minor}
	if p.Bid.Number != nil {
		heard.Number = *p.Bid.Number
	}
	return heard, err
}

const (
	clients      = 10
	callsOfEach  = 16
	endsAfter    = clients * callsOfEach * 3 / 4 // calls, all clients' together
	decisionTime = time.Minute
)

// record has clients call at two doors at once, and gives what they did and heard. Each has so much money. A client looks, bids
// around the price that it heard last, or repeats its last bid at the other door.
func record(t *testing.T, doors [2]auctiontest.Door, free map[uuid.UUID]int64, seed uint64) []porcupine.Operation {
	t.Helper()
	h := auctiontest.NewHistory()
	people := slices.Collect(maps.Keys(free))
	var made atomic.Int32
	errs := domaintest.AtOnce(clients, func(i int) error {
		random, me, last := rand.New(rand.NewPCG(seed, uint64(i))), people[i], auctiontest.Call{}
		price := int64(10_00)
		for range callsOfEach {
			at, c := doors[random.IntN(2)], auctiontest.Call{Act: auctiontest.Look}
			switch n := random.IntN(10); {
			case made.Add(1) == endsAfter:
				c = auctiontest.Call{Act: auctiontest.End}
			case n < 6:
				last = auctiontest.Call{Act: auctiontest.Bid, Who: me, Cents: max(1, price+random.Int64N(16_00)-3_00), Key: uuid.NewString()}
				c = last
			case n < 8 && last.Key != "":
				c = last
			case n == 8:
				c = auctiontest.Call{Act: auctiontest.Close}
			}
			heard, err := h.Make(i, at, c)
			if err != nil {
				return err
			}
			price = max(price, heard.Price)
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return h.Calls
}

// crowd is people with between 20 and 110 euros.
func crowd(w *domaintest.World) map[uuid.UUID]int64 {
	free := make(map[uuid.UUID]int64, clients)
	for i := range int64(clients) {
		cents := 20_00 + i*10_00
		free[w.Buyer(cents)] = cents
	}
	return free
}

// What clients of two servers hear of one lot, in whatever way their calls overlap, is what they would have heard had one call been made
// after the other, in an order that respects who had their answer before who asked.
func TestLotIsLinearisable(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	other := w.Another(t)
	for seed := range uint64(4) {
		lot, free := w.Lot().ID, crowd(w)
		calls := record(t, [2]auctiontest.Door{doorOf(w, lot), doorOf(other, lot)}, free, seed)
		if result := porcupine.CheckOperationsTimeout(auctiontest.Sequential(free), calls, decisionTime); result != porcupine.Ok {
			t.Errorf("seed %d: %s: %+v", seed, result, calls)
		}
		w.Must2(w.Auctions.Close(t.Context(), lot)) // it may be closed already
		w.Events(auction.Topic(lot))
	}
	w.Audited()
}

// The check is worth what it finds: each of these servers is wrong in a way that no single answer shows.
func TestLinearisabilityIsNotGivenAway(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(w *domaintest.World, right auctiontest.Door) auctiontest.Door{
		"looks at what it knew first": func(_ *domaintest.World, right auctiontest.Door) auctiontest.Door {
			first := sync.OnceValues(func() (auctiontest.Answer, error) { return right(auctiontest.Call{Act: auctiontest.Look}) })
			return func(c auctiontest.Call) (auctiontest.Answer, error) {
				if c.Act == auctiontest.Look {
					return first()
				}
				return right(c)
			}
		},
		"bids once more for a retry": func(_ *domaintest.World, right auctiontest.Door) auctiontest.Door {
			return func(c auctiontest.Call) (auctiontest.Answer, error) {
				c.Key = uuid.NewString()
				return right(c)
			}
		},
		"has a lot of its own": func(w *domaintest.World, _ auctiontest.Door) auctiontest.Door { return doorOf(w, w.Lot().ID) },
		"numbers bids by itself": func(_ *domaintest.World, right auctiontest.Door) auctiontest.Door {
			var number atomic.Int32
			return func(c auctiontest.Call) (auctiontest.Answer, error) {
				heard, err := right(c)
				if heard.Number > 0 {
					heard.Number = number.Add(1)
				}
				return heard, err
			}
		},
		"tells a bid's answer before the bid is in": func(_ *domaintest.World, right auctiontest.Door) auctiontest.Door {
			var late sync.Mutex
			return func(c auctiontest.Call) (auctiontest.Answer, error) {
				if c.Act != auctiontest.Bid {
					return right(c)
				}
				before, err := right(auctiontest.Call{Act: auctiontest.Look})
				late.Lock()
				go func() { defer late.Unlock(); _, _ = right(c) }()
				return auctiontest.Answer{Number: before.Bids + 1, Leading: true, Price: before.Minimum, Minimum: before.Minimum + auctiontest.Step(before.Minimum)}, err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.New(t)
			w.Broken = true
			for seed := range uint64(5) { // what is wrong may not show at once
				lot, free := w.Lot().ID, crowd(w)
				right := doorOf(w, lot)
				calls := record(t, [2]auctiontest.Door{right, wrong(w, right)}, free, seed)
				if porcupine.CheckOperationsTimeout(auctiontest.Sequential(free), calls, decisionTime) == porcupine.Illegal {
					return
				}
			}
			t.Error("nobody notices")
		})
	}
}
