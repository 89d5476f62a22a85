package graph_test

import (
	"slices"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// Viewers of another language, or of another class, are in another group; by which transport they come, in which words they ask
// for their language, and who among the staff they are makes none.
func TestGroupsByKind(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	vars := apitest.Vars{"id": a.Lot(a.Person("SELLER"), nil).NodeID().String()}
	buyer, support, admin := a.Person("BUYER"), a.Person("SUPPORT"), a.Person("ADMIN")
	groups := 0.0
	for _, viewer := range []struct {
		name  string
		who   apitest.Client
		byWS  bool
		group bool // it is the first of its kind
	}{
		{"nobody", a.Nobody(), true, true},
		{"nobody, over server-sent events", a.Nobody(), false, false},
		{"who reads English", a.Nobody().Reading("en-GB"), true, false},
		{"who reads what we do not write", a.Nobody().Reading("ja"), false, false},
		{"who reads French", a.Nobody().Reading("fr"), true, true},
		{"who reads French, over server-sent events", a.Nobody().Reading("de, fr-CA;q=0.5"), false, false},
		{"who reads Arabic", a.Nobody().Reading("ar-MA,ar;q=0.9"), false, true},
		{"a buyer", buyer.Client, true, true},
		{"the buyer again", buyer.Client, false, false},
		{"a buyer who reads French", buyer.Reading("fr"), true, true},
		{"support", support.Client, true, true},
		{"an admin", admin.Client, false, false},
	} {
		if viewer.byWS {
			viewer.who.Subscribe(t, lotVersions, vars).Next()
		} else if _, err := viewer.who.Listen(t, lotVersions, vars).Receive(); err != nil {
			t.Fatal(err)
		}
		if viewer.group {
			groups++
		}
		if got := live(t, a)["souk_audience_groups"]; got != groups {
			t.Fatalf("with %s there are %v groups, want %v", viewer.name, got, groups)
		}
	}
}

// Who comes back with a cursor asks the database for nothing but one's session, whatever kinds there are: a storm's statements
// do not follow its viewers.
func TestAStormOfEveryKindAsksForNothing(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot, bidder := a.Lot(a.Person("SELLER"), nil), a.Funded(100)
	vars := apitest.Vars{"id": lot.NodeID().String(), "after": 1}
	var kinds []apitest.Client
	for _, who := range []apitest.Client{a.Nobody(), a.Person("BUYER").Client, a.Person("SUPPORT").Client} {
		for _, language := range []string{"ar", "en", "fr"} {
			kinds = append(kinds, who.Reading(language))
		}
	}
	for _, who := range kinds { // each kind's group lives on
		who.Subscribe(t, lotVersions, apitest.Vars{"id": vars["id"]}).Next()
	}
	a.Bid(bidder, lot, 20)
	for _, who := range kinds {
		who.Subscribe(t, lotVersions, vars).Next()
	}
	a.Statements.Drain()
	const each = 5
	for range each {
		for _, who := range kinds {
			if got := who.Subscribe(t, lotVersions, vars).Next().Int("auctionEvents.version"); got != 2 {
				t.Fatalf("version %d", got)
			}
		}
	}
	asked := slices.DeleteFunc(a.Statements.Drain(), func(s string) bool { return s == "SessionUser" })
	if len(asked) > 0 {
		t.Errorf("%d viewers came back, and the database was asked %v", each*len(kinds), asked)
	}
}
