package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	offerErrors = `userErrors { code field ... on OfferRefused { offer { version status } } ... on OfferPriceRefused { minimum { amount } maximum { amount } } }`
	offerMake   = `mutation($input: OfferMakeInput!) { offerMake(input: $input) { offer { id version status availableActions } ` + offerErrors + ` } }`
	offerLook   = `query($id: ID!) { offer(id: $id) { status version title quantity price { amount } movedBy buyer { id } seller { id } listing { takesOffers } variant { id } steps { by status price { amount } } availableActions order { id } } }`
)

// offerMove is a mutation that moves an offer.
func offerMove(name string) string {
	return `mutation($input: ` + strings.ToUpper(name[:1]) + name[1:] + `Input!) { ` + name + `(input: $input) { offer { version status price { amount } availableActions } ` + offerErrors + ` } }`
}

// A buyer and a seller talk about a price; each is told what the other does, and may do what is theirs.
func TestOffersThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, other, staff := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer), a.Person(identity.Support)
	thing := a.Listing(seller, "A lamp")
	a.Exec(`UPDATE variant SET price = 10000, currency = 'EUR' WHERE id = $1`, thing.ID)
	ask := apitest.Vars{"variantId": id.Variant.Encode(thing.ID), "price": eur("60")}
	made := buyer.Must(t, offerMake, input(ask))
	of := made.Str("offerMake.offer.id")
	if got := inOrder(t, made.At("offerMake").Raw()); got != inOrder(t, []byte(`{"offer":{"id":"`+of+`","version":1,"status":"OPEN","availableActions":["WITHDRAW"]},"userErrors":[]}`)) {
		t.Errorf("made: %s", got)
	}
	notices := seller.Subscribe(t, `subscription { viewerEvents(afterVersion: 0) { kind object { ... on Notification { kind subject { ... on Offer { id status availableActions } } parameters { name value } } } } }`, nil)
	if got := inOrder(t, notices.Next().At("viewerEvents").Raw()); got != inOrder(t, []byte(`{"kind":"NOTIFIED","object":{"kind":"OFFER_CHANGED","subject":{"id":"`+of+`","status":"OPEN","availableActions":["COUNTER","ACCEPT","DECLINE"]},"parameters":[{"name":"status","value":"OPEN"},{"name":"price","value":"60.00 EUR"}]}}`)) {
		t.Errorf("the seller hears %s", got)
	}
	at := func(version int, more apitest.Vars) apitest.Vars {
		vars := apitest.Vars{"offerId": of, "version": version}
		maps.Copy(vars, more)
		return input(vars)
	}
	for _, c := range []struct {
		who  graphtest.Person
		name string
		vars apitest.Vars
		want string
	}{
		{seller, "offerCounter", at(1, apitest.Vars{"price": eur("50")}), `{"offer":null,"userErrors":[{"code":"OFFER_PRICE","field":["price"],"minimum":{"amount":"60.01"},"maximum":{"amount":"99.99"}}]}`},
		{seller, "offerCounter", at(1, apitest.Vars{"price": apitest.Vars{"amount": "70", "currencyCode": "XXX"}}), `{"offer":null,"userErrors":[{"code":"CURRENCY_UNKNOWN","field":["price"]}]}`},
		{seller, "offerCounter", at(1, apitest.Vars{"price": eur("80")}), `{"offer":{"version":2,"status":"COUNTERED","price":{"amount":"80.00"},"availableActions":[]},"userErrors":[]}`},
		{seller, "offerAccept", at(1, nil), `{"offer":null,"userErrors":[{"code":"OFFER_CHANGED_MEANWHILE","field":["version"],"offer":{"version":2,"status":"COUNTERED"}}]}`},
		{seller, "offerDecline", at(2, nil), `{"offer":null,"userErrors":[{"code":"OFFER_NOT_YOURS","field":["offerId"],"offer":{"version":2,"status":"COUNTERED"}}]}`},
		{other, "offerAccept", at(2, nil), `{"offer":null,"userErrors":[{"code":"OFFER_NOT_FOUND","field":["offerId"]}]}`},
		{staff, "offerAccept", at(2, nil), `{"offer":null,"userErrors":[{"code":"OFFER_NOT_FOUND","field":["offerId"]}]}`},
		{buyer, "offerAccept", at(2, nil), `{"offer":{"version":3,"status":"ACCEPTED","price":{"amount":"80.00"},"availableActions":["WITHDRAW","CHECK_OUT"]},"userErrors":[]}`},
		{buyer, "offerWithdraw", at(3, nil), `{"offer":{"version":4,"status":"WITHDRAWN","price":{"amount":"80.00"},"availableActions":[]},"userErrors":[]}`},
		{buyer, "offerWithdraw", at(4, nil), `{"offer":null,"userErrors":[{"code":"OFFER_OVER","field":["offerId"],"offer":{"version":4,"status":"WITHDRAWN"}}]}`},
	} {
		if got := inOrder(t, c.who.Must(t, offerMove(c.name), c.vars).At(c.name).Raw()); got != inOrder(t, []byte(c.want)) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	want := `{"offer":{"status":"WITHDRAWN","version":4,"title":"A lamp","quantity":1,"price":{"amount":"80.00"},"movedBy":"BUYER","buyer":{"id":"` + id.User.Encode(buyer.ID) + `"},"seller":{"id":"` + id.User.Encode(seller.ID) + `"},"listing":{"takesOffers":true},"variant":{"id":"` + id.Variant.Encode(thing.ID) + `"},` +
		`"steps":[{"by":"BUYER","status":"OPEN","price":{"amount":"60.00"}},{"by":"SELLER","status":"COUNTERED","price":{"amount":"80.00"}},{"by":"BUYER","status":"ACCEPTED","price":{"amount":"80.00"}},{"by":"BUYER","status":"WITHDRAWN","price":{"amount":"80.00"}}],"availableActions":[],"order":null}}`
	for name, who := range map[string]graphtest.Person{"buyer": buyer, "seller": seller, "staff": staff} {
		if got := inOrder(t, who.Must(t, offerLook, apitest.Vars{"id": of}).Raw()); got != inOrder(t, []byte(want)) {
			t.Errorf("the %s sees %s", name, got)
		}
	}
	const talk = `mutation($input: ConversationStartInput!) { conversationStart(input: $input) { conversation { offers { id status price { amount } } } userErrors { code } } }`
	start := input(apitest.Vars{"listingId": thing.NodeID().String(), "body": "Is it the lamp?"})
	if got := inOrder(t, buyer.Must(t, talk, start).At("conversationStart.conversation.offers").Raw()); got != inOrder(t, []byte(`[{"id":"`+of+`","status":"WITHDRAWN","price":{"amount":"80.00"}}]`)) {
		t.Errorf("the conversation shows %s", got)
	}
	if got := string(other.Must(t, talk, start).At("conversationStart.conversation.offers").Raw()); got != "[]" {
		t.Errorf("another's conversation shows %s", got)
	}
	const node = `query($id: ID!) { node(id: $id) { ... on Offer { status } } offer(id: $id) { status } }`
	if got := inOrder(t, other.Must(t, node, apitest.Vars{"id": of}).Raw()); got != inOrder(t, []byte(`{"node":null,"offer":null}`)) {
		t.Errorf("another sees %s", got)
	}
	if got := inOrder(t, a.Nobody().Must(t, `query($id: ID!) { node(id: $id) { ... on Offer { status } } }`, apitest.Vars{"id": of}).Raw()); got != inOrder(t, []byte(`{"node":null}`)) {
		t.Errorf("nobody sees %s", got)
	}
	for code, in := range map[string]apitest.Vars{
		"OFFER_QUANTITY": with(ask, "quantity", 1_000_000_000), "OFFER_PRICE": with(ask, "price", eur("-5")), "VARIANT_NOT_FOUND": with(ask, "variantId", id.Variant.Encode(id.New())),
		"ID_WRONG_KIND": with(ask, "variantId", of), "AMOUNT_OUT_OF_RANGE": with(ask, "price", eur("99999999999999999999")), "CURRENCY_MISMATCH": with(ask, "price", apitest.Vars{"amount": "60", "currencyCode": "USD"}),
	} {
		if got := codeOf(t, buyer.Client, offerMake, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	const taken = `mutation($input: ListingOffersSetInput!) { listingOffersSet(input: $input) { listing { takesOffers } userErrors { code } } }`
	none := input(apitest.Vars{"listingId": thing.NodeID().String(), "takesOffers": false})
	if got := inOrder(t, seller.Must(t, taken, none).At("listingOffersSet").Raw()); got != inOrder(t, []byte(`{"listing":{"takesOffers":false},"userErrors":[]}`)) {
		t.Errorf("takes none: %s", got)
	}
	if got := codeOf(t, a.Person(identity.Seller).Client, taken, none); got != "LISTING_NOT_FOUND" {
		t.Errorf("another's listing: %s", got)
	}
	if got := codeOf(t, buyer.Client, offerMake, input(ask)); got != "OFFERS_NOT_TAKEN" {
		t.Errorf("one that takes none: %s", got)
	}
}

// A page of offers takes as many statements for many as for few.
func TestOffersAreLoadedTogether(t *testing.T) {
	t.Parallel()
	const query = `{ viewer { offersReceived(first: 50) { nodes { status buyer { name } seller { name } listing { title takesOffers } variant { id } steps { status } availableActions order { id } } } } }`
	taken := func(n int) []string {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		seller := a.Person(identity.Seller)
		for i := range n {
			thing := a.Listing(seller, fmt.Sprint("Lamp ", i))
			a.Person(identity.Buyer).Must(t, offerMake, input(apitest.Vars{"variantId": id.Variant.Encode(thing.ID), "price": eur("5")}))
		}
		return fewest(t, &crowd{API: a}, seller.Client, query)
	}
	if few, many := taken(2), taken(8); !slices.Equal(few, many) {
		t.Errorf("%v for few, %v for many", few, many)
	}
}
