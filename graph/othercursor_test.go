package graph_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
)

// narrowed is a list that takes filters or an order: how it is asked with one, and a cursor that it gave out for something else.
type narrowed struct {
	who    graphtest.Person
	query  string // with $after
	cursor string
}

// elsewhere are cursors of a list by time, and of one by number, that was asked for something that nobody asks for here.
func elsewhere(list byte) string {
	return page.Key{At: time.Now(), ID: uuid.Max}.Encode(list, page.AskedFor("something else"))
}

func elsewhereNumbered(list byte) string {
	return page.EncodeNumber(list, math.MaxInt32, page.AskedFor("something else"))
}

// A cursor that was given out for one filter or order is refused with another, on every list of the schema that takes one.
func TestNoCursorOfAnotherQuery(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	lists := map[string]narrowed{
		"Query.auctions":        {b.buyer, `query($after: String) { auctions(status: OPEN, after: $after) { nodes { id } } }`, elsewhere('A')},
		"Query.listings":        {b.buyer, `query($after: String) { listings(kind: ONE_OFF, after: $after) { nodes { id } } }`, elsewhere('L')},
		"Query.shows":           {b.buyer, `query($after: String) { shows(orderBy: SOONEST, after: $after) { nodes { id } } }`, elsewhere('S')},
		"Query.wants":           {b.seller, `query($after: String) { wants(after: $after) { nodes { id } } }`, elsewhere('O')},
		"Query.chargebacks":     {b.support, `query($after: String) { chargebacks(status: LOST, after: $after) { nodes { id } } }`, elsewhere('K')},
		"Query.riskReviews":     {b.support, `query($after: String) { riskReviews(after: $after) { nodes { id } } }`, elsewhere('R')},
		"Query.ledgerAccounts":  {b.support, `query($after: String) { ledgerAccounts(kind: WALLET, after: $after) { nodes { kind } } }`, elsewhereNumbered('K')},
		"Viewer.listings":       {b.seller, `query($after: String) { viewer { listings(status: ACTIVE, after: $after) { nodes { id } } } }`, elsewhere('l')},
		"User.listings":         {b.buyer, `query($after: String) { viewer { user { listings(status: ACTIVE, after: $after) { nodes { id } } } } }`, elsewhere('L')},
		"Viewer.notifications":  {b.buyer, `query($after: String) { viewer { notifications(unread: true, after: $after) { nodes { id } } } }`, elsewhere('N')},
		"Viewer.offersMade":     {b.buyer, `query($after: String) { viewer { offersMade(live: true, after: $after) { nodes { id } } } }`, elsewhere('f')},
		"Viewer.offersReceived": {b.seller, `query($after: String) { viewer { offersReceived(after: $after) { nodes { id } } } }`, elsewhere('F')},
		"Query.search":          {b.buyer, `query($after: String) { search(text: "pot", after: $after) { nodes { id } } }`, ""},
	}
	found := b.buyer.Must(t, `{ search(first: 1) { pageInfo { endCursor } } }`, nil).Str("search.pageInfo.endCursor")
	search := lists["Query.search"]
	search.cursor = found
	lists["Query.search"] = search
	for name, l := range lists {
		answer, err := l.who.Do(l.query, apitest.Vars{"after": l.cursor})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "CURSOR_OF_ANOTHER_QUERY" {
			t.Errorf("%s: %+v", name, answer.Errors)
		}
	}
	for _, def := range schema().Types {
		for _, f := range def.Fields {
			if name := def.Name + "." + f.Name; (narrows(f) || name == "Query.wants") && lists[name].query == "" {
				t.Errorf("%s takes a filter or an order, and is not tried", name)
			}
		}
	}
}

// narrows says of a field that it is a list in pages that takes more than the page.
func narrows(f *ast.FieldDefinition) bool {
	if f.Arguments.ForName("after") == nil {
		return false
	}
	for _, a := range f.Arguments {
		if a.Name != "first" && a.Name != "after" && !strings.HasSuffix(a.Type.Name(), "ID") {
			return true
		}
	}
	return false
}

// Its own cursor each list takes, with the same filter.
func TestACursorOfTheSameQuery(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	seller := a.Person(identity.Seller)
	for range 3 {
		a.Listing(seller, "A brass pot")
		a.Lot(seller, nil)
	}
	for _, list := range []string{"listings(kind: ONE_OFF, ", "auctions(status: OPEN, ", "listings("} {
		query := `query($after: String) { ` + list + `first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`
		field, _, _ := strings.Cut(list, "(")
		seen, after := map[string]bool{}, any(nil)
		for {
			got := a.Nobody().Must(t, query, apitest.Vars{"after": after})
			before := len(seen)
			for i := range 2 {
				if node := got.Str(field + ".nodes." + strconv.Itoa(i) + ".id"); node != "null" && node != "" {
					seen[node] = true
				}
			}
			if after = got.Str(field + ".pageInfo.endCursor"); len(seen) == before || !strings.Contains(string(got.Raw()), `"hasNextPage":true`) {
				break
			}
		}
		if len(seen) < 3 {
			t.Errorf("%s: %d things in pages", list, len(seen))
		}
	}
}
