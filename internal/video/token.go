package video

import (
	"strconv"
	"time"
)

// Provider is who carries the media.
type Provider string

// The providers.
const (
	Agora   Provider = "AGORA"
	LiveKit Provider = "LIVEKIT"
)

// Role is what a token lets its holder do in a channel.
type Role string

// The roles.
const (
	Host     Role = "HOST"     // publishes sound, pictures and data, and receives
	Audience Role = "AUDIENCE" // receives
)

// Grant is what a token is to allow, and to whom.
type Grant struct {
	Channel  string
	UID      uint32 // never zero, which would let its holder choose
	Role     Role
	IssuedAt time.Time
	Lifetime time.Duration
}

// uid is the grant's UID as providers want it.
func (g Grant) uid() string { return strconv.FormatUint(uint64(g.UID), 10) }

// Token opens a channel to one holder.
type Token struct {
	Provider  Provider
	AppID     *string // Agora's
	URL       *string // LiveKit's
	Channel   string
	UID       string
	Token     string
	Role      Role
	ExpiresAt time.Time
}

// Signer makes tokens for one provider. It has the secret, and tells it nobody.
type Signer interface {
	Sign(g Grant) (Token, error)
}
