package auction

import "github.com/google/uuid"

// StandingBid is a bid that stands: taken, and not cancelled.
type StandingBid struct {
	Bidder  uuid.UUID
	Maximum int64
	Rule    Rule
}

// Rebuild is a lot's state after some of its bids were cancelled: what those that are left make of it, in the order in which they
// came, by the rules that judged them. A cancelled bid moved the end, and that stays; numbers are not given twice.
func Rebuild(s State, left []StandingBid, in Increments) State {
	s.Leader, s.Maximum, s.Price = uuid.Nil, 0, 0
	for _, b := range left {
		if b.Rule == Outcry {
			s.Leader, s.Maximum, s.Price = b.Bidder, b.Maximum, b.Maximum
			continue
		}
		s, _ = s.bid(b.Bidder, b.Maximum, in)
	}
	return s
}
