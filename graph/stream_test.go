package graph_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

const lotVersions = `subscription($id: ID!, $after: Int) { auctionEvents(auctionId: $id, afterVersion: $after) { version kind } }`

// A browser's EventSource sends the id of the last event that it has, and misses nothing; shared or not makes no difference.
func TestAnEventStreamResumesByItsLastID(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"shared": lotVersions,
		"alone":  `subscription($id: ID!) { auctionEvents(auctionId: $id) { version kind auction { order { id } } } }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := graphtest.New(t)
			seller, buyer := a.Person("SELLER"), a.Person("BUYER")
			a.TopUp(buyer, 100)
			lot := a.Lot(seller, nil)
			id := apitest.Vars{"id": lot.NodeID().String()}
			stream := a.Nobody().Listen(t, query, id)
			wantVersion(t, stream, 1, "SNAPSHOT")
			stream.Cut()
			a.Bid(buyer, lot, 20)
			again := a.Nobody().ListenAfter(t, stream.LastID, query, id)
			wantVersion(t, again, 2, "BIDS_PLACED")
			time.Sleep(freshFor) // so that it is a snapshot of now
			elsewhere := a.Nobody().ListenAfter(t, "another-epoch:1", query, id)
			wantVersion(t, elsewhere, 2, "SNAPSHOT")
			got := request(t, a, http.MethodPost, "/graphql", `{"query":"{ serverTime }"}`,
				http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Last-Event-Id": {"x"}})
			if got.status != http.StatusBadRequest || got.Errors[0].Extensions.Code != "EVENT_ID_INVALID" {
				t.Errorf("an id of nothing: %d %s", got.status, got.body)
			}
		})
	}
}

// freshFor is how old a snapshot may be that another viewer of a group begins with, and a little more: what lies between is then
// handed on as events.
const freshFor = 600 * time.Millisecond

func wantVersion(t *testing.T, stream *apitest.EventStream, version int, kind string) {
	t.Helper()
	data, err := stream.Receive()
	var got struct {
		AuctionEvents struct {
			Version int
			Kind    string
		}
	}
	if err != nil || json.Unmarshal(data, &got) != nil || got.AuctionEvents.Version != version || got.AuctionEvents.Kind != kind {
		t.Fatalf("got %s, %v; want %s of version %d", data, err, kind, version)
	}
}

// An idle socket and an idle stream end with their session, without an event to send, within moments.
func TestConnectionsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	who := a.Person("BUYER")
	const query = `subscription { viewerEvents { kind } }`
	socket, stream := who.Subscribe(t, query, nil), who.Listen(t, query, nil)
	for _, receive := range []func() (json.RawMessage, error){socket.Receive, stream.Receive} {
		if _, err := receive(); err != nil {
			t.Fatal(err)
		}
	}
	who.Must(t, `mutation { signOut { userErrors { code } } }`, nil)
	unauthenticated(t, "a socket", socket.Receive)
	unauthenticated(t, "an event stream", stream.Receive)
}

// A single connection's stream: reserved, opened, operations started and ended on it; nobody else's.
func TestASingleConnection(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person("SELLER"), nil).NodeID().String()
	other := a.Person("BUYER")
	do := func(method, query, token, body string, who apitest.Client, accept string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, a.URL+"/graphql"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("X-GraphQL-Event-Stream-Token", token)
		}
		if accept != "" {
			req.Header.Set("Accept", accept)
		}
		if who.Token != "" {
			req.Header.Set("Authorization", "Bearer "+who.Token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		if accept == "text/event-stream" && resp.StatusCode == http.StatusOK {
			return resp, ""
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(text)
	}
	want := func(status int, method, query, token, body string, who apitest.Client, accept string) {
		t.Helper()
		if resp, text := do(method, query, token, body, who, accept); resp.StatusCode != status {
			t.Errorf("%s %s: %d %s, want %d", method, query, resp.StatusCode, text, status)
		}
	}
	nobody := a.Nobody()
	subscribe := func(id string) string {
		return `{"query":"subscription { auctionEvents(auctionId: \"` + lot + `\") { version } }","extensions":{"operationId":"` + id + `"}}`
	}

	reserved, token := do(http.MethodPut, "", "", "", nobody, "")
	if reserved.StatusCode != http.StatusCreated || token == "" {
		t.Fatalf("reserved with %d %q", reserved.StatusCode, token)
	}
	want(http.StatusConflict, http.MethodPost, "", token, subscribe("1"), nobody, "") // not open yet
	want(http.StatusNotFound, http.MethodGet, "", token, "", other.Client, "text/event-stream")
	want(http.StatusNotFound, http.MethodGet, "", "garbage", "", nobody, "text/event-stream")
	opened, _ := do(http.MethodGet, "?token="+token, "", "", nobody, "text/event-stream")
	if opened.StatusCode != http.StatusOK {
		t.Fatalf("opened with %d", opened.StatusCode)
	}
	want(http.StatusConflict, http.MethodGet, "", token, "", nobody, "text/event-stream")
	want(http.StatusBadRequest, http.MethodPost, "", token, `{"query":"{ serverTime }"}`, nobody, "")
	want(http.StatusNotFound, http.MethodPost, "", token, subscribe("1"), other.Client, "")
	want(http.StatusAccepted, http.MethodPost, "", token, subscribe("1"), nobody, "")
	events := apitest.ReadEvents(opened.Body)
	wantEvent := func(text string) {
		t.Helper()
		if got, err := events(); err != nil || got != text {
			t.Fatalf("got %s, %v; want %s", got, err, text)
		}
	}
	wantEvent(`next {"id":"1","payload":{"data":{"auctionEvents":{"version":1}}}}`)
	want(http.StatusConflict, http.MethodPost, "", token, subscribe("1"), nobody, "") // in use
	mutation := "?query=" + url.QueryEscape("mutation { signOut { userErrors { code } } }") + "&extensions=" + url.QueryEscape(`{"operationId":"m"}`)
	want(http.StatusMethodNotAllowed, http.MethodGet, mutation, token, "", nobody, "")
	want(http.StatusAccepted, http.MethodPost, "", token, `{"query":"{ __typename }","extensions":{"operationId":"q"}}`, nobody, "")
	got, err := events()
	if err != nil || !strings.HasPrefix(got, `next {"id":"q","payload":{"data":{"__typename":"Query"}`) {
		t.Fatalf("got %s, %v", got, err)
	}
	wantEvent(`complete {"id":"q"}`)
	want(http.StatusOK, http.MethodDelete, "?operationId=1", token, "", nobody, "")
	want(http.StatusAccepted, http.MethodPost, "", token, subscribe("1"), nobody, "") // free again
	wantEvent(`next {"id":"1","payload":{"data":{"auctionEvents":{"version":1}}}}`)
	_ = opened.Body.Close()
	for { // the token ends with its stream, as soon as the server sees it
		if resp, _ := do(http.MethodPost, "", token, subscribe("2"), nobody, ""); resp.StatusCode == http.StatusNotFound {
			break
		}
		time.Sleep(time.Millisecond)
	}
}
