package graph_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
)

const whoTypes = `subscription($id: ID!) { conversationTyping(conversationId: $id) { user { id } expiresAt } }`

// A member sees that the other one types, over either transport, and never oneself; nothing of it is in the database.
func TestTyping(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	vars := apitest.Vars{"id": b.conversation.NodeID().String()}
	socket, stream := b.seller.Subscribe(t, whoTypes, vars), b.seller.Listen(t, whoTypes, vars)
	own := b.buyer.Subscribe(t, whoTypes, vars)
	eventually(t, b.API, "souk_realtime_listeners", is(3))
	before := b.Digest()

	said := typing(t, b, b.buyer)
	until := said.Str("typingSend.typing.expiresAt")
	for name, receive := range map[string]func() (json.RawMessage, error){"a socket": socket.Receive, "an event stream": stream.Receive} {
		data, err := receive()
		var got struct {
			ConversationTyping struct {
				User      struct{ ID string }
				ExpiresAt string
			}
		}
		if err != nil || json.Unmarshal(data, &got) != nil || got.ConversationTyping.User.ID != id.User.Encode(b.buyer.ID) ||
			got.ConversationTyping.ExpiresAt != until {
			t.Errorf("%s: %s, %v", name, data, err)
		}
	}
	if stream.LastID != "" {
		t.Errorf("an answer that nobody resumes after has the id %s", stream.LastID)
	}
	typing(t, b, b.seller) // the first that the buyer hears
	if got := own.Next().Str("conversationTyping.user.id"); got != id.User.Encode(b.seller.ID) {
		t.Errorf("the buyer saw %s type", got)
	}
	if now := b.Digest(); !maps.Equal(before, now) {
		t.Error("typing has left something in the database")
	}
}

func typing(t *testing.T, b *bazaar, who graphtest.Person) apitest.JSON {
	t.Helper()
	return who.Must(t, `mutation($input: TypingSendInput!) { typingSend(input: $input) { typing { expiresAt } userErrors { code } } }`,
		input(apitest.Vars{"conversationId": b.conversation.NodeID().String()}))
}

func TestTypingIsRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	conversation := apitest.Vars{"conversationId": b.conversation.NodeID().String()}
	haste := func() (refused bool) { // a second is short on a machine that is busy
		answer, err := b.buyer.Do(mutation("typingSend"), input(conversation))
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Errors) == 0 {
			return false
		}
		if e := answer.Errors[0].Extensions; e.Code != "TYPING_TOO_OFTEN" || e.RetryAfterMs < 1 || e.RetryAfterMs > 1000 {
			t.Errorf("%+v", answer.Errors)
		}
		return true
	}
	for tries := 0; !haste(); tries++ {
		if tries == 100 {
			t.Fatal("typing is told without end")
		}
	}
	typing(t, b, b.seller) // another's haste is none of one's own
	b.refuse(t, []bad{
		{name: "a stranger's", who: b.rival.Client, query: mutation("typingSend"), vars: input(conversation), code: "CONVERSATION_NOT_FOUND"},
	})
	for _, receive := range []func() (json.RawMessage, error){
		b.rival.Subscribe(t, whoTypes, apitest.Vars{"id": b.conversation.NodeID().String()}).Receive,
		b.rival.Listen(t, whoTypes, apitest.Vars{"id": b.conversation.NodeID().String()}).Receive,
	} {
		if data, err := receive(); err == nil || !strings.Contains(err.Error(), "CONVERSATION_NOT_FOUND") {
			t.Errorf("a stranger watches: %s, %v", data, err)
		}
	}
}
