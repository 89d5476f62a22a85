package catalog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
)

// traces are the tables that have something of a listing, with how each is found by the listing's id.
var traces = map[string]string{
	"listing": "id = $1", "variant": "listing_id = $1", "listing_photo": "listing_id = $1", "listing_attribute": "listing_id = $1",
	"listing_place": "listing_id = $1", "wish": "listing_id = $1", "listing_offers": "listing_id = $1", "want_offer": "listing_id = $1",
}

func (b *bundle) traces(listing uuid.UUID) (found []string) {
	b.T.Helper()
	for table, where := range traces {
		if b.Int(`SELECT count(*) FROM `+table+` WHERE `+where, listing) > 0 {
			found = append(found, table)
		}
	}
	return found
}

// thing is a one-off at a price, with two photos.
func (b *bundle) thing() (catalog.Listing, []uuid.UUID) {
	b.T.Helper()
	price := domaintest.EUR(10_00)
	in := input(b.photo(b.seller), b.photo(b.seller))
	in.Price = &price
	l, err := b.Create(b.Ctx(), b.seller, in)
	b.Must(err)
	return l, in.Photos
}

// product is a product of a kind in two variants, without stock.
func (b *bundle) product(kind catalog.Kind) (catalog.Listing, []catalog.Variant) {
	b.T.Helper()
	price := domaintest.EUR(10_00)
	in := input(b.photo(b.seller))
	in.Kind, in.OptionNames = kind, []string{"Size"}
	in.Variants = []catalog.VariantInput{{Options: []string{"S"}, Price: &price}, {Options: []string{"M"}, Price: &price}}
	l, err := b.Create(b.Ctx(), b.seller, in)
	b.Must(err)
	variants, err := b.VariantsByListing(b.Ctx(), []uuid.UUID{l.ID})
	b.Must(err)
	return l, variants[l.ID]
}

// deleted wants one listing deleted, and gives why it stays.
func (b *bundle) deleted(seller, listing uuid.UUID) *fault.Error {
	b.T.Helper()
	told, err := b.Delete(b.Ctx(), seller, []uuid.UUID{listing})
	b.Must(err)
	if len(told) != 1 || told[0].Listing != listing {
		b.T.Fatalf("told of %+v", told)
	}
	return told[0].Refused
}

