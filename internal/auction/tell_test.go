package auction_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// heard is what a user's feed says of bids, in its order.
func heard(w *domaintest.World, user uuid.UUID) string {
	w.T.Helper()
	var kinds []string
	for i, e := range w.Events(feed.Topic(user)) {
		if e.Version != int64(i)+1 {
			w.T.Errorf("the feed's version %d stands at %d", e.Version, i+1)
		}
		if object, err := feed.Object(e); err != nil || object.Kind != id.Auction {
			w.T.Errorf("%s is about %v, %v", e.Kind, object, err)
		}
		kinds = append(kinds, e.Kind)
	}
	return strings.Join(kinds, " ")
}

// tellOf tells, and insists on what each of some users has heard in all.
func tellOf(w *domaintest.World, want map[uuid.UUID]string) {
	w.T.Helper()
	_, err := w.Auctions.TellBidders(w.Ctx())
	w.Must(err)
	for user, kinds := range want {
		if got := heard(w, user); got != kinds {
			w.T.Errorf("heard %q, want %q", got, kinds)
		}
	}
	if again, err := w.Auctions.TellBidders(w.Ctx()); again != 0 || err != nil {
		w.T.Errorf("told %d again, %v", again, err)
	}
}

type told = map[uuid.UUID]string

// Who led and does not any more hears of it once, however often the lead changed hands meanwhile; who won hears that.
func TestBiddersHearOfLostLeads(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada, ben, eve := w.Buyer(500_00), w.Buyer(500_00), w.Buyer(500_00)
	lot := w.Lot()
	w.MustBid(lot.ID, ada, 10_00)
	tellOf(w, told{ada: ""})
	for n := range int64(10) { // back and forth
		w.MustBid(lot.ID, []uuid.UUID{ben, ada}[n%2], 11_00+n*1_00)
	}
	tellOf(w, told{ada: "", ben: "OUTBID"})
	w.MustBid(lot.ID, eve, 100_00)
	w.MustBid(lot.ID, ben, 30_00) // outbid at once: the answer said so
	tellOf(w, told{ada: "OUTBID", ben: "OUTBID", eve: ""})
	w.MustBid(lot.ID, eve, 120_00)
	tellOf(w, told{eve: "MAXIMUM_RAISED"})
	w.MustBid(lot.ID, ada, 130_00)
	w.Close(lot.ID) // before anybody was told
	tellOf(w, told{ada: "OUTBID AUCTION_WON", ben: "OUTBID", eve: "MAXIMUM_RAISED OUTBID"})
	if n := w.Int(`SELECT count(*) FROM lot_told WHERE over`); n != 1 {
		t.Errorf("%d lots are told to their end", n)
	}
}

// Whose bid is taken back, and who leads for that without having bid, both hear of it.
func TestBiddersHearOfCancellations(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	staff, ada, ben, eve := w.User(identity.Support), w.Buyer(100_00), w.Buyer(100_00), w.Buyer(100_00)
	lot := w.Lot()
	w.MustBid(lot.ID, ada, 20_00)
	w.MustBid(lot.ID, ben, 30_00)
	top := w.MustBid(lot.ID, eve, 50_00)
	tellOf(w, told{ada: "OUTBID", ben: "OUTBID", eve: ""})
	_, err := w.Auctions.Cancel(t.Context(), staff, top.Bid.ID, "A child's.")
	w.Must(err)
	tellOf(w, told{ada: "OUTBID", ben: "OUTBID LEADING_AGAIN", eve: "BID_CANCELLED"})
}

func TestALotThatDoesNotSellIsLost(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	ada := w.Buyer(100_00)
	reserve, seller := eur(90_00), w.User(identity.Seller)
	lot, err := w.Auctions.Start(t.Context(), seller, auction.StartInput{
		Listing: w.Listing(seller), StartPrice: eur(10_00), Reserve: &reserve, Duration: 3600e9,
	})
	w.Must(err)
	w.MustBid(lot.ID, ada, 20_00)
	w.Close(lot.ID)
	tellOf(w, told{ada: "AUCTION_LOST"})
}

// Several servers tell at once, while bids come in: who lost the lead has heard of it in the end, and nobody more often than they led.
func TestServersTellTogether(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	worlds := []*domaintest.World{w, w.Another(t)}
	lots, people := make([]uuid.UUID, 3), make([]uuid.UUID, 6)
	for i := range lots {
		lots[i] = w.Lot().ID
	}
	for i := range people {
		people[i] = w.Buyer(10_000_00)
	}
	errs := domaintest.AtOnce(len(people)+4, func(i int) error {
		from := worlds[i%2]
		if i >= len(people) {
			for range 20 {
				if _, err := from.Auctions.TellBidders(t.Context()); err != nil {
					return err
				}
			}
			return nil
		}
		for n := range 10 {
			_, err := from.Bid(lots[n%len(lots)], people[i], int64(10_00+100*(n*len(people)+i)))
			if code := domaintest.Code(err); !slices.Contains([]string{"", "BID_TOO_LOW", "ALREADY_LEADING"}, code) {
				return err
			}
		}
		return nil
	})
	if codes := domaintest.Codes(errs); codes[""] != len(errs) {
		t.Fatal(codes)
	}
	tellOf(w, nil)
	for _, user := range people {
		for _, lot := range lots {
			led := w.Int(`SELECT count(*) FROM bid WHERE auction_id = $1 AND bidder_id = $2 AND leader_id = $2 AND number IS NOT NULL`, lot, user)
			leads := w.Int(`SELECT count(*) FROM auction WHERE id = $1 AND leader_id = $2`, lot, user)
			outbid := w.Int(`SELECT count(*) FROM event WHERE topic = $1 AND kind = 'OUTBID' AND payload->>'object' = $2`,
				string(feed.Topic(user)), id.Auction.Encode(lot))
			if outbid > led-leads || (led > 0 && leads == 0 && outbid == 0) {
				t.Errorf("told %d times of %d lost leads", outbid, led-leads)
			}
		}
		heard(w, user)
	}
}
