package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/taxonomy"
)

// wardrobe is a tree with a required attribute at its top.
type wardrobe struct {
	*bundle
	*taxonomy.Service

	admin, top, shoes, boots, toys uuid.UUID
	colour, heel                   uuid.UUID
}

func newWardrobe(t *testing.T) *wardrobe {
	t.Helper()
	b := setup(t)
	w := &wardrobe{bundle: b, Service: taxonomy.New(b.Pool), admin: b.User(identity.Admin)}
	w.top = w.category("fashion", nil)
	w.shoes = w.category("shoes", &w.top)
	w.boots = w.category("boots", &w.shoes)
	w.toys = w.category("toys", nil)
	names := taxonomy.Names{Ar: "لون", En: "Colour", Fr: "Couleur"}
	colour, err := w.CreateAttribute(t.Context(), w.admin, taxonomy.AttributeInput{
		Category: w.top, Code: "colour", Names: names, Type: taxonomy.Choice, Required: true, Reason: "x",
		Options: []taxonomy.Option{{Code: "red", Names: names}, {Code: "blue", Names: names}},
	})
	b.Must(err)
	heel, err := w.CreateAttribute(t.Context(), w.admin, taxonomy.AttributeInput{Category: w.boots, Code: "heel", Names: names, Type: taxonomy.Number, Reason: "x"})
	b.Must(err)
	w.colour, w.heel = colour.ID, heel.ID
	return w
}

func (w *wardrobe) category(slug string, parent *uuid.UUID) uuid.UUID {
	w.T.Helper()
	c, err := w.CreateCategory(w.Ctx(), w.admin, taxonomy.CategoryInput{Parent: parent, Slug: slug, Names: taxonomy.Names{Ar: "ا", En: slug, Fr: slug}, Reason: "x"})
	w.Must(err)
	return c.ID
}

// boot is a listing as its seller describes it.
func (w *wardrobe) boot(values ...catalog.AttributeValue) catalog.CreateInput {
	in := input(w.photo(w.seller))
	in.Category, in.Attributes = &w.boots, values
	return in
}

func (w *wardrobe) says(listing uuid.UUID) string {
	w.T.Helper()
	values, err := w.AttributesByListing(w.Ctx(), []uuid.UUID{listing})
	w.Must(err)
	var said strings.Builder
	for _, v := range values[listing] {
		said.WriteString(" " + v.Value)
	}
	return said.String()
}

func (w *wardrobe) is(colour string) catalog.AttributeValue {
	return catalog.AttributeValue{Attribute: w.colour, Value: colour}
}