// What nobody has touched goes with all that is its own; what somebody wished for, too. Its row in listing_deleted is all that stays.
func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	thing, photos := b.thing()
	product, variants := b.product(catalog.Retail)
	draft, err := b.Create(t.Context(), b.seller, catalog.CreateInput{Title: "A draft", Condition: catalog.ConditionNew, Draft: true})
	b.Must(err)
	ended, _ := b.thing()
	b.Must2(b.Catalog.End(t.Context(), b.seller, ended.ID))
	kept, keptPhotos := b.thing()
	buyer := b.User(identity.Buyer)
	b.Must2(b.SetPlace(t.Context(), b.seller, thing.ID, &catalog.Place{Latitude: 1, Longitude: 2}))
	place, err := b.Inventory.AddLocation(t.Context(), b.seller, "Home", "FR")
	b.Must(err)
	b.Must2(b.Inventory.SetAlert(t.Context(), b.seller, variants[0].ID, place.ID, new(3)))
	b.Exec(`INSERT INTO wish (user_id, listing_id) VALUES ($1, $2)`, buyer, thing.ID)
	b.Exec(`INSERT INTO availability_wait (user_id, variant_id, told_at) VALUES ($1, $2, NULL), ($1, $3, now())`, buyer, variants[0].ID, variants[1].ID)
	b.Exec(`INSERT INTO listing_offers (listing_id, takes) VALUES ($1, false)`, thing.ID)
	want := id.New()
	b.Exec(`INSERT INTO want (id, buyer_id, words, expires_at) VALUES ($1, $2, 'a thing', now() + interval '1 day')`, want, buyer)
	b.Exec(`INSERT INTO want_offer (want_id, listing_id, by_seller) VALUES ($1, $2, true)`, want, thing.ID)

	all := []uuid.UUID{thing.ID, product.ID, draft.ID, ended.ID, thing.ID}
	told, err := b.Delete(t.Context(), b.seller, all)
	if err != nil || len(told) != 4 {
		t.Fatalf("%+v, %v", told, err)
	}
	for i, d := range told {
		if d.Listing != all[i] || d.Refused != nil {
			t.Errorf("%d: %+v", i, d)
		}
		if left := b.traces(d.Listing); len(left) > 0 {
			t.Errorf("%d is left in %v", i, left)
		}
	}
	for what, n := range map[string]int64{
		"photos of what is gone":      b.Int(`SELECT count(*) FROM photo WHERE id = ANY ($1) AND status <> 'GONE'`, photos),
		"prices of what is gone":      b.Int(`SELECT count(*) FROM price_change WHERE variant_id <> $1`, kept.ID),
		"stock of what is gone":       b.Int(`SELECT count(*) FROM stock`),
		"waits for what is gone":      b.Int(`SELECT count(*) FROM availability_wait`),
		"documents that can be found": b.Int(`SELECT count(*) FROM search_document WHERE visible AND listing_id <> $1`, kept.ID),
		"notes too few or too many":   b.Int(`SELECT count(*) FROM listing_deleted WHERE seller_id = $1`, b.seller) - 4,
		"photos lost":                 b.Int(`SELECT count(*) FROM photo WHERE id = ANY ($1) AND status = 'GONE'`, keptPhotos),
		"jobs too few":                min(b.Int(`SELECT count(*) FROM river_job WHERE kind = 'media_clean'`)-1, 0),
	} {
		if n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	if left := b.traces(kept.ID); !slices.Contains(left, "listing") || !slices.Contains(left, "listing_photo") {
		t.Errorf("of another listing only %v is left", left)
	}
	before := b.Digest()
	if again, err := b.Delete(t.Context(), b.seller, all[:2]); err != nil || again[0].Refused != nil || again[1].Refused != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	if b.Digest() != before {
		t.Error("a repeated call changed something")
	}
}

