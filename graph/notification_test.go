package graph_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/notify"
)

// A notice comes live, is found again, is read; what it is about is shown to who may see it only.
func TestNoticesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer, other := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer)
	listing := a.Listing(seller, secretTitle)
	live := buyer.Subscribe(t, `subscription { viewerEvents { kind object { ... on Notification { kind subject { ... on Listing { title } } } } } }`, nil)
	live.Next()
	for i := range 3 {
		a.Tell(notify.Note{
			Recipient: buyer.ID, Kind: notify.PriceDropped, Subject: listing.NodeID(), Key: strconv.Itoa(i),
			Parameters: []notify.Parameter{notify.Sum("price", graphtest.Euros(int64(10-i)))},
		})
	}
	if got := string(live.Next().Raw()); got != `{"viewerEvents":{"kind":"NOTIFIED","object":{"kind":"PRICE_DROPPED","subject":{"title":"`+secretTitle+`"}}}}` {
		t.Errorf("live: %s", got)
	}
	const list = `query($after: String, $unread: Boolean! = false) { viewer { unreadNotificationCount notifications(first: 2, after: $after, unread: $unread) {
		nodes { id readAt subject { ... on Listing { title } } parameters { name value money { minor } } } edges { cursor } pageInfo { hasNextPage endCursor } } } }`
	got := buyer.Must(t, list, nil)
	if !strings.Contains(string(got.Raw()), `"unreadNotificationCount":3`) || !strings.Contains(string(got.Raw()), `"parameters":[{"name":"price","value":"8.00 EUR","money":{"minor":"800"}}]`) {
		t.Errorf("listed: %s", got.Raw())
	}
	notice := got.Str("viewer.notifications.nodes.0.id")
	const read = `mutation($input: NotificationReadInput!) { notificationRead(input: $input) { notification { readAt } userErrors { code field } } }`
	if code := codeOf(t, other.Client, read, input(apitest.Vars{"notificationId": notice})); code != "NOTIFICATION_NOT_FOUND" {
		t.Errorf("another reads it: %s", code)
	}
	if code := codeOf(t, buyer.Client, read, input(apitest.Vars{"notificationId": listing.NodeID().String()})); code != "ID_WRONG_KIND" {
		t.Errorf("a listing is read: %s", code)
	}
	buyer.Must(t, read, input(apitest.Vars{"notificationId": notice}))
	const node = `query($id: ID!) { node(id: $id) { ... on Notification { kind } } }`
	if got := string(other.Must(t, node, apitest.Vars{"id": notice}).Raw()); got != `{"node":null}` {
		t.Errorf("another sees it: %s", got)
	}
	buyer.Must(t, node, apitest.Vars{"id": notice}).Str("node.kind")
	const all = `mutation($input: NotificationReadAllInput!) { notificationReadAll(input: $input) { unreadNotificationCount userErrors { code field } } }`
	if code := codeOf(t, buyer.Client, all, input(apitest.Vars{"upTo": "x"})); code != "CURSOR_INVALID" {
		t.Errorf("up to x: %s", code)
	}
	upTo := got.Str("viewer.notifications.edges.1.cursor")
	if got := string(buyer.Must(t, all, input(apitest.Vars{"upTo": upTo})).Raw()); !strings.Contains(got, `"unreadNotificationCount":0`) {
		t.Errorf("read: %s", got)
	}
	for name, change := range map[string]string{
		"hidden":             `UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE seller_id = $1`,
		"of a banned seller": `UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`,
	} {
		a.Exec(change, seller.ID)
		got := string(buyer.Must(t, list, nil).Raw())
		if strings.Contains(got, secretTitle) || strings.Count(got, `"subject":null`) != 2 {
			t.Errorf("%s: %s", name, got)
		}
		a.Exec(`UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE seller_id = $1 AND hidden_from IS NOT NULL`, seller.ID)
		a.Exec(`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`, seller.ID)
	}
}

// A page takes as many statements for many notices as for few, whatever they are about.
func TestNoticesAreLoadedTogether(t *testing.T) {
	t.Parallel()
	const query = `{ viewer { notifications(first: 50) { nodes { kind subject { id ... on Listing { title } ... on Variant { sku listing { title } } } } } } }`
	taken := func(n int) []string {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		seller, buyer := a.Person(identity.Seller), a.Person(identity.Buyer)
		for i := range n {
			l := a.Listing(seller, "A thing").ID
			a.Tell(
				notify.Note{Recipient: buyer.ID, Kind: notify.PriceDropped, Subject: id.Listing.ID(l), Key: fmt.Sprint("l", i)},
				notify.Note{Recipient: buyer.ID, Kind: notify.BackInStock, Subject: id.Variant.ID(l), Key: fmt.Sprint("v", i)})
		}
		return fewest(t, &crowd{API: a}, buyer.Client, query)
	}
	if few, many := taken(2), taken(6); len(few) != len(many) {
		t.Errorf("%d statements for few, %d for many:\n%s\n\n%s", len(few), len(many), strings.Join(few, "\n"), strings.Join(many, "\n"))
	}
}

// fewest is what a query takes: a machine that stalls can cut a loader's batch in two, so the fewest of a few tries count.
func fewest(t *testing.T, c *crowd, who apitest.Client, query string) (least []string) {
	t.Helper()
	for range 5 {
		if sent := c.send(t, who, query, nil); least == nil || len(sent) < len(least) {
			least = sent
		}
	}
	return least
}
