// Package auctiontest tells the rules of a lot a second time, and otherwise than package auction does: what holds for one lot in one
// hand must hold for a lot at many servers.
package auctiontest

import (
	"maps"
	"slices"

	"github.com/google/uuid"
)

// Lot is a lot as one would play it with sealed envelopes on a table: the price is worked out anew from all of them. Amounts are cents.
type Lot struct {
	Free    map[uuid.UUID]int64 // what each bidder has that is not held
	Price   int64               // a raise moves none
	Numbers int                 // of the bids that have one
	Open    bool

	envelopes []envelope // in the order in which they came
}

// NewLot is a lot that begins at 10 euros, for bidders who have so much.
func NewLot(free map[uuid.UUID]int64) *Lot { return &Lot{Free: free, Open: true} }

type envelope struct {
	who   uuid.UUID
	cents int64
}

// Best is who leads, up to what, and at what price.
func (l *Lot) Best() (leader uuid.UUID, maximum, price int64) {
	for _, e := range l.envelopes {
		if e.cents > maximum {
			leader, maximum = e.who, e.cents
		}
	}
	price = min(maximum, 10_00)
	for _, e := range l.envelopes {
		if e.who != leader {
			price = max(price, min(maximum, e.cents+Step(e.cents)))
		}
	}
	return leader, maximum, price
}

// Step is the least step over a price, from the table of euros.
func Step(price int64) int64 {
	switch {
	case price < 50_00:
		return 1_00
	case price < 100_00:
		return 2_50
	case price < 500_00:
		return 5_00
	case price < 1000_00:
		return 10_00
	default:
		return 25_00
	}
}

// Minimum is the least that somebody else has to bid.
func (l *Lot) Minimum() int64 {
	if len(l.envelopes) == 0 {
		return 10_00
	}
	return l.Price + Step(l.Price)
}

// Refuses is the code of the refusal that a bid would get; "" if it would be taken.
func (l *Lot) Refuses(who uuid.UUID, seller bool, cents int64) string {
	leader, maximum, _ := l.Best()
	has := l.Free[who]
	if leader == who {
		has += maximum
	}
	switch {
	case !l.Open:
		return "AUCTION_CLOSED"
	case seller:
		return "BID_ON_OWN_LOT"
	case leader == who && cents <= maximum:
		return "ALREADY_LEADING"
	case leader != who && cents < l.Minimum():
		return "BID_TOO_LOW"
	case cents > has:
		return "INSUFFICIENT_FUNDS"
	}
	return ""
}

// Bid gives the code of the refusal, or "" and plays it.
func (l *Lot) Bid(who uuid.UUID, seller bool, cents int64) string {
	if code := l.Refuses(who, seller, cents); code != "" {
		return code
	}
	leader, maximum, _ := l.Best()
	raised := leader == who
	l.Free[leader] += maximum
	l.envelopes = append(l.envelopes, envelope{who, cents})
	leader, maximum, price := l.Best()
	l.Free[leader] -= maximum
	if !raised {
		l.Numbers++
		l.Price = price
	}
	return ""
}

// Close gives the leader back what is held above the price.
func (l *Lot) Close() {
	leader, maximum, _ := l.Best()
	l.Open = false
	l.Free[leader] += maximum - l.Price
}

// clone is a lot that goes its own way from here.
func (l *Lot) clone() Lot {
	other := *l
	other.Free, other.envelopes = maps.Clone(l.Free), slices.Clone(l.envelopes)
	return other
}
