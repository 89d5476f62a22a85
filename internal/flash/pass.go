package flash

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// passLife is how long a pass is good; another is given out until what its place was used for is paid.
const passLife = 10 * time.Minute

const passBody = 16 + 16 + 8 // sale, user, expiry

// Pass lets its owner reserve in a sale, until it expires. Servers verify it without asking anybody.
type Pass struct {
	Token     string
	ExpiresAt time.Time
}

// sign makes the pass of a user.
func (s *Service) sign(sale, user uuid.UUID, expires time.Time) Pass {
	body := append(append(make([]byte, 0, passBody+sha256.Size), sale[:]...), user[:]...)
	body = binary.BigEndian.AppendUint64(body, uint64(expires.Unix()))
	return Pass{Token: base64.RawURLEncoding.EncodeToString(s.seal(body)), ExpiresAt: expires.Truncate(time.Second)}
}

// seal puts the signature behind a body.
func (s *Service) seal(body []byte) []byte {
	mac := hmac.New(sha256.New, s.passKey)
	_, _ = mac.Write(body)
	return mac.Sum(body)
}

// Check implements inventory.Door.
func (s *Service) Check(pass string, sale, buyer uuid.UUID) error {
	if pass == "" {
		return ErrPassNeeded.At("admissionPass")
	}
	raw, err := base64.RawURLEncoding.DecodeString(pass)
	if err != nil || len(raw) != passBody+sha256.Size || !hmac.Equal(raw, s.seal(raw[:passBody:passBody])) ||
		uuid.UUID(raw[:16]) != sale || uuid.UUID(raw[16:32]) != buyer {
		return ErrPassInvalid.At("admissionPass")
	}
	if expires := binary.BigEndian.Uint64(raw[32:passBody]); s.Clock.Now().Unix() >= int64(expires) {
		return ErrPassExpired.At("admissionPass")
	}
	return nil
}
