package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

// What a variant weighs is said with it, and what it can't weigh is refused where it stands.
func TestWeightsOfVariants(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller := a.Person(identity.Seller)
	const create = `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { id variants { grams } } userErrors { code field } } }`
	const add = `mutation($input: VariantAddInput!) { variantAdd(input: $input) { variant { grams } userErrors { code field } } }`
	shirt := func(grams int) apitest.Vars {
		return input(apitest.Vars{"kind": "RETAIL", "title": "A shirt", "draft": true, "optionNames": []string{"Size"}, "variants": []apitest.Vars{{"options": []string{"S"}, "grams": grams}}})
	}
	made := seller.Must(t, create, shirt(210)).At("listingCreate.listing")
	if made.Str("variants.0.grams") != "210" {
		t.Errorf("made: %s", made.Raw())
	}
	added := func(size string, grams int) string {
		variant := apitest.Vars{"options": []string{size}}
		if grams != -1 {
			variant["grams"] = grams
		}
		return string(seller.Must(t, add, input(apitest.Vars{"listingId": made.Str("id"), "variant": variant})).Raw())
	}
	for _, c := range []struct {
		size  string
		grams int
		want  string
	}{
		{"M", 1_000_000, `{"variantAdd":{"userErrors":[],"variant":{"grams":1000000}}}`},
		{"L", -1, `{"variantAdd":{"userErrors":[],"variant":{"grams":null}}}`},
		{"XL", 0, `{"variantAdd":{"userErrors":[{"code":"GRAMS_INVALID","field":["variant","grams"]}],"variant":null}}`},
		{"XL", 1_000_001, `{"variantAdd":{"userErrors":[{"code":"GRAMS_INVALID","field":["variant","grams"]}],"variant":null}}`},
	} {
		if got := inOrder(t, []byte(added(c.size, c.grams))); got != c.want {
			t.Errorf("%s of %d: %s", c.size, c.grams, got)
		}
	}
	if got := string(seller.Must(t, create, shirt(0)).At("listingCreate.userErrors").Raw()); got != `[{"code":"GRAMS_INVALID","field":["variants","0","grams"]}]` {
		t.Errorf("at once: %s", got)
	}
}
