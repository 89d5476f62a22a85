package auction

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The law is worth what it finds: each of these rules is wrong in one point.
func TestTheLawIsNotGivenAway(t *testing.T) {
	t.Parallel()
	// over is Judge with something wrong about what it makes.
	over := func(wrong func(before State, o Offer, after *State, rule *Rule, in Increments)) judge {
		return func(s State, o Offer, in Increments) (State, Rule, error) {
			after, rule, err := Judge(s, o, in)
			if err == nil {
				wrong(s, o, &after, &rule, in)
			}
			return after, rule, err
		}
	}
	for name, wrong := range map[string]judge{
		"the price falls to the start price": over(func(_ State, _ Offer, after *State, _ *Rule, _ Increments) {
			if after.Bids%5 == 4 {
				after.Price = after.StartPrice
			}
		}),
		"the price is a step too high": over(func(_ State, _ Offer, after *State, rule *Rule, in Increments) {
			if *rule == Leads && after.Bids > 1 {
				after.Price = min(after.Maximum, in.over(after.Price, after.Currency))
			}
		}),
		"the price is a cent above the maximum": over(func(_ State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == TiesToEarlier {
				after.Price = after.Maximum + 1
			}
		}),
		"a tie goes to the later": over(func(_ State, o Offer, after *State, rule *Rule, _ Increments) {
			if *rule == TiesToEarlier {
				after.Leader, *rule = o.Bidder, Leads
			}
		}),
		"the maximum is the price": over(func(_ State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == Leads {
				after.Price = after.Maximum
			}
		}),
		"the second digit of the maximum is in the price": over(func(_ State, o Offer, after *State, rule *Rule, _ Increments) {
			if *rule == Leads && after.Price > after.StartPrice {
				after.Price -= o.Maximum % 2
			}
		}),
		"a raise moves the price": over(func(_ State, _ Offer, after *State, rule *Rule, in Increments) {
			if *rule == Raises {
				after.Price = min(after.Maximum, in.over(after.Price, after.Currency))
			}
		}),
		"a raise has a number": over(func(_ State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == Raises {
				after.Bids++
			}
		}),
		"a raise extends": over(func(_ State, o Offer, after *State, rule *Rule, _ Increments) {
			if *rule == Raises {
				after.EndsAt = after.extended(o.At)
			}
		}),
		"a raise lowers the maximum": over(func(before State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == Raises {
				after.Maximum = before.Maximum
			}
		}),
		"a met reserve does not lift the price": over(func(before State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == MeetsReserve {
				after.Price = max(before.Price, after.StartPrice)
			}
		}),
		"who is outbid at once does not move the price": over(func(before State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == OutbidAtOnce {
				after.Price = before.Price
			}
		}),
		"an extension does not know the cap": over(func(_ State, o Offer, after *State, rule *Rule, _ Increments) {
			if rule.Numbered() && after.Extension > 0 && o.At.Add(after.Extension).After(after.EndsAt) {
				after.EndsAt = o.At.Add(after.Extension)
			}
		}),
		"an early bid shortens": over(func(_ State, o Offer, after *State, rule *Rule, _ Increments) {
			if rule.Numbered() && after.Extension > 0 {
				after.EndsAt = o.At.Add(after.Extension)
			}
		}),
		"a late bid does not extend": over(func(before State, _ Offer, after *State, _ *Rule, _ Increments) { after.EndsAt = before.EndsAt }),
		"buying costs a bid's price": over(func(before State, _ Offer, after *State, rule *Rule, _ Increments) {
			if *rule == BuysNow {
				after.Price = max(before.Price, before.StartPrice)
			}
		}),
		"a refusal extends": func(s State, o Offer, in Increments) (State, Rule, error) {
			after, rule, err := Judge(s, o, in)
			if errors.Is(err, ErrBidTooLow) {
				after.EndsAt = after.extended(o.At)
			}
			return after, rule, err
		},
		"the end is not an end": func(s State, o Offer, in Increments) (State, Rule, error) {
			if s.Status == Open && !o.At.Before(s.EndsAt) {
				o.At = s.EndsAt.Add(-time.Microsecond)
			}
			return Judge(s, o, in)
		},
		"a step more is asked for": func(s State, o Offer, in Increments) (State, Rule, error) {
			if s.Led() && o.Bidder != s.Leader && !o.BuyNow && o.Maximum < in.over(s.NextMinimum(in), s.Currency) {
				return s, "", ErrBidTooLow
			}
			return Judge(s, o, in)
		},
		"the seller bids": func(s State, o Offer, in Increments) (State, Rule, error) {
			s.Seller = uuid.Nil
			after, rule, err := Judge(s, o, in)
			after.Seller = host
			return after, rule, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(500) {
				s, moves := lotOf(bytesOf(seed))
				if err := law(wrong, s, euros, moves); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("nobody notices")
		})
	}
}
