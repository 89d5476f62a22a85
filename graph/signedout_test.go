package graph_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// A connection outlives the request that opened it, and a session may end before it does.
func TestASessionThatEndsUnderAnOpenConnection(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	const events = `subscription($id: ID!) { conversationEvents(conversationId: $id, afterVersion: 0) { message { body } } }`
	conversation := b.conversation.NodeID().String()
	send := func(who graphtest.Person, body string) {
		t.Helper()
		who.Must(t, mutation("messageSend"), input(apitest.Vars{"conversationId": conversation, "body": body}))
	}

	socket := b.buyer.Subscribe(t, events, apitest.Vars{"id": conversation})
	stream := b.buyer.Listen(t, events, apitest.Vars{"id": conversation})
	idle := b.buyer.Subscribe(t, `{ viewer { email } }`, nil)
	expiring := b.seller.Subscribe(t, events, apitest.Vars{"id": conversation})
	for _, receive := range []func() (json.RawMessage, error){socket.Receive, stream.Receive, idle.Receive, expiring.Receive} {
		if _, err := receive(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := idle.Receive(); err == nil {
		t.Fatal("a query on a socket has more than one answer")
	}

	b.buyer.Must(t, `mutation { signOut { userErrors { code } } }`, nil)
	send(b.seller, "Not for who has left")
	unauthenticated(t, "a socket's subscription", socket.Receive)
	unauthenticated(t, "an event stream", stream.Receive)
	expiring.Next() // the other side still gets it

	unauthenticated(t, "a query on a socket", idle.Receive)

	b.Exec(`UPDATE session SET expires_at = now() - interval '1 second' WHERE user_id = $1`, b.seller.ID)
	before := b.Digest()
	if err := expiring.Ask(mutation("messageSend"), input(apitest.Vars{"conversationId": conversation, "body": "Late"})); err != nil {
		t.Fatal(err)
	}
	unauthenticated(t, "a mutation on a socket", expiring.Receive)
	if !maps.Equal(b.Digest(), before) {
		t.Error("a mutation of an expired session changed something")
	}
	for _, line := range b.Log.Drain(slog.LevelWarn) {
		t.Errorf("logged %s %q %v", line.Level, line.Message, line.Attrs)
	}
}

func unauthenticated(t *testing.T, what string, receive func() (json.RawMessage, error)) {
	t.Helper()
	data, err := receive()
	// The server may find the session ended before or after it has something to send.
	if err == nil || !strings.Contains(err.Error(), "UNAUTHENTICATED") && !strings.Contains(err.Error(), "4401") {
		t.Errorf("%s: got %s and %v, want UNAUTHENTICATED", what, data, err)
	}
}
