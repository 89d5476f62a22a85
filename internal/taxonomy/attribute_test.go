package taxonomy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/taxonomy"
)

func options(codes ...string) (out []taxonomy.Option) {
	for _, code := range codes {
		out = append(out, taxonomy.Option{Code: code, Names: named(code)})
	}
	return out
}

// A category has what those above it have, then its own; a retired one counts no more.
func TestAttributesAreInherited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tree := b.chain("a", "b", "c")
	colour := b.attribute(taxonomy.AttributeInput{Category: tree[0], Code: "colour", Type: taxonomy.Choice, Options: options("red", "blue"), Position: 2})
	b.attribute(taxonomy.AttributeInput{Category: tree[0], Code: "material", Type: taxonomy.Text, Position: 1})
	b.attribute(taxonomy.AttributeInput{Category: tree[2], Code: "heel", Type: taxonomy.Number, Unit: new("cm"), Required: true})
	codes := func(category uuid.UUID) string {
		t.Helper()
		all, err := b.Attributes(t.Context(), tree)
		b.Must(err)
		var codes []string
		for _, a := range all[category] {
			codes = append(codes, a.Code)
		}
		return strings.Join(codes, " ")
	}
	if got := codes(tree[2]) + "/" + codes(tree[1]); got != "material colour heel/material colour" {
		t.Errorf("by category: %s", got)
	}
	changed, err := b.ChangeAttribute(t.Context(), b.admin, colour.ID, taxonomy.AttributeChange{
		Names: &taxonomy.Names{Ar: "لون", En: "Colour", Fr: "Couleur"}, Required: new(true), Options: options("green", "red"), Reason: why,
	})
	if b.Must(err); !changed.Required || changed.Names.Fr != "Couleur" || changed.Type != taxonomy.Choice {
		t.Errorf("changed: %+v", changed)
	}
	all, err := b.Options(t.Context(), []uuid.UUID{colour.ID})
	b.Must(err)
	if got := fmt.Sprint(all[colour.ID][0].Code, all[colour.ID][1].Code, all[colour.ID][1].Retired, all[colour.ID][2].Code); got != "greenbluetruered" {
		t.Errorf("options: %s", got)
	}
	_, err = b.ChangeAttribute(t.Context(), b.admin, colour.ID, taxonomy.AttributeChange{Retired: new(true), Reason: why})
	if b.Must(err); codes(tree[1]) != "material" {
		t.Errorf("with a retired one: %s", codes(tree[1]))
	}
	b.Must(b.move(tree[2], nil)) // and nothing from above any more
	if got := codes(tree[2]); got != "heel" {
		t.Errorf("moved: %s", got)
	}
}

func TestAttributesRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	category := b.category("a", nil)
	text := b.attribute(taxonomy.AttributeInput{Category: category, Code: "taken", Type: taxonomy.Text})
	before := b.Digest()
	many := make([]string, 201)
	for i := range many {
		many[i] = fmt.Sprintf("o-%d", i)
	}
	for name, c := range map[string]struct {
		change func(*taxonomy.AttributeInput)
		want   error
	}{
		"a code that is taken": {func(in *taxonomy.AttributeInput) { in.Code = "taken" }, taxonomy.ErrAttributeCode},
		"a code that is none":  {func(in *taxonomy.AttributeInput) { in.Code = "a b" }, taxonomy.ErrSlug},
		"no name":              {func(in *taxonomy.AttributeInput) { in.Names.En = "" }, taxonomy.ErrName},
		"no such category":     {func(in *taxonomy.AttributeInput) { in.Category = id.New() }, taxonomy.ErrCategoryNotFound},
		"a text with a unit":   {func(in *taxonomy.AttributeInput) { in.Unit = new("cm") }, taxonomy.ErrAttributeType},
		"an empty unit":        {func(in *taxonomy.AttributeInput) { in.Type, in.Unit = taxonomy.Number, new(" ") }, taxonomy.ErrAttributeType},
		"a text with options":  {func(in *taxonomy.AttributeInput) { in.Options = options("a") }, taxonomy.ErrAttributeType},
		"a choice of nothing":  {func(in *taxonomy.AttributeInput) { in.Type = taxonomy.Choice }, taxonomy.ErrAttributeType},
		"an option twice":      {func(in *taxonomy.AttributeInput) { in.Type, in.Options = taxonomy.Choice, options("a", "a") }, taxonomy.ErrAttributeType},
		"201 options":          {func(in *taxonomy.AttributeInput) { in.Type, in.Options = taxonomy.Choice, options(many...) }, taxonomy.ErrAttributeType},
		"an option without names": {func(in *taxonomy.AttributeInput) {
			in.Type, in.Options = taxonomy.Choice, []taxonomy.Option{{Code: "a"}}
		}, taxonomy.ErrName},
		"an option of capitals": {func(in *taxonomy.AttributeInput) { in.Type, in.Options = taxonomy.Choice, options("A") }, taxonomy.ErrSlug},
	} {
		in := taxonomy.AttributeInput{Category: category, Code: "new", Names: named("new"), Type: taxonomy.Text, Reason: why}
		c.change(&in)
		if _, err := b.CreateAttribute(t.Context(), b.admin, in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		attribute uuid.UUID
		change    taxonomy.AttributeChange
		want      error
	}{
		"options of a text": {text.ID, taxonomy.AttributeChange{Options: options("a"), Reason: why}, taxonomy.ErrAttributeType},
		"no such attribute": {id.New(), taxonomy.AttributeChange{Reason: why}, taxonomy.ErrAttributeNotFound},
	} {
		if _, err := b.ChangeAttribute(t.Context(), b.admin, c.attribute, c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if b.Digest() != before {
		t.Error("what was refused left something")
	}
}

func TestFiftyAttributesOfACategory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	category := b.category("a", nil)
	got := domaintest.Codes(domaintest.AtOnce(60, func(i int) error {
		code := fmt.Sprintf("a-%d", i)
		_, err := b.CreateAttribute(t.Context(), b.admin, taxonomy.AttributeInput{Category: category, Code: code, Names: named(code), Type: taxonomy.Text, Reason: why})
		return err
	}))
	if got[""] != 50 || got["ATTRIBUTE_COUNT"] != 10 {
		t.Errorf("%v", got)
	}
}

// Each value has one form; what is of no type is refused by its place.
func TestValues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	category := b.category("a", nil)
	of := map[taxonomy.AttributeType]uuid.UUID{}
	for _, in := range []taxonomy.AttributeInput{
		{Code: "t", Type: taxonomy.Text},
		{Code: "n", Type: taxonomy.Number},
		{Code: "b", Type: taxonomy.Boolean},
		{Code: "c", Type: taxonomy.Choice, Options: options("red", "gone")},
	} {
		in.Category = category
		of[in.Type] = b.attribute(in).ID
	}
	_, err := b.ChangeAttribute(t.Context(), b.admin, of[taxonomy.Choice], taxonomy.AttributeChange{Options: options("red"), Reason: why})
	b.Must(err)
	sheet, err := b.SheetTx(t.Context(), b.Pool, &category)
	b.Must(err)
	for _, c := range []struct {
		kind        taxonomy.AttributeType
		value, want string
	}{
		{taxonomy.Text, "  wool ", "wool"},
		{taxonomy.Text, strings.Repeat("é", 200), strings.Repeat("é", 200)},
		{taxonomy.Text, strings.Repeat("é", 201), ""},
		{taxonomy.Text, "", ""},
		{taxonomy.Text, "two\nlines", ""},
		{taxonomy.Text, "a\u202eb", ""},
		{taxonomy.Number, "12.50", "12.5"},
		{taxonomy.Number, "0012", "12"},
		{taxonomy.Number, "-0.0", "0"},
		{taxonomy.Number, "-3.1", "-3.1"},
		{taxonomy.Number, "0.000001", "0.000001"},
		{taxonomy.Number, "999999999999999.999999", "999999999999999.999999"},
		{taxonomy.Number, "1e3", ""},
		{taxonomy.Number, "1,5", ""},
		{taxonomy.Number, "NaN", ""},
		{taxonomy.Number, "1.", ""},
		{taxonomy.Number, strings.Repeat("1", 100_000), ""},
		{taxonomy.Boolean, "true", "true"},
		{taxonomy.Boolean, "TRUE", ""},
		{taxonomy.Boolean, "1", ""},
		{taxonomy.Choice, "red", "red"},
		{taxonomy.Choice, "gone", ""},
		{taxonomy.Choice, "Red", ""},
	} {
		got, err := sheet.Check([]taxonomy.Value{{Attribute: of[c.kind], Value: c.value}})
		switch {
		case c.want == "" && !errors.Is(err, taxonomy.ErrAttributeValue):
			t.Errorf("%s %.20q: %v", c.kind, c.value, err)
		case c.want != "" && (err != nil || got[0].Value.Value != c.want || got[0].Type != c.kind):
			t.Errorf("%s %.20q: %+v, %v", c.kind, c.value, got, err)
		}
	}
	twice := taxonomy.Value{Attribute: of[taxonomy.Text], Value: "x"}
	if _, err := sheet.Check([]taxonomy.Value{twice, twice}); !errors.Is(err, taxonomy.ErrAttributeTwice) {
		t.Errorf("twice: %v", err)
	}
	if _, err := sheet.Check([]taxonomy.Value{{Attribute: id.New(), Value: "x"}}); !errors.Is(err, taxonomy.ErrAttributeForeign) {
		t.Errorf("of another category: %v", err)
	}
}
