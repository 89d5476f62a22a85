package offer_test

import (
	"testing"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/offer"
)

// Both sides, and time, move an offer at once: one of them does, each of the others is told what it has become.
func TestMovedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	servers := []*domaintest.World{b.World, b.Another(t)}
	ends := map[offer.Status]int{}
	for round := range 16 {
		o := b.made(b.thing(), 60_00)
		moves := []offer.MoveInput{does(o, offer.Accept), does(o, offer.Withdraw), does(o, offer.Decline), counters(o, 80_00)}
		errs := domaintest.AtOnce(len(moves), func(i int) error {
			who := b.seller
			if moves[i].Action == offer.Withdraw {
				who = b.buyer
			}
			_, err := servers[(i+round)%2].Offers.Move(t.Context(), who, moves[i])
			return err
		})
		won, now := 0, b.read(o.ID)
		for i, err := range errs {
			switch domaintest.Code(err) {
			case "":
				won++
			case "OFFER_CHANGED_MEANWHILE":
				if got := carried(err); got.Version != 2 || got.LastStatus != now.LastStatus {
					t.Errorf("%s is told of %+v", moves[i].Action, got)
				}
			default:
				t.Errorf("%s: %v", moves[i].Action, err)
			}
		}
		if won != 1 || now.Version != 2 {
			t.Errorf("%d moved it, and it is %+v", won, now)
		}
		ends[now.LastStatus]++
		if now.LastStatus == offer.Countered || now.LastStatus == offer.Accepted { // so that the limit is not met
			b.moved(b.buyer, does(now, offer.Withdraw))
		}
	}
	t.Logf("%v", ends)
}

// A seller accepts twice at once, on two servers: it is accepted once, and both hear so.
func TestAcceptedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	servers := []*domaintest.World{b.World, b.Another(t)}
	for range 10 {
		o := b.made(b.thing(), 60_00)
		for _, err := range domaintest.AtOnce(4, func(i int) error {
			_, err := servers[i%2].Offers.Move(t.Context(), b.seller, does(o, offer.Accept))
			return err
		}) {
			b.Must(err)
		}
		if got := b.story(o.ID); got != "BUYER OPEN 60, SELLER ACCEPTED 60" {
			t.Error(got)
		}
	}
}

// An offer's time ends as it is accepted: one comes first, and the other finds it so.
func TestAcceptedAtItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	accepted := 0
	for i := range 20 {
		o := b.made(b.thing(), 60_00)
		b.Exec(`ALTER TABLE price_offer DISABLE TRIGGER price_offer_guard`)
		b.Exec(`UPDATE price_offer SET expires_at = clock_timestamp() + $2 * interval '1 microsecond' WHERE id = $1`, o.ID, 1500+i*300)
		b.Exec(`ALTER TABLE price_offer ENABLE TRIGGER price_offer_guard`)
		errs := domaintest.AtOnce(2, func(who int) error {
			if who == 0 {
				_, err := b.Offers.Move(t.Context(), b.seller, does(o, offer.Accept))
				return err
			}
			_, err := b.Offers.ExpireDue(t.Context())
			return err
		})
		b.Must(errs[1])
		b.Must2(b.Offers.ExpireDue(t.Context()))
		now := b.read(o.ID)
		switch code := domaintest.Code(errs[0]); {
		case code == "" && now.LastStatus == offer.Accepted:
			accepted++
		case (code == "OFFER_OVER" || code == "OFFER_CHANGED_MEANWHILE") && now.LastStatus != offer.Accepted:
		default:
			t.Errorf("%v, and it is %s", errs[0], now.LastStatus)
		}
		if now.LastStatus == offer.Accepted {
			b.moved(b.buyer, does(now, offer.Withdraw))
		}
		if i == 15 { // a day's offers to one seller are 20
			b.seller = b.Another(t).User("SELLER")
		}
	}
	t.Logf("%d of 20 were accepted in time", accepted)
}
