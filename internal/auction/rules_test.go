package auction

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

var (
	euros = Increments{"EUR": {{FromPrice: 0, Step: 100}, {FromPrice: 5_000, Step: 250}, {FromPrice: 10_000, Step: 500}}}
	end   = time.Date(2026, 1, 31, 20, 0, 0, 0, time.UTC)
	early = end.Add(-time.Hour)
	host  = uuid.MustParse("00000000-0000-7000-8000-00000000000a")
	ada   = uuid.MustParse("00000000-0000-7000-8000-00000000000b")
	ben   = uuid.MustParse("00000000-0000-7000-8000-00000000000c")
)

func eur(minor int64) money.Amount { return money.New(minor, "EUR") }

// lot is an open one from 20.00 on, on which nobody has bid.
func lot() State {
	return State{
		Terms:  Terms{Seller: host, Currency: "EUR", StartPrice: 2_000, Extension: 10 * time.Second},
		Status: Open, EndsAt: end,
	}
}

// led is the same lot with a leader.
func led(by uuid.UUID, price, maximum int64) State {
	s := lot()
	s.Leader, s.Price, s.Maximum, s.Bids, s.Seq = by, price, maximum, 1, 1
	return s
}

// with changes a state.
func with(s State, change func(*State)) State {
	change(&s)
	return s
}

func reserve(minor int64) func(*State) { return func(s *State) { s.Reserve = minor } }

func bids(who uuid.UUID, maximum int64) Offer {
	return Offer{Bidder: who, Currency: "EUR", Maximum: maximum, At: early}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	both := func(s *State) { s.Reserve, s.BuyNow = 4_000, 9_000 }
	buys := Offer{Bidder: ben, BuyNow: true, At: early}
	for name, c := range map[string]struct {
		state   State
		offer   Offer
		rule    Rule
		leader  uuid.UUID
		price   int64
		maximum int64
	}{
		"the first bid at the start price":         {lot(), bids(ada, 2_000), Leads, ada, 2_000, 2_000},
		"the first bid above it":                   {lot(), bids(ada, 9_999), Leads, ada, 2_000, 9_999},
		"one step over the leader's maximum":       {led(ada, 2_000, 2_000), bids(ben, 2_100), Leads, ben, 2_100, 2_100},
		"far over it":                              {led(ada, 2_000, 3_000), bids(ben, 9_000), Leads, ben, 3_100, 9_000},
		"over it by less than a step":              {led(ada, 2_000, 3_000), bids(ben, 3_001), Leads, ben, 3_001, 3_001},
		"over it, the step of a higher price":      {led(ada, 2_000, 6_000), bids(ben, 9_000), Leads, ben, 6_250, 9_000},
		"below it":                                 {led(ada, 2_000, 9_000), bids(ben, 3_000), OutbidAtOnce, ada, 3_100, 9_000},
		"below it by less than a step":             {led(ada, 2_000, 3_000), bids(ben, 2_950), OutbidAtOnce, ada, 3_000, 3_000},
		"below it, the least that counts":          {led(ada, 2_000, 9_000), bids(ben, 2_100), OutbidAtOnce, ada, 2_200, 9_000},
		"the same as it":                           {led(ada, 2_000, 3_000), bids(ben, 3_000), TiesToEarlier, ada, 3_000, 3_000},
		"the leader's own, raised":                 {led(ada, 2_000, 3_000), bids(ada, 3_001), Raises, ada, 2_000, 3_001},
		"the first bid below the reserve":          {with(lot(), reserve(4_000)), bids(ada, 3_999), Leads, ada, 2_000, 3_999},
		"the first bid at the reserve":             {with(lot(), reserve(4_000)), bids(ada, 4_000), MeetsReserve, ada, 4_000, 4_000},
		"the first bid above the reserve":          {with(lot(), reserve(4_000)), bids(ada, 9_000), MeetsReserve, ada, 4_000, 9_000},
		"a raise below the reserve":                {with(led(ada, 2_000, 3_000), reserve(4_000)), bids(ada, 3_999), Raises, ada, 2_000, 3_999},
		"a raise that meets the reserve":           {with(led(ada, 2_000, 3_000), reserve(4_000)), bids(ada, 5_000), MeetsReserve, ada, 4_000, 5_000},
		"another's that meets the reserve":         {with(led(ada, 2_000, 3_000), reserve(4_000)), bids(ben, 5_000), MeetsReserve, ben, 4_000, 5_000},
		"meets it, and is above it by the second":  {with(led(ada, 2_000, 3_950), reserve(4_000)), bids(ben, 9_000), MeetsReserve, ben, 4_050, 9_000},
		"where it is met already":                  {with(led(ada, 4_000, 5_000), reserve(4_000)), bids(ben, 9_000), Leads, ben, 5_250, 9_000},
		"below the leader, neither at the reserve": {with(led(ada, 2_000, 3_900), reserve(4_000)), bids(ben, 3_000), OutbidAtOnce, ada, 3_100, 3_900},
		"buy now before any bid":                   {with(lot(), both), buys, BuysNow, ben, 9_000, 9_000},
		"buy now while the reserve is not met":     {with(led(ada, 2_000, 3_000), both), buys, BuysNow, ben, 9_000, 9_000},
		"buy now by who leads below the reserve":   {with(led(ben, 2_000, 3_000), both), buys, BuysNow, ben, 9_000, 9_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, rule, err := Judge(c.state, c.offer, euros)
			if err != nil || rule != c.rule {
				t.Fatalf("%s, %v; want %s", rule, err, c.rule)
			}
			if got.Leader != c.leader || got.Price != c.price || got.Maximum != c.maximum {
				t.Errorf("led by %s at %d up to %d", got.Leader, got.Price, got.Maximum)
			}
			number := c.state.Bids
			if rule.Numbered() {
				number++
			}
			if got.Seq != c.state.Seq+1 || got.Bids != number || (got.Status == Sold) != (rule == BuysNow) {
				t.Errorf("bid %d, number %d, %s", got.Seq, got.Bids, got.Status)
			}
			if got.Terms != c.state.Terms || !got.EndsAt.Equal(end) {
				t.Errorf("the terms or the end changed: %+v", got)
			}
		})
	}
}

