package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	walletFreeze = `mutation($input: WalletFreezeInput!) { walletFreeze(input: $input) {
		freeze { id cause reason liftedAt user { id } } userErrors { code field } } }`
	walletUnfreeze = `mutation($input: WalletUnfreezeInput!) { walletUnfreeze(input: $input) {
		freezes { id liftedAt liftReason } userErrors { code field } } }`
	walletFreezes = `query($user: ID!) { walletFreezes(userId: $user) { id cause reason frozenAt liftedAt liftReason user { name } } }`
	myWallet      = `{ viewer { wallets { frozen available { minor } held { minor } } } }`
	frozenBid     = `mutation($input: BidPlaceInput!) { bidPlace(input: $input) { userErrors { code ... on WalletFrozen { since } } } }`
)

// An admin freezes a user who leads a lot: the bid stays, no other is taken, money may come in, support sees why and
// the user does not.
func TestAWalletIsFrozenOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	admin, support, buyer := a.Person(identity.Admin), a.Person(identity.Support), a.Funded(100)
	seller := a.Person(identity.Seller)
	lot, another := a.Lot(seller, nil), a.Lot(seller, nil)
	a.Bid(buyer, lot, 20)
	events := buyer.Subscribe(t, `subscription { viewerEvents(afterVersion: 1) { kind object { ... on User { id } } } }`, nil)
	buyerID := id.User.Encode(buyer.ID)

	frozen := admin.Must(t, walletFreeze, input(apitest.Vars{"userId": buyerID, "reason": "looks stolen"})).At("walletFreeze.freeze")
	if frozen.Str("cause") != "ADMIN" || frozen.Str("reason") != "looks stolen" || frozen.Str("user.id") != buyerID {
		t.Fatalf("got %s", frozen.Raw())
	}
	bid := apitest.Vars{"auctionId": another.NodeID().String(), "amount": eur("30"), "idempotencyKey": "frozen"}
	if got := buyer.Must(t, frozenBid, input(bid)).At("bidPlace.userErrors.0"); got.Str("code") != "WALLET_FROZEN" || got.Str("since") == "" {
		t.Errorf("a bid: %s", got.Raw())
	}
	a.TopUp(buyer, 5)
	if got := buyer.Must(t, myWallet, nil).At("viewer.wallets.0"); string(got.Raw()) != `{"available":{"minor":"8500"},"frozen":true,"held":{"minor":"2000"}}` {
		t.Errorf("the wallet: %s", got.Raw())
	}

	seen := support.Must(t, walletFreezes, apitest.Vars{"user": buyerID}).At("walletFreezes.0")
	if seen.Str("id") != frozen.Str("id") || seen.Str("reason") != "looks stolen" || seen.Str("user.name") == "" {
		t.Errorf("support sees %s", seen.Raw())
	}
	byID := `query($id: ID!) { node(id: $id) { ... on WalletFreeze { reason } } }`
	named := apitest.Vars{"id": frozen.Str("id")}
	if got := support.Must(t, byID, named); got.Str("node.reason") != "looks stolen" {
		t.Errorf("support looks it up: %s", got.Raw())
	}
	for name, who := range map[string]apitest.Client{"the user": buyer.Client, "nobody": a.Nobody()} {
		if got := who.Must(t, byID, named); string(got.At("node").Raw()) != "null" {
			t.Errorf("%s sees why: %s", name, got.Raw())
		}
	}
	for name, who := range map[string]graphtest.Person{"support": support, "the user": buyer} {
		for _, query := range []string{mutation("walletFreeze"), mutation("walletUnfreeze")} {
			answer, err := who.Do(query, input(apitest.Vars{"userId": buyerID, "reason": "because"}))
			if err != nil || len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
				t.Errorf("%s: %+v, %v", name, answer, err)
			}
		}
	}

	lifted := admin.Must(t, walletUnfreeze, input(apitest.Vars{"freezeId": frozen.Str("id"), "reason": "it was not"})).At("walletUnfreeze")
	if lifted.Str("freezes.0.id") != frozen.Str("id") || lifted.Str("freezes.0.liftReason") != "it was not" || lifted.Str("freezes.0.liftedAt") == "" {
		t.Errorf("got %s", lifted.Raw())
	}
	if got := buyer.Must(t, frozenBid, input(with(bid, "idempotencyKey", "thawed"))); string(got.At("bidPlace.userErrors").Raw()) != "[]" {
		t.Errorf("a bid afterwards: %s", got.Raw())
	}
	for _, want := range []string{"WALLET_FROZEN", "TOP_UP_CHANGED", "WALLET_UNFROZEN"} {
		e := events.Next().At("viewerEvents")
		if e.Str("kind") != want || (want != "TOP_UP_CHANGED" && e.Str("object.id") != buyerID) {
			t.Errorf("the user is told %s, want %s", e.Raw(), want)
		}
	}
}

func TestFreezesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	user := id.User.Encode(b.poor.ID)
	table := []bad{
		{name: "nobody", query: mutation("walletFreeze"), vars: input(apitest.Vars{"userId": id.User.Encode(id.New()), "reason": "x"}), code: "USER_NOT_FOUND", field: "userId"},
		{name: "a listing", query: mutation("walletFreeze"), vars: input(apitest.Vars{"userId": b.listingID, "reason": "x"}), code: "ID_WRONG_KIND", field: "userId"},
		{name: "no reason", query: mutation("walletFreeze"), vars: input(apitest.Vars{"userId": user, "reason": ""}), code: "REASON_LENGTH", field: "reason"},
		{name: "nothing named", query: mutation("walletUnfreeze"), vars: input(apitest.Vars{"reason": "x"}), code: "WALLET_UNFREEZE_TARGET"},
		{name: "both named", query: mutation("walletUnfreeze"), vars: input(apitest.Vars{"userId": user, "freezeId": id.Freeze.Encode(id.New()), "reason": "x"}), code: "WALLET_UNFREEZE_TARGET"},
		{name: "a user who is free", query: mutation("walletUnfreeze"), vars: input(apitest.Vars{"userId": user, "reason": "x"}), code: "WALLET_NOT_FROZEN", field: "userId"},
		{name: "no such freeze", query: mutation("walletUnfreeze"), vars: input(apitest.Vars{"freezeId": id.Freeze.Encode(id.New()), "reason": "x"}), code: "WALLET_FREEZE_NOT_FOUND", field: "freezeId"},
		{name: "a user as a freeze", query: mutation("walletUnfreeze"), vars: input(apitest.Vars{"freezeId": user, "reason": "x"}), code: "ID_WRONG_KIND", field: "freezeId"},
		{name: "the freezes of a listing", query: walletFreezes, vars: apitest.Vars{"user": b.listingID}, code: "ID_WRONG_KIND", top: true},
	}
	for i := range table {
		table[i].who = b.admin.Client
	}
	b.refuse(t, table)
}
