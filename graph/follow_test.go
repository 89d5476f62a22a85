package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
)

// A fan follows a host, finds their shows, and is told of nobody else's.
func TestFollowingAHost(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	host, other, fan := a.Person("SELLER"), a.Person("SELLER"), a.Person("BUYER")
	who := input(apitest.Vars{"userId": id.User.Encode(host.ID)})
	const follow = `mutation($input: UserFollowInput!) { userFollow(input: $input) { user { followerCount followed } userErrors { code } } }`
	const unfollow = `mutation($input: UserUnfollowInput!) { userUnfollow(input: $input) { user { followerCount followed } userErrors { code } } }`
	want := func(got apitest.JSON, path, want string) {
		t.Helper()
		if s := string(got.Raw()); s != want {
			t.Errorf("%s: %s, want %s", path, s, want)
		}
	}
	for range 2 {
		want(fan.Must(t, follow, who), "follow", `{"userFollow":{"user":{"followerCount":1,"followed":true},"userErrors":[]}}`)
	}
	const create = `mutation($input: ShowCreateInput!) { showCreate(input: $input) { show { id } userErrors { code } } }`
	var shows []string
	for _, by := range []graphtest.Person{host, other} {
		made := by.Must(t, create, input(apitest.Vars{"title": "A show", "startsAt": a.Resolver.Clock.Now(), "language": "AR", "categories": []string{"home"}}))
		shows = append(shows, made.Str("showCreate.show.id"))
	}
	const mine = `query($host: ID) { shows(status: SCHEDULED, following: true, hostId: $host, language: AR, category: "home", orderBy: SOONEST) {
		nodes { id host { followed followerCount } } } viewer { following { nodes { user { id } } } } }`
	want(fan.Must(t, mine, nil), "shows", `{"shows":{"nodes":[{"id":"`+shows[0]+`","host":{"followed":true,"followerCount":1}}]},"viewer":{"following":{"nodes":[{"user":{"id":"`+id.User.Encode(host.ID)+`"}}]}}}`)
	want(fan.Must(t, mine, apitest.Vars{"host": id.User.Encode(other.ID)}), "another's", `{"shows":{"nodes":[]},"viewer":{"following":{"nodes":[{"user":{"id":"`+id.User.Encode(host.ID)+`"}}]}}}`)
	for range 2 {
		want(fan.Must(t, unfollow, who), "unfollow", `{"userUnfollow":{"user":{"followerCount":0,"followed":false},"userErrors":[]}}`)
	}
	want(fan.Must(t, mine, nil), "no more", `{"shows":{"nodes":[]},"viewer":{"following":{"nodes":[]}}}`)
	want(a.Nobody().Must(t, `query($id: ID!) { node(id: $id) { ... on User { followed followerCount } } }`, apitest.Vars{"id": id.User.Encode(host.ID)}),
		"for nobody", `{"node":{"followed":false,"followerCount":0}}`)
}
