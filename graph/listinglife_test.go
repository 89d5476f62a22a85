package graph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	pngs "image/png"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// upload sends a picture as a client does it, until its sizes are made.
func upload(t *testing.T, a *graphtest.API, seller graphtest.Person, width, height int) string {
	t.Helper()
	var picture bytes.Buffer
	if err := pngs.Encode(&picture, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	got := seller.Must(t, `mutation($input: PhotoUploadCreateInput!) { photoUploadCreate(input: $input) { upload { photoId url method expiresAt headers { name value } } userErrors { code } } }`,
		input(apitest.Vars{"contentType": "image/png", "bytes": picture.Len()}))
	at := got.At("photoUploadCreate.upload")
	if expires, err := time.Parse(time.RFC3339Nano, at.Str("expiresAt")); err != nil || time.Until(expires) <= 0 {
		t.Errorf("the address is good until %s: %v", at.Str("expiresAt"), err)
	}
	if at.Str("headers.0.name") != "Content-Type" || at.Str("headers.0.value") != "image/png" {
		t.Errorf("to be sent with %s", at.Raw())
	}
	if answer := fetch(t, at.Str("method"), at.Str("url"), picture.String()); answer.StatusCode/100 != 2 {
		t.Fatalf("sent: %s", answer.Status)
	}
	photo := at.Str("photoId")
	const complete = `mutation($input: PhotoUploadCompleteInput!) { photoUploadComplete(input: $input) { photo { id status width height image { url } } userErrors { code } } }`
	if done := seller.Must(t, complete, input(apitest.Vars{"photoId": photo})); done.Str("photoUploadComplete.photo.status") != "PROCESSING" || done.Str("photoUploadComplete.photo.image") != "" {
		t.Errorf("complete: %s", done.Raw())
	}
	key, err := id.Photo.Decode(photo)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Resolver.Media.Render(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return photo
}

// A photo has the sizes that are smaller than it is, and serves the nearest that is wide enough.
func TestPhotosOfSeveralSizes(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	photo := upload(t, a, seller, 1000, 500)
	listing := seller.Must(t, change("listingCreate", "listing { id }"), input(apitest.Vars{"title": "A wide rug", "price": eur("10"), "photoIds": []string{photo}})).Str("listingCreate.listing.id")
	const look = `query($id: ID!, $width: Int) { listing(id: $id) { photos { status width height url(width: $width) image(width: $width) { url width height } } } }`
	for _, who := range []apitest.Client{a.Nobody(), seller.Client} {
		last := 0
		for _, asked := range []any{1, 300, 600, 5000, nil} {
			got := who.Must(t, look, apitest.Vars{"id": listing, "width": asked}).At("listing.photos.0")
			if got.Str("status") != "READY" || got.Int("width") != 1000 || got.Int("height") != 500 {
				t.Fatalf("the photo: %s", got.Raw())
			}
			width := got.Int("image.width")
			if n, isNumber := asked.(int); isNumber && width < min(n, 1000) || width < last || got.Int("image.height") != width/2 || got.Str("image.url") != got.Str("url") {
				t.Errorf("asked for %v: %s", asked, got.Raw())
			}
			last = width
			answer := fetch(t, http.MethodGet, got.Str("image.url"), "")
			served, kind, err := image.DecodeConfig(answer.Body)
			if err != nil || kind != "jpeg" || served.Width != width || served.Height != width/2 {
				t.Errorf("served at %v: %s, %+v, %v", asked, kind, served, err)
			}
		}
		if last != 1000 {
			t.Errorf("the largest is %d wide", last)
		}
	}
}

// sameJSON compares two texts by what they say.
func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	var one, other any
	if err := errors.Join(json.Unmarshal([]byte(got), &one), json.Unmarshal([]byte(want), &other)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(one, other)
}

// From a draft to the end of it: changed, published, hidden and shown again, ended, published again, and another draft made of it.
func TestTheLifeOfAListing(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, other, support, admin := a.Person(identity.Seller), a.Person(identity.Seller), a.Person(identity.Support), a.Person(identity.Admin)
	made := func(name, what, fields string, in apitest.Vars) string {
		t.Helper()
		return admin.Must(t, change(name, what+fields), input(with(in, "reason", "x"))).Str(name + "." + what + ".id")
	}
	category := made("categoryCreate", "category", " { id }", apitest.Vars{"slug": "jars", "names": namesOf("Jars")})
	brand := made("brandCreate", "brand", " { id }", apitest.Vars{"name": "Bizen"})
	volume := made("attributeCreate", "attribute", " { id }", apitest.Vars{"categoryId": category, "code": "volume", "names": namesOf("Volume"), "type": "NUMBER", "unit": "l", "required": false})
	photo := upload(t, a, seller, 40, 30)
	create := change("listingCreate", "listing { id status price { amount } publishedAt }")
	draft := seller.Must(t, create, input(apitest.Vars{"title": "A jar", "draft": true}))
	listing := draft.Str("listingCreate.listing.id")
	if draft.Str("listingCreate.listing.status") != "DRAFT" || draft.Str("listingCreate.listing.publishedAt") != "" {
		t.Errorf("the draft: %s", draft.Raw())
	}
	one := func(name, fields string, in apitest.Vars, who graphtest.Person) apitest.JSON {
		t.Helper()
		return who.Must(t, change(name, "listing { "+fields+" }"), input(with(in, "listingId", listing))).At(name)
	}
	status := func(name string, in apitest.Vars, who graphtest.Person, want string) {
		t.Helper()
		if got := one(name, "status", in, who); got.Str("listing.status") != want {
			t.Errorf("%s: %s, want %s", name, got.Raw(), want)
		}
	}
	seen := func(want string) {
		t.Helper()
		if got := string(a.Nobody().Must(t, `query($id: ID!) { listing(id: $id) { status } }`, apitest.Vars{"id": listing}).Raw()); got != want {
			t.Errorf("everybody sees %s, not %s", got, want)
		}
	}
	refused := func(code, name string, in apitest.Vars, who graphtest.Person) {
		t.Helper()
		if got := codeOf(t, who.Client, change(name, "listing { id }"), input(with(in, "listingId", listing))); got != code {
			t.Errorf("%s: %s, want %s", name, got, code)
		}
	}
	refused("PHOTO_COUNT", "listingPublish", apitest.Vars{}, seller)
	seen(`{"listing":null}`)
	all := apitest.Vars{
		"title": "A jar of Bizen", "description": "Fired for ten days", "condition": "FAIR", "price": eur("30"), "photoIds": []string{photo}, "categoryId": category, "brandId": brand,
		"attributes": []any{apitest.Vars{"attributeId": volume, "value": "2.5"}},
	}
	refused("LISTING_NOT_FOUND", "listingUpdate", all, other)
	changed := string(one("listingUpdate", "title description condition price { amount } photos { id } category { slug } brand { name } attributes { value attribute { code unit } }", all, seller).Raw())
	if want := `{"listing":{"title":"A jar of Bizen","description":"Fired for ten days","condition":"FAIR","price":{"amount":"30.00"},"photos":[{"id":"` + photo + `"}],"category":{"slug":"jars"},"brand":{"name":"Bizen"},` +
		`"attributes":[{"value":"2.5","attribute":{"code":"volume","unit":"l"}}]},"userErrors":[]}`; !sameJSON(t, changed, want) {
		t.Errorf("changed: %s", changed)
	}
	status("listingPublish", apitest.Vars{}, seller, "ACTIVE")
	seen(`{"listing":{"status":"ACTIVE"}}`)
	one("listingUpdate", "id", apitest.Vars{"price": eur("25")}, seller)
	one("listingUpdate", "id", apitest.Vars{"minimumTier": "VERIFIED"}, seller)
	seen(`{"listing":null}`)
	one("listingUpdate", "id", apitest.Vars{"minimumTier": "UNVERIFIED"}, seller)
	history := a.Nobody().Must(t, `query($id: ID!) { listing(id: $id) { variants { priceHistory { nodes { price { amount } at } } } } }`, apitest.Vars{"id": listing}).At("listing.variants.0.priceHistory")
	if history.Str("nodes.0.price.amount") != "25.00" || history.Str("nodes.1.price.amount") != "30.00" || history.Str("nodes.0.at") <= history.Str("nodes.1.at") {
		t.Errorf("its prices: %s", history.Raw())
	}
	status("listingHide", apitest.Vars{"reason": "Not what it says"}, support, "HIDDEN")
	seen(`{"listing":null}`)
	refused("FORBIDDEN", "listingRestore", apitest.Vars{"reason": "Mine"}, seller)
	status("listingRestore", apitest.Vars{"reason": "It is"}, support, "ACTIVE")
	seen(`{"listing":{"status":"ACTIVE"}}`)
	refused("LISTING_NOT_FOUND", "listingEnd", apitest.Vars{}, other)
	status("listingEnd", apitest.Vars{}, seller, "ENDED")
	seen(`{"listing":{"status":"ENDED"}}`)
	status("listingPublish", apitest.Vars{}, seller, "ACTIVE")
	copied := one("listingDuplicate", "id status title description condition price { amount } photos { id } category { slug } brand { name } attributes { value }", apitest.Vars{}, seller)
	if got := string(copied.Raw()); copied.Str("listing.id") == listing || !strings.Contains(got, `"photos":[]`) || copied.Str("listing.status") != "DRAFT" || copied.Str("listing.attributes.0.value") != "2.5" ||
		copied.Str("listing.condition") != "FAIR" || copied.Str("listing.price.amount") != "25.00" {
		t.Errorf("another draft: %s", got)
	}
	refused("LISTING_NOT_FOUND", "listingDuplicate", apitest.Vars{}, other)
	log := body(t, admin.Client, `{ adminActions(first: 2) { nodes { action subject reason } } }`, nil)
	for _, want := range []string{`"action":"LISTING_RESTORED","subject":"` + listing + `","reason":"It is"`, `"action":"LISTING_HIDDEN"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in %s", want, log)
		}
	}
}

// Variants are changed and retired; the last one stays.
func TestTheLifeOfAVariant(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, other := a.Person(identity.Seller), a.Person(identity.Seller)
	shirt := seller.Must(t, change("listingCreate", "listing { variants { id } }"), input(apitest.Vars{
		"kind": "RETAIL", "title": "A linen shirt", "photoIds": []any{a.Photo(seller).String()}, "optionNames": []any{"Size"},
		"variants": []any{apitest.Vars{"sku": "S", "options": []any{"S"}, "price": eur("19")}, apitest.Vars{"sku": "M", "options": []any{"M"}, "price": eur("20")}},
	}))
	small, medium := shirt.Str("listingCreate.listing.variants.0.id"), shirt.Str("listingCreate.listing.variants.1.id")
	update := change("variantUpdate", "variant { sku grams price { amount } listing { price { amount } } }")
	in := apitest.Vars{"variantId": small, "sku": "SMALL", "price": eur("15"), "grams": 180}
	if got := codeOf(t, other.Client, update, input(in)); got != "VARIANT_NOT_FOUND" {
		t.Errorf("another's: %s", got)
	}
	if got := codeOf(t, seller.Client, update, input(with(in, "sku", "M"))); got != "SKU_TAKEN" {
		t.Errorf("a SKU twice: %s", got)
	}
	if got := string(seller.Must(t, update, input(in)).Raw()); !strings.Contains(got, `"sku":"SMALL","grams":180,"price":{"amount":"15.00"},"listing":{"price":{"amount":"15.00"}}`) {
		t.Errorf("changed: %s", got)
	}
	retire := change("variantRetire", "variant { retiredAt }")
	if got := codeOf(t, other.Client, retire, input(apitest.Vars{"variantId": small})); got != "VARIANT_NOT_FOUND" {
		t.Errorf("another's: %s", got)
	}
	if got := seller.Must(t, retire, input(apitest.Vars{"variantId": small})); got.Str("variantRetire.variant.retiredAt") == "" {
		t.Errorf("retired: %s", got.Raw())
	}
	left := string(a.Nobody().Must(t, `query($id: ID!) { node(id: $id) { ... on Variant { listing { price { amount } variants { sku } } } } }`, apitest.Vars{"id": medium}).Raw())
	if left != `{"node":{"listing":{"price":{"amount":"20.00"},"variants":[{"sku":"M"}]}}}` {
		t.Errorf("what is left: %s", left)
	}
	if got := codeOf(t, seller.Client, retire, input(apitest.Vars{"variantId": medium})); got == "none" {
		t.Error("the last one is retired")
	}
	if got := codeOf(t, a.Person(identity.Buyer).Client, cartAdd, input(apitest.Vars{"variantId": small})); got == "none" {
		t.Error("what is retired goes into a cart")
	}
}

// Every kind of listing is made, and is seen as what it is.
func TestListingsOfEveryKind(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	create := change("listingCreate", "listing { id kind status price { amount } minimumTier variants { id } }")
	for _, c := range []struct {
		kind, want string
		more       apitest.Vars
	}{
		{"ONE_OFF", `"price":{"amount":"12.00"},"minimumTier":"TRUSTED"`, apitest.Vars{"price": eur("12"), "minimumTier": "TRUSTED", "description": "Once"}},
		{"GIVEAWAY", `"price":{"amount":"0.00"}`, apitest.Vars{"price": eur("0")}},
		{"RETAIL", `"price":{"amount":"12.00"}`, apitest.Vars{"price": eur("12")}},
		{"DIGITAL_CODE", `"price":{"amount":"12.00"}`, apitest.Vars{"price": eur("12")}},
		{"LOT", `"price":null`, apitest.Vars{}},
	} {
		in := with(c.more, "kind", c.kind)
		in["title"], in["photoIds"] = "Of the kind "+c.kind, []any{a.Photo(seller).String()}
		got := seller.Must(t, create, input(in))
		if text := string(got.Raw()); got.Str("listingCreate.listing.kind") != c.kind || got.Str("listingCreate.listing.status") != "ACTIVE" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %s", c.kind, text)
		}
		if list := string(seller.Must(t, `query($k: ListingKind) { listings(kind: $k) { nodes { kind } } }`, apitest.Vars{"k": c.kind}).Raw()); c.kind != "ONE_OFF" && list != `{"listings":{"nodes":[{"kind":"`+c.kind+`"}]}}` {
			t.Errorf("listed: %s", list)
		}
	}
	lot := a.Texts(`SELECT id::text FROM listing WHERE kind = 'LOT'`)[0]
	started := seller.Must(t, `mutation($input: AuctionStartInput!) { auctionStart(input: $input) { auction { status listing { status } } userErrors { code } } }`,
		input(apitest.Vars{"listingId": id.Listing.Encode(uuid.MustParse(lot)), "startPrice": eur("5"), "durationSeconds": 600}))
	if started.Str("auctionStart.auction.listing.status") != "RESERVED" {
		t.Errorf("a lot is opened: %s", started.Raw())
	}
}