func TestJudgeRefuses(t *testing.T) {
	t.Parallel()
	is := func(status Status) State { return with(lot(), func(s *State) { s.Status = status }) }
	buyable := func(s *State) { s.BuyNow = 9_000 }
	buys := Offer{Bidder: ben, BuyNow: true, At: early}
	late := with2(bids(ada, 2_000), func(o *Offer) { o.At = end })
	opens := early.Add(time.Minute)
	for name, c := range map[string]struct {
		state State
		offer Offer
		err   *fault.Error
		data  map[string]any
	}{
		"the first bid below the start price": {lot(), bids(ada, 1_999), ErrBidTooLow, map[string]any{"minimum": eur(2_000), "price": eur(0)}},
		"a cent less than the step":           {led(ada, 2_000, 9_000), bids(ben, 2_099), ErrBidTooLow, map[string]any{"minimum": eur(2_100), "price": eur(2_000)}},
		"the step of a higher price":          {led(ada, 5_000, 9_000), bids(ben, 5_249), ErrBidTooLow, map[string]any{"minimum": eur(5_250), "price": eur(5_000)}},
		"the leader's own maximum again":      {led(ada, 2_000, 3_000), bids(ada, 3_000), ErrAlreadyLeading, map[string]any{"maximum": eur(3_000)}},
		"the leader, lower":                   {led(ada, 2_000, 3_000), bids(ada, 2_100), ErrAlreadyLeading, map[string]any{"maximum": eur(3_000)}},
		"the seller":                          {lot(), bids(host, 2_000), ErrOwnLot, nil},
		"the seller buys":                     {with(lot(), buyable), Offer{Bidder: host, BuyNow: true, At: early}, ErrOwnLot, nil},
		"another currency":                    {lot(), with2(bids(ada, 2_000), func(o *Offer) { o.Currency = "USD" }), ErrCurrency, nil},
		"at the end":                          {lot(), late, ErrClosed, map[string]any{"endsAt": end}},
		"buy now at the end":                  {with(lot(), buyable), Offer{Bidder: ada, BuyNow: true, At: end}, ErrClosed, nil},
		"on a lot that was sold":              {is(Sold), bids(ada, 2_000), ErrClosed, nil},
		"on a lot that was not sold":          {is(Unsold), bids(ada, 2_000), ErrClosed, nil},
		"on a lot that was passed":            {is(Passed), bids(ada, 2_000), ErrClosed, nil},
		"on a lot that waits in a show":       {is(Queued), bids(ada, 2_000), ErrNotOpen, nil},
		"on a lot that waits for its date":    {with(is(Scheduled), func(s *State) { s.OpensAt = &opens }), bids(ada, 2_000), ErrNotOpen, map[string]any{"opensAt": &opens}},
		"on a lot that is paused":             {is(Paused), bids(ada, 2_000), ErrPaused, nil},
		"a lot's status comes before all":     {is(Sold), Offer{Bidder: host, Currency: "USD", Maximum: 1, At: end}, ErrClosed, nil},
		"buy now where there is no such":      {lot(), buys, ErrNotBuyable, nil},
		"buy now after a bid":                 {with(led(ada, 2_000, 3_000), buyable), buys, ErrNotBuyable, nil},
		"buy now once the reserve is met":     {with(led(ada, 4_000, 4_000), func(s *State) { s.BuyNow, s.Reserve = 9_000, 4_000 }), buys, ErrNotBuyable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, rule, err := Judge(c.state, c.offer, euros)
			if !errors.Is(err, c.err) || got != c.state || rule != "" {
				t.Fatalf("%s, %v, %+v; want %v", rule, err, got, c.err)
			}
			refusal, _ := fault.As(err)
			for key, want := range c.data {
				if refusal.Data[key] != want {
					t.Errorf("%s is %v, want %v", key, refusal.Data[key], want)
				}
			}
		})
	}
}

