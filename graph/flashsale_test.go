package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

const (
	flashJoin = `mutation($input: FlashSaleJoinInput!) { flashSaleJoin(input: $input) { place { number position admitted } userErrors { code } } }`
	flashPass = `mutation($input: FlashSalePassCreateInput!) { flashSalePassCreate(input: $input) { pass expiresAt userErrors { code } } }`
	flashSale = `query($id: ID!) { flashSale(id: $id) { joined admitted seed seedCommitment place { number position used } tickets { nodes { hash } } listing { flashSale { id } } } }`
)

// From the schedule to a reservation with a pass, with the position pushed meanwhile.
func TestFlashSaleThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, ann, ben := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer)
	game := gameOf(t, a, seller, "9")
	seller.Must(t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "ONE\nTWO\nTHREE", "idempotencyKey": "k"}))
	listing := seller.Must(t, `query($id: ID!) { node(id: $id) { ... on Variant { listing { id } } } }`, apitest.Vars{"id": game}).Str("node.listing.id")
	const schedule = `mutation($input: FlashSaleScheduleInput!) { flashSaleSchedule(input: $input) { flashSale { id seedCommitment } userErrors { code } } }`
	terms := input(apitest.Vars{"listingId": listing, "startsAt": time.Now().UTC().Format(time.RFC3339Nano), "endsAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano), "admitPerMinute": 60, "perBuyer": 1})
	if code := codeOf(t, a.Person(identity.Seller).Client, schedule, terms); code != "LISTING_NOT_FOUND" {
		t.Errorf("another seller: %s", code)
	}
	sale := seller.Must(t, schedule, terms).Str("flashSaleSchedule.flashSale.id")
	if code := codeOf(t, a.Person(identity.Admin).Client, schedule, terms); code != "FLASH_SALE_OVERLAPS" {
		t.Errorf("an admin, at the same time: %s", code)
	}
	reserve := func(who graphtest.Person, pass any) string {
		t.Helper()
		in := apitest.Vars{"lines": []any{apitest.Vars{"variantId": game}}, "idempotencyKey": uuid.NewString()}
		if pass != nil {
			in["admissionPass"] = pass
		}
		return codeOf(t, who.Client, reservationCreate, input(in))
	}
	if code := reserve(ann, nil); code != "PASS_REQUIRED" {
		t.Errorf("without a pass: %s", code)
	}
	joined := input(apitest.Vars{"flashSaleId": sale})
	for range 2 {
		if got := string(ann.Must(t, flashJoin, joined).Raw()); !strings.Contains(got, `"number":1,"position":1,"admitted":false`) {
			t.Errorf("joined: %s", got)
		}
	}
	ben.Must(t, flashJoin, joined)
	if code := codeOf(t, ben.Client, flashPass, joined); code != "NOT_ADMITTED" {
		t.Errorf("too soon: %s", code)
	}
	stream := ben.Subscribe(t, `subscription($id: ID!) { flashSalePlace(flashSaleId: $id) { number position admitted } }`, apitest.Vars{"id": sale})
	defer stream.Cut()
	a.Background(a.Resolver.Flash.TurnLoop)
	for position := 2; position > 0; {
		got := stream.Next()
		now := got.Int("flashSalePlace.position")
		if got.Int("flashSalePlace.number") != 2 || now > position {
			t.Fatalf("%s after %d", got.Raw(), position)
		}
		position = now
	}
	pass := ann.Must(t, flashPass, joined).Str("flashSalePassCreate.pass")
	for who, want := range map[*graphtest.Person]string{&ben: "PASS_INVALID", &ann: "none"} {
		if code := reserve(*who, pass); code != want {
			t.Errorf("with a pass: %q, want %q", code, want)
		}
	}
	if code := reserve(ann, pass); code != "ADMISSION_USED" {
		t.Errorf("again: %s", code)
	}
	got := string(ann.Must(t, flashSale, apitest.Vars{"id": sale}).Raw())
	if !strings.Contains(got, `"joined":2,"admitted":2,"seed":null,"seedCommitment":null,"place":{"number":1,"position":0,"used":true},"tickets":{"nodes":[]}`) || !strings.Contains(got, sale) {
		t.Errorf("the sale: %s", got)
	}
	a.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status`)
	if got := string(ben.Must(t, flashSale, apitest.Vars{"id": sale}).Raw()); got != `{"flashSale":null}` {
		t.Errorf("of a hidden listing: %s", got)
	}
	if got := string(ben.Must(t, `query($id: ID!) { node(id: $id) { id } }`, apitest.Vars{"id": sale}).Raw()); got != `{"node":null}` {
		t.Errorf("by its id: %s", got)
	}
}
