package taxonomy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/taxonomy"
)

func TestBrands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := map[string]uuid.UUID{}
	for _, name := range []string{"  L’Oréal ", "Lacoste", "سوق", "3M"} {
		brand, err := b.CreateBrand(t.Context(), b.admin, name, why)
		b.Must(err)
		made[brand.Name] = brand.ID
	}
	for _, name := range []string{"LOREAL", "l-oreal", "Ｌ'Oreal", "سُوق", "3 m"} {
		if _, err := b.CreateBrand(t.Context(), b.admin, name, why); !errors.Is(err, taxonomy.ErrBrandTaken) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", " \t", "!!", "\u200f", strings.Repeat("n", 81), "two\nlines", "\xff"} {
		if _, err := b.CreateBrand(t.Context(), b.admin, name, why); !errors.Is(err, taxonomy.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	list := func(startsWith string) string {
		t.Helper()
		brands, err := b.Brands(t.Context(), startsWith, nil)
		b.Must(err)
		var names []string
		for _, brand := range brands {
			names = append(names, brand.Name)
		}
		return strings.Join(names, "|")
	}
	for startsWith, want := range map[string]string{"": "3M|Lacoste|L’Oréal|سوق", "l": "Lacoste|L’Oréal", "L'o": "L’Oréal", "%": "3M|Lacoste|L’Oréal|سوق", "zz": ""} {
		if got := list(startsWith); got != want {
			t.Errorf("%q: %s", startsWith, got)
		}
	}
	if _, err := b.Brands(t.Context(), "", new(101)); !errors.Is(err, page.ErrFirst) {
		t.Errorf("101 of them: %v", err)
	}
	_, err := b.ChangeBrand(t.Context(), b.admin, made["Lacoste"], new("LACOSTE"), nil, why)
	b.Must(err)
	_, err = b.ChangeBrand(t.Context(), b.admin, made["Lacoste"], nil, new(true), why)
	if b.Must(err); list("l") != "L’Oréal" {
		t.Errorf("retired: %s", list("l"))
	}
	if found, err := b.BrandsByID(t.Context(), []uuid.UUID{made["Lacoste"]}); err != nil || found[made["Lacoste"]].Name != "LACOSTE" || found[made["Lacoste"]].RetiredAt == nil {
		t.Errorf("who has it still: %+v, %v", found, err)
	}
	if _, err := b.ChangeBrand(t.Context(), b.admin, id.New(), nil, nil, why); !errors.Is(err, taxonomy.ErrBrandNotFound) {
		t.Errorf("no such brand: %v", err)
	}
	if _, err := b.ChangeBrand(t.Context(), b.admin, made["3M"], new("loreal"), nil, why); !errors.Is(err, taxonomy.ErrBrandTaken) {
		t.Errorf("another's name: %v", err)
	}
}

func TestOneBrandOfMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := domaintest.Codes(domaintest.AtOnce(8, func(int) error {
		_, err := b.CreateBrand(t.Context(), b.admin, "Nike", why)
		return err
	}))
	if got[""] != 1 || got["BRAND_TAKEN"] != 7 {
		t.Errorf("%v", got)
	}
}