func with2(o Offer, change func(*Offer)) Offer {
	change(&o)
	return o
}

func TestLateBidsMoveTheEnd(t *testing.T) {
	t.Parallel()
	capped := with(lot(), func(s *State) { s.LatestEnd = end.Add(4 * time.Second) })
	atCap := with(capped, func(s *State) { s.EndsAt = s.LatestEnd })
	leads := with(led(ada, 2_000, 3_000), reserve(4_000))
	for name, c := range map[string]struct {
		state State
		offer Offer
		at    time.Time
		want  time.Time
	}{
		"exactly an extension before the end":    {lot(), bids(ada, 2_000), end.Add(-10 * time.Second), end},
		"a moment later":                         {lot(), bids(ada, 2_000), end.Add(-10*time.Second + time.Microsecond), end.Add(time.Microsecond)},
		"at the last moment":                     {lot(), bids(ada, 2_000), end.Add(-time.Microsecond), end.Add(10*time.Second - time.Microsecond)},
		"sudden death":                           {with(lot(), func(s *State) { s.Extension = 0 }), bids(ada, 2_000), end.Add(-time.Second), end},
		"not beyond the cap":                     {capped, bids(ada, 2_000), end.Add(-time.Second), end.Add(4 * time.Second)},
		"at the cap":                             {atCap, bids(ada, 2_000), end.Add(3 * time.Second), end.Add(4 * time.Second)},
		"a bid that is outbid at once counts":    {led(ada, 2_000, 9_000), bids(ben, 3_000), end.Add(-time.Second), end.Add(9 * time.Second)},
		"a raise does not":                       {led(ada, 2_000, 3_000), bids(ada, 4_000), end.Add(-time.Second), end},
		"a raise that meets the reserve, though": {leads, bids(ada, 4_000), end.Add(-time.Second), end.Add(9 * time.Second)},
	} {
		c.offer.At = c.at
		got, _, err := Judge(c.state, c.offer, euros)
		if err != nil || !got.EndsAt.Equal(c.want) {
			t.Errorf("%s: ends at %v, %v; want %v", name, got.EndsAt, err, c.want)
		}
	}
}