// A listing with a history stays as it is, and so does what is another's; beside them the others are deleted.
func TestDeleteKeepsWhatHasAHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	buyer, staff := b.User(identity.Buyer), b.User(identity.Support)
	place, err := b.Inventory.AddLocation(t.Context(), b.seller, "Home", "FR")
	b.Must(err)
	receive := func(v uuid.UUID) {
		b.Must2(b.Inventory.Receive(t.Context(), b.seller, inventory.ChangeInput{Variant: v, Location: place.ID, Quantity: 1, IdempotencyKey: uuid.NewString()}))
	}
	reserve := func(v uuid.UUID) uuid.UUID {
		r, err := b.Inventory.Reserve(t.Context(), buyer, inventory.ReserveInput{Region: "FR", IdempotencyKey: uuid.NewString(), Wants: []inventory.Want{{Variant: v, Quantity: 1}}})
		b.Must(err)
		return r.ID
	}
	thing := func() uuid.UUID { l, _ := b.thing(); return l.ID }
	histories := map[string]struct {
		live func() uuid.UUID
		want []catalog.History
	}{
		"set aside": {func() uuid.UUID { l := thing(); reserve(l); return l }, []catalog.History{catalog.HistoryReservation}},
		"was set aside": {func() uuid.UUID {
			l := thing()
			b.Must2(b.Inventory.Release(t.Context(), buyer, reserve(l)))
			return l
		}, []catalog.History{catalog.HistoryReservation}},
		"in an auction": {func() uuid.UUID {
			l := thing()
			b.Must2(b.Auctions.Start(t.Context(), b.seller, auction.StartInput{Listing: l, StartPrice: domaintest.EUR(1), Duration: time.Hour}))
			return l
		}, []catalog.History{catalog.HistoryAuction}},
		"sold": {func() uuid.UUID {
			return b.SaleBy(b.seller, b.Buyer(100), 100).ListingID
		}, []catalog.History{catalog.HistoryOrder, catalog.HistoryAuction}},
		"with stock, now none": {func() uuid.UUID {
			l, variants := b.product(catalog.Retail)
			receive(variants[1].ID)
			b.Must2(b.Inventory.Adjust(t.Context(), b.seller, inventory.ChangeInput{Variant: variants[1].ID, Location: place.ID, Quantity: -1, IdempotencyKey: uuid.NewString()}))
			return l.ID
		}, []catalog.History{catalog.HistoryStock}},
		"with a retired variant that had stock": {func() uuid.UUID {
			l, variants := b.product(catalog.Retail)
			receive(variants[0].ID)
			b.Must2(b.RetireVariant(t.Context(), b.seller, variants[0].ID))
			return l.ID
		}, []catalog.History{catalog.HistoryStock}},
		"with codes": {func() uuid.UUID {
			l, variants := b.product(catalog.DigitalCode)
			b.Must2(b.Codes.Upload(t.Context(), b.seller, code.UploadInput{Variant: variants[0].ID, Text: "ONE", IdempotencyKey: uuid.NewString()}))
			return l.ID
		}, []catalog.History{catalog.HistoryStock, catalog.HistoryCodes}},
		"in a flash sale": {func() uuid.UUID {
			l, _ := b.product(catalog.Retail)
			b.Exec(`INSERT INTO flash_sale (id, listing_id, seller_id, mode, starts_at, ends_at, admit_per_minute, per_buyer, commitment, seed, turned_at, cancelled_at)
				VALUES ($1, $2, $3, 'FIFO', now(), now() + interval '1 hour', 1, 1, sha256('x'), sha256('y'), now(), now())`, id.New(), l.ID, b.seller)
			return l.ID
		}, []catalog.History{catalog.HistoryFlashSale}},
		"written about": {func() uuid.UUID {
			l := thing()
			_, _, err := b.Chat.Start(t.Context(), buyer, l, "Is it still there?")
			b.Must(err)
			return l
		}, []catalog.History{catalog.HistoryConversation}},
		"hidden": {func() uuid.UUID {
			l := thing()
			b.Must2(b.Hide(t.Context(), staff, l, "Look at it"))
			return l
		}, []catalog.History{catalog.HistoryModeration}},
		"once hidden": {func() uuid.UUID {
			l := thing()
			b.Must2(b.Hide(t.Context(), staff, l, "Look at it"))
			b.Must2(b.Restore(t.Context(), staff, l, "Looked at"))
			return l
		}, []catalog.History{catalog.HistoryModeration}},
	}
	listings, names := []uuid.UUID{}, []string{}
	for name, h := range histories {
		listings, names = append(listings, h.live()), append(names, name)
	}
	before := b.Digest()
	told, err := b.Delete(t.Context(), b.seller, listings)
	b.Must(err)
	for i, d := range told {
		name := names[i]
		if d.Refused == nil || !d.Refused.Is(catalog.ErrListingKept) {
			t.Errorf("%s: %v", name, d.Refused)
			continue
		}
		if got, _ := d.Refused.Data["history"].([]catalog.History); !slices.Equal(got, histories[name].want) {
			t.Errorf("%s: it stays by %v, want %v", name, got, histories[name].want)
		}
	}
	if b.Digest() != before {
		t.Error("a refusal left something")
	}

	// Beside those that stay, what nobody has touched goes; and nobody deletes another's.
	mine, other := thing(), b.Listing(b.User(identity.Seller))
	none := id.New()
	told, err = b.Delete(t.Context(), b.seller, []uuid.UUID{listings[0], other, mine, none})
	b.Must(err)
	for i, want := range []error{catalog.ErrListingKept, catalog.ErrListingNotFound, nil, catalog.ErrListingNotFound} {
		if got := told[i].Refused; (got == nil) != (want == nil) || got != nil && (!errors.Is(got, want) || !slices.Equal(got.Field, []string{"listingIds", string(rune('0' + i))})) {
			t.Errorf("%d: %+v, want %v", i, got, want)
		}
	}
	if b.Int(`SELECT count(*) FROM listing WHERE id = ANY ($1)`, []uuid.UUID{listings[0], other, mine}) != 2 {
		t.Error("another listing is gone, or the one that goes is not")
	}
	if refused := b.deleted(b.User(identity.Seller), mine); refused == nil || !refused.Is(catalog.ErrListingNotFound) {
		t.Errorf("who never had it deletes it again: %v", refused)
	}
	for _, n := range []int{0, 101} {
		if _, err := b.Delete(t.Context(), b.seller, make([]uuid.UUID, n)); !errors.Is(err, catalog.ErrDeleteCount) {
			t.Errorf("%d at once: %v", n, err)
		}
	}
}

