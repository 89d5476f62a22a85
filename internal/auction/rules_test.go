package auction

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

var (
	euros = Increments{"EUR": {{FromPrice: 0, Step: 100}, {FromPrice: 5_000, Step: 250}, {FromPrice: 10_000, Step: 500}}}
	end   = time.Date(2026, 1, 31, 20, 0, 0, 0, time.UTC)
	host  = uuid.MustParse("00000000-0000-7000-8000-00000000000a")
	ada   = uuid.MustParse("00000000-0000-7000-8000-00000000000b")
	ben   = uuid.MustParse("00000000-0000-7000-8000-00000000000c")
)

func eur(minor int64) money.Amount { return money.New(minor, "EUR") }

func lot() State {
	return State{
		Status: Open, Seller: host, StartPrice: eur(2_000), Price: eur(0), EndsAt: end, Extension: 10 * time.Second,
	}
}

func led(by uuid.UUID, minor int64) State {
	s := lot()
	s.Leader, s.Price, s.BidCount = &by, eur(minor), 1
	return s
}

func TestJudge(t *testing.T) {
	t.Parallel()
	early := end.Add(-time.Hour)
	closed := lot()
	closed.Status = Unsold
	sudden := lot()
	sudden.Extension = 0
	for name, c := range map[string]struct {
		state   State
		offer   Offer
		err     error
		price   int64
		endsAt  time.Time
		minimum int64 // what a refusal tells, or what the next bid must be
	}{
		"the first bid at the start price":   {lot(), Offer{ada, eur(2_000), early}, nil, 2_000, end, 2_100},
		"the first bid above it":             {lot(), Offer{ada, eur(9_999), early}, nil, 9_999, end, 10_249},
		"the first bid below it":             {lot(), Offer{ada, eur(1_999), early}, ErrBidTooLow, 0, end, 2_000},
		"one increment more":                 {led(ada, 2_000), Offer{ben, eur(2_100), early}, nil, 2_100, end, 2_200},
		"one cent less than the increment":   {led(ada, 2_000), Offer{ben, eur(2_099), early}, ErrBidTooLow, 2_000, end, 2_100},
		"the same price":                     {led(ada, 2_000), Offer{ben, eur(2_000), early}, ErrBidTooLow, 2_000, end, 2_100},
		"the increment of a higher price":    {led(ada, 5_000), Offer{ben, eur(5_249), early}, ErrBidTooLow, 5_000, end, 5_250},
		"the leader again":                   {led(ada, 2_000), Offer{ada, eur(3_000), early}, ErrAlreadyLeading, 2_000, end, 2_100},
		"the seller":                         {lot(), Offer{host, eur(2_000), early}, ErrOwnLot, 0, end, 2_000},
		"another currency":                   {lot(), Offer{ada, money.New(2_000, "USD"), early}, ErrCurrency, 0, end, 2_000},
		"at the end":                         {lot(), Offer{ada, eur(2_000), end}, ErrClosed, 0, end, 2_000},
		"a microsecond before the end":       {lot(), Offer{ada, eur(2_000), end.Add(-time.Microsecond)}, nil, 2_000, end.Add(10*time.Second - time.Microsecond), 2_100},
		"exactly an extension before it":     {lot(), Offer{ada, eur(2_000), end.Add(-10 * time.Second)}, nil, 2_000, end, 2_100},
		"late where death is sudden":         {sudden, Offer{ada, eur(2_000), end.Add(-time.Second)}, nil, 2_000, end, 2_100},
		"on a lot that is closed":            {closed, Offer{ada, eur(2_000), early}, ErrClosed, 0, end, 2_000},
		"a closed lot comes before the rest": {closed, Offer{host, money.New(1, "USD"), early}, ErrClosed, 0, end, 2_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Judge(c.state, c.offer, euros)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if got.Price.Minor != c.price || !got.EndsAt.Equal(c.endsAt) || got.NextMinimum(euros).Minor != c.minimum {
				t.Errorf("price %v, ends %v, minimum %v", got.Price, got.EndsAt, got.NextMinimum(euros))
			}
			if err == nil && (*got.Leader != c.offer.Bidder || got.BidCount != c.state.BidCount+1) {
				t.Errorf("leader %v, %d bids", got.Leader, got.BidCount)
			}
		})
	}
}

func TestTooLowTellsTheMinimum(t *testing.T) {
	t.Parallel()
	_, err := Judge(led(ada, 2_000), Offer{ben, eur(1), end.Add(-time.Hour)}, euros)
	f, _ := fault.As(err)
	if f == nil || f.Data["minimum"] != eur(2_100) || f.Data["price"] != eur(2_000) {
		t.Errorf("%+v", f)
	}
}

// Whatever is bid: a refusal changes nothing; the price only rises, by an increment at least; the end only
// moves later; the leader is who bid last with success.
func TestJudgeProperties(t *testing.T) {
	t.Parallel()
	people := []uuid.UUID{host, ada, ben, uuid.MustParse("00000000-0000-7000-8000-00000000000d")}
	rapid.Check(t, func(t *rapid.T) {
		s := lot()
		now := end.Add(-time.Minute)
		for range rapid.IntRange(1, 60).Draw(t, "bids") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5_000).Draw(t, "ms")) * time.Millisecond)
			offer := Offer{
				Bidder: rapid.SampledFrom(people).Draw(t, "who"),
				Amount: eur(s.Price.Minor + int64(rapid.IntRange(-500, 3_000).Draw(t, "over"))), At: now,
			}
			next, err := Judge(s, offer, euros)
			if err != nil {
				if next != s {
					t.Fatalf("a refusal (%v) changed %+v into %+v", err, s, next)
				}
				continue
			}
			switch {
			case offer.Bidder == host, s.Leader != nil && *s.Leader == offer.Bidder, !now.Before(s.EndsAt):
				t.Fatalf("%+v was taken in %+v", offer, s)
			case next.Price.Minor < s.NextMinimum(euros).Minor, next.Price != offer.Amount, *next.Leader != offer.Bidder:
				t.Fatalf("%+v made %+v out of %+v", offer, next, s)
			case next.EndsAt.Before(s.EndsAt), next.EndsAt.Before(now.Add(s.Extension)):
				t.Fatalf("at %v the end moved from %v to %v", now, s.EndsAt, next.EndsAt)
			}
			s = next
		}
	})
}
