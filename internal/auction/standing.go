package auction

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// StandingStatus is how a bidder stands in a lot.
type StandingStatus string

// The statuses.
const (
	NoBid   StandingStatus = "NONE" // no bid of theirs stands
	Leading StandingStatus = "LEADING"
	Behind  StandingStatus = "OUTBID"
	Won     StandingStatus = "WON"
	Lost    StandingStatus = "LOST" // the lot has ended, and is not theirs
)

// Standing is how one bidder stands in a lot. Nobody else sees it.
type Standing struct {
	Auction Auction // as it was then
	Status  StandingStatus
	Maximum *money.Amount // their highest bid that stands; nil: none does
	Held    money.Amount  // in their wallet, for this lot
	Chance  *Chance       // that they were offered, as it is now

	// Unversioned says that some of it made no version of the lot: a raise, a second chance.
	Unversioned bool
}

// Standing reads how a bidder stands in a lot that was so.
func (s *Service) Standing(ctx context.Context, bidder uuid.UUID, then Auction) (Standing, error) {
	own, err := s.q.BidderStanding(ctx, s.pool, then.Version, then.ID, bidder)
	if err != nil {
		return Standing{}, err
	}
	st := Standing{Unversioned: own.Raised}
	if own.Maximum > 0 {
		st.Maximum = new(money.New(own.Maximum, then.StartPrice.Currency))
	}
	if then.Status == Sold {
		row, err := s.q.SecondChanceOfBidder(ctx, s.pool, then.ID, bidder)
		switch {
		case err == nil:
			st.Chance, st.Unversioned = new(chanceOf(row)), true
		case !postgres.NoRows(err):
			return Standing{}, err
		}
	}
	return st.In(bidder, then), nil
}

// In is the standing of a bidder after an event in which they did nothing: what they bid is the same.
func (st Standing) In(bidder uuid.UUID, now Auction) Standing {
	st.Auction, st.Held = now, money.New(0, now.StartPrice.Currency)
	leads := valueOf(now.LeaderID) == bidder
	switch {
	case leads && now.Status.Live():
		st.Status = Leading
	case leads && now.Status == Sold:
		st.Status = Won
	case st.Maximum == nil:
		st.Status = NoBid
	case now.Status.Live():
		st.Status = Behind
	default:
		st.Status = Lost
	}
	if st.Status == Leading && now.Backing == ByHold && st.Maximum != nil {
		st.Held = *st.Maximum
	}
	return st
}

// Same says whether two standings tell their bidder the same.
func (st Standing) Same(as Standing) bool {
	a, b := st.Auction, as.Auction
	sameChance := (st.Chance == nil) == (as.Chance == nil) && (st.Chance == nil || st.Chance.Status == as.Chance.Status)
	return st.Status == as.Status && valueOf(st.Maximum) == valueOf(as.Maximum) && st.Held == as.Held && sameChance &&
		a.Status == b.Status && valueOf(a.Price) == valueOf(b.Price) && a.NextMinimum == b.NextMinimum && valueOf(a.EndsAt).Equal(valueOf(b.EndsAt))
}

// Concerns says whether a change of a lot may have changed what a bidder has bid on it.
func (c Change) Concerns(bidder uuid.UUID) bool {
	for _, b := range c.Bids {
		if b.BidderID == bidder {
			return true
		}
	}
	return false
}