// A table that comes to refer to listings or their variants has to be known to who deletes them: either it keeps the listing, or it is deleted with it.
func TestDeleteKnowsWhatRefersToListings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	known := []string{
		"auction", "code_batch", "conversation", "flash_sale", "order_line", "orders", "quote_group", "quote_line", "reservation_line", "review", // keep it; a review is of an order, quotes and lines of orders of a reservation
		"availability_wait", "listing_attribute", "listing_offers", "listing_photo", "listing_place", "price_change", "saved_search_hit", "stock", "variant", "want_offer", "wish",
	}
	rows, err := b.Admin.Query(t.Context(), `SELECT DISTINCT conrelid::regclass::text FROM pg_constraint
		WHERE contype = 'f' AND confrelid IN ('listing'::regclass, 'variant'::regclass)`)
	b.Must(err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	b.Must(err)
	slices.Sort(found)
	slices.Sort(known)
	if !slices.Equal(found, known) {
		t.Errorf("%v refer to listings, listing_erase() knows %v", found, known)
	}
}

// No server deletes but by that function, and the schema's owner neither; a mark lasts as long as its transaction.
func TestNothingElseDeletesListings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, _ := b.thing()
	for _, statement := range []string{
		`DELETE FROM listing`, `DELETE FROM variant`, `DELETE FROM price_change`, `DELETE FROM listing_deleted`, `DELETE FROM search_document`,
		`INSERT INTO listing_deleted SELECT id, seller_id FROM listing`, `UPDATE listing_deleted SET deleted_by = pg_current_xact_id()`,
	} {
		if _, err := b.Pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("a server may: %s: %v", statement, err)
		}
	}
	if _, err := b.Pool.Exec(t.Context(), `SELECT listing_erase($1, $2, '')`, l.ID, b.User(identity.Seller)); err == nil || !strings.Contains(err.Error(), "SK401") {
		t.Errorf("another's listing: %v", err)
	}
	b.Exec(`INSERT INTO listing_deleted SELECT id, seller_id FROM listing`)
	for _, statement := range []string{`DELETE FROM price_change`, `DELETE FROM listing`, `UPDATE listing_deleted SET deleted_by = pg_current_xact_id()`, `DELETE FROM listing_deleted`} {
		if _, err := b.Admin.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "SK") {
			t.Errorf("the owner may: %s: %v", statement, err)
		}
	}
}

