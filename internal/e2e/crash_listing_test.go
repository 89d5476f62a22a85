package e2e

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
)

const deleteThem = `mutation($input: ListingDeleteInput!) { listingDelete(input: $input) { deletedIds userErrors { code } } }`

// A seller deletes two listings, and the server is killed on the way: each is there with all that is its own, or gone with it. The call, sent
// again, finds what was done and does the rest.
func TestKilledWhileDeletingListings(t *testing.T) {
	t.Parallel()
	always := func(p crashPoint) func(uuid.UUID) crashPoint { return func(uuid.UUID) crashPoint { return p } }
	for name, c := range map[string]struct {
		point func(second uuid.UUID) crashPoint
		gone  int // once the server is dead
	}{
		"before the first is marked":       {always(at("", write("INSERT", "listing_deleted", ""))), 0},
		"before its photos are given up":   {always(at("", write("UPDATE", "photo", "NEW.status = 'GONE'"))), 0},
		"before its commit":                {always(at("", commit("INSERT", "listing_deleted", "", lost))), 0},
		"after its commit, before its end": {always(at("", commit("INSERT", "listing_deleted", "", happens))), 1},
		"in the second": {func(second uuid.UUID) crashPoint {
			return at("", write("INSERT", "listing_deleted", "NEW.listing_id = '"+second.String()+"'"))
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := newCrashSite(t)
			hana := site.server.signUp("Hana", "SELLER")
			var listings []string
			for range 2 {
				made := hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { id } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
					"title": "A thing", "price": eur(900), "photoIds": []string{hana.sendPhoto(t)},
				}})
				listings = append(listings, made.Str("listingCreate.listing.id"))
			}
			in := apitest.Vars{"listingIds": listings}
			second, err := id.Listing.Decode(listings[1])
			if err != nil {
				t.Fatal(err)
			}
			site.dieAt(c.point(second), func() (wait func()) { return hana.sends(deleteThem, in) })
			whole := `SELECT count(*) FROM listing l JOIN listing_photo lp ON lp.listing_id = l.id JOIN photo p ON p.id = lp.photo_id
				JOIN variant v ON v.listing_id = l.id JOIN price_change pc ON pc.variant_id = v.id JOIN search_document d ON d.listing_id = l.id
				WHERE p.status <> 'GONE' AND d.visible`
			if n := site.count(whole); n != 2-c.gone {
				t.Errorf("%d are whole, %d are gone", n, c.gone)
			}
			site.rescue()
			hana = hana.at(site.server)
			got := string(hana.Must(t, deleteThem, apitest.Vars{"input": in}).Raw())
			if want := `{"listingDelete":{"deletedIds":["` + strings.Join(listings, `","`) + `"],"userErrors":[]}}`; got != want {
				t.Errorf("again: %s", got)
			}
			for _, table := range []string{"listing", "variant", "listing_photo", "price_change"} {
				if n := site.count(`SELECT count(*) FROM ` + table); n != 0 {
					t.Errorf("%d rows are left in %s", n, table)
				}
			}
			eventually(t, "the photos' objects are erased", func() bool {
				return site.count(`SELECT count(*) FROM photo WHERE status = 'GONE' AND erased_at IS NOT NULL`) == 2
			})
			if n := site.count(`SELECT count(*) FROM listing_deleted`); n != 2 {
				t.Errorf("%d marks", n)
			}
		})
	}
}
