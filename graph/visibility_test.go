package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/show"
)

// secretTitle is in each answer that shows the listing, and in no other.
const secretTitle = "Not for everybody"

// path is one way to a listing.
type path struct {
	query string
	vars  apitest.Vars
	// own says that the path leads to a listing of the actor's own, or of an order of theirs: it is not for everybody.
	own bool
}

// shelf is a listing that is reached by every path there is.
type shelf struct {
	*graphtest.API
	seller, buyer, winner, support graphtest.Person
	listing                        catalog.Listing
	paths                          map[string]path
}

// newShelf has a listing in a show's lot, with a conversation about it; sold lots have orders besides.
func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{API: graphtest.New(t)}
	s.seller, s.buyer, s.winner, s.support = s.Person(identity.Seller), s.Funded(100), s.Funded(100), s.Person(identity.Support)
	live, err := s.Resolver.Shows.Create(t.Context(), s.seller.ID, show.Draft{Title: "A show of it", StartsAt: s.Resolver.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if live, err = s.Resolver.Shows.Start(t.Context(), s.seller.ID, live.ID); err != nil {
		t.Fatal(err)
	}
	lot := s.Lot(s.seller, &live.ID)
	s.listing, err = s.Resolver.Catalog.Get(t.Context(), lot.ListingID)
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(`UPDATE listing SET title = $2 WHERE id = $1`, lot.ListingID, secretTitle)
	talk, _, err := s.Resolver.Chat.Start(t.Context(), s.buyer.ID, lot.ListingID, "Is it still there?")
	if err != nil {
		t.Fatal(err)
	}
	s.Bid(s.winner, lot, 10)
	order := s.Close(lot)
	listing, auction := s.listing.NodeID(), lot.NodeID()
	one := func(v id.ID) apitest.Vars { return apitest.Vars{"id": v.String()} }
	s.paths = map[string]path{
		"node":             {`query($id: ID!) { node(id: $id) { ... on Listing { title } } }`, one(listing), false},
		"listing":          {`query($id: ID!) { listing(id: $id) { title } }`, one(listing), false},
		"node of variant":  {`query($id: ID!) { node(id: $id) { ... on Variant { listing { title } } } }`, one(id.Variant.ID(listing.UUID)), false},
		"listings":         {`{ listings(status: SOLD, first: 100) { nodes { title } } }`, nil, false},
		"edges":            {`{ listings(first: 100) { edges { node { title } } } }`, nil, false},
		"of the seller":    {`query($id: ID!) { listings(sellerId: $id) { nodes { title } } }`, one(id.User.ID(s.seller.ID)), false},
		"shop":             {`query($id: ID!) { node(id: $id) { ... on User { listings { nodes { title } } } } }`, one(id.User.ID(s.seller.ID)), false},
		"shop of status":   {`query($id: ID!) { node(id: $id) { ... on User { listings(status: SOLD) { nodes { title } } } } }`, one(id.User.ID(s.seller.ID)), false},
		"auction":          {`query($id: ID!) { auction(id: $id) { listing { title } } }`, one(auction), false},
		"auctions":         {`{ auctions(first: 100) { nodes { listing { title } } } }`, nil, false},
		"auction's seller": {`query($id: ID!) { auction(id: $id) { seller { listings { nodes { title } } } } }`, one(auction), false},
		"lots of a show":   {`query($id: ID!) { show(id: $id) { allLots(first: 10) { nodes { listing { title } } } sales(first: 10) { nodes { listing { title } } } } }`, one(live.NodeID()), false},
		"conversation":     {`query($id: ID!) { conversation(id: $id) { listing { title } } }`, one(talk.NodeID()), false},
		"conversations":    {`{ viewer { conversations { nodes { listing { title } } } } }`, nil, false},
		"own listings":     {`{ viewer { listings { nodes { title } } } }`, nil, true},
		"order":            {`query($id: ID!) { order(id: $id) { listing { title } } }`, one(order), true},
		"purchases":        {`{ viewer { purchases { nodes { listing { title } } } } }`, nil, true},
	}
	return s
}

// shown are the paths by which somebody sees the listing.
func (s *shelf) shown(t *testing.T, who apitest.Client, mine bool) (open []string) {
	t.Helper()
	for name, p := range s.paths {
		if p.own != mine {
			continue
		}
		answer, err := who.Do(p.query, p.vars)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range answer.Errors {
			if e.Extensions.Code != "UNAUTHENTICATED" {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if strings.Contains(string(answer.Data), secretTitle) {
			open = append(open, name)
		}
	}
	return open
}

// Drafts, what support hid and what banned sellers have are on no path for anybody but their seller, staff, and who bought them.
func TestWhatIsNotForEverybody(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	if open := s.shown(t, s.buyer.Client, false); len(open) != 14 {
		t.Fatalf("before, the buyer sees it by %v", open)
	}
	const change = `UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`
	for _, c := range []struct{ name, do, undo string }{
		{"hidden", change, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`},
		{"of a banned seller", `UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`,
			`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`},
	} {
		s.Exec(c.do, s.listing.ID)
		for _, who := range []graphtest.Person{s.buyer, s.winner, s.Person(identity.Seller)} {
			if open := s.shown(t, who.Client, false); len(open) > 0 {
				t.Errorf("%s: %s sees it by %v", c.name, who.Email, open)
			}
		}
		if open := s.shown(t, s.Nobody(), false); len(open) > 0 {
			t.Errorf("%s: nobody sees it by %v", c.name, open)
		}
		if open := s.shown(t, s.winner.Client, true); len(open) != 2 {
			t.Errorf("%s: who bought it sees it by %v", c.name, open)
		}
		if open := s.shown(t, s.support.Client, false); len(open) != 3 {
			t.Errorf("%s: support sees it by %v", c.name, open)
		}
		if code := codeOf(t, s.winner.Client, `mutation($input: ConversationStartInput!) { conversationStart(input: $input) { userErrors { code } } }`,
			apitest.Vars{"input": apitest.Vars{"listingId": s.listing.NodeID().String(), "body": "Hello"}}); code != "LISTING_NOT_FOUND" {
			t.Errorf("%s: a conversation about it begins: %s", c.name, code)
		}
		s.Exec(c.undo, s.listing.ID)
	}
	s.Exec(change, s.listing.ID)
	if open := s.shown(t, s.seller.Client, true); len(open) != 2 { // and the order
		t.Errorf("its seller sees it by %v", open)
	}
}

// What is offered to a tier is in no list for anybody, and by its id for who has the tier, besides its seller and staff.
func TestWhatIsForSomeBuyers(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.Exec(`UPDATE listing SET minimum_tier = 'VERIFIED' WHERE id = $1`, s.listing.ID)
	known := s.Funded(100)
	s.Exec(`UPDATE app_user SET tier = 'TRUSTED' WHERE id = $1`, known.ID)
	for _, who := range []apitest.Client{s.buyer.Client, s.Person(identity.Seller).Client, s.Nobody()} {
		if open := s.shown(t, who, false); len(open) > 0 {
			t.Errorf("shown by %v", open)
		}
	}
	byID := []string{"listing", "node", "node of variant"}
	for name, who := range map[string]apitest.Client{"who has the tier": known.Client, "support": s.support.Client} {
		open := s.shown(t, who, false)
		if slices.Sort(open); !slices.Equal(open, byID) {
			t.Errorf("%s sees it by %v", name, open)
		}
	}
	if open := s.shown(t, s.winner.Client, true); len(open) != 2 {
		t.Errorf("who bought it sees it by %v", open)
	}
	if open := s.shown(t, s.seller.Client, true); len(open) != 2 {
		t.Errorf("its seller sees it by %v", open)
	}
	s.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, s.listing.ID)
	if open := s.shown(t, known.Client, false); len(open) > 0 {
		t.Errorf("hidden, who has the tier sees it by %v", open)
	}
}

// A draft is its seller's, also once it is given up.
func TestDraftsAreNobodyElses(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	draft, err := s.Resolver.Catalog.Create(t.Context(), s.seller.ID, catalog.CreateInput{Title: secretTitle, Condition: "NEW", Draft: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(`UPDATE listing SET title = 'Seen' WHERE id = $1`, s.listing.ID)
	look := func(want bool, who apitest.Client) {
		t.Helper()
		for _, query := range []string{
			`query($id: ID!, $seller: ID!) { listing(id: $id) { title } s: node(id: $seller) { id } }`,
			`query($id: ID!, $seller: ID!) { node(id: $id) { ... on Listing { title } } s: node(id: $seller) { id } }`,
			`query($id: ID!, $seller: ID!) { listings(sellerId: $seller, status: DRAFT) { nodes { title } } e: listings(status: ENDED) { nodes { title } } l: listing(id: $id) { title } }`,
		} {
			answer, err := who.Do(query, apitest.Vars{"id": draft.NodeID().String(), "seller": id.User.Encode(s.seller.ID)})
			if err != nil || len(answer.Errors) > 0 {
				t.Fatalf("%s: %+v, %v", query, answer.Errors, err)
			}
			if got := strings.Contains(string(answer.Data), secretTitle); got != want {
				t.Errorf("%s: %v", query, got)
			}
		}
	}
	look(true, s.seller.Client)
	look(false, s.buyer.Client)
	look(false, s.Nobody())
	if _, err := s.Resolver.Catalog.End(t.Context(), s.seller.ID, draft.ID); err != nil {
		t.Fatal(err)
	}
	look(false, s.buyer.Client)
	look(true, s.support.Client)
	if code := codeOf(t, s.seller.Client, `mutation($input: ListingPublishInput!) { listingPublish(input: $input) { userErrors { code } } }`,
		apitest.Vars{"input": apitest.Vars{"listingId": draft.NodeID().String()}}); code != "PHOTO_COUNT" {
		t.Errorf("an incomplete one is published: %s", code)
	}
	if n := s.Int(`SELECT count(*) FROM listing WHERE id = $1 AND published_at IS NULL`, draft.ID); n != 1 {
		t.Error("a draft that was given up was published")
	}
}