func TestDescribedByItsCategory(t *testing.T) {
	t.Parallel()
	w := newWardrobe(t)
	heel := catalog.AttributeValue{Attribute: w.heel, Value: "07.50"}
	l, err := w.bundle.Create(t.Context(), w.seller, w.boot(heel, w.is("red")))
	w.Must(err)
	if got := w.says(l.ID); *l.CategoryID != w.boots || got != " red 7.5" && got != " 7.5 red" {
		t.Errorf("made %+v, says %q", l, got)
	}
	// Another category: what does not describe it falls away; what it asks for and the listing has, stays.
	l, err = w.Update(t.Context(), w.seller, l.ID, catalog.UpdateInput{Category: &w.shoes})
	if w.Must(err); *l.CategoryID != w.shoes || w.says(l.ID) != " red" {
		t.Errorf("moved %+v, says %q", l, w.says(l.ID))
	}
	_, err = w.Update(t.Context(), w.seller, l.ID, catalog.UpdateInput{Attributes: []catalog.AttributeValue{w.is("blue")}})
	if w.Must(err); w.says(l.ID) != " blue" {
		t.Errorf("says %q", w.says(l.ID))
	}
	copied, err := w.Duplicate(t.Context(), w.seller, l.ID)
	if w.Must(err); w.says(copied.ID) != " blue" || *copied.CategoryID != w.shoes {
		t.Errorf("its copy says %q", w.says(copied.ID))
	}
	before := w.Digest()
	for name, c := range map[string]struct {
		in   catalog.UpdateInput
		want error
	}{
		"nothing of what is asked":      {catalog.UpdateInput{Attributes: []catalog.AttributeValue{}}, taxonomy.ErrAttributeMissing},
		"another category's":            {catalog.UpdateInput{Attributes: []catalog.AttributeValue{w.is("red"), heel}}, taxonomy.ErrAttributeForeign},
		"no option":                     {catalog.UpdateInput{Attributes: []catalog.AttributeValue{w.is("green")}}, taxonomy.ErrAttributeValue},
		"twice":                         {catalog.UpdateInput{Attributes: []catalog.AttributeValue{w.is("red"), w.is("blue")}}, taxonomy.ErrAttributeTwice},
		"a category that is not there":  {catalog.UpdateInput{Category: new(id.New())}, taxonomy.ErrCategoryNotFound},
		"a brand that is not there":     {catalog.UpdateInput{Brand: new(id.New())}, taxonomy.ErrBrandNotFound},
		"more than there can ever be":   {catalog.UpdateInput{Attributes: make([]catalog.AttributeValue, 301)}, taxonomy.ErrAttributeForeign},
		"an attribute without category": {catalog.UpdateInput{Category: &w.toys, Attributes: []catalog.AttributeValue{w.is("red")}}, taxonomy.ErrAttributeForeign},
	} {
		if _, err := w.Update(t.Context(), w.seller, l.ID, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if w.Digest() != before {
		t.Error("what was refused left something")
	}
}

// A draft may lack what its category asks for; the market does not take it so.
func TestPublishWantsWhatTheCategoryAsksFor(t *testing.T) {
	t.Parallel()
	w := newWardrobe(t)
	if _, err := w.bundle.Create(t.Context(), w.seller, w.boot()); !errors.Is(err, taxonomy.ErrAttributeMissing) {
		t.Errorf("at once: %v", err)
	}
	in := w.boot()
	in.Draft = true
	l, err := w.bundle.Create(t.Context(), w.seller, in)
	w.Must(err)
	if _, err := w.Publish(t.Context(), w.seller, l.ID); !errors.Is(err, taxonomy.ErrAttributeMissing) {
		t.Errorf("published: %v", err)
	}
	_, err = w.Update(t.Context(), w.seller, l.ID, catalog.UpdateInput{Attributes: []catalog.AttributeValue{w.is("red")}})
	w.Must(err)
	w.Must2(w.Publish(t.Context(), w.seller, l.ID))
}

// What is retired stays on what has it, and is chosen no more.
func TestRetiredIsKept(t *testing.T) {
	t.Parallel()
	w := newWardrobe(t)
	brand, err := w.CreateBrand(t.Context(), w.admin, "Aigle", "x")
	w.Must(err)
	in := w.boot(w.is("red"))
	in.Brand = &brand.ID
	l, err := w.bundle.Create(t.Context(), w.seller, in)
	w.Must(err)
	w.Must2(w.ChangeBrand(t.Context(), w.admin, brand.ID, nil, new(true), "x"))
	w.Must2(w.ChangeCategory(t.Context(), w.admin, w.boots, taxonomy.CategoryChange{Retired: new(true), Reason: "x"}))
	l, err = w.Update(t.Context(), w.seller, l.ID, catalog.UpdateInput{Title: new("Still a boot")})
	if w.Must(err); *l.BrandID != brand.ID || *l.CategoryID != w.boots || w.says(l.ID) != " red" {
		t.Errorf("kept %+v", l)
	}
	if _, err := w.bundle.Create(t.Context(), w.seller, w.boot(w.is("red"))); !errors.Is(err, taxonomy.ErrCategoryRetired) {
		t.Errorf("chosen anew: %v", err)
	}
	in = input(w.photo(w.seller))
	in.Brand = &brand.ID
	if _, err := w.bundle.Create(t.Context(), w.seller, in); !errors.Is(err, taxonomy.ErrBrandRetired) {
		t.Errorf("the brand: %v", err)
	}
}

func TestListedWithAllBelow(t *testing.T) {
	t.Parallel()
	w := newWardrobe(t)
	list := func(f catalog.Filter) int {
		t.Helper()
		found, err := w.List(t.Context(), f, page.Args{})
		w.Must(err)
		return len(found.Nodes)
	}
	for _, category := range []*uuid.UUID{&w.top, &w.shoes, &w.boots, &w.boots, nil} {
		in := input(w.photo(w.seller))
		if in.Category = category; category != nil {
			in.Attributes = []catalog.AttributeValue{w.is("red")}
		}
		w.Must2(w.bundle.Create(t.Context(), w.seller, in))
	}
	got := fmt.Sprint(list(catalog.Filter{}), list(catalog.Filter{Category: &w.top}), list(catalog.Filter{Category: &w.shoes}),
		list(catalog.Filter{Category: &w.boots}), list(catalog.Filter{Category: &w.toys}), list(catalog.Filter{Category: new(id.New())}))
	if got != "5 4 3 2 0 0" {
		t.Errorf("listed %s", got)
	}
}

// What is offered to known buyers is theirs, its seller's and staff's to see, to ask about and to buy; no lot is made of it.
func TestOfferedToATier(t *testing.T) {
	t.Parallel()
	w := newWardrobe(t)
	price, verified, trusted := domaintest.EUR(5_00), identity.Verified, identity.Trusted
	in := input(w.photo(w.seller))
	in.Price, in.MinimumTier = &price, &verified
	l, err := w.bundle.Create(t.Context(), w.seller, in)
	if w.Must(err); *l.MinimumTier != verified {
		t.Errorf("made %+v", l)
	}
	who := map[identity.Tier]uuid.UUID{}
	for _, tier := range []identity.Tier{identity.Unverified, verified, trusted} {
		who[tier] = w.Buyer(0)
		w.Exec(`UPDATE app_user SET tier = $2 WHERE id = $1`, who[tier], string(tier))
	}
	seen := func() string {
		var s strings.Builder
		for _, viewer := range []uuid.UUID{uuid.Nil, who[identity.Unverified], who[verified], who[trusted], w.seller} {
			found, err := w.SeenBy(t.Context(), viewer, false, []uuid.UUID{l.ID})
			w.Must(err)
			fmt.Fprint(&s, len(found))
		}
		return s.String()
	}
	if got := seen(); got != "00111" {
		t.Errorf("seen by %s", got)
	}
	if found, err := w.Public(t.Context(), []uuid.UUID{l.ID}); err != nil || len(found) != 0 {
		t.Errorf("in public: %v, %v", found, err)
	}
	if _, _, err := w.Chat.Start(t.Context(), who[identity.Unverified], l.ID, "Hello"); !errors.Is(err, catalog.ErrListingNotFound) {
		t.Errorf("asked about: %v", err)
	}
	_, _, err = w.Chat.Start(t.Context(), who[verified], l.ID, "Hello")
	w.Must(err)
	_, err = w.Auctions.Start(t.Context(), w.seller, auction.StartInput{Listing: l.ID, Backing: auction.ByHold, StartPrice: price, Duration: 3600e9})
	if !errors.Is(err, catalog.ErrListingTaken) {
		t.Errorf("a lot of it: %v", err)
	}
	_, err = w.Update(t.Context(), w.seller, l.ID, catalog.UpdateInput{MinimumTier: &trusted})
	if w.Must(err); seen() != "00011" {
		t.Errorf("raised, seen by %s", seen())
	}
	l, err = w.Update(t.Context(), w.seller, l.ID, catalog.UpdateInput{MinimumTier: new(identity.Unverified)})
	if w.Must(err); seen() != "11111" || l.MinimumTier != nil {
		t.Errorf("for everybody, seen by %s", seen())
	}
	in = input(w.photo(w.seller))
	in.Kind, in.MinimumTier = catalog.AuctionLot, &trusted
	if _, err := w.bundle.Create(t.Context(), w.seller, in); !errors.Is(err, catalog.ErrTierOfLot) {
		t.Errorf("a lot: %v", err)
	}
}
