package graph_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	userBan = `mutation($input: UserBanInput!) { userBan(input: $input) {
		ban { user { id } reason bannedAt } userErrors { code field } } }`
	userUnban = `mutation($input: UserUnbanInput!) { userUnban(input: $input) { user { id } userErrors { code field } } }`
	banOfUser = `query($user: ID!) { userBan(userId: $user) { reason user { id } } }`
	signUp    = `mutation($input: SignUpInput!) { signUp(input: $input) { session { token user { id } } } }`
	signIn    = `mutation($input: SignInInput!) { signIn(input: $input) { session { token } userErrors { code } } }`
)

// A ban ends what a user has open, on sockets and streams, shared or not, within a second and without an event; who watches the same
// lot beside them notices nothing.
func TestABanEndsWhatAUserHasOpen(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	support, other := a.Person(identity.Support), a.Funded(100)
	credentials := apitest.Vars{"email": "banned@souk.example", "password": "correct horse"}
	session := a.Nobody().Must(t, signUp, input(with(credentials, "name", "Zed"))).At("signUp.session")
	banned, userID := a.Nobody().As(session.Str("token")), session.Str("user.id")
	lot := a.Lot(a.Person(identity.Seller), nil)
	lotVars := apitest.Vars{"id": lot.NodeID().String()}
	shared, alone := banned.Subscribe(t, lotVersions, lotVars), banned.Subscribe(t, `subscription { viewerEvents { kind } }`, nil)
	stream := banned.Listen(t, lotVersions, lotVars)
	beside := other.Subscribe(t, lotVersions, lotVars)
	open := map[string]func() (json.RawMessage, error){"a shared one": shared.Receive, "one of their own": alone.Receive, "an event stream": stream.Receive}
	for name, receive := range open {
		if _, err := receive(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	beside.Next()

	begun := time.Now()
	got := support.Must(t, userBan, input(apitest.Vars{"userId": userID, "reason": "a bot"})).At("userBan.ban")
	if got.Str("user.id") != userID || got.Str("reason") != "a bot" || got.Str("bannedAt") == "" {
		t.Fatalf("got %s", got.Raw())
	}
	for name, receive := range open {
		unauthenticated(t, name, receive)
	}
	t.Logf("ended after %v", time.Since(begun))
	if _, err := banned.TrySubscribe(t, lotVersions, lotVars); apitest.CloseCode(err) != 4403 {
		t.Errorf("the ended token opens a socket: %v", err)
	}
	a.Bid(other, lot, 20)
	if e := beside.Next(); e.Int("auctionEvents.version") != 2 {
		t.Errorf("who watches beside them gets %s", e.Raw())
	}

	if got := a.Nobody().Must(t, signIn, input(credentials)).At("signIn"); got.Str("userErrors.0.code") != "USER_BANNED" || string(got.At("session").Raw()) != "null" {
		t.Errorf("sign-in: %s", got.Raw())
	}
	if got := support.Must(t, banOfUser, apitest.Vars{"user": userID}).At("userBan"); got.Str("reason") != "a bot" || got.Str("user.id") != userID {
		t.Errorf("support sees %s", got.Raw())
	}
	lifted := support.Must(t, userUnban, input(apitest.Vars{"userId": userID, "reason": "no bot"})).At("userUnban")
	if lifted.Str("user.id") != userID {
		t.Errorf("got %s", lifted.Raw())
	}
	if got := a.Nobody().Must(t, signIn, input(credentials)).At("signIn.session"); got.Str("token") == "" {
		t.Errorf("sign-in afterwards: %s", got.Raw())
	}
	actions := a.Person(identity.Admin).Must(t, `{ adminActions { nodes { action subject reason actor { id } } } }`, nil).At("adminActions.nodes")
	for i, want := range []string{"USER_UNBANNED", "USER_BANNED"} {
		action := actions.At([]string{"0", "1"}[i])
		if action.Str("action") != want || action.Str("subject") != userID || action.Str("actor.id") != id.User.Encode(support.ID) {
			t.Errorf("kept: %s, want %s", action.Raw(), want)
		}
	}
}

func TestBansThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	user, support := id.User.Encode(b.poor.ID), b.support
	b.refuse(t, []bad{
		{name: "nobody", who: b.admin.Client, query: mutation("userBan"), vars: input(apitest.Vars{"userId": id.User.Encode(id.New()), "reason": "x"}), code: "USER_NOT_FOUND", field: "userId"},
		{name: "a listing", who: b.admin.Client, query: mutation("userBan"), vars: input(apitest.Vars{"userId": b.listingID, "reason": "x"}), code: "ID_WRONG_KIND", field: "userId"},
		{name: "no reason", who: b.admin.Client, query: mutation("userBan"), vars: input(apitest.Vars{"userId": user, "reason": ""}), code: "REASON_LENGTH", field: "reason"},
		{name: "an admin by support", who: support.Client, query: mutation("userBan"), vars: input(apitest.Vars{"userId": id.User.Encode(b.admin.ID), "reason": "x"}), code: "BAN_NEEDS_ADMIN", field: "userId"},
		{name: "oneself", who: support.Client, query: mutation("userBan"), vars: input(apitest.Vars{"userId": id.User.Encode(support.ID), "reason": "x"}), code: "BAN_OF_ONESELF", field: "userId"},
		{name: "who is not banned", who: support.Client, query: mutation("userUnban"), vars: input(apitest.Vars{"userId": user, "reason": "x"}), code: "USER_NOT_BANNED", field: "userId"},
		{name: "by a buyer", who: b.buyer.Client, query: mutation("userBan"), vars: input(apitest.Vars{"userId": user, "reason": "x"}), code: "FORBIDDEN", top: true},
		{name: "the ban of a listing", who: support.Client, query: banOfUser, vars: apitest.Vars{"user": b.listingID}, code: "ID_WRONG_KIND", top: true},
		{name: "the ban of nobody", who: support.Client, query: banOfUser, vars: apitest.Vars{"user": id.User.Encode(id.New())}, code: "USER_NOT_FOUND", top: true},
	})
}
