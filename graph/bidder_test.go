package graph_test

import (
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	bidWhatNext = `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { bid { number } userErrors { code field
		... on BidderNotEligible { minimumAge minimumTier } ... on AuctionNotOpen { opensAt } ... on AuctionClosed { endsAt }
		... on WalletFrozen { __typename } } } }`
	birthDateSet = `mutation($input: ViewerBirthDateSetInput!) { viewerBirthDateSet(input: $input) { viewer { birthDate tier } userErrors { code field } } }`
	tierSet      = `mutation($input: UserTierSetInput!) { userTierSet(input: $input) { user { id } tier userErrors { code field } } }`
)

// Each lot that takes no bid says why, and what the client needs next; so does each bidder's own state. Nothing of it leaves a trace.
func TestLotsAndBiddersThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	defer everything(t, b.API)
	auctions, shows, ctx := b.Resolver.Auctions, b.Resolver.Shows, t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := shows.Start(ctx, b.seller.ID, b.show.ID)
	must(err)
	inShow := func() auction.Auction {
		a, err := auctions.AddLot(ctx, b.seller.ID, auction.StartInput{
			Listing: b.Listing(b.seller, "A lamp").ID, Show: &b.show.ID, StartPrice: graphtest.Euros(10), Duration: time.Hour,
		})
		must(err)
		return a
	}
	waiting, paused, passed, open := inShow(), inShow(), inShow(), inShow()
	for _, lot := range []auction.Auction{paused, passed, open} {
		_, err := auctions.OpenLot(ctx, b.seller.ID, lot.ID)
		must(err)
	}
	_, err = auctions.PauseLot(ctx, b.seller.ID, paused.ID)
	must(err)
	_, err = auctions.PassLot(ctx, b.seller.ID, passed.ID)
	must(err)
	date, age, tier := time.Now().Add(time.Hour).UTC().Truncate(time.Second), 18, identity.Verified
	scheduled, err := auctions.Start(ctx, b.seller.ID, auction.StartInput{
		Listing: b.Listing(b.seller, "A lamp").ID, OpensAt: &date, StartPrice: graphtest.Euros(10), Duration: time.Hour,
	})
	must(err)
	grown, err := auctions.Start(ctx, b.seller.ID, auction.StartInput{
		Listing: b.Listing(b.seller, "A knife").ID, MinimumAge: &age, MinimumTier: &tier, StartPrice: graphtest.Euros(10), Duration: time.Hour,
	})
	must(err)
	frozen, outcast, muted, child := b.Funded(100), b.Funded(100), b.Funded(100), b.Funded(100)
	b.admin.Must(t, walletFreeze, input(apitest.Vars{"userId": userID(frozen), "reason": "x"}))
	showID := b.show.NodeID().String()
	b.seller.Must(t, moderateMember, input(apitest.Vars{"showId": showID, "userId": userID(outcast), "action": "BAN", "reason": "x"}))
	b.seller.Must(t, moderateMember, input(apitest.Vars{"showId": showID, "userId": userID(muted), "action": "MUTE", "until": time.Now().Add(time.Hour), "reason": "x"}))
	child.Must(t, birthDateSet, input(apitest.Vars{"birthDate": time.Now().AddDate(-18, 0, 2).Format(time.DateOnly)}))
	b.support.Must(t, tierSet, input(apitest.Vars{"userId": userID(child), "tier": "VERIFIED", "reason": "x"}))

	bid := func(lot auction.Auction) apitest.Vars {
		return input(apitest.Vars{"auctionId": lot.NodeID().String(), "amount": eur("20"), "idempotencyKey": ownKey})
	}
	table := []bad{
		{name: "waits in a show", vars: bid(waiting), code: "AUCTION_NOT_OPEN", data: `{"opensAt":null}`},
		{name: "waits for its date", vars: bid(scheduled), code: "AUCTION_NOT_OPEN", data: `{"opensAt":"` + date.Format(time.RFC3339Nano) + `"}`},
		{name: "paused", vars: bid(paused), code: "AUCTION_PAUSED"},
		{name: "passed", vars: bid(passed), code: "AUCTION_CLOSED"},
		{name: "an age and a tier", vars: bid(grown), code: "BIDDER_NOT_ELIGIBLE", data: `{"minimumAge":18,"minimumTier":"VERIFIED"}`},
		{name: "too young", who: child.Client, vars: bid(grown), code: "BIDDER_NOT_ELIGIBLE", data: `{"minimumAge":18,"minimumTier":null}`},
		{name: "a frozen wallet", who: frozen.Client, vars: bid(open), code: "WALLET_FROZEN"},
		{name: "banned from the show", who: outcast.Client, vars: bid(open), code: "CHAT_BANNED"},
		{name: "bought at once where there is no price", query: mutation("auctionBuyNow"), vars: input(apitest.Vars{"auctionId": open.NodeID().String(), "idempotencyKey": ownKey}), code: "BUY_NOW_GONE"},
		{name: "relisted while it is open", who: b.seller.Client, query: mutation("auctionRelist"), vars: input(apitest.Vars{"auctionId": open.NodeID().String()}), code: "AUCTION_NOT_RELISTABLE"},
		{name: "a chance that there is not", query: mutation("secondChanceDecline"), vars: input(apitest.Vars{"secondChanceId": id.SecondChance.Encode(id.New())}), code: "SECOND_CHANCE_NOT_FOUND"},
		{name: "a chance that is a lot", query: mutation("secondChanceAccept"), vars: input(apitest.Vars{"secondChanceId": open.NodeID().String(), "idempotencyKey": ownKey}), code: "ID_WRONG_KIND", field: "secondChanceId"},
	}
	for i, c := range table {
		if c.who.URL == "" {
			table[i].who = b.rival.Client
		}
		if c.query == "" {
			table[i].query = bidWhatNext
		}
	}
	b.refuse(t, table)
	if got := muted.Must(t, bidWhatNext, withOwnKey(bid(open))).At("bidPlace"); got.Int("bid.number") != 1 {
		t.Errorf("who is muted bids: %s", got.Raw())
	}
}

