package auction

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/money"
)

// PlaceInput is a bid as its bidder gives it.
type PlaceInput struct {
	Auction        uuid.UUID
	Amount         money.Amount // the most that the bidder pays
	Card           *uuid.UUID   // a saved one of the bidder's, on a lot that cards back
	IdempotencyKey string
}

// BuyInput is the wish to have a lot at once, at its price.
type BuyInput struct {
	Auction        uuid.UUID
	Card           *uuid.UUID
	IdempotencyKey string
}

func (in PlaceInput) validate() error {
	switch {
	case in.Amount.Minor <= 0:
		return ErrNotPositive.At("amount")
	case in.Amount.Minor > maxBid(in.Amount.Currency):
		return ErrBidTooHigh.At("amount")
	}
	return idempotency.CheckKey(in.IdempotencyKey)
}

// Placed is the answer to a bid: what it did when it was judged, which a retry is told again, and the lot as it is now.
type Placed struct {
	Bid         Bid
	Leading     bool
	Price       money.Amount
	NextMinimum money.Amount
	Auction     Auction
}

// Place bids. On a lot that holds back, the leader's maximum is held in their wallet, and the hold of whom they outbid is
// released, in the same transaction. On a lot that cards back, no money moves before it is won and paid.
//
// The bid waits its turn among those for its lot that came to this server before it, and is judged even where ctx ends meanwhile.
func (s *Service) Place(ctx context.Context, bidder uuid.UUID, in PlaceInput) (_ Placed, err error) {
	if err := in.validate(); err != nil {
		return Placed{}, err
	}
	defer fault.Wrap(&err, "bid on auction %s", in.Auction)
	return s.bids.Do(ctx, in.Auction, &ask{bidder: bidder, amount: in.Amount, card: in.Card, key: in.IdempotencyKey, came: time.Now()})
}

// BuyNow ends a lot at its price, and makes its order. It waits its turn as a bid does.
func (s *Service) BuyNow(ctx context.Context, buyer uuid.UUID, in BuyInput) (_ Placed, err error) {
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return Placed{}, err
	}
	defer fault.Wrap(&err, "buy auction %s", in.Auction)
	return s.bids.Do(ctx, in.Auction, &ask{bidder: buyer, buyNow: true, card: in.Card, key: in.IdempotencyKey, came: time.Now()})
}

// ask is a bid that waits for its answer.
type ask struct {
	bidder uuid.UUID
	amount money.Amount // of no meaning for a buy now
	buyNow bool
	card   *uuid.UUID
	key    string
	came   time.Time // for the metrics alone
}

// same says whether two asks under one key want the same.
func (a *ask) same(other *ask) bool {
	return a.amount == other.amount && a.buyNow == other.buyNow && valueOf(a.card) == valueOf(other.card)
}
