package auction_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// call is one that a client makes at a lot.
type call struct {
	what  string // bid, look, end or close
	who   uuid.UUID
	cents int64
	key   string
}

// answer is what the client heard. Of a bid that was taken: its number, what it did, and the lot right after it.
type answer struct {
	code    string
	number  int32 // 0: a raise
	leading bool
	price   int64
	minimum int64
	status  auction.Status // of a look, as its bids and leader are
	bids    int32
	leader  uuid.UUID
	closed  bool // of a close: it was this one
}

// paper is a lot as the model has it, and the answers that its keys have had.
type paper struct {
	model
	ended    bool
	status   auction.Status
	answered map[string]answer
}

func (p paper) clone() paper {
	p.free, p.answered = maps.Clone(p.free), maps.Clone(p.answered)
	p.envelopes = slices.Clip(p.envelopes)
	return p
}

// minimum is the least that somebody else has to bid.
func (p *paper) minimum() int64 {
	if len(p.envelopes) == 0 {
		return 10_00
	}
	return p.price + step(p.price)
}

// play makes a call and says what the answer has to be.
func (p *paper) play(c call) (want answer) {
	switch c.what {
	case "end":
		p.ended, p.open = true, false
	case "close":
		if p.ended && p.status == auction.Open {
			want.closed, p.status = true, auction.Unsold
			if p.numbers > 0 {
				p.status = auction.Sold
			}
		}
	case "look":
		leader, _, _ := p.best()
		want = answer{status: p.status, bids: int32(p.numbers), leader: leader, price: p.price, minimum: p.minimum()}
	case "bid":
		if first, ok := p.answered[c.key]; ok {
			return first
		}
		numbers := p.numbers
		if want.code = p.bid(c.who, false, c.cents); want.code != "" {
			if want.code == "BID_TOO_LOW" {
				want.price, want.minimum = p.price, p.minimum()
			}
			return want
		}
		leader, _, _ := p.best()
		want.leading, want.price, want.minimum = leader == c.who, p.price, p.minimum()
		if p.numbers > numbers {
			want.number = int32(p.numbers)
		}
		p.answered[c.key] = want
	}
	return want
}

// sequential is the lot that every history has to be explained by, one call after the other.
func sequential(free map[uuid.UUID]int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			return paper{model: model{free: free, open: true}, status: auction.Open, answered: map[string]answer{}}
		},
		Step: func(state, input, output any) (bool, any) {
			p := state.(paper).clone()
			want := p.play(input.(call))
			return want == output.(answer), p
		},
		Equal: reflect.DeepEqual,
	}
}

// door is a server, as a client meets it.
type door func(c call) (answer, error)

// doorOf is a server's services at a lot.
func doorOf(w *domaintest.World, lot uuid.UUID) door {
	return func(c call) (a answer, err error) {
		switch c.what {
		case "end":
			w.End(lot)
		case "close":
			a.closed, err = w.Auctions.Close(w.Ctx(), lot)
		case "look":
			return looked(w.Auctions.Get(w.Ctx(), lot))
		case "bid":
			placed, err := w.Auctions.Place(w.Ctx(), c.who, auction.PlaceInput{Auction: lot, Amount: eur(c.cents), IdempotencyKey: c.key})
			return bidden(placed, err)
		}
		return a, err
	}
}

func looked(a auction.Auction, err error) (answer, error) {
	heard := answer{status: a.Status, bids: a.BidCount, minimum: a.NextMinimum.Minor}
	if a.LeaderID != nil {
		heard.leader, heard.price = *a.LeaderID, a.Price.Minor
	}
	return heard, err
}

func bidden(p auction.Placed, err error) (answer, error) {
	if refusal, ok := fault.As(err); ok {
		heard := answer{code: refusal.Code}
		if refusal.Code == "BID_TOO_LOW" {
			price, _ := refusal.Data["price"].(money.Amount)
			minimum, _ := refusal.Data["minimum"].(money.Amount)
			heard.price, heard.minimum = price.Minor, minimum.Minor
		}
		return heard, nil
	}
	heard := answer{leading: p.Leading, price: p.Price.Minor, minimum: p.NextMinimum.Minor}
	if p.Bid.Number != nil {
		heard.number = *p.Bid.Number
	}
	return heard, err
}

// history is calls that were made at once, by a clock that all share.
type history struct {
	began time.Time
	mu    sync.Mutex
	calls []porcupine.Operation
}

func (h *history) make(client int, at door, c call) (answer, error) {
	called := time.Since(h.began).Nanoseconds()
	heard, err := at(c)
	returned := time.Since(h.began).Nanoseconds()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: c, Call: called, Output: heard, Return: returned})
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
func record(t *testing.T, doors [2]door, free map[uuid.UUID]int64, seed uint64) []porcupine.Operation {
	t.Helper()
	h := history{began: time.Now()}
	people := slices.Collect(maps.Keys(free))
	var made atomic.Int32
	errs := domaintest.AtOnce(clients, func(i int) error {
		random, me, last := rand.New(rand.NewPCG(seed, uint64(i))), people[i], call{}
		price := int64(10_00)
		for range callsOfEach {
			at, c := doors[random.IntN(2)], call{what: "look"}
			switch n := random.IntN(10); {
			case made.Add(1) == endsAfter:
				c = call{what: "end"}
			case n < 6:
				last = call{what: "bid", who: me, cents: max(1, price+random.Int64N(16_00)-3_00), key: uuid.NewString()}
				c = last
			case n < 8 && last.key != "":
				c = last
			case n == 8:
				c = call{what: "close"}
			}
			heard, err := h.make(i, at, c)
			if err != nil {
				return err
			}
			price = max(price, heard.price)
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return h.calls
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
		calls := record(t, [2]door{doorOf(w, lot), doorOf(other, lot)}, free, seed)
		if result := porcupine.CheckOperationsTimeout(sequential(free), calls, decisionTime); result != porcupine.Ok {
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
	for name, wrong := range map[string]func(w *domaintest.World, right door) door{
		"looks at what it knew first": func(_ *domaintest.World, right door) door {
			first := sync.OnceValues(func() (answer, error) { return right(call{what: "look"}) })
			return func(c call) (answer, error) {
				if c.what == "look" {
					return first()
				}
				return right(c)
			}
		},
		"bids once more for a retry": func(_ *domaintest.World, right door) door {
			return func(c call) (answer, error) {
				c.key = uuid.NewString()
				return right(c)
			}
		},
		"has a lot of its own": func(w *domaintest.World, _ door) door { return doorOf(w, w.Lot().ID) },
		"numbers bids by itself": func(_ *domaintest.World, right door) door {
			var number atomic.Int32
			return func(c call) (answer, error) {
				heard, err := right(c)
				if heard.number > 0 {
					heard.number = number.Add(1)
				}
				return heard, err
			}
		},
		"tells a bid's answer before the bid is in": func(_ *domaintest.World, right door) door {
			var late sync.Mutex
			return func(c call) (answer, error) {
				if c.what != "bid" {
					return right(c)
				}
				before, err := right(call{what: "look"})
				late.Lock()
				go func() { defer late.Unlock(); _, _ = right(c) }()
				return answer{number: before.bids + 1, leading: true, price: before.minimum, minimum: before.minimum + step(before.minimum)}, err
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
				calls := record(t, [2]door{right, wrong(w, right)}, free, seed)
				if porcupine.CheckOperationsTimeout(sequential(free), calls, decisionTime) == porcupine.Illegal {
					return
				}
			}
			t.Error("nobody notices")
		})
	}
}
