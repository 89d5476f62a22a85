package graph_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// The photos of what is taken down nobody gets who may not see it: not by the photo's id, nor by an address from before. Who bought it, who
// sold it and staff have links.
func TestPhotosOfWhatIsTakenDown(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller, buyer, other, support := a.Person(identity.Seller), a.Funded(100), a.Person(identity.Buyer), a.Person(identity.Support)
	order, listing := received(t, a, seller, buyer)
	which := uuid.MustParse(a.Texts(`SELECT photo_id::text FROM listing_photo WHERE listing_id = $1`, listing.UUID)[0])
	if err := a.Resolver.Media.Render(t.Context(), which); err != nil {
		t.Fatal(err)
	}
	photo := id.Photo.Encode(which)
	status := func(address string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	const ofListing, ofOrder, byID = `query($id: ID!) { listing(id: $id) { photos { url image(width: 100) { url } } } }`,
		`query($id: ID!) { order(id: $id) { listing { photos { url } } } }`, `query($id: ID!) { node(id: $id) { ... on Photo { url } } }`
	address := a.Nobody().Must(t, ofListing, apitest.Vars{"id": listing.String()}).Str("listing.photos.0.url")
	if !strings.Contains(address, "/media/photos/") || status(address) != http.StatusOK {
		t.Fatalf("on the market: %s", address)
	}
	a.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, listing.UUID)
	if got := status(address); got != http.StatusNotFound {
		t.Errorf("the address from before: %d", got)
	}
	for _, who := range []apitest.Client{a.Nobody(), other.Client, buyer.Client} {
		if got := string(who.Must(t, byID, apitest.Vars{"id": photo}).Raw()); got != `{"node":null}` {
			t.Errorf("by its id: %s", got)
		}
	}
	for name, link := range map[string]string{
		"its buyer":  buyer.Must(t, ofOrder, apitest.Vars{"id": order.String()}).Str("order.listing.photos.0.url"),
		"its seller": seller.Must(t, byID, apitest.Vars{"id": photo}).Str("node.url"),
		"staff":      support.Must(t, ofListing, apitest.Vars{"id": listing.String()}).Str("listing.photos.0.image.url"),
	} {
		if link == address || status(link) != http.StatusOK {
			t.Errorf("%s has %s", name, link)
		}
	}
}
