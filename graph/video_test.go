package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/video"
)

const videoToken = `mutation($input: ShowVideoTokenInput!) { showVideoToken(input: $input) {
	videoToken { provider appId url channel uid token role expiresAt } userErrors { code field } } }`

// The host gets a token before the show and during it, everybody else during it, signed in or not.
func TestVideoTokens(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	in := input(apitest.Vars{"showId": b.show.NodeID().String()})
	table := []bad{
		{name: "before the show", who: b.buyer.Client, query: videoToken, vars: in, code: "VIDEO_SHOW_NOT_LIVE", field: "showId"},
		{name: "of no show", who: b.seller.Client, query: videoToken, vars: input(apitest.Vars{"showId": id.Show.Encode(uuid.New())}), code: "SHOW_NOT_FOUND", field: "showId"},
		{name: "of a lot", who: b.seller.Client, query: videoToken, vars: input(apitest.Vars{"showId": b.auctionID}), code: "ID_WRONG_KIND", field: "showId"},
	}
	b.refuse(t, table)
	early := b.seller.Must(t, videoToken, in).At("showVideoToken.videoToken")
	if _, err := b.Resolver.Shows.Start(t.Context(), b.seller.ID, b.show.ID); err != nil {
		t.Fatal(err)
	}
	for role, who := range map[string][]apitest.Client{"HOST": {b.seller.Client}, "AUDIENCE": {b.buyer.Client, b.rivalSeller.Client, b.Nobody()}} {
		for _, c := range who {
			got := c.Must(t, videoToken, in).At("showVideoToken.videoToken")
			if got.Str("role") != role || got.Str("provider") != "AGORA" || got.Str("appId") == "" || string(got.At("url").Raw()) != "null" ||
				got.Str("channel") != b.show.NodeID().String() || !strings.HasPrefix(got.Str("token"), "007") {
				t.Errorf("%s", got.Raw())
			}
			if role == "HOST" && got.Str("uid") != early.Str("uid") {
				t.Errorf("the host's uid was %s and is %s", early.Str("uid"), got.Str("uid"))
			}
			if at, err := time.Parse(time.RFC3339, got.Str("expiresAt")); err != nil || time.Until(at) > time.Hour {
				t.Errorf("expires at %s", got.Str("expiresAt"))
			}
		}
	}
}

// A server without a provider says so; one that is asked too often says when to come back.
func TestVideoIsRefused(t *testing.T) {
	t.Parallel()
	off := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Video = video.New(nil, r.Shows, nil, clock.System{}) })
	in := input(apitest.Vars{"showId": id.Show.Encode(uuid.New())})
	if code := off.Nobody().Must(t, videoToken, in).Str("showVideoToken.userErrors.0.code"); code != "VIDEO_OFF" {
		t.Errorf("got %s", code)
	}
	on := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) {
		signer, err := video.NewLiveKit("wss://livekit.example", "key", "secret")
		if err != nil {
			t.Fatal(err)
		}
		r.Video = video.New(nil, r.Shows, signer, clock.Fixed(time.Unix(0, 0)))
	})
	buyer := on.Person(identity.Buyer)
	for range 30 {
		buyer.Must(t, videoToken, in)
	}
	answer, err := buyer.Do(videoToken, in)
	if err != nil || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "TOO_MANY_VIDEO_TOKENS" || answer.Errors[0].Extensions.RetryAfterMs != 60_000 {
		t.Errorf("%+v, %v", answer.Errors, err)
	}
}
