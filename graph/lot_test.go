package graph_test

import (
	"fmt"
	"strings"
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

// A host puts lots into their show, orders, pins, opens, pauses and ends them, and ends the show, all by the API.
func TestAHostRunsTheirLots(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	host, buyer := a.Person(identity.Seller), a.Funded(100)
	s, err := a.Resolver.Shows.Create(t.Context(), host.ID, show.Draft{Title: "A show", StartsAt: a.Resolver.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	shw := s.NodeID().String()
	do := func(field string, in apitest.Vars, sel string) apitest.JSON {
		t.Helper()
		name := strings.ToUpper(field[:1]) + field[1:]
		return host.Must(t, fmt.Sprintf(`mutation($input: %sInput!) { %s(input: $input) { %s userErrors { code ... on ShowHasOpenLot { lot { id } } } } }`,
			name, field, sel), input(in)).At(field)
	}
	want := func(got apitest.JSON, want string) {
		t.Helper()
		if string(got.Raw()) != want {
			t.Errorf("%s, want %s", got.Raw(), want)
		}
	}
	add := func() string {
		t.Helper()
		return do("lotAdd", apitest.Vars{
			"showId": shw, "listingId": a.Listing(host, "A lamp").NodeID().String(), "startPrice": eur("10"), "durationSeconds": 600,
		}, "lot { id }").Str("lot.id")
	}
	first, second, third := add(), add(), add()
	inShow, queue := apitest.Vars{"showId": shw}, "show { queue { nodes { lotNumber } } }"
	want(do("lotsReorder", with(inShow, "lotIds", []string{third}), queue),
		`{"show":{"queue":{"nodes":[{"lotNumber":3},{"lotNumber":1},{"lotNumber":2}]}},"userErrors":[]}`)
	want(do("lotRemove", apitest.Vars{"lotId": third}, "lot { status }"), `{"lot":{"status":"PASSED"},"userErrors":[]}`)
	want(do("lotOpen", apitest.Vars{"lotId": first}, "lot { status }"), `{"lot":null,"userErrors":[{"code":"SHOW_NOT_LIVE"}]}`)
	do("showStart", inShow, "show { id }")
	lot := func(field, status string) {
		t.Helper()
		want(do(field, apitest.Vars{"lotId": first}, "lot { status }"), `{"lot":{"status":"`+status+`"},"userErrors":[]}`)
	}
	lot("lotOpen", "OPEN")
	want(do("lotPin", with(inShow, "lotId", first), "show { pinnedLot { lotNumber } }"), `{"show":{"pinnedLot":{"lotNumber":1}},"userErrors":[]}`)
	want(do("lotUnpin", inShow, "show { pinnedLot { lotNumber } }"), `{"show":{"pinnedLot":null},"userErrors":[]}`)
	buyer.Must(t, mutation("bidPlace"), input(apitest.Vars{"auctionId": first, "amount": eur("12"), "idempotencyKey": "a bid"}))
	lot("lotPause", "PAUSED")
	want(do("showEnd", inShow, "show { id }"), `{"show":null,"userErrors":[{"code":"SHOW_HAS_OPEN_LOT","lot":{"id":"`+first+`"}}]}`)
	lot("lotResume", "OPEN")
	want(do("lotPass", apitest.Vars{"lotId": first, "idempotencyKey": "no"}, "lot { id }"), `{"lot":null,"userErrors":[{"code":"LOT_WOULD_SELL"}]}`)
	want(do("lotClose", apitest.Vars{"lotId": first, "idempotencyKey": "k"}, "lot { status }"), `{"lot":{"status":"SOLD"},"userErrors":[]}`)
	want(do("lotPass", apitest.Vars{"lotId": second, "idempotencyKey": "k"}, "lot { status }"), `{"lot":{"status":"PASSED"},"userErrors":[]}`)
	want(do("showEnd", inShow, "show { status sales { nodes { lotNumber price { amount } } } allLots(first: 2) { nodes { lotNumber } } }"),
		`{"show":{"allLots":{"nodes":[{"lotNumber":3},{"lotNumber":2}]},"sales":{"nodes":[{"lotNumber":1,"price":{"amount":"10.00"}}]},"status":"ENDED"},"userErrors":[]}`)
	want(do("showCancel", inShow, "show { id }"), `{"show":null,"userErrors":[{"code":"SHOW_NOT_SCHEDULED"}]}`)
	want(do("lotsReorder", with(inShow, "lotIds", []string{shw}), "show { id }"), `{"show":null,"userErrors":[{"code":"ID_WRONG_KIND"}]}`)
}
