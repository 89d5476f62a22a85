package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
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
