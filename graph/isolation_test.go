package graph_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

// way is one way to a listing, for somebody who has all that leads there.
type way struct {
	who   graphtest.Person
	query string
	vars  apitest.Vars
	sign  string                             // of the listing, in the answer; its title where it is empty
	topic func(who uuid.UUID) realtime.Topic // of a subscription: as many events are read as there are
	own   bool                               // it leads to a listing of the person's own, or of an order of theirs: that is seen for good
}

// aisle is a listing on the market beside the one that was sold in a shelf. A buyer has it in the cart, set aside, wished for, waited for, looked
// for, was told of it; who bought the other reviewed its seller, and not the thing yet.
type aisle struct {
	*shelf
	goods catalog.Listing
	ways  map[string]way
}

func newAisle(t *testing.T) *aisle {
	t.Helper()
	a := &aisle{shelf: newShelf(t)}
	bought, lot, live := a.only(t, "orders"), a.only(t, "auction"), a.only(t, "show")
	want := a.buyer.Must(t, wantCreate, input(apitest.Vars{"words": "everybody"})).Str("wantCreate.want.id")
	a.goods = a.Listing(a.seller, secretTitle+" either")
	node, variant := a.goods.NodeID().String(), id.Variant.Encode(a.goods.ID)
	a.seller.Must(t, wantAnswer, input(apitest.Vars{"wantId": want, "listingId": node}))
	a.buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": variant}))
	a.buyer.Must(t, mutation("wishAdd"), input(apitest.Vars{"listingId": node}))
	a.buyer.Must(t, mutation("availabilityNoticeSet"), input(apitest.Vars{"variantId": variant}))
	offered := a.buyer.Must(t, offerMake, input(apitest.Vars{"variantId": variant, "price": eur("8")})).Str("offerMake.offer.id")
	a.buyer.Must(t, cartKeep, input(apitest.Vars{"idempotencyKey": "once"}))
	home := a.buyer.Must(t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
	quote := a.buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "once"})).Str("checkoutQuote.quote.id")
	a.Tell(notify.Note{Recipient: a.buyer.ID, Kind: notify.WantMatched, Subject: a.goods.NodeID(), Key: "isolation"})
	sale := a.seller.Must(t, `mutation($input: FlashSaleScheduleInput!) { flashSaleSchedule(input: $input) { flashSale { id } userErrors { code } } }`, input(apitest.Vars{
		"listingId": node, "startsAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "endsAt": time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339),
		"admitPerMinute": 60, "perBuyer": 1,
	})).Str("flashSaleSchedule.flashSale.id")
	if _, err := a.Resolver.Orders.Ship(t.Context(), a.seller.ID, bought, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resolver.Orders.ConfirmReceipt(t.Context(), a.winner.ID, bought); err != nil {
		t.Fatal(err)
	}
	a.winner.Must(t, reviewCreate, input(apitest.Vars{"orderId": id.Order.Encode(bought), "subject": "SELLER", "stars": 5, "body": "Good"}))
	a.ways = map[string]way{}
	for name, p := range a.paths { // of the other listing
		who := a.buyer
		if p.own {
			who = a.winner
		}
		a.ways[name] = way{who: who, query: p.query, vars: p.vars, own: p.own}
	}
	delete(a.ways, "own listings")
	of := func(topic realtime.Topic) func(uuid.UUID) realtime.Topic {
		return func(uuid.UUID) realtime.Topic { return topic }
	}
	one := func(kind id.Kind, v uuid.UUID) apitest.Vars { return apitest.Vars{"id": kind.Encode(v)} }
	for name, w := range map[string]way{
		"variants":            {query: `query($id: ID!) { listing(id: $id) { title variants { sku } } }`, vars: apitest.Vars{"id": node}},
		"cart":                {query: `{ cart { groups { lines { variant { listing { title } } } } } }`},
		"set aside":           {query: `{ cart { reservation { lines { variant { listing { title } } } } } }`},
		"quote":               {query: `query($id: ID!) { node(id: $id) { ... on CheckoutQuote { groups { lines { variant { listing { title } } } } } } }`, vars: apitest.Vars{"id": quote}},
		"lines of an order":   {who: a.winner, query: `query($id: ID!) { order(id: $id) { lines { listing { title } } } }`, vars: one(id.Order, bought), own: true},
		"what to review":      {who: a.winner, query: `query($id: ID!) { order(id: $id) { listingsToReview { title } } }`, vars: one(id.Order, bought), own: true},
		"offer":               {query: `query($id: ID!) { offer(id: $id) { listing { title } } }`, vars: apitest.Vars{"id": offered}},
		"an offer's events":   {query: `subscription($id: ID!) { offerEvents(offerId: $id, afterVersion: 0) { offer { listing { title } } } }`, vars: apitest.Vars{"id": offered}, topic: of(offer.Topic(a.only(t, "price_offer")))},
		"offers made":         {query: `{ viewer { offersMade { nodes { variant { listing { title } } } } } }`},
		"offers received":     {who: a.seller, query: `{ viewer { offersReceived { nodes { listing { title } } } } }`, own: true},
		"wishes":              {query: `{ viewer { wishes { nodes { listing { title } } } } }`},
		"waits":               {query: `{ viewer { availabilityNotices { nodes { variant { listing { title } } } } } }`},
		"want":                {query: `{ viewer { wants { nodes { offers { nodes { listing { title } } } } } } }`},
		"notices":             {query: `{ viewer { notifications { nodes { subject { ... on Listing { title } } } } } }`},
		"news":                {query: `subscription { viewerEvents(afterVersion: 0) { object { ... on Notification { subject { ... on Listing { title } } } } } }`, topic: feed.Topic},
		"search":              {query: `{ search(text: "everybody either") { nodes { title } } }`},
		"edges of a search":   {query: `{ search(text: "everybody either") { edges { node { title } } } }`},
		"counts":              {query: `{ search(text: "either ") { totalCount } }`, sign: `"totalCount":1`},
		"facets":              {query: `{ search(text: "either ") { facets { kinds { count } prices { count } } } }`, sign: `"count":1`},
		"suggestions":         {query: `{ searchSuggestions(prefix: "eith") { text } }`, sign: "either"},
		"flash sale":          {query: `query($id: ID!) { flashSale(id: $id) { listing { title } } }`, vars: apitest.Vars{"id": sale}},
		"reviews of a seller": {query: `query($id: ID!) { node(id: $id) { ... on User { reviews { nodes { listing { title } } } } } }`, vars: one(id.User, a.seller.ID)},
		"a lot's events":      {query: `subscription($id: ID!) { auctionEvents(auctionId: $id, afterVersion: 0) { auction { listing { title } } } }`, vars: one(id.Auction, lot), topic: of(auction.Topic(lot))},
		"a show's events":     {query: `subscription($id: ID!) { showEvents(showId: $id, afterVersion: 0) { lot { listing { title } } } }`, vars: one(id.Show, live), topic: of(show.Topic(live))},
		"an order's events":   {who: a.winner, query: `subscription($id: ID!) { orderEvents(orderId: $id, afterVersion: 0) { order { listing { title } } } }`, vars: one(id.Order, bought), topic: of(order.Topic(bought)), own: true},
		"own listings":        {who: a.seller, query: `{ viewer { listings { nodes { title } } } }`, own: true},
		"sales":               {who: a.seller, query: `{ viewer { sales { nodes { listing { title } } } } }`, own: true},
		"statement":           {who: a.winner, query: `{ viewer { wallets { statement { nodes { cause { ... on Auction { listing { title } } } } } } } }`},
	} {
		if w.who.ID == uuid.Nil {
			w.who = a.buyer
		}
		a.ways[name] = w
	}
	return a
}

