package auction

import (
	"sort"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
)

// Increments are the least steps over a price, by currency; data, not code.
type Increments map[money.Currency][]Increment

// Increment applies from a price on, until the next one does.
type Increment struct {
	FromPrice int64
	Step      int64
}

// Step is the least step over a price. Currencies without increments hold no auctions.
func (in Increments) Step(price money.Amount) int64 {
	steps := in[price.Currency]
	i := sort.Search(len(steps), func(i int) bool { return steps[i].FromPrice > price.Minor })
	if i == 0 {
		return 1
	}
	return steps[i-1].Step
}

// State is what the rules look at.
type State struct {
	Status     Status
	Seller     uuid.UUID
	StartPrice money.Amount
	Price      money.Amount // of the leading bid; zero until the first
	Leader     *uuid.UUID
	BidCount   int32
	EndsAt     time.Time
	Extension  time.Duration
}

// Offer is a bid before it is judged. At is the database's time, read under the lot's lock.
type Offer struct {
	Bidder uuid.UUID
	Amount money.Amount
	At     time.Time
}

// NextMinimum is the least amount that the next bid must have.
func (s State) NextMinimum(in Increments) money.Amount {
	if s.BidCount == 0 {
		return s.StartPrice
	}
	return money.New(s.Price.Minor+in.Step(s.Price), s.Price.Currency)
}

// Judge is the law of the lot: it gives the state that follows from an offer, or the refusal. It reads
// nothing but its arguments.
//
// A lot takes bids while it is open and its end has not come. Nobody bids on a lot of their own, nor
// against themselves. A bid in the last Extension moves the end, so that nobody wins by being late.
func Judge(s State, o Offer, in Increments) (State, error) {
	minimum := s.NextMinimum(in)
	switch {
	case s.Status != Open || !o.At.Before(s.EndsAt):
		return s, ErrClosed.With("endsAt", s.EndsAt)
	case o.Amount.Currency != s.StartPrice.Currency:
		return s, ErrCurrency.At("amount")
	case o.Bidder == s.Seller:
		return s, ErrOwnLot
	case s.Leader != nil && *s.Leader == o.Bidder:
		return s, ErrAlreadyLeading
	case o.Amount.Minor < minimum.Minor:
		return s, ErrBidTooLow.At("amount").With("minimum", minimum).With("price", s.Price)
	}
	s.Price, s.Leader, s.BidCount = o.Amount, &o.Bidder, s.BidCount+1
	if extended := o.At.Add(s.Extension); s.Extension > 0 && extended.After(s.EndsAt) {
		s.EndsAt = extended
	}
	return s, nil
}
