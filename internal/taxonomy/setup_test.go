package taxonomy_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/taxonomy"
)

const why = "The spring's tree"

type bundle struct {
	*domaintest.World
	*taxonomy.Service

	admin uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{World: w, Service: taxonomy.New(w.Pool), admin: w.User(identity.Admin)}
}

func named(s string) taxonomy.Names { return taxonomy.Names{Ar: "اسم " + s, En: s, Fr: s + " (fr)"} }

func (b *bundle) category(slug string, parent *uuid.UUID) uuid.UUID {
	b.T.Helper()
	c, err := b.CreateCategory(b.Ctx(), b.admin, taxonomy.CategoryInput{Parent: parent, Slug: slug, Names: named(slug), Reason: why})
	b.Must(err)
	return c.ID
}

// chain is categories one below the other, from the top.
func (b *bundle) chain(slugs ...string) (ids []uuid.UUID) {
	b.T.Helper()
	var parent *uuid.UUID
	for _, slug := range slugs {
		id := b.category(slug, parent)
		ids, parent = append(ids, id), &id
	}
	return ids
}

func (b *bundle) move(category uuid.UUID, parent *uuid.UUID) error {
	_, err := b.MoveCategory(b.Ctx(), b.admin, category, parent, 0, why)
	return err
}

func (b *bundle) attribute(in taxonomy.AttributeInput) taxonomy.Attribute {
	b.T.Helper()
	in.Names, in.Reason = named(in.Code), why
	a, err := b.CreateAttribute(b.Ctx(), b.admin, in)
	b.Must(err)
	return a
}

func slugsOf(cs []taxonomy.Category) string {
	var slugs []string
	for _, c := range cs {
		slugs = append(slugs, c.Slug)
	}
	return strings.Join(slugs, " ")
}
