package graph

import (
	"context"
	"slices"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/souklive/souk/graph/answer"
	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/taxonomy"
)

// Lists that are written by the tables are what gqlgen's executor writes, byte for byte, and so are the errors of those that fail.
func TestStraightLists(t *testing.T) {
	t.Parallel()
	in := map[string]bool{}
	types := newListTypes(&invented{Resolver: &Resolver{}})
	inTables(in, types)
	inTables(in, types.sharedTypes)
	may := func(of *ast.Definition, f *ast.FieldDefinition) bool { return in[of.Name+"."+f.Name] }
	for _, name := range []string{"listings", "search"} {
		root := schemaOf().Query.Fields.ForName(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := &invented{Resolver: &Resolver{}, seed: rapid.Uint64().Draw(t, "seed"), wrong: rapid.SampledFrom([]int{0, 0, 3, 30}).Draw(t, "wrong in a hundred")}
				query := selectSome(t, "query", root, name+"(first: 3)", may)
				schema := generated.NewExecutableSchema(generated.Config{Resolvers: w})
				if _, _, err := answer.Query(schema.Schema(), operation(t, executor.New(schema), query), newListTypes(w).roots()); err != nil {
					t.Fatalf("%s is left to gqlgen: %v", query, err)
				}
				theirs, ours := w.answers(t, query, false), w.answers(t, query, true)
				if !slices.Equal(theirs, ours) {
					t.Fatalf("%s\n\ngqlgen   %.3000s\nstraight %.3000s", query, theirs, ours)
				}
			})
		})
	}
}

// Several lists in one query, one of them under two names, and a picture's width.
func TestStraightListsBesideEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &invented{Resolver: &Resolver{}, seed: rapid.Uint64().Draw(t, "seed"), wrong: rapid.SampledFrom([]int{0, 20}).Draw(t, "wrong in a hundred")}
		const query = `{ a: listings { nodes { id photos { url(width: 64) full: url } seller { name } } } listings { pageInfo { endCursor } }
			search(text: "x") { totalCount facets { kinds { kind count } categories { category { slug } count } } } }`
		if theirs, ours := w.answers(t, query, false), w.answers(t, query, true); !slices.Equal(theirs, ours) {
			t.Fatalf("gqlgen   %.3000s\nstraight %.3000s", theirs, ours)
		}
	})
}

// What is not in the tables, or asked for in a way that they do not know, is left to gqlgen and not touched.
func TestListsThatAreLeftToGqlgen(t *testing.T) {
	t.Parallel()
	w := &invented{Resolver: &Resolver{}}
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: w})
	for _, query := range []string{
		`{ listings { nodes { reviews(first: 2) { nodes { id } } } } }`,
		`{ listings { nodes { id } } viewer { email } }`,
		`{ ...F } fragment F on Query { listings { nodes { id } } }`,
		`query($yes: Boolean!) { listings @include(if: $yes) { nodes { id } } }`,
		`{ listings { nodes { id } } listings { nodes { title } } }`,
		`{ __typename listings { nodes { id } } }`,
	} {
		op := operation(t, executor.New(schema), query)
		before := op.Operation
		if _, _, err := answer.Query(schema.Schema(), op, newListTypes(w).roots()); err == nil || op.Operation != before {
			t.Errorf("taken: %s", query)
		}
	}
}

type (
	inventedQuery struct {
		generated.QueryResolver
		w *invented
	}
	inventedCategory struct {
		generated.CategoryResolver
		w *invented
	}
	inventedCategoryCount  struct{ w *invented }
	inventedBrandCount     struct{ w *invented }
	inventedAttributeCount struct{ w *invented }
)

func (w *invented) Query() generated.QueryResolver       { return inventedQuery{nil, w} }
func (w *invented) Category() generated.CategoryResolver { return inventedCategory{nil, w} }
func (w *invented) CategoryCount() generated.CategoryCountResolver {
	return inventedCategoryCount{w}
}
func (w *invented) BrandCount() generated.BrandCountResolver { return inventedBrandCount{w} }
func (w *invented) AttributeCount() generated.AttributeCountResolver {
	return inventedAttributeCount{w}
}

func (r inventedQuery) Listings(context.Context, *id.ID, *catalog.Kind, *catalog.Status, *model.ListingFilter, *int, *string) (catalog.ListingPage, error) {
	nodes, err := inventing[[]catalog.Listing](r.w, "listings", nil)
	return page.Of(nodes, 2, func(l catalog.Listing) catalog.Listing { return l }, func(l catalog.Listing) string { return l.Title }), err
}

func (r inventedQuery) Search(context.Context, *string, *model.SearchFilter, *search.Sort, *int, *string) (search.Result, error) {
	nodes, err := inventing[[]catalog.Listing](r.w, "search", nil)
	if err != nil {
		return search.Result{}, err
	}
	facets, err := inventing[search.Facets](r.w, "facets", nil)
	return search.Result{Nodes: nodes, TotalCount: int64(len(nodes)), Facets: facets}, err
}

func (r inventedListing) Category(_ context.Context, of *catalog.Listing) (*taxonomy.Category, error) {
	return inventing[*taxonomy.Category](r.w, "category", of.ID)
}

func (r inventedListing) Brand(_ context.Context, of *catalog.Listing) (*taxonomy.Brand, error) {
	return inventing[*taxonomy.Brand](r.w, "brand", of.ID)
}

func (r inventedCategory) Parent(_ context.Context, of *taxonomy.Category) (*taxonomy.Category, error) {
	return inventing[*taxonomy.Category](r.w, "parent", of.ID)
}

func (r inventedCategoryCount) Category(_ context.Context, of *search.CategoryCount) (taxonomy.Category, error) {
	return inventing[taxonomy.Category](r.w, "category", of.Category)
}

func (r inventedBrandCount) Brand(_ context.Context, of *search.BrandCount) (taxonomy.Brand, error) {
	return inventing[taxonomy.Brand](r.w, "brand", of.Brand)
}

func (r inventedAttributeCount) Attribute(_ context.Context, of *search.AttributeCount) (taxonomy.Attribute, error) {
	return inventing[taxonomy.Attribute](r.w, "attribute", of.Attribute)
}
