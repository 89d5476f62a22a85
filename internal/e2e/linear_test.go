package e2e

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/auctiontest"
	"github.com/souklive/souk/internal/id"
)

var linearBidders = flag.Int("linear.bidders", 60, "how many people bid where porcupine judges; make soak-linear has 500")

// linearClients is how many of them have a bid under way at once: porcupine tries the orders of what overlaps, and of many more it
// finds no end.
const linearClients = 12

// What bidders at two servers hear, of which one is killed in the middle and what it had under way is repeated at the other, is what they
// would have heard had one bid been made after the other, by the rules, in an order that respects who had their answer before who
// asked.
func TestBidsAtTwoServersAreLinearisable(t *testing.T) {
	t.Parallel()
	const euros = 100_000
	site := newSite(t)
	site.shareStripe()
	doomed, other := site.start(), site.another().start()
	lot := doomed.signUp("Hana", "SELLER").openLot(t, 600, 0)
	people := site.people(*linearBidders, euros)
	free := map[uuid.UUID]int64{}
	for _, p := range people {
		free[p.user] = euros * 100
	}
	h := auctiontest.NewHistory()
	clients := make([]*linearClient, linearClients)
	for i := range clients {
		clients[i] = &linearClient{number: i, lot: lot, history: h, random: rand.New(rand.NewPCG(1, uint64(i)))}
		for j := i; j < len(people); j += linearClients {
			clients[i].people = append(clients[i].people, people[j])
		}
	}

	var turns atomic.Int64
	last := int64(6 * len(people))
	halfway := make(chan struct{})
	wait := atOnce(t, clients, func(c *linearClient) error {
		return c.run([]*server{doomed, other}, func() bool {
			n := turns.Add(1)
			if n == last/2 {
				close(halfway)
			}
			return n < last*2/3
		})
	})
	<-halfway
	doomed.kill()
	wait()
	site.claimsEnd()
	unknown := 0
	for _, c := range clients {
		if c.open != nil {
			unknown++
		}
	}
	atOnce(t, clients, func(c *linearClient) error {
		return c.run([]*server{other}, func() bool { return turns.Add(1) < last })
	})()

	if t.Failed() {
		return
	}
	result := porcupine.CheckOperationsTimeout(auctiontest.Sequential(free), h.Calls, 2*time.Minute)
	if result != porcupine.Ok {
		t.Errorf("of %d calls: %s", len(h.Calls), result)
	}
	middle := &h.Calls[len(h.Calls)/2]
	told := middle.Output.(auctiontest.Answer)
	told.Minimum++
	middle.Output = told
	if porcupine.CheckOperationsTimeout(auctiontest.Sequential(free), h.Calls, 2*time.Minute) == porcupine.Ok {
		t.Error("one wrong cent is not noticed")
	}
	t.Logf("%d calls, of which %d were repeated at the other server; %d bids are stored", len(h.Calls), unknown, len(site.bids(lot)))
	site.checkLedger()
}

// linearClient makes one call after the other for some people.
type linearClient struct {
	number  int
	lot     string
	people  []*bidder
	history *auctiontest.History
	random  *rand.Rand
	next    int // whose turn it is
	minimum int64
	open    *openCall // nobody has answered yet
}

type openCall struct {
	by     *bidder
	call   auctiontest.Call
	key    string
	called int64
}

// run makes calls at these servers until it is enough, or a server is gone; it begins with the call that nobody has answered.
func (c *linearClient) run(servers []*server, wanted func() bool) error {
	for c.open != nil || wanted() {
		if c.open == nil {
			c.open = c.draw()
		}
		at := servers[c.random.IntN(len(servers))]
		heard, err := c.open.make(at, c.lot)
		switch {
		case errors.Is(err, errWrongAnswer):
			return err
		case err != nil && len(servers) > 1:
			return nil // the server is gone, as it should
		case err != nil:
			return err
		}
		c.history.Add(c.number, c.open.call, c.open.called, heard)
		if heard.Minimum > 0 {
			c.minimum = heard.Minimum
		}
		c.open = nil
	}
	return nil
}

