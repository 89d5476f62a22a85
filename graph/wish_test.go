package graph_test

import (
	"fmt"
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
	wishAdd  = `mutation($input: WishAddInput!) { wishAdd(input: $input) { wish { listing { title wished } price { amount } } userErrors { code field } } }`
	wishDrop = `mutation($input: WishRemoveInput!) { wishRemove(input: $input) { listing { wished } userErrors { code field } } }`
	waitSet  = `mutation($input: AvailabilityNoticeSetInput!) { availabilityNoticeSet(input: $input) { wanted userErrors { code field } } }`
	wishes   = `{ viewer { wishes(first: 50) { nodes { listingId listing { title wished } } } availabilityNotices(first: 50) { nodes { variantId variant { listing { title } } } }
		notifications(first: 50) { nodes { kind subject { ... on Listing { title } ... on Variant { listing { title } } } } } } }`
)

// A thing is wished for and waited for, gets cheaper and comes back; nobody sees by a wish, a wait or a notice what they may not.
func TestWishesThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, buyer := a.Person(identity.Seller), a.Person(identity.Buyer)
	rug := a.Listing(seller, secretTitle)
	listing, variant := input(apitest.Vars{"listingId": rug.NodeID().String()}), input(apitest.Vars{"variantId": id.Variant.Encode(rug.ID)})
	for range 2 {
		if got := string(buyer.Must(t, wishAdd, listing).Raw()); got != `{"wishAdd":{"wish":{"listing":{"title":"`+secretTitle+`","wished":true},"price":{"amount":"20.00"}},"userErrors":[]}}` {
			t.Errorf("wished: %s", got)
		}
	}
	if got := string(buyer.Must(t, waitSet, variant).Raw()); got != `{"availabilityNoticeSet":{"wanted":true,"userErrors":[]}}` {
		t.Errorf("waits: %s", got)
	}
	for code, send := range map[string]func() string{
		"OWN_LISTING": func() string { return codeOf(t, seller.Client, wishAdd, listing) },
		"LISTING_NOT_FOUND": func() string {
			return codeOf(t, buyer.Client, wishAdd, input(apitest.Vars{"listingId": id.Listing.Encode(id.New())}))
		},
		"VARIANT_NOT_FOUND": func() string {
			return codeOf(t, buyer.Client, waitSet, input(apitest.Vars{"variantId": id.Variant.Encode(id.New())}))
		},
		"ID_WRONG_KIND": func() string {
			return codeOf(t, buyer.Client, waitSet, input(apitest.Vars{"variantId": rug.NodeID().String()}))
		},
	} {
		if got := send(); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	a.Exec(`UPDATE variant SET price = 1500 WHERE id = $1`, rug.ID)
	if n, err := a.Resolver.Wishes.Tell(t.Context()); n != 2 || err != nil {
		t.Errorf("told %d, %v", n, err)
	}
	buyer.Must(t, waitSet, variant) // and is told at once again, when somebody tells
	if got := string(buyer.Must(t, wishes, nil).Raw()); strings.Count(got, secretTitle) != 4 {
		t.Errorf("seen: %s", got)
	}
	for name, c := range map[string][2]string{
		"hidden":             {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE seller_id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE seller_id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, `UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = $1`},
		"for a higher tier":  {`UPDATE listing SET minimum_tier = 'TRUSTED' WHERE seller_id = $1`, `UPDATE listing SET minimum_tier = NULL WHERE seller_id = $1`},
	} {
		a.Exec(c[0], seller.ID)
		got := string(buyer.Must(t, wishes, nil).Raw())
		if strings.Contains(got, secretTitle) || !strings.Contains(got, `"listing":null`) || !strings.Contains(got, `"variant":null`) || strings.Count(got, `"subject":null`) != 2 {
			t.Errorf("%s: %s", name, got)
		}
		if code := codeOf(t, buyer.Client, wishAdd, listing); code != "LISTING_NOT_FOUND" {
			t.Errorf("%s: wished for: %s", name, code)
		}
		a.Exec(c[1], seller.ID)
	}
	if got := string(buyer.Must(t, wishDrop, listing).Raw()); got != `{"wishRemove":{"listing":{"wished":false},"userErrors":[]}}` {
		t.Errorf("no more: %s", got)
	}
	buyer.Must(t, waitSet, input(apitest.Vars{"variantId": id.Variant.Encode(rug.ID), "wanted": false}))
	if got := string(buyer.Must(t, wishes, nil).Raw()); !strings.Contains(got, `"wishes":{"nodes":[]},"availabilityNotices":{"nodes":[]}`) {
		t.Errorf("left: %s", got)
	}
}

// A wishlist takes as many statements for much as for little.
func TestWishesAreLoadedTogether(t *testing.T) {
	t.Parallel()
	taken := func(n int) []string {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		seller, buyer := a.Person(identity.Seller), a.Person(identity.Buyer)
		for i := range n {
			l := a.Listing(seller, fmt.Sprint("Thing ", i))
			buyer.Must(t, wishAdd, input(apitest.Vars{"listingId": l.NodeID().String()}))
			buyer.Must(t, waitSet, input(apitest.Vars{"variantId": id.Variant.Encode(l.ID)}))
		}
		if _, err := a.Resolver.Wishes.Tell(t.Context()); err != nil {
			t.Fatal(err)
		}
		return fewest(t, &crowd{API: a}, buyer.Client, wishes)
	}
	if few, many := taken(2), taken(8); !slices.Equal(few, many) {
		t.Errorf("%v for few, %v for many", few, many)
	}
}
