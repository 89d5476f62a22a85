package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// full is a hasher whose every place is taken.
func full(patience time.Duration) *hasher {
	h := newHasher()
	h.patience = patience
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	return h
}

func TestPassword(t *testing.T) {
	t.Parallel()
	h := newHasher()
	one, err := h.hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.hash(t.Context(), "correct horse")
	if err != nil || one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%s and %s, %v", one, two, err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsE": false, "": false, "correct horse\x00": false} {
		if ok, err := h.matches(t.Context(), one, password); ok != want || err != nil {
			t.Errorf("%q: %t, %v", password, ok, err)
		}
	}
	// The decoy's key is all zero, and nothing matches it, nor the empty hash that stands for nobody.
	for _, password := range []string{"", strings.Repeat("\x00", 32)} {
		if ok, err := h.matches(t.Context(), "", password); ok || err != nil {
			t.Errorf("nobody's password is %q, %v", password, err)
		}
	}
	for _, broken := range []string{"x", "$argon2id$v=19$m=x$YQ$YQ", "$argon2id$v=19$m=8,t=1,p=1$!$YQ", "$argon2id$v=19$m=8,t=1,p=1$YQ$!"} {
		if ok, err := h.matches(t.Context(), broken, "x"); ok || err == nil {
			t.Errorf("%s: %t, %v", broken, ok, err)
		}
	}
	if len(h.slots) != 0 {
		t.Errorf("%d places are still taken", len(h.slots))
	}
}

// In a flood, who does not get a place in time is told to come again, for a known and an unknown address alike.
func TestFlood(t *testing.T) {
	t.Parallel()
	h := full(time.Millisecond)
	if _, err := h.hash(t.Context(), "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("hash: %v", err)
	}
	for _, hash := range []string{"", h.decoy} {
		if _, err := h.matches(t.Context(), hash, "x"); !errors.Is(err, ErrBusy) {
			t.Errorf("matches %q: %v", hash, err)
		}
	}
	patient := full(time.Hour)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := patient.hash(gone, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that hung up: %v", err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := patient.hash(t.Context(), "x")
		waited <- err
	}()
	<-patient.slots
	if err := <-waited; err != nil {
		t.Errorf("when a place is free: %v", err)
	}
}
