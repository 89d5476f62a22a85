package graph_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const refusals = ` userErrors { code field ... on AttributeValueInvalid { attribute { code type options { code } } } ... on AttributesMissing { attributes { code } } } }`

func change(name, fields string) string {
	return `mutation($input: ` + strings.ToUpper(name[:1]) + name[1:] + `Input!) { ` + name + `(input: $input) { ` + fields + refusals + ` }`
}

func namesOf(s string) apitest.Vars { return apitest.Vars{"ar": "اسم", "en": s, "fr": s + " fr"} }

// An admin makes a tree, a seller sorts a listing into it, and everybody finds it there.
func TestTaxonomyThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	admin, seller := a.Person(identity.Admin), a.Person(identity.Seller)
	category := func(slug string, more apitest.Vars) string {
		t.Helper()
		in := with(apitest.Vars{"slug": slug, "names": namesOf(slug), "reason": "x"}, "parentId", more["parentId"])
		return admin.Must(t, change("categoryCreate", "category { id }"), input(in)).Str("categoryCreate.category.id")
	}
	fashion := category("fashion", nil)
	shoes := category("shoes", apitest.Vars{"parentId": fashion})
	colour := admin.Must(t, change("attributeCreate", "attribute { id }"), input(apitest.Vars{
		"categoryId": fashion, "code": "colour", "names": namesOf("Colour"), "type": "CHOICE", "required": true, "reason": "x",
		"options": []any{apitest.Vars{"code": "red", "names": namesOf("Red")}},
	})).Str("attributeCreate.attribute.id")
	brand := admin.Must(t, change("brandCreate", "brand { id }"), input(apitest.Vars{"name": "Aigle", "reason": "x"})).Str("brandCreate.brand.id")

	in := apitest.Vars{"title": "A red boot", "price": eur("20"), "photoIds": []any{a.Photo(seller).String()}, "categoryId": shoes, "brandId": brand}
	create := change("listingCreate", "listing { id category { slug path { slug } } brand { name } attributes { value attribute { code names { ar } } } }")
	for _, c := range []struct{ values, want string }{
		{`[]`, `{"code":"ATTRIBUTE_MISSING","field":["attributes"],"attributes":[{"code":"colour"}]}`},
		{`green`, `{"code":"ATTRIBUTE_VALUE","field":["attributes","0","value"],"attribute":{"code":"colour","type":"CHOICE","options":[{"code":"red"}]}}`},
	} {
		wrong := with(in, "attributes", []any{})
		if c.values != `[]` {
			wrong = with(in, "attributes", []any{apitest.Vars{"attributeId": colour, "value": c.values}})
		}
		if got := body(t, seller.Client, create, input(wrong)); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.values, got)
		}
	}
	made := body(t, seller.Client, create, input(with(in, "attributes", []any{apitest.Vars{"attributeId": colour, "value": "red"}})))
	if !strings.Contains(made, `"category":{"slug":"shoes","path":[{"slug":"fashion"},{"slug":"shoes"}]},"brand":{"name":"Aigle"},"attributes":[{"value":"red","attribute":{"code":"colour","names":{"ar":"اسم"}}}]`) {
		t.Errorf("made %s", made)
	}
	const list = `query($filter: ListingFilter) { listings(filter: $filter) { nodes { title } } }`
	for name, filter := range map[string]apitest.Vars{"its category": {"categoryId": shoes}, "the one above": {"categoryId": fashion}, "its brand": {"brandId": brand}} {
		if got := body(t, a.Nobody(), list, apitest.Vars{"filter": filter}); !strings.Contains(got, "A red boot") {
			t.Errorf("by %s: %s", name, got)
		}
	}
	if got := body(t, a.Nobody(), list, apitest.Vars{"filter": apitest.Vars{"categoryId": id.Category.Encode(id.New())}}); !strings.Contains(got, `"nodes":[]`) {
		t.Errorf("by another: %s", got)
	}
	tree := body(t, a.Nobody(), `{ categories { slug children { slug parent { slug } attributes { code } } } category(slug: "shoes") { names { fr } }
		none: category(slug: "none") { id } brands(startsWith: "AIG") { name } }`, nil)
	for _, want := range []string{`{"slug":"fashion","children":[{"slug":"shoes","parent":{"slug":"fashion"},"attributes":[{"code":"colour"}]}]}`, `"fr":"shoes fr"`, `"none":null`, `"brands":[{"name":"Aigle"}]`} {
		if !strings.Contains(tree, want) {
			t.Errorf("%s is not in %s", want, tree)
		}
	}
	for _, v := range []string{shoes, brand, colour} {
		if got := body(t, a.Nobody(), `query($id: ID!) { node(id: $id) { id } }`, apitest.Vars{"id": v}); !strings.Contains(got, v) {
			t.Errorf("node: %s", got)
		}
	}
	if got := body(t, admin.Client, change("categoryMove", "category { id }"), input(apitest.Vars{"categoryId": fashion, "parentId": shoes, "reason": "x"})); !strings.Contains(got, `{"category":null,"userErrors":[{"code":"CATEGORY_CYCLE","field":["parentId"]}]}`) {
		t.Errorf("below itself: %s", got)
	}
	for name, m := range map[string]struct {
		fields string
		in     apitest.Vars
	}{
		"categoryUpdate":  {"category { retiredAt }", apitest.Vars{"categoryId": shoes, "retired": true}},
		"categoryMove":    {"category { parent { id } }", apitest.Vars{"categoryId": shoes}},
		"brandUpdate":     {"brand { name }", apitest.Vars{"brandId": brand, "name": "AIGLE"}},
		"attributeUpdate": {"attribute { required }", apitest.Vars{"attributeId": colour, "required": false}},
	} {
		for _, who := range []graphtest.Person{seller, a.Person(identity.Support)} {
			if code := codeOf(t, who.Client, change(name, m.fields), input(with(m.in, "reason", "x"))); code != "FORBIDDEN" {
				t.Errorf("%s by %s: %s", name, who.Email, code)
			}
		}
		if got := body(t, admin.Client, change(name, m.fields), input(with(m.in, "reason", "x"))); !strings.Contains(got, `"userErrors":[]`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	log := body(t, admin.Client, `{ adminActions { nodes { action subject } } }`, nil)
	for _, want := range []string{"CATEGORY_CREATED", "CATEGORY_CHANGED", "CATEGORY_MOVED", "BRAND_CREATED", "BRAND_CHANGED", "ATTRIBUTE_CREATED", "ATTRIBUTE_CHANGED", shoes} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}