// A birth date is told once, and is nobody else's business; support says how well a user is known, and the log of staff keeps it.
func TestWhoAUserIs(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	ada, support, admin := a.Person(identity.Buyer), a.Person(identity.Support), a.Person(identity.Admin)
	got := ada.Must(t, birthDateSet, input(apitest.Vars{"birthDate": "1990-12-31"})).At("viewerBirthDateSet")
	if want := `{"userErrors":[],"viewer":{"birthDate":"1990-12-31","tier":"UNVERIFIED"}}`; string(got.Raw()) != want {
		t.Errorf("got %s, want %s", got.Raw(), want)
	}
	tier := tierVars(ada, "TRUSTED", "met in person")
	if got := support.Must(t, tierSet, tier).At("userTierSet"); string(got.Raw()) != `{"tier":"TRUSTED","user":{"id":"`+userID(ada)+`"},"userErrors":[]}` {
		t.Errorf("got %s", got.Raw())
	}
	if got := ada.Must(t, `{ viewer { tier birthDate } }`, nil); string(got.At("viewer").Raw()) != `{"birthDate":"1990-12-31","tier":"TRUSTED"}` {
		t.Errorf("got %s", got.Raw())
	}
	action := admin.Must(t, `{ adminActions(first: 1) { nodes { action reason subject } } }`, nil).At("adminActions.nodes.0")
	if action.Str("action") != "USER_TRUSTED" || action.Str("reason") != "met in person" || action.Str("subject") != userID(ada) {
		t.Errorf("the log says %s", action.Raw())
	}
	for name, c := range map[string]struct {
		who   apitest.Client
		query string
		vars  apitest.Vars
		code  string
	}{
		"another birth date":  {ada.Client, birthDateSet, input(apitest.Vars{"birthDate": "1980-12-31"}), "BIRTH_DATE_SET"},
		"no birth date":       {support.Client, birthDateSet, input(apitest.Vars{"birthDate": "31.12.1990"}), "BIRTH_DATE_INVALID"},
		"a tier by a seller":  {a.Person(identity.Seller).Client, tierSet, tier, "FORBIDDEN"},
		"a tier by oneself":   {ada.Client, tierSet, tier, "FORBIDDEN"},
		"a tier of nobody":    {support.Client, tierSet, input(apitest.Vars{"userId": id.User.Encode(id.New()), "tier": "TRUSTED", "reason": "x"}), "USER_NOT_FOUND"},
		"a tier for no cause": {support.Client, tierSet, tierVars(ada, "VERIFIED", ""), "REASON_LENGTH"},
		"a tier in small":     {support.Client, tierSet, tierVars(ada, "trusted", "x"), "GRAPHQL_VALIDATION_FAILED"},
	} {
		before := a.Digest()
		answer, err := c.who.Do(c.query, c.vars)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, _ := refusal(t, answer); code != c.code {
			t.Errorf("%s: %s, want %s", name, code, c.code)
		}
		for table, digest := range a.Digest() {
			if before[table] != digest {
				t.Errorf("%s: the refusal changed %s", name, table)
			}
		}
	}
}

func tierVars(who graphtest.Person, tier, reason string) apitest.Vars {
	return input(apitest.Vars{"userId": userID(who), "tier": tier, "reason": reason})
}
