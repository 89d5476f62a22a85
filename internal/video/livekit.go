package video

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// liveKitSkew is how much earlier than its issue a token is valid, for clocks that are not quite together.
const liveKitSkew = 10 * time.Second

// liveKit signs for one LiveKit server.
type liveKit struct {
	url, key, secret string
}

// NewLiveKit makes a Signer for the LiveKit server at a URL (wss://…), which clients connect to.
func NewLiveKit(serverURL, key, secret string) (Signer, error) {
	if err := CheckLiveKitURL(serverURL); err != nil {
		return nil, err
	}
	if key == "" || secret == "" {
		return nil, errors.New("LiveKit's API key or secret is missing")
	}
	return &liveKit{url: serverURL, key: key, secret: secret}, nil
}

// String keeps the secret out of whatever prints the signer.
func (l *liveKit) String() string { return "LiveKit at " + l.url }

// CheckLiveKitURL says whether a text is an address that clients of LiveKit connect to.
func CheckLiveKitURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "ws" && u.Scheme != "wss") {
		return errors.New("is no address of a LiveKit server; use wss://host")
	}
	return nil
}

// liveKitClaims are a token's body, as LiveKit documents it: https://docs.livekit.io/frontends/reference/tokens-grants.md
type liveKitClaims struct {
	Issuer    string       `json:"iss"` // the API key
	Subject   string       `json:"sub"` // the participant's identity
	NotBefore int64        `json:"nbf"` // seconds
	Expires   int64        `json:"exp"`
	Video     liveKitGrant `json:"video"`
}

// liveKitGrant says what its holder may do. What it leaves out LiveKit allows, so that all of it is always written.
type liveKitGrant struct {
	Room           string `json:"room"`
	RoomJoin       bool   `json:"roomJoin"`
	CanPublish     bool   `json:"canPublish"`
	CanSubscribe   bool   `json:"canSubscribe"`
	CanPublishData bool   `json:"canPublishData"`
}

// Sign makes a JWT (RFC 7519), signed with HS256.
func (l *liveKit) Sign(g Grant) (Token, error) {
	expires := g.IssuedAt.Add(g.Lifetime).Truncate(time.Second).UTC()
	publishes := g.Role == Host
	claims, err := json.Marshal(liveKitClaims{
		Issuer: l.key, Subject: g.uid(), NotBefore: g.IssuedAt.Add(-liveKitSkew).Unix(), Expires: expires.Unix(),
		Video: liveKitGrant{
			Room: g.Channel, RoomJoin: true, CanPublish: publishes, CanSubscribe: true, CanPublishData: publishes,
		},
	})
	if err != nil {
		return Token{}, fmt.Errorf("write a token: %w", err)
	}
	return Token{
		Provider: LiveKit, URL: &l.url, Channel: g.Channel, UID: g.uid(), Token: signHS256(l.secret, claims), Role: g.Role,
		ExpiresAt: expires,
	}, nil
}

// signHS256 is a JWT in its compact form, with HMAC-SHA256 over it (RFC 7515).
func signHS256(secret string, claims []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	return signed + "." + encode(mac([]byte(secret), []byte(signed)))
}
