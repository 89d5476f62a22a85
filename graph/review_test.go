package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	reviewCreate = `mutation($input: ReviewCreateInput!) { reviewCreate(input: $input) { review { id stars author { name } } userErrors { code field } } }`
	ratingOf     = `query($listing: ID!, $seller: ID!) {
		listing: node(id: $listing) { ... on Listing { rating { count average histogram } reviews { nodes { id body author { name } } } } }
		seller: node(id: $seller) { ... on User { rating { count average histogram } reviews { nodes { id stars listing { title } } } } } }`
)

// received is an order that its buyer has received.
func received(t *testing.T, a *graphtest.API, seller, buyer graphtest.Person) (order, listing id.ID) {
	t.Helper()
	lot := a.Lot(seller, nil)
	a.Bid(buyer, lot, 10)
	order = a.Close(lot)
	if _, err := a.Resolver.Orders.Ship(t.Context(), seller.ID, order.UUID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resolver.Orders.ConfirmReceipt(t.Context(), buyer.ID, order.UUID); err != nil {
		t.Fatal(err)
	}
	return order, id.Listing.ID(lot.ListingID)
}

// A buyer reviews what they bought and of whom; others read it, report it, support hides it; nobody reads by a review what they may not see.
func TestReviewsThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, other, support := a.Person(identity.Seller), a.Funded(100), a.Person(identity.Buyer), a.Person(identity.Support)
	order, listing := received(t, a, seller, buyer)
	a.Exec(`UPDATE listing SET title = $2 WHERE id = $1`, listing.UUID, secretTitle)
	in := func(subject string, stars int) apitest.Vars {
		return input(apitest.Vars{"orderId": order.String(), "subject": subject, "stars": stars, "body": secretTitle + ", but scratched."})
	}
	made := buyer.Must(t, reviewCreate, in("LISTING", 3))
	one := made.Str("reviewCreate.review.id")
	if again := buyer.Must(t, reviewCreate, in("LISTING", 3)).Str("reviewCreate.review.id"); again != one {
		t.Errorf("again: %s", again)
	}
	buyer.Must(t, reviewCreate, in("SELLER", 5))
	for code, got := range map[string]string{
		"REVIEW_EXISTS":   codeOf(t, buyer.Client, reviewCreate, in("LISTING", 4)),
		"ORDER_NOT_FOUND": codeOf(t, other.Client, reviewCreate, in("LISTING", 4)),
		"REVIEW_STARS":    codeOf(t, buyer.Client, reviewCreate, in("LISTING", 0)),
	} {
		if got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	look := apitest.Vars{"listing": listing.String(), "seller": id.User.Encode(seller.ID)}
	got := string(other.Must(t, ratingOf, look).Raw())
	if !strings.Contains(got, `"rating":{"count":1,"average":3,"histogram":[0,0,1,0,0]}`) || !strings.Contains(got, `"rating":{"count":1,"average":5,"histogram":[0,0,0,0,1]}`) {
		t.Errorf("rated: %s", got)
	}
	if got := string(buyer.Must(t, `query($id: ID!) { order(id: $id) { reviews { subject stars } } }`, apitest.Vars{"id": order.String()}).Raw()); !strings.Contains(got, `[{"subject":"LISTING","stars":3},{"subject":"SELLER","stars":5}]`) {
		t.Errorf("of the order: %s", got)
	}
	if got := string(seller.Must(t, `{ viewer { notifications { nodes { kind subject { ... on Review { stars } } } } } }`, nil).Raw()); strings.Count(got, `"kind":"REVIEWED","subject":{"stars":`) != 2 {
		t.Errorf("told: %s", got)
	}
	if got := buyer.Must(t, `mutation($input: ReviewUpdateInput!) { reviewUpdate(input: $input) { review { stars editedAt } userErrors { code } } }`,
		input(apitest.Vars{"reviewId": one, "stars": 4, "body": secretTitle})); got.Int("reviewUpdate.review.stars") != 4 {
		t.Errorf("changed: %s", got.Raw())
	}
	other.Must(t, `mutation($input: ReviewReportInput!) { reviewReport(input: $input) { review { id } userErrors { code } } }`, input(apitest.Vars{"reviewId": one, "reason": "Rude"})).Str("reviewReport.review.id")
	if got := support.Must(t, `{ reviewReports { nodes { reason reporter { name } review { id } } } }`, nil); got.Str("reviewReports.nodes.0.review.id") != one {
		t.Errorf("reported: %s", got.Raw())
	}
	const node = `query($id: ID!) { node(id: $id) { ... on Review { body listing { title } } } }`
	sees := func(who apitest.Client) bool {
		t.Helper()
		return strings.Contains(string(who.Must(t, node, apitest.Vars{"id": one}).Raw()), secretTitle)
	}
	moderate := func(name string) {
		t.Helper()
		query := `mutation($input: Review` + name + `Input!) { review` + name + `(input: $input) { review { hidden } userErrors { code } } }`
		if code := codeOf(t, support.Client, query, input(apitest.Vars{"reviewId": one, "reason": "why"})); code != "none" {
			t.Errorf("%s: %s", name, code)
		}
	}
	for name, c := range map[string][2]func(){
		"hidden": {func() { moderate("Hide") }, func() { moderate("Restore") }},
		"of a hidden listing": {
			func() {
				a.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, listing.UUID)
			},
			func() {
				a.Exec(`UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`, listing.UUID)
			},
		},
		"of a banned seller": {
			func() { a.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, seller.ID) },
			func() { a.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`, seller.ID) },
		},
	} {
		c[0]()
		if sees(other.Client) || sees(a.Nobody()) || !sees(buyer.Client) || !sees(support.Client) {
			t.Errorf("%s: it is seen by others, or not by its own", name)
		}
		if got := string(other.Must(t, ratingOf, look).Raw()); strings.Contains(got, one) || name != "hidden" && strings.Contains(got, secretTitle) {
			t.Errorf("%s: %s", name, got)
		}
		c[1]()
		if !sees(other.Client) || !sees(a.Nobody()) {
			t.Errorf("%s, and back: it is not seen", name)
		}
	}
}

// Of a cart of two things in one order each is reviewed, as clients do it: they are told which are left.
func TestReviewingEachListingOfAnOrder(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller, buyer := a.Person(identity.Seller), a.Funded(100)
	listings, ids := make([]string, 2), make([]uuid.UUID, 2)
	for i, title := range []string{"A brass pot", "A copper lamp"} {
		l := a.Listing(seller, title)
		listings[i], ids[i] = l.NodeID().String(), l.ID
		buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": id.Variant.Encode(l.ID)}))
	}
	home := buyer.Must(t, addressCreate, input(parisOf("Amal Haddad"))).Str("addressCreate.address.id")
	quote := buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})).Str("checkoutQuote.quote.id")
	order := buyer.Must(t, checkoutConfirm, input(apitest.Vars{"quoteId": quote, "total": eur("40"), "idempotencyKey": "k"})).Str("checkoutConfirm.orders.0.id")
	left := func(who apitest.Client) string {
		t.Helper()
		return string(who.Must(t, `query($id: ID!) { order(id: $id) { listingsToReview { id } } }`, apitest.Vars{"id": order}).Raw())
	}
	want := func(ids ...string) string {
		var nodes []string
		for _, one := range ids {
			nodes = append(nodes, `{"id":"`+one+`"}`)
		}
		return `{"order":{"listingsToReview":[` + strings.Join(nodes, ",") + `]}}`
	}
	if got := left(buyer.Client); got != want() {
		t.Errorf("before it is there: %s", got)
	}
	seller.Must(t, orderShip, input(apitest.Vars{"orderId": order, "tracking": "LX 1", "idempotencyKey": "k"}))
	buyer.Must(t, `mutation($input: OrderConfirmReceiptInput!) { orderConfirmReceipt(input: $input) { order { payment } userErrors { code } } }`,
		input(apitest.Vars{"orderId": order, "idempotencyKey": "k"}))
	if got := left(buyer.Client); got != want(listings...) && got != want(listings[1], listings[0]) {
		t.Errorf("to review: %s", got)
	}
	if got := left(seller.Client); got != want() {
		t.Errorf("the seller is to review: %s", got)
	}
	in := func(subject string, listing any) apitest.Vars {
		return input(apitest.Vars{"orderId": order, "subject": subject, "listingId": listing, "stars": 4})
	}
	for name, c := range map[string]struct{ got, want string }{
		"of another order":      {codeOf(t, buyer.Client, reviewCreate, in("LISTING", a.Listing(seller, "Another").NodeID().String())), "REVIEW_LISTING"},
		"of no such listing":    {codeOf(t, buyer.Client, reviewCreate, in("LISTING", id.Listing.Encode(id.New()))), "REVIEW_LISTING"},
		"of a seller's listing": {codeOf(t, buyer.Client, reviewCreate, in("SELLER", listings[1])), "REVIEW_LISTING"},
		"of what is no listing": {codeOf(t, buyer.Client, reviewCreate, in("LISTING", order)), "ID_WRONG_KIND"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, not %s", name, c.got, c.want)
		}
	}
	one := buyer.Must(t, reviewCreate, in("LISTING", listings[1])).Str("reviewCreate.review.id")
	if again := buyer.Must(t, reviewCreate, in("LISTING", listings[1])).Str("reviewCreate.review.id"); again != one {
		t.Errorf("again: %s", again)
	}
	if got := left(buyer.Client); got != want(listings[0]) {
		t.Errorf("still to review: %s", got)
	}
	other := buyer.Must(t, reviewCreate, in("LISTING", listings[0])).Str("reviewCreate.review.id")
	if got := left(buyer.Client); other == one || got != want() {
		t.Errorf("both are %s; to review: %s", one, got)
	}
	for i, l := range listings {
		if got := string(a.Nobody().Must(t, `query($id: ID!) { listing(id: $id) { rating { count average } } }`, apitest.Vars{"id": l}).Raw()); got != `{"listing":null}` && !strings.Contains(got, `{"count":1,"average":4}`) {
			t.Errorf("rated: %s", got)
		}
		if n := a.Int(`SELECT fours FROM rating WHERE subject_id = $1`, ids[i]); n != 1 {
			t.Errorf("%s has %d fours", l, n)
		}
	}
}

// Reviews and ratings take as many statements for many as for few.
func TestReviewsAreLoadedTogether(t *testing.T) {
	t.Parallel()
	const query = `{ listings(first: 50) { nodes { rating { count average } seller { rating { count } } } } viewer { purchases(first: 50) { nodes { reviews { stars listing { title } } listingsToReview { title } } } } }`
	taken := func(n int) []string {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		buyer := a.Funded(1000)
		var orders []uuid.UUID
		for range n {
			order, _ := received(t, a, a.Person(identity.Seller), buyer)
			orders = append(orders, order.UUID)
			buyer.Must(t, reviewCreate, input(apitest.Vars{"orderId": order.String(), "subject": "LISTING", "stars": 4}))
		}
		sent := fewest(t, &crowd{API: a}, buyer.Client, query)
		if got := string(buyer.Must(t, query, nil).Raw()); strings.Count(got, `"stars":4`) != len(orders) {
			t.Errorf("%d reviews: %s", n, got)
		}
		return sent
	}
	if few, many := taken(2), taken(6); !slices.Equal(few, many) {
		t.Errorf("%s for few, %s for many", fmt.Sprint(few), fmt.Sprint(many))
	}
}
