package graph_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// A viewer is let in by itself, also where it would share what others watch.
func TestAdmission(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	lot := apitest.Vars{"id": b.auctionID}
	watching := b.Nobody().Subscribe(t, lotVersions, lot) // the group is there
	watching.Next()

	costly := repeat(30, func(i int) string { return fmt.Sprintf("a%d: bids(first: 100) { nodes { id number } } ", i) })
	for _, c := range []struct {
		name  string
		who   apitest.Client
		query string
		vars  apitest.Vars
		code  string
	}{
		{"not signed in", b.Nobody(), `subscription { viewerEvents { kind } }`, nil, "UNAUTHENTICATED"},
		{"another role's", b.buyer.Client, `subscription { supportEvents { kind } }`, nil, "FORBIDDEN"},
		{"another user's", b.rival.Client, `subscription($id: ID!) { orderEvents(orderId: $id) { version } }`, apitest.Vars{"id": b.order.String()}, "ORDER_NOT_FOUND"},
		{"too costly", b.Nobody(), `subscription($id: ID!) { auctionEvents(auctionId: $id) { auction { ` + costly + ` } } }`, lot, "QUERY_TOO_COSTLY"},
		{"too deep", b.Nobody(), `subscription($id: ID!) { auctionEvents(auctionId: $id) { auction { ` + strings.Repeat("listing { auction { ", 8) + "id" + strings.Repeat(" } }", 8) + ` } } }`, lot, "QUERY_TOO_DEEP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.who.Subscribe(t, c.query, c.vars)
			if data, err := s.Receive(); err == nil || !strings.Contains(err.Error(), c.code) {
				t.Fatalf("got %s, %v; want %s", data, err, c.code)
			}
			if err := s.Ask("{ serverTime }", nil); err != nil { // it alone has ended
				t.Fatal(err)
			}
			_, err := s.Receive()
			if errors.Is(err, apitest.ErrComplete) { // the last word of the first
				_, err = s.Receive()
			}
			if err != nil {
				t.Errorf("another operation: %v", err)
			}
		})
	}
	t.Run("a token that is none", func(t *testing.T) {
		_, err := b.Nobody().As("souk_x").TrySubscribe(t, lotVersions, lot)
		if apitest.CloseCode(err) != 4403 {
			t.Errorf("got %v, want the close code 4403", err)
		}
	})
}

// A user has a hundred connections on a server; theirs are theirs, and nobody else's.
func TestConnectionsOfAUser(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	user, other := a.Person("BUYER"), a.Person("BUYER")
	var open []*apitest.Stream
	for range 100 {
		s, err := user.TrySubscribe(t, "{ serverTime }", nil)
		if err != nil {
			t.Fatalf("connection %d: %v", len(open)+1, err)
		}
		open = append(open, s)
	}
	if _, err := user.TrySubscribe(t, "{ serverTime }", nil); apitest.CloseCode(err) != 4429 {
		t.Errorf("one more: %v, want the close code 4429", err)
	}
	stream := request(t, a, http.MethodPost, "/graphql", `{"query":"subscription { viewerEvents { kind } }"}`, http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer " + user.Token},
	})
	if stream.status != http.StatusTooManyRequests || stream.Errors[0].Extensions.Code != "TOO_MANY_CONNECTIONS" {
		t.Errorf("an event stream beside them: %d %s", stream.status, stream.body)
	}
	other.Subscribe(t, "{ serverTime }", nil).Next()
	open[0].Cut()
	for { // the server notices in its own time
		if _, err := user.TrySubscribe(t, "{ serverTime }", nil); err == nil {
			return
		} else if apitest.CloseCode(err) != 4429 {
			t.Fatal(err)
		}
	}
}

// An address has two hundred connections on a server, whoever they are.
func TestConnectionsOfAnAddress(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	dial := func() (*websocket.Conn, *http.Response, error) {
		dialer := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"graphql-transport-ws"}}
		ws, response, err := dialer.Dial("ws"+strings.TrimPrefix(a.URL, "http")+"/graphql", nil)
		if err == nil {
			t.Cleanup(func() { _ = ws.Close() })
		}
		return ws, response, err
	}
	for i := range 200 {
		if _, _, err := dial(); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}
	_, response, err := dial()
	if err == nil || response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %v, %v; want 429 with Retry-After", response, err)
	}
}
