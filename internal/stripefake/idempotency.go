package stripefake

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"
)

// keyLife is how long a key is remembered. Stripe promises at least 24 hours and then prunes, so a
// client that relies on more is wrong, and the fake forgets at the earliest moment allowed.
const keyLife = 24 * time.Hour

// idempotentAnswer is what a key was first answered with; Status 0 while the request still runs.
type idempotentAnswer struct {
	Fingerprint string `json:"fingerprint"`
	Created     int64  `json:"created"`
	RequestID   string `json:"request_id"`
	Status      int    `json:"status"`
	Body        []byte `json:"body"`
}

func (a *idempotentAnswer) expired(now time.Time) bool {
	return a.Status != 0 && now.Sub(time.Unix(a.Created, 0)) >= keyLife
}

// fingerprint is of all that has to be the same when a key is used again.
func fingerprint(method, path string, values url.Values) string {
	sum := sha256.Sum256([]byte(method + " " + path + "?" + values.Encode()))
	return hex.EncodeToString(sum[:])
}

// claimKey reserves a key, or says how it was answered before.
func (s *Server) claimKey(key, digest, requestID string) (*idempotentAnswer, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	known, ok := s.keys[key]
	if ok && known.expired(now) {
		delete(s.keys, key)
		ok = false
	}
	switch {
	case !ok:
		s.keys[key] = &idempotentAnswer{Fingerprint: digest, Created: now.Unix(), RequestID: requestID}
		return nil, nil
	case known.Fingerprint != digest:
		return nil, keyReused(key)
	case known.Status == 0:
		return nil, keyInUse(key)
	}
	return known, nil
}

// dropKey forgets a key whose request never began to execute.
func (s *Server) dropKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.keys[key]; ok && known.Status == 0 {
		delete(s.keys, key)
	}
}

func (a *idempotentAnswer) replay(w http.ResponseWriter, key string) {
	w.Header().Set("Idempotent-Replayed", "true")
	w.Header().Set("Original-Request", a.RequestID)
	w.Header().Set("Idempotency-Key", key)
	writeBody(w, a.Status, a.Body)
}
