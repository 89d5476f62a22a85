package graph_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/show"
)

const showWatch = `subscription($id: ID!, $after: Int, $epoch: String) {
	showEvents(showId: $id, afterVersion: $after, epoch: $epoch) { version epoch kind serverTime show { id status host { id } } } }`

// showSeen is what a viewer of showWatch is sent.
type showSeen struct {
	ShowEvents struct {
		Version int
		Epoch   string
		Kind    string
		Show    *struct{ ID, Status string }
	}
}

func wantShow(t *testing.T, stream *apitest.Stream, want string) showSeen {
	t.Helper()
	data, err := stream.Receive()
	if err != nil {
		t.Fatal(err)
	}
	var got showSeen
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%d %s", got.ShowEvents.Version, got.ShowEvents.Kind)
	if s := got.ShowEvents.Show; s != nil {
		text += " " + s.Status
	}
	if text != want {
		t.Fatalf("%s, want %s", data, want)
	}
	return got
}

// A viewer of a show begins with it as it is, hears what becomes of it, and goes on where they stopped; shared or alone.
func TestShowEvents(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{"shared": showWatch, "alone": strings.Replace(showWatch, "status", "status lots { id }", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := graphtest.New(t)
			host := a.Person("SELLER")
			s, err := a.Resolver.Shows.Create(t.Context(), host.ID, show.Draft{Title: "A show", StartsAt: a.Resolver.Clock.Now()})
			if err != nil {
				t.Fatal(err)
			}
			vars := apitest.Vars{"id": s.NodeID().String()}
			stream := a.Nobody().Subscribe(t, query, vars)
			first := wantShow(t, stream, "1 SNAPSHOT SCHEDULED")
			host.Must(t, `mutation($input: ShowStartInput!) { showStart(input: $input) { show { id } userErrors { code } } }`,
				input(apitest.Vars{"showId": s.NodeID().String()}))
			wantShow(t, stream, "2 STARTED LIVE")
			vars["epoch"] = first.ShowEvents.Epoch
			wantShow(t, a.Nobody().Subscribe(t, query, with(vars, "after", 1)), "2 STARTED LIVE")
			wantShow(t, a.Nobody().Subscribe(t, query, with(vars, "after", 0)), "1 SCHEDULED "+string(show.Scheduled))
			wantShow(t, a.Nobody().Subscribe(t, query, with(vars, "after", 7)), "2 SNAPSHOT LIVE")
			time.Sleep(freshFor)
			wantShow(t, a.Nobody().Subscribe(t, query, with(with(vars, "after", 2), "epoch", "another")), "2 SNAPSHOT LIVE")
		})
	}
}

func TestShowEventsRefuses(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	s, err := a.Resolver.Shows.Create(t.Context(), a.Person("SELLER").ID, show.Draft{Title: "A show", StartsAt: a.Resolver.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for code, vars := range map[string]apitest.Vars{
		"SHOW_NOT_FOUND": {"id": id.Show.Encode(id.New())},
		"ID_WRONG_KIND":  {"id": id.Auction.Encode(id.New())},
		"CURSOR_INVALID": {"id": s.NodeID().String(), "after": -1},
	} {
		if data, err := a.Nobody().Subscribe(t, showWatch, vars).Receive(); err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %s, %v", code, data, err)
		}
	}
}

// What several shows have of lots and messages is read together: one statement for each list, however many shows there are.
func TestListsOfShowsAreReadTogether(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	host := a.Person(identity.Seller)
	const query = `{ shows { nodes { title
		queue(first: 2) { nodes { lotNumber } pageInfo { hasNextPage endCursor } } allLots(first: 2) { nodes { lotNumber } } sales { nodes { lotNumber } }
		messages(first: 2) { nodes { number } } other: queue { nodes { lotNumber } } } } }`
	for n := range 3 {
		sh := liveShow(t, a, host)
		_, raw, err := id.Parse(sh)
		if err != nil {
			t.Fatal(err)
		}
		for range n + 1 {
			if _, err := a.Resolver.Auctions.AddLot(t.Context(), host.ID, auction.StartInput{
				Listing: a.Listing(host, "A lamp").ID, Show: &raw, StartPrice: graphtest.Euros(10), Duration: time.Hour,
			}); err != nil {
				t.Fatal(err)
			}
			host.Must(t, sendToShow, input(apitest.Vars{"showId": sh, "body": "Hello", "idempotencyKey": uuid.NewString()}))
		}
	}
	a.Statements.Drain()
	shows := a.Nobody().Must(t, query, nil).At("shows.nodes")
	counts := map[string]int{}
	for _, statement := range a.Statements.Drain() {
		counts[statement]++
	}
	if counts["LotsQueued"] != 2 || counts["LotsNewest"] != 1 || counts["LotsSold"] != 1 || counts["ShowMessagePage"] != 1 {
		t.Errorf("statements: %v", counts)
	}
	seen := map[string]bool{}
	for n := range 3 {
		sh := shows.At(strconv.Itoa(n))
		seen[fmt.Sprint(string(sh.At("queue.nodes").Raw()), sh.Str("queue.pageInfo.hasNextPage"), string(sh.At("allLots.nodes").Raw()),
			string(sh.At("messages.nodes").Raw()), string(sh.At("other.nodes").Raw()))] = true
	}
	for _, want := range []string{
		`[{"lotNumber":1}]false[{"lotNumber":1}][{"number":1}][{"lotNumber":1}]`,
		`[{"lotNumber":1},{"lotNumber":2}]false[{"lotNumber":2},{"lotNumber":1}][{"number":2},{"number":1}][{"lotNumber":1},{"lotNumber":2}]`,
		`[{"lotNumber":1},{"lotNumber":2}]true[{"lotNumber":3},{"lotNumber":2}][{"number":3},{"number":2}][{"lotNumber":1},{"lotNumber":2},{"lotNumber":3}]`,
	} {
		if !seen[want] {
			t.Errorf("no show has %s; there are %v", want, seen)
		}
	}
}
