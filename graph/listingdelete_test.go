package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/want"
)

const listingDelete = `mutation($input: ListingDeleteInput!) { listingDelete(input: $input) {
	deletedIds userErrors { __typename code field ... on ListingHasHistory { listingId history } } } }`

func toDelete(listings ...id.ID) apitest.Vars {
	ids := make([]string, len(listings))
	for i, l := range listings {
		ids[i] = l.String()
	}
	return input(apitest.Vars{"listingIds": ids})
}

// A seller deletes three: one goes with its photos and is seen nowhere any more, one stays as somebody has bid on it, one is another's.
func TestListingDelete(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller, buyer := a.Person(identity.Seller), a.Person(identity.Buyer)
	thing, other := a.Listing(seller, secretTitle), a.Listing(a.Person(identity.Seller), "Another's")
	lot := a.Lot(seller, nil)
	node, variant := thing.NodeID(), id.Variant.Encode(thing.ID)
	buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": variant}))
	buyer.Must(t, mutation("wishAdd"), input(apitest.Vars{"listingId": node.String()}))
	buyer.Must(t, mutation("availabilityNoticeSet"), input(apitest.Vars{"variantId": variant, "wanted": true}))
	a.Tell(notify.Note{Recipient: buyer.ID, Kind: notify.WantMatched, Subject: node, Key: "match"})
	photos := a.Texts(`SELECT photo_id::text FROM listing_photo WHERE listing_id = $1`, thing.ID)

	in := toDelete(node, id.Listing.ID(lot.ListingID), other.NodeID(), node)
	want := `{"listingDelete":{"deletedIds":["` + node.String() + `"],"userErrors":[` +
		`{"__typename":"ListingHasHistory","code":"LISTING_HAS_HISTORY","field":["listingIds","1"],"listingId":"` + id.Listing.Encode(lot.ListingID) + `","history":["AUCTION"]},` +
		`{"__typename":"InputError","code":"LISTING_NOT_FOUND","field":["listingIds","2"]}]}}`
	for _, when := range []string{"first", "again"} {
		if got := string(seller.Must(t, listingDelete, in).Raw()); got != want {
			t.Errorf("%s: %s", when, got)
		}
	}
	for name, query := range map[string]string{
		"search":      `{ search(text: "everybody") { totalCount nodes { title } facets { kinds { count } } } }`,
		"listing":     `query($id: ID!) { listing(id: $id) { title } }`,
		"node":        `query($id: ID!) { node(id: $id) { ... on Listing { title } } }`,
		"variant":     `query($id: ID!, $variant: ID!) { node(id: $variant) { ... on Variant { sku listing { title } } } l: listing(id: $id) { id } }`,
		"listings":    `{ listings { nodes { title } } }`,
		"cart":        cartQuery,
		"wishes":      `{ viewer { wishes { nodes { listing { title } } } availabilityNotices { nodes { variant { listing { title } } } } } }`,
		"notices":     `{ viewer { notifications { nodes { kind subject { ... on Listing { title } } } } } }`,
		"seller's":    `{ viewer { listings { nodes { title } } } }`,
		"first photo": `query($photo: ID!) { node(id: $photo) { ... on Photo { url } } }`,
	} {
		for _, who := range []graphtest.Person{buyer, seller} {
			answer, err := who.Do(query, apitest.Vars{"id": node.String(), "variant": variant, "photo": id.Photo.Encode(uuid.MustParse(photos[0]))})
			if err != nil || len(answer.Errors) > 0 || strings.Contains(string(answer.Data), secretTitle) || strings.Contains(string(answer.Data), "/media/photos/") {
				t.Errorf("%s: %s %+v %v", name, answer.Data, answer.Errors, err)
			}
		}
	}
	gone := `"gone":[{"variantId":"` + variant + `","status":"UNAVAILABLE","quantity":1,"available":0,"reserved":0,"priceSeen":{"amount":"20.00"},"price":null,"variant":null}]`
	if got := string(buyer.Must(t, cartQuery, nil).Raw()); !strings.Contains(got, gone) {
		t.Errorf("the cart has %s", got)
	}
	if code := codeOf(t, buyer.Client, cartKeep, input(apitest.Vars{"idempotencyKey": "k"})); code != "OUT_OF_STOCK" {
		t.Errorf("the cart is set aside: %s", code)
	}
	if got := buyer.Must(t, cartRemove, input(apitest.Vars{"variantId": variant})); got.Int("cartLineRemove.cart.lineCount") != 0 {
		t.Errorf("the line stays: %s", got.Raw())
	}
	if n := a.Int(`SELECT count(*) FROM photo WHERE id = ANY ($1::uuid[]) AND status = 'GONE'`, photos); int(n) != len(photos) {
		t.Errorf("%d of %d photos are given up", n, len(photos))
	}
}

