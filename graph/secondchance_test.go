package graph_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// unpaidLot is a lot of the fourth version that cards back: the next bidder bid 20 euros, the winner 30.
func unpaidLot(t *testing.T, a *graphtest.API) (lot auction.Auction, seller, winner, next graphtest.Person) {
	t.Helper()
	seller = a.Person(identity.Seller)
	winner, next = a.Person(identity.Buyer), a.Funded(100)
	made := seller.Must(t, startByCard, input(apitest.Vars{
		"listingId": a.Listing(seller, "A lamp").NodeID().String(), "backing": "CARD", "startPrice": eur("10"), "durationSeconds": 600,
	})).Str("auctionStart.auction.id")
	_, raw, err := id.Parse(made)
	if err != nil {
		t.Fatal(err)
	}
	lot = auction.Auction{ID: raw}
	for i, bidder := range []graphtest.Person{next, winner} {
		card := id.New()
		a.Exec(`INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year)
			VALUES ($1, $2, 'stripe', $3, 'visa', '4242', 12, 2040)`, card, bidder.ID, "pm_"+card.String())
		got := bidder.Must(t, bidByCard, input(apitest.Vars{
			"auctionId": made, "amount": eur([]string{"20", "30"}[i]), "cardId": id.Card.Encode(card), "idempotencyKey": uuid.NewString(),
		}))
		if got.Str("bidPlace.bid.id") == "" {
			t.Fatalf("bid: %s", got.Raw())
		}
	}
	a.Close(lot)
	return lot, seller, winner, next
}

// expire lets the time to pay a lot's order pass.
func expire(t *testing.T, a *graphtest.API, lot auction.Auction) {
	t.Helper()
	a.Exec(`UPDATE orders SET pay_by = clock_timestamp() WHERE auction_id = $1 AND payment = 'PENDING'`, lot.ID)
	order := uuid.MustParse(a.Texts(`SELECT id::text FROM orders WHERE auction_id = $1 AND payment = 'PENDING'`, lot.ID)[0])
	if done, err := a.Resolver.Auctions.ExpireOrder(t.Context(), order); err != nil || !done {
		t.Fatalf("the order did not expire: %v", err)
	}
}

const (
	chanceAccept = `mutation($input: SecondChanceAcceptInput!) { secondChanceAccept(input: $input) {
		secondChance { status } order { payment total { amount } } userErrors { code field } } }`
	chancesOfMine = `{ viewer { secondChances { nodes { id status price { amount } auction { id } order { id } } } } }`
)

// A lot that is not paid is offered to the next bidder, who takes it from their wallet; a retry gets the same answer, and nobody else a say.
func TestSecondChancesOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	lot, _, winner, next := unpaidLot(t, a)
	news := next.Subscribe(t, myFeed, nil)
	news.Next()
	expire(t, a, lot)
	if e := news.Next().At("viewerEvents"); e.Str("kind") != "SECOND_CHANCE_CHANGED" {
		t.Errorf("the feed says %s", e.Raw())
	}
	offer := next.Must(t, chancesOfMine, nil).At("viewer.secondChances.nodes.0")
	chance := offer.Str("id")
	if offer.Str("status") != "OFFERED" || offer.Str("price.amount") != "20.00" || offer.Str("auction.id") != lot.NodeID().String() {
		t.Fatalf("offered: %s", offer.Raw())
	}
	seen := func(who apitest.Client) string {
		return string(who.Must(t, `query($id: ID!) { node(id: $id) { ... on SecondChance { status } } }`, apitest.Vars{"id": chance}).At("node").Raw())
	}
	if got := seen(winner.Client); got != "null" {
		t.Errorf("the winner who did not pay sees the offer: %s", got)
	}
	accept := func(who apitest.Client, key, want string) {
		t.Helper()
		got := who.Must(t, chanceAccept, input(apitest.Vars{"secondChanceId": chance, "idempotencyKey": key})).At("secondChanceAccept")
		if string(got.Raw()) != want {
			t.Errorf("got %s, want %s", got.Raw(), want)
		}
	}
	accept(winner.Client, "k", `{"order":null,"secondChance":null,"userErrors":[{"code":"SECOND_CHANCE_NOT_FOUND","field":null}]}`)
	const taken = `{"order":{"payment":"PAID","total":{"amount":"20.00"}},"secondChance":{"status":"ACCEPTED"},"userErrors":[]}`
	accept(next.Client, "k", taken)
	accept(next.Client, "k", taken)
	over := next.Must(t, mutation("secondChanceDecline"), input(apitest.Vars{"secondChanceId": chance})).At("secondChanceDecline")
	if over.Str("userErrors.0.code") != "SECOND_CHANCE_OVER" {
		t.Errorf("declined after that: %s", over.Raw())
	}
	if n := a.Int(`SELECT count(*) FROM orders WHERE auction_id = $1 AND fulfilment <> 'CANCELLED'`, lot.ID); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// After everybody declined, the seller lists the lot again on the same terms, once.
func TestRelistingOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	lot, seller, _, next := unpaidLot(t, a)
	relist := func(who apitest.Client) apitest.JSON {
		t.Helper()
		return who.Must(t, `mutation($input: AuctionRelistInput!) { auctionRelist(input: $input) {
			auction { status backing startPrice { amount } relistedFrom { id } } userErrors { code } } }`,
			input(apitest.Vars{"auctionId": lot.NodeID().String()})).At("auctionRelist")
	}
	expire(t, a, lot)
	if got := relist(seller.Client); got.Str("userErrors.0.code") != "LISTING_NOT_AVAILABLE" {
		t.Errorf("relisted while it is offered: %s", got.Raw())
	}
	chance := next.Must(t, chancesOfMine, nil).Str("viewer.secondChances.nodes.0.id")
	next.Must(t, mutation("secondChanceDecline"), input(apitest.Vars{"secondChanceId": chance}))
	if got := relist(a.Person(identity.Seller).Client); got.Str("userErrors.0.code") != "AUCTION_NOT_RELISTABLE" {
		t.Errorf("relisted by another: %s", got.Raw())
	}
	got := relist(seller.Client)
	want := `{"auction":{"backing":"CARD","relistedFrom":{"id":"` + lot.NodeID().String() + `"},"startPrice":{"amount":"10.00"},"status":"OPEN"},"userErrors":[]}`
	if string(got.Raw()) != want {
		t.Errorf("got %s, want %s", got.Raw(), want)
	}
	if got := relist(seller.Client); got.Str("userErrors.0.code") != "LISTING_NOT_AVAILABLE" {
		t.Errorf("relisted twice: %s", got.Raw())
	}
}
