package video_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/video"
)

// RFC 7515's way of reading a token, on its own feet: three parts of unpadded base64url, the last the HMAC of the first two.
func readJWT(t *testing.T, token, secret string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts: %s", len(parts), token)
	}
	var head, claims map[string]any
	for i, into := range []*map[string]any{&head, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	if head["alg"] != "HS256" || head["typ"] != "JWT" || len(head) != 2 {
		t.Errorf("head %v", head)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(h, "%s.%s", parts[0], parts[1])
	if !hmac.Equal(signature, h.Sum(nil)) {
		t.Error("the signature is not the secret's")
	}
	return claims
}

// The claims are those that LiveKit documents, all of them written out: what is left out is allowed.
func TestLiveKitClaims(t *testing.T) {
	t.Parallel()
	const secret = "a secret of LiveKit's"
	signer, err := video.NewLiveKit("wss://livekit.example", "APIMmxiL8rquKztZEoZJV9Fb", secret)
	if err != nil {
		t.Fatal(err)
	}
	issued := time.Date(2026, 3, 1, 12, 0, 0, 999, time.UTC)
	for role, publishes := range map[video.Role]bool{video.Host: true, video.Audience: false} {
		got, err := signer.Sign(video.Grant{Channel: "shw_1", UID: 4294967295, Role: role, IssuedAt: issued, Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"iss": "APIMmxiL8rquKztZEoZJV9Fb", "sub": "4294967295", "nbf": float64(issued.Unix() - 10), "exp": float64(issued.Unix() + 3600),
			"video": map[string]any{"room": "shw_1", "roomJoin": true, "canPublish": publishes, "canSubscribe": true, "canPublishData": publishes},
		}
		if claims := readJWT(t, got.Token, secret); !reflect.DeepEqual(claims, want) {
			t.Errorf("%s: %v, want %v", role, claims, want)
		}
		if got.Provider != video.LiveKit || *got.URL != "wss://livekit.example" || got.AppID != nil || got.Channel != "shw_1" || got.UID != "4294967295" ||
			got.Role != role || got.ExpiresAt.Unix() != issued.Unix()+3600 {
			t.Errorf("%+v", got)
		}
	}
}

func TestLiveKitRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"", "k", "s"}, {"livekit.example", "k", "s"}, {"https://livekit.example", "k", "s"}, {"wss://a:b@x", "k", "s"},
		{"wss://x", "", "s"}, {"wss://x", "k", ""},
	} {
		if _, err := video.NewLiveKit(c[0], c[1], c[2]); err == nil {
			t.Errorf("%q is taken", c)
		}
	}
}
