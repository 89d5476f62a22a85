package auction

import (
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/money"
)

// Terms are what a lot is sold under. They do not change while it takes bids.
type Terms struct {
	Seller     uuid.UUID
	Currency   money.Currency
	StartPrice int64         // in the currency's minor unit, as all amounts here
	Reserve    int64         // below it the lot does not sell; 0: there is none
	BuyNow     int64         // ends the lot at once; 0: it cannot be bought
	Extension  time.Duration // 0: sudden death
}

// State is what the rules look at, and what they make.
type State struct {
	Terms
	Status    Status
	OpensAt   *time.Time // of a lot with a date
	Price     int64      // what the leader would pay; 0 while nobody leads
	Leader    uuid.UUID  // uuid.Nil: nobody leads
	Maximum   int64      // the leader's
	Bids      int32      // the numbers that were given
	Seq       int32      // the bids that were taken, raises among them
	EndsAt    time.Time
	LatestEnd time.Time // where late bids stop moving the end; zero: nowhere
}

// Offer is a bid before it is judged. At is the database's time, read under the lot's lock.
type Offer struct {
	Bidder   uuid.UUID
	Currency money.Currency
	Maximum  int64 // the most that the bidder pays; of no meaning for a buy now
	BuyNow   bool
	At       time.Time
}

// Rule says why a bid won or lost. It is kept with the bid.
type Rule string

// The rules.
const (
	Leads         Rule = "LEADS"           // the highest maximum
	OutbidAtOnce  Rule = "OUTBID_AT_ONCE"  // below the leader's maximum
	TiesToEarlier Rule = "TIES_TO_EARLIER" // the leader's maximum: the earlier one leads
	Raises        Rule = "RAISES"          // the leader's own maximum; nobody hears of it
	MeetsReserve  Rule = "MEETS_RESERVE"   // the first maximum that is at least the reserve
	BuysNow       Rule = "BUYS_NOW"        // ends the lot at its price
	Outcry        Rule = "OUTCRY"          // of a bid from before there were maxima: the price was its amount
)

// Numbered says whether a bid of this rule is one that everybody sees.
func (r Rule) Numbered() bool { return r != Raises }

// wins says whether a bid of this rule makes its bidder the leader.
func (r Rule) wins() bool { return r != OutbidAtOnce && r != TiesToEarlier }

// Led says whether anybody leads.
func (s State) Led() bool { return s.Leader != uuid.Nil }

// ReserveMet says whether the lot would sell to who leads.
func (s State) ReserveMet() bool { return s.Maximum >= s.Reserve }

// Sells says whether the lot has a buyer when it ends.
func (s State) Sells() bool { return s.Led() && s.ReserveMet() }

// Buyable says whether the lot can be bought at once: while nobody leads, or the reserve is not met.
func (s State) Buyable() bool { return s.BuyNow > 0 && (!s.Led() || !s.ReserveMet()) }

// NextMinimum is the least that a bid of somebody else's has to be.
func (s State) NextMinimum(in Increments) int64 {
	if !s.Led() {
		return s.StartPrice
	}
	return in.over(s.Price, s.Currency)
}

// Judge is the law of the lot: it gives the state that follows from an offer and the rule that decided, or the refusal.
// It reads nothing but its arguments.
//
//	price = max(start price, min(highest maximum, second maximum + increment)), and at least a reserve that is met
//
// as of the last bid that had a number: a raise moves no price.
func Judge(s State, o Offer, in Increments) (State, Rule, error) {
	if err := s.takes(o, in); err != nil {
		return s, "", err
	}
	if o.BuyNow {
		s.Leader, s.Maximum, s.Price, s.Status = o.Bidder, s.BuyNow, s.BuyNow, Sold
		s.Seq, s.Bids = s.Seq+1, s.Bids+1
		return s, BuysNow, nil
	}
	s, rule := s.bid(o.Bidder, o.Maximum, in)
	s.Seq++
	if rule.Numbered() {
		s.Bids++
		s.EndsAt = s.extended(o.At)
	}
	return s, rule, nil
}

// bid is what a maximum makes of leader and price, and by which rule.
func (s State) bid(bidder uuid.UUID, maximum int64, in Increments) (State, Rule) {
	rule, met := Leads, s.ReserveMet()
	switch {
	case !s.Led():
		s.Leader, s.Maximum, s.Price = bidder, maximum, s.StartPrice
	case s.Leader == bidder:
		rule = Raises
		s.Maximum = max(s.Maximum, maximum)
	case maximum > s.Maximum:
		s.Price = max(s.Price, min(maximum, in.over(s.Maximum, s.Currency)))
		s.Leader, s.Maximum = bidder, maximum
	default:
		if rule = OutbidAtOnce; maximum == s.Maximum {
			rule = TiesToEarlier
		}
		s.Price = max(s.Price, min(s.Maximum, in.over(maximum, s.Currency)))
	}
	if !met && s.ReserveMet() {
		rule = MeetsReserve
		s.Price = max(s.Price, s.Reserve)
	}
	return s, rule
}

// takes refuses what is no bid on this lot.
func (s State) takes(o Offer, in Increments) error {
	if err := s.open(o.At); err != nil {
		return err
	}
	switch minimum := s.NextMinimum(in); {
	case o.Bidder == s.Seller:
		return ErrOwnLot
	case o.BuyNow && !s.Buyable():
		return ErrNotBuyable
	case o.BuyNow:
		return nil
	case o.Currency != s.Currency:
		return ErrCurrency.At("amount")
	case o.Bidder == s.Leader && o.Maximum <= s.Maximum:
		return ErrAlreadyLeading.With("maximum", s.of(s.Maximum))
	case o.Bidder != s.Leader && o.Maximum < minimum:
		return ErrBidTooLow.At("amount").With("minimum", s.of(minimum)).With("price", s.of(s.Price))
	}
	return nil
}

// open refuses while the lot takes no bids: not yet, not now, or not any more. An end that has come is an end, whoever looks.
func (s State) open(at time.Time) error {
	switch {
	case s.Status == Queued || s.Status == Scheduled:
		return ErrNotOpen.With("opensAt", s.OpensAt)
	case s.Status == Paused:
		return ErrPaused
	case s.Status != Open || !at.Before(s.EndsAt):
		return ErrClosed.With("endsAt", s.EndsAt)
	}
	return nil
}

// extended is the end after a bid that counts: a late one moves it, so that nobody wins by being late.
func (s State) extended(at time.Time) time.Time {
	end := at.Add(s.Extension)
	if !s.LatestEnd.IsZero() && end.After(s.LatestEnd) {
		end = s.LatestEnd
	}
	if s.Extension == 0 || end.Before(s.EndsAt) {
		return s.EndsAt
	}
	return end
}

func (s State) of(minor int64) money.Amount { return money.New(minor, s.Currency) }
