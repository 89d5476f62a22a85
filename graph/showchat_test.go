package graph_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	shows "github.com/souklive/souk/internal/show"
)

const (
	sendToShow = `mutation($input: ShowMessageSendInput!) { showMessageSend(input: $input) {
		message { id number body author { id } replyTo { number } mentions { id } }
		userErrors { code field ... on ChatWait { until retryAfterMs } ... on ChatWordBlocked { word } } } }`
	moderateMember = `mutation($input: ShowMemberModerateInput!) { showMemberModerate(input: $input) {
		member { user { id } moderator mutedUntil banned } userErrors { code field } } }`
	deleteFromShow = `mutation($input: ShowMessageDeleteInput!) { showMessageDelete(input: $input) { message { id body deletedAt } userErrors { code field } } }`
	pinInShow      = `mutation($input: ShowMessagePinInput!) { showMessagePin(input: $input) { chat { pinnedMessage { id } } userErrors { code field } } }`
	configureChat  = `mutation($input: ShowChatConfigureInput!) { showChatConfigure(input: $input) { chat { slowModeSeconds blockedWords } userErrors { code field } } }`
	watchChat      = `subscription($show: ID!, $after: Int, $epoch: String) { showEvents(showId: $show, afterVersion: $after, epoch: $epoch) {
		version epoch kind chat { messages { number body author { id } } message { number body } member { user { id } banned mutedUntil } slowModeSeconds } } }`
)