// Whoever comes at the same time as a deletion comes before it, and the listing stays, or after it, and is told that there is none.
func TestDeleteRaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	buyer := b.User(identity.Buyer)
	place, err := b.Inventory.AddLocation(t.Context(), b.seller, "Home", "FR")
	b.Must(err)
	thing := func() (listing, variant uuid.UUID) { l, _ := b.thing(); return l.ID, l.ID }
	product := func(kind catalog.Kind) func() (listing, variant uuid.UUID) {
		return func() (listing, variant uuid.UUID) { l, variants := b.product(kind); return l.ID, variants[0].ID }
	}
	for name, c := range map[string]struct {
		make  func() (listing, variant uuid.UUID)
		rival func(listing, variant uuid.UUID) error
		lost  []error
	}{
		"a reservation": {thing, func(_, variant uuid.UUID) error {
			_, err := b.Inventory.Reserve(t.Context(), buyer, inventory.ReserveInput{Region: "FR", IdempotencyKey: uuid.NewString(), Wants: []inventory.Want{{Variant: variant, Quantity: 1}}})
			return err
		}, []error{inventory.ErrOutOfStock, catalog.ErrVariantNotFound}},
		"an auction": {thing, func(listing, _ uuid.UUID) error {
			_, err := b.Auctions.Start(t.Context(), b.seller, auction.StartInput{Listing: listing, StartPrice: domaintest.EUR(1), Duration: time.Hour})
			return err
		}, []error{catalog.ErrListingTaken, catalog.ErrListingNotFound}},
		"a conversation": {thing, func(listing, _ uuid.UUID) error {
			_, _, err := b.Chat.Start(t.Context(), buyer, listing, "Is it still there?")
			return err
		}, []error{catalog.ErrListingNotFound}},
		"stock": {product(catalog.Retail), func(_, variant uuid.UUID) error {
			_, err := b.Inventory.Receive(t.Context(), b.seller, inventory.ChangeInput{Variant: variant, Location: place.ID, Quantity: 1, IdempotencyKey: uuid.NewString()})
			return err
		}, []error{catalog.ErrVariantNotFound}},
		"codes": {product(catalog.DigitalCode), func(_, variant uuid.UUID) error {
			_, err := b.Codes.Upload(t.Context(), b.seller, code.UploadInput{Variant: variant, Text: uuid.NewString(), IdempotencyKey: uuid.NewString()})
			return err
		}, []error{catalog.ErrVariantNotFound}},
		"staff": {thing, func(listing, _ uuid.UUID) error {
			_, err := b.Hide(t.Context(), b.seller, listing, "Look at it")
			return err
		}, []error{catalog.ErrListingNotFound}},
	} {
		for range 10 {
			listing, variant := c.make()
			var refused *fault.Error
			errs := domaintest.AtOnce(2, func(i int) error {
				if i == 0 {
					return c.rival(listing, variant)
				}
				told, err := b.Delete(t.Context(), b.seller, []uuid.UUID{listing})
				if err == nil {
					refused = told[0].Refused
				}
				return err
			})
			if errs[1] != nil {
				t.Fatalf("%s: %v", name, errs[1])
			}
			gone := b.Int(`SELECT count(*) FROM listing WHERE id = $1`, listing) == 0
			switch {
			case errs[0] == nil && (gone || refused == nil || !refused.Is(catalog.ErrListingKept)):
				t.Errorf("%s came first, and the listing is gone (%t): %v", name, gone, refused)
			case errs[0] != nil && (!gone || refused != nil):
				t.Errorf("%s came to nothing (%v), and the listing stays: %v", name, errs[0], refused)
			case errs[0] != nil && !slices.ContainsFunc(c.lost, func(want error) bool { return errors.Is(errs[0], want) }):
				t.Errorf("%s is told %v", name, errs[0])
			}
		}
	}
}

// Two that delete the same find it gone, both; a photo that goes at once with its listing and onto another is on neither twice.
func TestDeleteTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 10 {
		l, photos := b.thing()
		var made catalog.Listing
		errs := domaintest.AtOnce(3, func(i int) error {
			if i == 2 {
				var err error
				made, err = b.Create(t.Context(), b.seller, input(photos...))
				return err
			}
			told, err := b.Delete(t.Context(), b.seller, []uuid.UUID{l.ID})
			if err == nil && told[0].Refused != nil {
				return told[0].Refused
			}
			return err
		})
		if errs[0] != nil || errs[1] != nil || errs[2] != nil && !errors.Is(errs[2], catalog.ErrPhotoUnknown) {
			t.Fatalf("%v", errs)
		}
		onNew := b.Int(`SELECT count(*) FROM listing_photo lp JOIN photo p ON p.id = lp.photo_id WHERE lp.listing_id = $1 AND p.status <> 'GONE'`, made.ID)
		if want := map[bool]int64{true: 2, false: 0}[errs[2] == nil]; onNew != want {
			t.Errorf("the new listing has %d photos, and said %v", onNew, errs[2])
		}
	}
}

// A deletion that fails on its way has done nothing.
func TestDeleteIsWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, _ := b.thing()
	b.Exec(`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$`)
	b.Exec(`CREATE TRIGGER broken BEFORE UPDATE ON photo FOR EACH ROW EXECUTE FUNCTION broken()`)
	before := b.Digest()
	if _, err := b.Delete(t.Context(), b.seller, []uuid.UUID{l.ID}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
	if b.Digest() != before {
		t.Error("half is done")
	}
	b.Exec(`DROP TRIGGER broken ON photo`)
	if refused := b.deleted(b.seller, l.ID); refused != nil {
		t.Errorf("later: %v", refused)
	}
}
