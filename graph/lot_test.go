package graph_test

import (
	"fmt"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/show"
)

const lotWatch = `subscription($id: ID!) { showEvents(showId: $id) {
	version kind lot { id status leader { id } } bids { number amount { amount } bidder { id } } queue show { id } } }`

// A show's viewers hear of its lots and their bids.
func TestShowEventsOfALot(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	host, buyer := a.Person(identity.Seller), a.Funded(100)
	s, err := a.Resolver.Shows.Create(t.Context(), host.ID, show.Draft{Title: "A show", StartsAt: a.Resolver.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resolver.Shows.Start(t.Context(), host.ID, s.ID); err != nil {
		t.Fatal(err)
	}
	stream := a.Nobody().Subscribe(t, lotWatch, apitest.Vars{"id": s.NodeID().String()})
	if first := stream.Next().At("showEvents"); first.Str("kind") != "SNAPSHOT" {
		t.Fatalf("begins with %s", first.Raw())
	}
	lot := a.Lot(host, &s.ID)
	opened := stream.Next().At("showEvents")
	want := fmt.Sprintf(`{"bids":[],"kind":"LOT_OPENED","lot":{"id":%q,"leader":null,"status":"OPEN"},"queue":null,"show":null,"version":3}`, lot.NodeID().String())
	if string(opened.Raw()) != want {
		t.Errorf("opened: %s, want %s", opened.Raw(), want)
	}
	a.Bid(buyer, lot, 12)
	bid := stream.Next().At("showEvents")
	if bid.Str("kind") != "BIDS_PLACED" || bid.Str("lot.leader.id") != bid.Str("bids.0.bidder.id") || bid.Int("bids.0.number") != 1 || bid.Int("version") != 4 {
		t.Errorf("a bid: %s", bid.Raw())
	}
}