// draw is the next call: most are bids around what is asked for, some look.
func (c *linearClient) draw() *openCall {
	by := c.people[c.next%len(c.people)]
	c.next++
	o := &openCall{by: by, key: uuid.NewString(), called: c.history.Now(), call: auctiontest.Call{Act: auctiontest.Look}}
	if c.random.IntN(8) > 0 {
		cents := max(10_00, c.minimum) + 50*(c.random.Int64N(40)-4)
		// A bid is known by its key to the servers, and by being one to the model.
		o.call = auctiontest.Call{Act: auctiontest.Bid, Who: by.user, Cents: cents}
	}
	return o
}

// errWrongAnswer is an answer that no server may give.
var errWrongAnswer = errors.New("wrong answer")

func (o *openCall) make(at *server, lot string) (auctiontest.Answer, error) {
	p := o.by.at(at)
	if o.call.Act == auctiontest.Look {
		return p.look(lot)
	}
	return p.bidAndTell(lot, int(o.call.Cents), o.key)
}

const lookAtLot = `query Look($id: ID!) { auction(id: $id) { status bidCount price { minor } nextMinimum { minor } leader { id } } }`

func (p person) look(lot string) (heard auctiontest.Answer, err error) {
	var data struct {
		Auction struct {
			Status      auction.Status
			BidCount    int32
			Price       *amountData
			NextMinimum amountData
			Leader      *struct{ ID string }
		}
	}
	if err := p.told(lookAtLot, apitest.Vars{"id": lot}, &data); err != nil {
		return heard, err
	}
	a := data.Auction
	heard = auctiontest.Answer{Status: a.Status, Bids: a.BidCount, Minimum: int64(a.NextMinimum.Minor)}
	if a.Leader != nil {
		heard.Price = int64(a.Price.Minor)
		if heard.Leader, err = id.User.Decode(a.Leader.ID); err != nil {
			return heard, errors.Join(errWrongAnswer, err)
		}
	}
	return heard, nil
}

const bidAndTell = `mutation Bid($input: BidPlaceInput!) { bidPlace(input: $input) {
	leading price { minor } nextMinimum { minor } bid { number }
	userErrors { code ... on BidTooLow { minimum { minor } price { minor } } } } }`

func (p person) bidAndTell(lot string, cents int, key string) (heard auctiontest.Answer, err error) {
	var data struct {
		BidPlace struct {
			Leading            bool
			Price, NextMinimum amountData
			Bid                *struct{ Number int32 }
			UserErrors         []struct {
				Code           string
				Minimum, Price amountData
			}
		}
	}
	input := apitest.Vars{"auctionId": lot, "amount": eur(cents), "idempotencyKey": key}
	if err := p.told(bidAndTell, apitest.Vars{"input": input}, &data); err != nil {
		return heard, err
	}
	placed := data.BidPlace
	if placed.Bid == nil {
		refusal := placed.UserErrors[0]
		return auctiontest.Answer{Code: refusal.Code, Price: int64(refusal.Price.Minor), Minimum: int64(refusal.Minimum.Minor)}, nil
	}
	return auctiontest.Answer{
		Number: placed.Bid.Number, Leading: placed.Leading, Price: int64(placed.Price.Minor), Minimum: int64(placed.NextMinimum.Minor),
	}, nil
}

// told sends an operation and reads its answer. Where there is none, or one that says to try again, it is unknown what was done.
func (p person) told(query string, vars apitest.Vars, data any) error {
	answer, err := p.Persist(query, vars)
	if err != nil {
		return err
	}
	for _, e := range answer.Errors {
		if !e.Extensions.Retryable {
			return fmt.Errorf("%w: %+v", errWrongAnswer, e)
		}
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%+v", answer.Errors)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return errors.Join(errWrongAnswer, err)
	}
	return nil
}

// atOnce runs something for each; the function that it gives waits for the end of that.
func atOnce[T any](t *testing.T, all []T, do func(T) error) (wait func()) {
	t.Helper()
	var working sync.WaitGroup
	for _, one := range all {
		working.Go(func() {
			if err := do(one); err != nil {
				t.Error(err)
			}
		})
	}
	return working.Wait
}
