package search_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/search"
)

// Whatever happens to listings, sellers and places, in whatever order, the documents follow.
func TestDocumentsFollowTheirListings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.User(identity.Seller)
	var all []uuid.UUID
	rapid.Check(t, func(t *rapid.T) {
		do := func(sql string, args ...any) { _, _ = b.Admin.Exec(b.Ctx(), sql, args...) } // a move that is refused changes nothing
		for range 12 {
			if len(all) == 0 || rapid.IntRange(0, 5).Draw(t, "make") == 0 {
				kind := rapid.SampledFrom([]catalog.Kind{catalog.OneOff, catalog.Giveaway, catalog.AuctionLot}).Draw(t, "kind")
				price := int64(0)
				if kind == catalog.OneOff {
					price = rapid.Int64Range(0, 3).Draw(t, "price")
				}
				all = append(all, b.put(good{
					title: "A thing", kind: kind, price: price, draft: rapid.Bool().Draw(t, "draft"),
					seller: rapid.SampledFrom([]uuid.UUID{b.seller, other}).Draw(t, "seller"),
				}))
				continue
			}
			listing := rapid.SampledFrom(all).Draw(t, "listing")
			switch rapid.IntRange(0, 8).Draw(t, "change") {
			case 0:
				do(`UPDATE listing SET title = $2 WHERE id = $1`, listing, rapid.SampledFrom([]string{"Red thing", "شيء", "Une chose"}).Draw(t, "title"))
			case 1:
				do(`UPDATE listing SET status = $2, hidden_from = NULL WHERE id = $1`, listing, rapid.SampledFrom([]string{"ACTIVE", "RESERVED", "SOLD", "ENDED", "DRAFT"}).Draw(t, "status"))
			case 2:
				do(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, listing)
			case 3:
				do(`UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`, listing)
			case 4:
				do(`UPDATE variant SET price = $2, currency = 'EUR' WHERE listing_id = $1`, listing, rapid.Int64Range(1, 9).Draw(t, "cents"))
			case 5:
				do(`UPDATE app_user SET banned_at = CASE WHEN banned_at IS NULL THEN now() END, ban_reason = CASE WHEN banned_at IS NULL THEN 'x' END WHERE id = $1`, other)
			case 6:
				do(`INSERT INTO listing_place VALUES ($1, $2, 1) ON CONFLICT (listing_id) DO UPDATE SET latitude = excluded.latitude`, listing, rapid.IntRange(0, 9).Draw(t, "latitude"))
			case 8:
				do(`UPDATE listing SET minimum_tier = CASE WHEN minimum_tier IS NULL THEN 'TRUSTED' END WHERE id = $1`, listing)
			case 7:
				do(`UPDATE listing SET condition = $2, description = $3 WHERE id = $1`, listing, rapid.SampledFrom([]string{"NEW", "FAIR"}).Draw(t, "condition"),
					rapid.SampledFrom([]string{"", "Words"}).Draw(t, "description"))
			}
		}
		b.inStep()
		if b.T.Failed() {
			t.FailNow()
		}
	})
	if n := b.Int(`SELECT search_rebuild()`); n != 0 {
		t.Errorf("building anew changed %d documents", n)
	}
}

// A seller is banned while they list, publish and edit: nothing of theirs is found afterwards.
func TestBanAgainstListing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 20 {
		seller := b.User(identity.Seller)
		draft, shown := b.put(good{title: "A draft", draft: true, seller: seller}), b.put(good{title: "Shown", seller: seller})
		b.Exec(`INSERT INTO photo (id, owner_id, content_type, bytes, status) VALUES ($1, $2, 'image/png', 1, 'STORED')`, draft, seller)
		b.Exec(`INSERT INTO listing_photo VALUES ($1, 1, $1)`, draft)
		var together sync.WaitGroup
		for _, do := range []func(){
			func() { b.Exec(`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = $1`, seller) },
			func() { b.put(good{title: "New", seller: seller}) },
			func() { _, _ = b.Catalog.Publish(b.Ctx(), seller, draft) },
			func() { _, _ = b.Catalog.Update(b.Ctx(), seller, shown, catalog.UpdateInput{Title: new("Edited")}) },
		} {
			together.Go(do)
		}
		together.Wait()
	}
	b.inStep()
	if got := b.titles(search.Query{}); len(got) != 0 {
		t.Errorf("found: %q", got)
	}
}

// Servers cannot write what is found.
func TestServersCannotWriteDocuments(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(good{title: "A thing"})
	for _, statement := range []string{
		`UPDATE search_document SET banned = false`, `INSERT INTO search_word VALUES ('word')`, `DELETE FROM search_document`, `SELECT search_rebuild()`,
	} {
		if _, err := b.Pool.Exec(b.Ctx(), statement); err == nil {
			t.Errorf("a server may: %s", statement)
		}
	}
}