// only is the one row of a table.
func (a *aisle) only(t *testing.T, table string) uuid.UUID {
	t.Helper()
	ids := a.Texts(`SELECT id::text FROM ` + table)
	if len(ids) != 1 {
		t.Fatalf("%s has %d rows", table, len(ids))
	}
	return uuid.MustParse(ids[0])
}

// shows says whether somebody sees a listing by a way.
func (a *aisle) shows(t *testing.T, who graphtest.Person, name string) bool {
	t.Helper()
	w := a.ways[name]
	sign := w.sign
	if sign == "" {
		sign = secretTitle
	}
	if w.topic != nil {
		return strings.Contains(a.events(t, who, w), sign)
	}
	answer, err := who.Do(w.query, w.vars)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.Errors {
		if e.Extensions.Code != "UNAUTHENTICATED" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	return strings.Contains(string(answer.Data), sign)
}

// events are all that a subscription tells somebody of what has happened.
func (a *aisle) events(t *testing.T, who graphtest.Person, w way) string {
	t.Helper()
	stream, err := who.TrySubscribe(t, w.query, w.vars)
	if err != nil {
		return err.Error()
	}
	defer stream.Cut()
	var told strings.Builder
	for range a.Int(`SELECT count(*) FROM event WHERE topic = $1`, string(w.topic(who.ID))) {
		event, err := stream.Receive()
		if err != nil {
			return err.Error() // not for them
		}
		told.Write(event)
	}
	return told.String()
}

// forgotten waits until servers tell nobody any more what they have told before, which takes a second.
func (a *aisle) forgotten(t *testing.T) {
	t.Helper()
	for name, w := range a.ways {
		for try := 0; w.topic != nil && !w.own && a.shows(t, w.who, name); try++ {
			if try == 100 {
				t.Fatalf("what was told by %s is told on", name)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// Every field of the schema that gives a listing or a variant is in one of the ways that the test below walks, and so is every root field
// and every field of a viewer, unless it is said here why it need not be. Whoever adds one decides.
func TestEveryWayToAListingIsWalked(t *testing.T) {
	t.Parallel()
	s, walked := schema(), map[string]bool{}
	for name, w := range newAisle(t).ways {
		doc, errs := gqlparser.LoadQueryWithRules(s, w.query, nil)
		if errs != nil {
			t.Fatalf("%s: %v", name, errs)
		}
		fieldsOf(doc.Operations[0].SelectionSet, walked)
	}
	carries := map[string]bool{"Listing": true, "Variant": true, "Node": true, "ListingConnection": true, "ListingEdge": true}
	for _, def := range s.Types {
		for _, f := range def.Fields {
			field := def.Name + "." + f.Name
			root := def.Name == "Query" || def.Name == "Subscription" || def.Name == "Viewer"
			if def.Kind != ast.Object || strings.HasPrefix(f.Name, "__") || walked[field] || !root && !carries[f.Type.Name()] {
				continue
			}
			if own := strings.HasSuffix(def.Name, "Payload"); own || silent[field] {
				continue // what mutations answer is tried by TestNoMutationShowsAnothersListing
			}
			t.Errorf("no way goes through %s", field)
		}
	}
	for field := range silent {
		typeName, name, _ := strings.Cut(field, ".")
		if def := s.Types[typeName]; def == nil || def.Fields.ForName(name) == nil || walked[field] {
			t.Errorf("%s is not in the schema, or is walked", field)
		}
	}
}

// silent are the fields that need no way of their own.
var silent = allOf(
	// They tell of no listing; or of things that show theirs by a field that is walked: a lot, an order, a conversation, a notice.
	"Query.serverTime", "Query.addressCountries", "Query.userBan", "Query.riskStanding", "Query.exchangeQuote", "Query.chargebacks", "Query.walletFreezes", "Query.ledgerAccounts",
	"Query.ledgerAccount", "Query.ledgerEntry", "Query.reconciliationReport", "Query.adminActions", "Query.reviewReports", "Query.categories", "Query.category",
	"Query.brands", "Query.codeReveals", "Query.pickupPoints", "Query.wants", "Query.shows",
	"Viewer.user", "Viewer.email", "Viewer.role", "Viewer.addresses", "Viewer.following", "Viewer.locations", "Viewer.unreadNotificationCount", "Viewer.earnings",
	"Viewer.cards", "Viewer.referral", "Viewer.secondChances", "Viewer.birthDate", "Viewer.tier", "Viewer.savedSearches", "Viewer.promotions", "Viewer.taxRegistration", "Viewer.shippingProfile", "Query.promotions",
	"Subscription.auctionStanding", "Subscription.conversationEvents", "Subscription.conversationTyping", "Subscription.flashSalePlace",
	// A file of one's own, which TestNoFileHasAnothersListing reads.
	"Viewer.listingImports", "Viewer.listingExport",
	// Staff see all.
	"Subscription.supportEvents", "SupportEvent.object", "Query.orderHappenings", "Query.orderProblemCases", "Query.riskReviews", "Query.searchSynonyms",
	// Of an order of one's own, whose listing is seen for good; it shows that by Variant.listing.
	"OrderCode.variant",
)

func allOf(fields ...string) map[string]bool {
	all := map[string]bool{}
	for _, f := range fields {
		all[f] = true
	}
	return all
}

// fieldsOf notes the fields that a query selects, as Type.field.
func fieldsOf(selections ast.SelectionSet, into map[string]bool) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			into[s.ObjectDefinition.Name+"."+s.Name] = true
			fieldsOf(s.SelectionSet, into)
		case *ast.InlineFragment:
			fieldsOf(s.SelectionSet, into)
		case *ast.FragmentSpread:
			fieldsOf(s.Definition.SelectionSet, into)
		}
	}
}

// What is hidden, of a banned seller, offered to a tier, or a draft, is seen by none of the ways: not by who has everything that leads there, nor
// by anybody else; but for who bought it and whose it is.
func TestWhatIsNotForEverybodyOnEveryWay(t *testing.T) {
	t.Parallel()
	a := newAisle(t)
	for name, w := range a.ways {
		if !a.shows(t, w.who, name) {
			t.Errorf("before, nobody sees it by %s", name)
		}
	}
	stranger, colleague := a.Person(identity.Buyer), a.Person(identity.Seller)
	for _, c := range []struct{ state, do, undo string }{
		{"hidden", `UPDATE listing SET status = 'HIDDEN', hidden_from = status`, `UPDATE listing SET status = hidden_from, hidden_from = NULL`},
		{"of a banned seller", `UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id IN (SELECT seller_id FROM listing)`,
			`UPDATE app_user SET banned_at = NULL, ban_reason = NULL`},
		{"for a tier", `UPDATE listing SET minimum_tier = 'VERIFIED'`, `UPDATE listing SET minimum_tier = NULL`},
		// No move leads back to a draft: it is forced, so that a way that asks for anything but the status is found out.
		{"a draft", `SET session_replication_role = replica; UPDATE listing SET status = 'DRAFT', published_at = NULL, reserved_by = NULL, reserved_until = NULL;
			SET session_replication_role = origin; SELECT search_rebuild()`, ``},
	} {
		a.Exec(c.do)
		a.forgotten(t)
		for name, w := range a.ways {
			if seen := a.shows(t, w.who, name); seen != w.own {
				t.Errorf("%s: by %s it is seen: %t", c.state, name, seen)
			}
			for who, person := range map[string]graphtest.Person{"another buyer": stranger, "another seller": colleague, "nobody": {Client: a.Nobody()}} {
				if a.shows(t, person, name) {
					t.Errorf("%s: %s sees it by %s", c.state, who, name)
				}
			}
		}
		a.Exec(c.undo)
	}
}

// Whatever a mutation gives back, it shows nobody another's hidden listing.
func TestNoMutationShowsAnothersListing(t *testing.T) {
	t.Parallel()
	a := newAisle(t)
	a.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status`)
	colleague := a.Person(identity.Seller)
	a.Exec(`UPDATE variant SET sku = $1 WHERE id = $2`, strings.ReplaceAll(secretTitle, " ", "-"), a.goods.ID)
	listing, variant := a.goods.NodeID().String(), id.Variant.Encode(a.goods.ID)
	tries := map[string]apitest.Vars{
		"listingUpdate": {"listingId": listing}, "listingPublish": {"listingId": listing}, "listingEnd": {"listingId": listing}, "listingDuplicate": {"listingId": listing},
		"listingDelete": {"listingIds": []string{listing}}, "listingHide": {"listingId": listing, "reason": "x"}, "listingRestore": {"listingId": listing, "reason": "x"},
		"listingOffersSet": {"listingId": listing, "takesOffers": false}, "listingPlaceSet": {"listingId": listing, "place": nil}, "variantAdd": {"listingId": listing, "variant": apitest.Vars{}},
		"variantUpdate": {"variantId": variant, "sku": "x"}, "variantRetire": {"variantId": variant}, "wishRemove": {"listingId": listing},
		"codesUpload": {"variantId": variant, "codes": "X", "idempotencyKey": "k"}, "listingCreate": {"title": "Mine", "draft": true},
	}
	s := schema()
	for _, m := range s.Mutation.Fields {
		payload := s.Types[m.Type.Name()]
		shown := ""
		for _, f := range payload.Fields {
			switch f.Type.Name() {
			case "Listing":
				shown += " " + f.Name + " { title variants { sku } }"
			case "Variant":
				shown += " " + f.Name + " { sku listing { title } }"
			}
		}
		in, tried := tries[m.Name]
		if shown == "" && !tried {
			continue
		}
		if !tried {
			t.Errorf("%s shows a listing and is not tried", m.Name)
			continue
		}
		query := `mutation($input: ` + m.Arguments[0].Type.Name() + `!) { ` + m.Name + `(input: $input) {` + shown + ` userErrors { code } } }`
		for _, who := range []graphtest.Person{colleague, a.buyer} {
			answer, err := who.Do(query, input(in))
			if err != nil || strings.Contains(string(answer.Body), "Not for") || strings.Contains(string(answer.Body), "Not-for") {
				t.Errorf("%s: %s, %v", m.Name, answer.Body, err)
			}
			for _, e := range answer.Errors {
				if e.Extensions.Code == "GRAPHQL_VALIDATION_FAILED" {
					t.Errorf("%s: %+v", m.Name, e)
				}
			}
		}
	}
}

// A file of listings has one's own and nobody else's, and an import changes nobody else's.
func TestNoFileHasAnothersListing(t *testing.T) {
	t.Parallel()
	a := newAisle(t)
	for who, own := range map[*graphtest.Person]bool{&a.seller: true, new(a.Person(identity.Seller)): false} {
		link := who.Must(t, `{ viewer { listingExport { url } } }`, nil)
		text, err := io.ReadAll(fetch(t, "GET", link.Str("viewer.listingExport.url"), "").Body)
		if err != nil || strings.Contains(string(text), secretTitle) != own || !strings.HasPrefix(string(text), "listing_id") && !strings.Contains(string(text), "title") {
			t.Errorf("%t: %s, %v", own, text, err)
		}
	}
}