// liveShow is a show that is live.
func liveShow(t *testing.T, a *graphtest.API, host graphtest.Person) string {
	t.Helper()
	s, err := a.Resolver.Shows.Create(t.Context(), host.ID, shows.Draft{Title: "An evening sale", StartsAt: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resolver.Shows.Start(t.Context(), host.ID, s.ID); err != nil {
		t.Fatal(err)
	}
	return s.NodeID().String()
}

func userID(p graphtest.Person) string { return id.User.Encode(p.ID) }

// What is said and done in a chat, as those who watch the show see it, live and replayed.
func TestShowChat(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	host, ada := a.Person(identity.Seller), a.Person(identity.Buyer)
	show := liveShow(t, a, host)
	watch := func() *apitest.Stream { return a.Nobody().Subscribe(t, watchChat, apitest.Vars{"show": show}) }
	viewer := watch()
	snapshot := viewer.Next().At("showEvents")
	say := func(p graphtest.Person, body string) apitest.JSON {
		return p.Must(t, sendToShow, input(apitest.Vars{"showId": show, "body": body, "idempotencyKey": uuid.NewString()})).At("showMessageSend")
	}
	next := func(kind string) apitest.JSON {
		t.Helper()
		e := viewer.Next().At("showEvents")
		if e.Str("kind") != kind {
			t.Fatalf("got %s, want a %s", e.Raw(), kind)
		}
		return e.At("chat")
	}

	message := say(ada, "is it heavy?").Str("message.id")
	if e := next("MESSAGES_POSTED"); e.Str("messages.0.body") != "is it heavy?" || e.Str("messages.0.author.id") != userID(ada) {
		t.Errorf("posted: %s", e.Raw())
	}
	pin := apitest.Vars{"showId": show, "messageId": message, "reason": "a good question"}
	if got := host.Must(t, pinInShow, input(pin)).Str("showMessagePin.chat.pinnedMessage.id"); got != message {
		t.Errorf("pinned %s", got)
	}
	if e := next("MESSAGE_PINNED"); e.Str("message.body") != "is it heavy?" {
		t.Errorf("pinned: %s", e.Raw())
	}
	set := apitest.Vars{"showId": show, "slowModeSeconds": 3600, "blockedWords": []string{"spam"}, "reason": "calm"}
	if got := host.Must(t, configureChat, input(set)).Str("showChatConfigure.chat.blockedWords.0"); got != "spam" {
		t.Errorf("words: %s", got)
	}
	if e := next("CHAT_CHANGED"); e.Int("slowModeSeconds") != 3600 || strings.Contains(string(e.Raw()), "spam") {
		t.Errorf("set: %s", e.Raw())
	}
	refused := say(ada, "and so?").At("userErrors.0")
	if refused.Str("code") != "CHAT_SLOW_MODE" || refused.Int("retryAfterMs") < 3_000_000 {
		t.Errorf("refused: %s", refused.Raw())
	}
	if _, err := time.Parse(time.RFC3339, refused.Str("until")); err != nil {
		t.Errorf("until: %v", err)
	}
	if refused := say(ada, "SPAM").At("userErrors.0"); refused.Str("code") != "CHAT_WORD_BLOCKED" || refused.Str("word") != "spam" {
		t.Errorf("refused: %s", refused.Raw())
	}
	ban := apitest.Vars{"showId": show, "userId": userID(ada), "action": "BAN", "reason": "rude"}
	if got := host.Must(t, moderateMember, input(ban)).At("showMemberModerate.member"); got.Str("banned") != "true" {
		t.Errorf("banned: %s", got.Raw())
	}
	if e := next("CHAT_MEMBER_CHANGED"); e.Str("member.user.id") != userID(ada) || e.Str("member.banned") != "true" {
		t.Errorf("banned: %s", e.Raw())
	}
	if got := host.Must(t, deleteFromShow, input(apitest.Vars{"messageId": message, "reason": "rude"})).At("showMessageDelete.message"); got.Str("body") != "" || got.Str("deletedAt") == "" {
		t.Errorf("deleted: %s", got.Raw())
	}
	if e := next("MESSAGE_DELETED"); e.Int("message.number") != 1 || strings.Contains(string(e.Raw()), "heavy") {
		t.Errorf("deleted: %s", e.Raw())
	}

	// Whoever replays it from the start, and is none of those for whom it was kept encoded, sees the place alone.
	replay := a.Nobody().Subscribe(t, strings.Replace(watchChat, "kind", "k: kind", 1),
		apitest.Vars{"show": show, "after": snapshot.Int("version"), "epoch": snapshot.Str("epoch")}).Next().At("showEvents")
	if replay.Str("k") != "MESSAGES_POSTED" || replay.Int("chat.messages.0.number") != 1 || replay.Str("chat.messages.0.body") != "" {
		t.Errorf("replayed: %s", replay.Raw())
	}
}

// The log and the words are for those who keep order; what one is in a show, for oneself.
func TestWhoReadsWhatOfAShowsChat(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	host, mod, ada := a.Person(identity.Seller), a.Person(identity.Buyer), a.Person(identity.Buyer)
	show := liveShow(t, a, host)
	host.Must(t, configureChat, input(apitest.Vars{"showId": show, "blockedWords": []string{"spam"}, "reason": "calm"}))
	host.Must(t, moderateMember, input(apitest.Vars{"showId": show, "userId": userID(mod), "action": "APPOINT", "reason": "a friend"}))
	const query = `query($show: ID!) { show(id: $show) { chat {
		blockedWords moderators { id } viewer { moderator banned } moderations { nodes { number action reason actor { id } user { id } slowModeSeconds blockedWords } } } } }`
	for name, c := range map[string]struct {
		who    apitest.Client
		sees   bool
		viewer string
	}{
		"the host": {host.Client, true, `{"banned":false,"moderator":false}`}, "a moderator": {mod.Client, true, `{"banned":false,"moderator":true}`},
		"a viewer": {ada.Client, false, `{"banned":false,"moderator":false}`}, "nobody": {a.Nobody(), false, ""},
	} {
		chat := c.who.Must(t, query, apitest.Vars{"show": show}).At("show.chat")
		if got := chat.Str("viewer"); got != c.viewer {
			t.Errorf("%s is %s", name, got)
		}
		if chat.Str("moderators.0.id") != userID(mod) {
			t.Errorf("%s sees the moderators %s", name, chat.Str("moderators"))
		}
		sees := chat.Str("blockedWords") == `["spam"]` && strings.Contains(chat.Str("moderations"), "a friend")
		if hidden := chat.Str("blockedWords") == "" && chat.Str("moderations") == ""; sees != c.sees || hidden == c.sees {
			t.Errorf("%s sees %s", name, chat.Raw())
		}
	}
}

func TestShowChatThatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	showID := b.show.NodeID().String()
	message := apitest.Vars{"showId": showID, "body": "Hello", "idempotencyKey": ownKey}
	said := b.buyer.Must(t, sendToShow, input(with(message, "idempotencyKey", "first"))).Str("showMessageSend.message.id")
	member := apitest.Vars{"showId": showID, "userId": userID(b.buyer), "action": "BAN", "reason": "rude"}
	settings := apitest.Vars{"showId": showID, "slowModeSeconds": 5, "reason": "calm"}
	host, other, user := b.seller.Client, b.rivalSeller.Client, id.User.Encode(b.seller.ID)
	b.Log.Drain(slog.LevelInfo)
	var table []bad
	for _, text := range texts {
		c := bad{name: "a body with " + text.name, who: b.rival.Client, query: sendToShow, vars: input(with(message, "body", text.text)), code: "TEXT_CONTROL_CHARACTERS", field: "body"}
		if text.code != "" {
			c.code, c.field, c.top = text.code, "", true
		}
		table = append(table, c)
	}
	b.refuse(t, append(table, []bad{
		{name: "10,000 characters", who: b.rival.Client, query: sendToShow, vars: input(with(message, "body", strings.Repeat("x", 10_000))), code: "SHOW_MESSAGE_LENGTH", field: "body"},
		{name: "500,000 characters", who: b.rival.Client, query: sendToShow, vars: input(with(message, "body", strings.Repeat("ü", 500_000))), code: "SHOW_MESSAGE_LENGTH"},
		{name: "nobody writes", who: b.Nobody(), query: sendToShow, vars: input(message), code: "UNAUTHENTICATED", top: true},
		{name: "without a key", who: b.rival.Client, query: sendToShow, vars: input(with(message, "idempotencyKey", "")), code: "IDEMPOTENCY_KEY_INVALID"},
		{name: "another message with a key", who: b.buyer.Client, query: sendToShow, vars: input(with(with(message, "idempotencyKey", "first"), "body", "other")), code: "IDEMPOTENCY_KEY_REUSED"},
		{name: "in no show", who: b.rival.Client, query: sendToShow, vars: input(with(message, "showId", id.Show.Encode(uuid.New()))), code: "SHOW_NOT_FOUND"},
		{name: "in a user", who: b.rival.Client, query: sendToShow, vars: input(with(message, "showId", user)), code: "ID_WRONG_KIND", field: "showId"},
		{name: "in what is no id", who: b.rival.Client, query: sendToShow, vars: input(with(message, "showId", "42")), code: "ID_MALFORMED", top: true},
		{name: "a reply to a show", who: b.rival.Client, query: sendToShow, vars: input(with(message, "replyTo", showID)), code: "ID_WRONG_KIND", field: "replyTo"},
		{name: "a reply to nothing", who: b.rival.Client, query: sendToShow, vars: input(with(message, "replyTo", id.ShowMessage.Encode(uuid.New()))), code: "SHOW_MESSAGE_NOT_FOUND", field: "replyTo"},
		{name: "a ban by a viewer", who: b.rival.Client, query: moderateMember, vars: input(member), code: "CHAT_NOT_MODERATOR"},
		{name: "a ban by another host", who: other, query: moderateMember, vars: input(member), code: "CHAT_NOT_MODERATOR"},
		{name: "a ban by an admin", who: b.admin.Client, query: moderateMember, vars: input(member), code: "CHAT_NOT_MODERATOR"},
		{name: "a ban of a listing", who: host, query: moderateMember, vars: input(with(member, "userId", b.listingID)), code: "ID_WRONG_KIND", field: "userId"},
		{name: "a ban in lower case", who: host, query: moderateMember, vars: input(with(member, "action", "ban")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "a deletion by force", who: host, query: moderateMember, vars: input(with(member, "action", "DELETE")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "a ban without a reason", who: host, query: moderateMember, vars: input(with(member, "reason", "")), code: "REASON_LENGTH", field: "reason"},
		{name: "a mute without an end", who: host, query: moderateMember, vars: input(with(member, "action", "MUTE")), code: "CHAT_MUTE_UNTIL", field: "until"},
		{name: "another's message deleted", who: b.rival.Client, query: deleteFromShow, vars: input(apitest.Vars{"messageId": said, "reason": "mine"}), code: "CHAT_NOT_MODERATOR"},
		{name: "a message that is none", who: host, query: deleteFromShow, vars: input(apitest.Vars{"messageId": showID}), code: "ID_WRONG_KIND", field: "messageId"},
		{name: "another's message pinned", who: b.buyer.Client, query: pinInShow, vars: input(apitest.Vars{"showId": showID, "messageId": said, "reason": "mine"}), code: "CHAT_NOT_MODERATOR"},
		{name: "a message of another show pinned", who: other, query: pinInShow, vars: input(apitest.Vars{"showId": b.foreignShow.NodeID().String(), "messageId": said, "reason": "mine"}), code: "SHOW_MESSAGE_NOT_FOUND", field: "messageId"},
		{name: "a slow mode of two hours", who: host, query: configureChat, vars: input(with(settings, "slowModeSeconds", 7200)), code: "CHAT_SLOW_MODE_RANGE", field: "slowModeSeconds"},
		{name: "a slow mode below zero", who: host, query: configureChat, vars: input(with(settings, "slowModeSeconds", -1)), code: "CHAT_SLOW_MODE_RANGE"},
		{name: "a word of nothing", who: host, query: configureChat, vars: input(with(settings, "blockedWords", []string{" "})), code: "CHAT_WORDS_INVALID", field: "blockedWords"},
		{name: "set by a viewer", who: b.buyer.Client, query: configureChat, vars: input(settings), code: "CHAT_NOT_MODERATOR"},
	}...))
}

// Who selects it hears in showEvents how many watch and how they cheer, shared or alone, over a socket and over an event stream: without a version, so
// that who comes back goes on behind the last event; and who does not select it hears nothing of it.
func TestAudienceInShowEvents(t *testing.T) {
	t.Parallel()
	const shared = `subscription($show: ID!, $after: Int) {
		showEvents(showId: $show, afterVersion: $after) { version kind bids { id } audience { watching reactions { kind count } } } }`
	for name, query := range map[string]string{"shared": shared, "alone": strings.Replace(shared, "bids", "show { lots { id } } bids", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := graphtest.New(t)
			host, ada := a.Person(identity.Seller), a.Person(identity.Buyer)
			show := liveShow(t, a, host)
			vars := apitest.Vars{"show": show}
			socket, stream := ada.Subscribe(t, query, vars), a.Nobody().Listen(t, query, vars)
			quiet := a.Nobody().Subscribe(t, `subscription($show: ID!) { showEvents(showId: $show) { version kind } }`, vars)
			first := socket.Next().At("showEvents")
			if first.Str("kind") != "SNAPSHOT" || strings.Contains(string(first.Raw()), "watching") {
				t.Fatalf("begins with %s", first.Raw())
			}
			version := first.Int("version")
			if data, err := stream.Receive(); err != nil || !strings.Contains(string(data), "SNAPSHOT") {
				t.Fatalf("begins with %s, %v", data, err)
			}
			quiet.Next()
			snapshot := stream.LastID

			ada.Must(t, `mutation($input: ShowReactInput!) { showReact(input: $input) { show { id } userErrors { code } } }`, input(apitest.Vars{"showId": show, "kind": "HEART"}))
			receive := func(receive func() (json.RawMessage, error), kind, until string) {
				t.Helper()
				for data := ""; !strings.Contains(data, until); { // it has to come to be, or the test does not end
					raw, err := receive()
					if data = string(raw); err != nil || !strings.Contains(data, kind) {
						t.Fatalf("got %s, %v", data, err)
					}
				}
			}
			const told = `"bids":[],"audience":{"watching":3,"reactions":[{"kind":"HEART","count":1}]}`
			receive(socket.Receive, `{"version":null,"kind":"AUDIENCE"`, told)
			receive(stream.Receive, `{"version":null,"kind":"AUDIENCE"`, told)
			if stream.LastID != snapshot {
				t.Errorf("an event without a version has the id %s", stream.LastID)
			}

			host.Must(t, sendToShow, input(apitest.Vars{"showId": show, "body": "hello", "idempotencyKey": "hello"}))
			posted := fmt.Sprintf(`{"version":%d,"kind":"MESSAGES_POSTED"`, version+1)
			receive(quiet.Receive, posted, posted)
			receive(a.Nobody().Subscribe(t, query, with(vars, "after", version)).Receive, "", posted)
			receive(a.Nobody().ListenAfter(t, stream.LastID, query, vars).Receive, "", posted)
			receive(socket.Receive, "", posted)
		})
	}
}

// Who watches is counted while they do, over any transport, once a user; and how they cheer.
func TestAudience(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	host, ada := a.Person(identity.Seller), a.Person(identity.Buyer)
	show := liveShow(t, a, host)
	counted := func() apitest.JSON {
		return a.Nobody().Must(t, `query($show: ID!) { show(id: $show) { audience { watching reactions { kind count } } } }`, apitest.Vars{"show": show}).At("show.audience")
	}
	becomes := func(watching int) {
		t.Helper()
		for counted().Int("watching") != watching { // it has to come to be, or the test does not end
			time.Sleep(20 * time.Millisecond)
		}
	}
	const shared, alone = `subscription($show: ID!) { showEvents(showId: $show) { version } }`, `subscription($show: ID!) { showEvents(showId: $show) { version show { lots { id } } } }`
	vars := apitest.Vars{"show": show}
	first := ada.Subscribe(t, shared, vars)
	first.Next()
	second := ada.Subscribe(t, alone, vars)
	second.Next()
	becomes(1)
	third := a.Nobody().Listen(t, shared, vars)
	if _, err := third.Receive(); err != nil {
		t.Fatal(err)
	}
	becomes(2)
	first.Cut()
	third.Cut()
	becomes(1)
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	becomes(0)

	const react = `mutation($input: ShowReactInput!) { showReact(input: $input) { show { id } userErrors { code ... on ChatWait { retryAfterMs } } } }`
	cheer := apitest.Vars{"showId": show, "kind": "HEART"}
	for range 5 {
		if got := ada.Must(t, react, input(cheer)); got.Str("showReact.show.id") != show {
			t.Errorf("got %s", got.Raw())
		}
	}
	for counted().Str("reactions") != `[{"count":5,"kind":"HEART"}]` {
		time.Sleep(20 * time.Millisecond)
	}
	before := a.Digest()
	for _, c := range []struct{ show, code string }{
		{id.Show.Encode(uuid.New()), "SHOW_NOT_FOUND"}, {userID(ada), "ID_WRONG_KIND"},
	} {
		if got := ada.Must(t, react, input(with(cheer, "showId", c.show))).Str("showReact.userErrors.0.code"); got != c.code {
			t.Errorf("%s: %s", c.show, got)
		}
	}
	for table, digest := range a.Digest() {
		if before[table] != digest {
			t.Errorf("a refusal changed %s", table)
		}
	}
}
