package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Argon2id with the parameters that OWASP's password storage cheat sheet gives first for one lane:
// 19 MiB of memory, two passes, one lane.
const (
	argonMemoryKiB = 19 * 1024
	argonPasses    = 2
	argonLanes     = 1
	argonKeyLen    = 32
	argonSaltLen   = 16
	hashFormat     = "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
)

// At most this many hashes run at once, so that a flood of sign-ins can't take the memory of the
// server; who waits longer is told to come again.
const (
	hashesAtOnce = 4
	hashPatience = 5 * time.Second
)

type hasher struct {
	slots    chan struct{}
	patience time.Duration
	decoy    string // compared against where the address is unknown, so that both cases take the same time
}

func newHasher() *hasher {
	h := &hasher{slots: make(chan struct{}, hashesAtOnce), patience: hashPatience}
	h.decoy = encodeHash(make([]byte, argonSaltLen), make([]byte, argonKeyLen))
	return h
}

func (h *hasher) enter(ctx context.Context) error {
	timer := time.NewTimer(h.patience)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	salt := make([]byte, argonSaltLen)
	_, _ = rand.Read(salt) // crypto/rand never fails: it ends the process instead
	return encodeHash(salt, derive(password, salt, argonMemoryKiB, argonPasses, argonLanes)), nil
}

// matches compares in constant time. An empty hash stands for an unknown address and never matches.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, fmt.Errorf("stored password hash has %d parts", len(parts))
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("stored password hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("stored password salt: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("stored password key: %w", err)
	}
	got := derive(password, salt, memory, passes, lanes)
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func derive(password string, salt []byte, memory, passes uint32, lanes uint8) []byte {
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, argonKeyLen)
}

func encodeHash(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf(hashFormat, argonMemoryKiB, argonPasses, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}