func TestListingDeleteRefuses(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	thing := a.Listing(seller, "A thing").NodeID()
	before := a.Digest()
	for _, c := range []struct {
		code string
		ids  []string
	}{
		{"DELETE_COUNT", []string{}},
		{"DELETE_COUNT", slices.Repeat([]string{thing.String()}, 101)},
		{"ID_WRONG_KIND", []string{thing.String(), id.Variant.Encode(thing.UUID)}},
		{"ID_MALFORMED", []string{thing.String(), "lst_"}},
	} {
		if code := codeOf(t, seller.Client, listingDelete, input(apitest.Vars{"listingIds": c.ids})); code != c.code {
			t.Errorf("%d ids: %s, want %s", len(c.ids), code, c.code)
		}
	}
	for code, who := range map[string]apitest.Client{"UNAUTHENTICATED": a.Nobody(), "FORBIDDEN": a.Person(identity.Buyer).Client} {
		if got := codeOf(t, who, listingDelete, toDelete(thing)); got != code {
			t.Errorf("got %s, want %s", got, code)
		}
	}
	if after := a.Digest(); after["public.listing"] != before["public.listing"] || after["public.photo"] != before["public.photo"] || after["public.photo"] == "" {
		t.Error("a refusal changed something")
	}
}

// Of a deletion and whoever puts the listing into a cart, wishes for it, waits for it or is told of it at once, none fails: a line is gone, a wish is not there.
func TestListingDeleteAgainstBuyers(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller, buyer := a.Person(identity.Seller), a.Person(identity.Buyer)
	if _, err := a.Resolver.Wants.Create(t.Context(), buyer.ID, want.Input{Words: "a thing", Days: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resolver.Saved.Create(t.Context(), buyer.ID, savedsearch.Input{Name: "Things", Notify: true, Query: search.Query{Text: "thing"}}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		thing := a.Listing(seller, "A thing")
		ctx := t.Context()
		errs := domaintest.AtOnce(7, func(i int) error {
			switch i {
			case 0:
				_, _, err := a.Resolver.Carts.Add(ctx, cart.Owner{User: buyer.ID}, thing.ID, 1)
				return err
			case 1:
				_, err := a.Resolver.Wishes.Add(ctx, buyer.ID, thing.ID)
				return err
			case 2:
				return a.Resolver.Wishes.Await(ctx, buyer.ID, thing.ID)
			case 3:
				_, err := a.Resolver.Wishes.Tell(ctx)
				return err
			case 4:
				_, err := a.Resolver.Wants.Match(ctx)
				return err
			case 5:
				_, err := a.Resolver.Saved.Match(ctx)
				return err
			}
			told, err := a.Resolver.Catalog.Delete(ctx, seller.ID, []uuid.UUID{thing.ID})
			if err == nil && told[0].Refused != nil {
				return told[0].Refused
			}
			return err
		})
		for _, err := range errs[3:] {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, err := range errs[:3] {
			if lost := []string{catalog.ErrListingNotFound.Code, catalog.ErrVariantNotFound.Code, inventory.ErrOutOfStock.Code}; err != nil && !slices.Contains(lost, domaintest.Code(err)) {
				t.Errorf("%d: %v", i, err)
			}
		}
		for what, n := range map[string]int64{
			"wishes": a.Int(`SELECT count(*) FROM wish`), "waits": a.Int(`SELECT count(*) FROM availability_wait`),
			"offers": a.Int(`SELECT count(*) FROM want_offer`), "hits": a.Int(`SELECT count(*) FROM saved_search_hit`), "listings": a.Int(`SELECT count(*) FROM listing WHERE id = $1`, thing.ID),
		} {
			if n != 0 {
				t.Errorf("%d %s are left", n, what)
			}
		}
	}
	got, err := a.Resolver.Carts.Get(t.Context(), cart.Owner{User: buyer.ID})
	if err != nil || len(got.Gone()) != got.LineCount() || len(got.Groups()) != 0 {
		t.Errorf("the cart has %+v, %v", got, err)
	}
	// What was queued for them ends with the next look.
	for name, look := range map[string]func() (int, error){
		"wishes": func() (int, error) { return a.Resolver.Wishes.Tell(t.Context()) },
		"wants":  func() (int, error) { return a.Resolver.Wants.Match(t.Context()) },
		"saved":  func() (int, error) { return a.Resolver.Saved.Match(t.Context()) },
	} {
		if told, err := look(); err != nil || told != 0 {
			t.Errorf("%s: %d, %v", name, told, err)
		}
	}
	if n := a.Int(`SELECT (SELECT count(*) FROM wish_change) + (SELECT count(*) FROM want_change) + (SELECT count(*) FROM saved_search_change)`); n != 0 {
		t.Errorf("%d changes wait for ever", n)
	}
}
