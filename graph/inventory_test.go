package graph_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const levelFields = `{ level { location { name region } onHand reserved lowAt movements { nodes { number kind quantity onHand note } } } userErrors { code field } }`

// From a product's draft to what two buyers want of it, as clients do it; each change of stock again, from its key alone.
func TestStockThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller, buyer, late := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer)
	made := seller.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { status variants { id available } } userErrors { code } } }`,
		input(apitest.Vars{"kind": "RETAIL", "title": "A cotton shirt", "photoIds": []any{a.Photo(seller).String()}, "optionNames": []any{"Size"},
			"variants": []any{apitest.Vars{"sku": "TEE-M", "options": []any{"M"}, "price": eur("19")}}}))
	variant := made.Str("listingCreate.listing.variants.0.id")
	place := func(name, region string) string {
		t.Helper()
		return seller.Must(t, `mutation($input: LocationCreateInput!) { locationCreate(input: $input) { location { id } userErrors { code } } }`,
			input(apitest.Vars{"name": name, "region": region})).Str("locationCreate.location.id")
	}
	home, far := place("Home", "FR"), place("Far", "MA")
	type sent struct {
		who   apitest.Client
		query string
		vars  apitest.Vars
		first string
	}
	var all []sent
	send := func(who apitest.Client, name, fields string, in apitest.Vars) string {
		t.Helper()
		query := `mutation($input: ` + strings.ToUpper(name[:1]) + name[1:] + `Input!) { ` + name + `(input: $input) ` + fields + ` }`
		vars := input(with(in, "idempotencyKey", "once"))
		first := body(t, who, query, vars)
		all = append(all, sent{who, query, vars, first})
		return first
	}
	at := func(place string, n int) apitest.Vars {
		return apitest.Vars{"variantId": variant, "locationId": place, "quantity": n}
	}
	send(seller.Client, "stockReceive", levelFields, with(at(home, 5), "note", "By van"))
	send(seller.Client, "stockAdjust", levelFields, at(home, -1))
	move := send(seller.Client, "stockMove", levelFields, apitest.Vars{"variantId": variant, "fromLocationId": home, "toLocationId": far, "quantity": 1})
	if !strings.Contains(move, `"location":{"name":"Far","region":"MA"},"onHand":1,"reserved":0`) {
		t.Errorf("moved: %s", move)
	}
	seller.Must(t, `mutation($input: StockAlertSetInput!) { stockAlertSet(input: $input) `+levelFields+` }`,
		input(apitest.Vars{"variantId": variant, "locationId": home, "lowAt": 1}))
	reserved := send(buyer.Client, "reservationCreate", `{ reservation { id status lines { quantity region variant { sku } } } userErrors { code field } }`,
		apitest.Vars{"region": "FR", "lines": []any{apitest.Vars{"variantId": variant, "quantity": 4}}})
	if !strings.Contains(reserved, `"lines":[{"quantity":3,"region":"FR","variant":{"sku":"TEE-M"}},{"quantity":1,"region":"MA","variant":{"sku":"TEE-M"}}]`) {
		t.Errorf("reserved: %s", reserved)
	}
	short := send(late.Client, "reservationCreate", `{ reservation { id } userErrors { code field } }`, apitest.Vars{"lines": []any{apitest.Vars{"variantId": variant}}})
	if !strings.Contains(short, `{"reservation":null,"userErrors":[{"code":"OUT_OF_STOCK","field":["input","lines","0"]}]}`) && !strings.Contains(short, `"code":"OUT_OF_STOCK","field":["lines","0"]`) {
		t.Errorf("too late: %s", short)
	}
	const look = `query($id: ID!) { node(id: $id) { ... on Variant { available stock { onHand reserved } } } }`
	vars := apitest.Vars{"id": variant}
	if got := string(seller.Must(t, look, vars).Raw()); !strings.Contains(got, `"available":0,"stock":[{"onHand":3,"reserved":3},{"onHand":1,"reserved":1}]`) {
		t.Errorf("the seller sees %s", got)
	}
	if got := string(late.Must(t, look, vars).Raw()); !strings.Contains(got, `"available":0,"stock":[]`) {
		t.Errorf("others see %s", got)
	}
	reservation := id.Reservation.Encode(uuid.MustParse(a.Texts(`SELECT id::text FROM reservation`)[0]))
	const release = `mutation($input: ReservationReleaseInput!) { reservationRelease(input: $input) { reservation { status } userErrors { code } } }`
	if code := codeOf(t, late.Client, release, input(apitest.Vars{"reservationId": reservation})); code != "RESERVATION_NOT_FOUND" {
		t.Errorf("another releases it: %s", code)
	}
	const node = `query($id: ID!) { node(id: $id) { ... on Reservation { status } ... on Location { name } } }`
	for _, v := range []string{reservation, home} {
		if got := string(late.Must(t, node, apitest.Vars{"id": v}).Raw()); got != `{"node":null}` {
			t.Errorf("another sees %s", got)
		}
	}
	if got := buyer.Must(t, release, input(apitest.Vars{"reservationId": reservation})).Str("reservationRelease.reservation.status"); got != "RELEASED" {
		t.Errorf("released: %s", got)
	}
	if got := string(late.Must(t, look, vars).Raw()); !strings.Contains(got, `"available":4`) {
		t.Errorf("after the release others see %s", got)
	}
	everything(t, a)
	a.Resolver.Inventory, a.Resolver.Catalog = nil, nil
	for _, s := range all {
		same(t, s.query, s.first, s.who, s.query, s.vars)
	}
}
