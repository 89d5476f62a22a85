package auctiontest

import (
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
)

// Act is what a client does at a lot.
type Act string

// The acts; End is the clock's.
const (
	Bid   Act = "bid"
	Look  Act = "look"
	End   Act = "end"
	Close Act = "close"
)

// Call is one that a client makes at a lot.
type Call struct {
	Act   Act
	Who   uuid.UUID
	Cents int64
	Key   string // of a bid; "" of one that is never repeated
}

// Answer is what the client heard. Of a bid that was taken: its number, what it did, and the lot right after it.
type Answer struct {
	Code    string // of a refusal
	Number  int32  // 0: a raise
	Leading bool
	Price   int64
	Minimum int64
	Status  auction.Status // of a look, as its bids and leader are
	Bids    int32
	Leader  uuid.UUID
	Closed  bool // of a close: it was this one
}

// paper is a lot as the model has it, and the answers that its keys have had. A state that porcupine has seen never changes.
type paper struct {
	Lot
	ended    bool
	status   auction.Status
	answered map[string]Answer
}

// play makes a call: what the answer has to be, and the lot after it.
func (p paper) play(c Call) (want Answer, after paper) {
	switch c.Act {
	case End:
		p.ended, p.Open = true, false
	case Close:
		if p.ended && p.status == auction.Open {
			want.Closed, p.status = true, auction.Unsold
			if p.Numbers > 0 {
				p.status = auction.Sold
			}
		}
	case Look:
		leader, _, _ := p.Best()
		want = Answer{Status: p.status, Bids: int32(p.Numbers), Leader: leader, Price: p.Price, Minimum: p.Minimum()}
	case Bid:
		return p.playBid(c)
	}
	return want, p
}

func (p paper) playBid(c Call) (want Answer, after paper) {
	if first, ok := p.answered[c.Key]; ok {
		return first, p
	}
	if code := p.Refuses(c.Who, false, c.Cents); code != "" {
		want.Code = code
		if code == "BID_TOO_LOW" {
			want.Price, want.Minimum = p.Price, p.Minimum()
		}
		return want, p
	}
	after = p
	after.Lot = p.clone()
	after.Bid(c.Who, false, c.Cents)
	leader, _, _ := after.Best()
	want.Leading, want.Price, want.Minimum = leader == c.Who, after.Price, after.Minimum()
	if after.Numbers > p.Numbers {
		want.Number = int32(after.Numbers)
	}
	if c.Key != "" {
		after.answered = maps.Clone(p.answered)
		after.answered[c.Key] = want
	}
	return want, after
}

// Sequential is the lot that every history has to be explained by, one call after the other. Its bidders have so much.
func Sequential(free map[uuid.UUID]int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			return paper{Lot: *NewLot(free), status: auction.Open, answered: map[string]Answer{}}
		},
		Step: func(state, input, output any) (bool, any) {
			want, after := state.(paper).play(input.(Call))
			return want == output.(Answer), after
		},
		Equal: reflect.DeepEqual,
	}
}

// Door is a server, as a client meets it.
type Door func(Call) (Answer, error)

// History is calls that were made at once, by a clock that all share.
type History struct {
	Calls []porcupine.Operation

	began time.Time
	mu    sync.Mutex
}

// NewHistory begins now.
func NewHistory() *History { return &History{began: time.Now()} }

// Now is a moment of the history, in nanoseconds.
func (h *History) Now() int64 { return time.Since(h.began).Nanoseconds() }

// Add is a call that was made at a moment and has just been answered.
func (h *History) Add(client int, c Call, called int64, heard Answer) {
	returned := h.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Calls = append(h.Calls, porcupine.Operation{ClientId: client, Input: c, Call: called, Output: heard, Return: returned})
}

// Make has a client make a call. Its answer is part of the history, unless there is none: err.
func (h *History) Make(client int, at Door, c Call) (Answer, error) {
	called := h.Now()
	heard, err := at(c)
	if err == nil {
		h.Add(client, c, called, heard)
	}
	return heard, err
}
