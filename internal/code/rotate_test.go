package code_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
)

var both = "two:" + strings.Repeat("3", 64) + ",one:" + strings.Repeat("1", 64) //nolint:gochecknoglobals // what most tests here rotate to

// Keys are exchanged while codes are sold: each opens at any moment, a rotation that ends half-way goes on later, and in the end the old
// key opens nothing any more and is not needed.
func TestRotate(t *testing.T) {
	t.Parallel()
	s := setup(t)
	buyer := s.User(identity.Buyer)
	games := make([]uuid.UUID, 7)
	mine := make([]code.Code, len(games))
	for i := range games {
		games[i] = s.stocked(2)
		mine[i] = s.bought(buyer, games[i])
	}
	sealed := s.Int(`SELECT sum(hashtext(sealed::text)) FROM code`)
	next := s.CodesUnder(both)
	opens := func(by *code.Service) (n int) {
		for i, c := range mine {
			if text, err := by.Reveal(t.Context(), buyer, c.ID); err == nil && text == games[i].String()+"-0" {
				n++
			}
		}
		return n
	}
	half, stop := context.WithCancel(t.Context())
	rounds := 0
	if _, err := next.Rotate(half, 2, func(code.Rotation) {
		if rounds++; rounds == 2 {
			stop()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("the rotation that was stopped: %v", err)
	}
	if n := s.Int(`SELECT count(*) FROM code_batch WHERE key_id = 'two'`); n != 4 || opens(next) != 7 {
		t.Errorf("half-way %d uploads are rewrapped, %d codes open", n, opens(next))
	}
	var done [2]code.Rotation
	for _, err := range domaintest.AtOnce(2, func(i int) (err error) {
		done[i], err = next.Rotate(t.Context(), 1, func(code.Rotation) {})
		return err
	}) {
		s.Must(err)
	}
	if done[0].Rewrapped+done[1].Rewrapped != 3 {
		t.Errorf("two at once rewrapped %+v", done)
	}
	only := s.CodesUnder("two:" + strings.Repeat("3", 64))
	if n := opens(only); n != 7 {
		t.Errorf("with the new key alone %d open", n)
	}
	if n := opens(s.Codes); n != 0 {
		t.Errorf("with the old key alone %d open", n)
	}
	if s.Int(`SELECT sum(hashtext(sealed::text)) FROM code`) != sealed {
		t.Error("codes were sealed anew")
	}
	if got, err := only.Upload(t.Context(), s.seller, upload(games[0], games[1].String()+"-1")); err != nil || got.Accepted != 0 {
		t.Errorf("a code that was there before the rotation: %+v, %v", got, err)
	}
}

// An upload under a key that is not there is told, and holds up nobody else's.
func TestRotateWithoutAKey(t *testing.T) {
	t.Parallel()
	s := setup(t)
	lost := s.CodesUnder("lost:" + strings.Repeat("9", 64))
	s.Must2(lost.Upload(t.Context(), s.seller, upload(s.game(), "LOST-1")))
	s.stocked(1)
	done, err := s.CodesUnder(both).Rotate(t.Context(), 1, func(code.Rotation) {})
	if s.Must(err); done.Rewrapped != 1 || done.Unreadable["lost"] != 1 {
		t.Errorf("%+v", done)
	}
	uses, err := s.CodesUnder(both).KeysInUse(t.Context())
	if s.Must(err); len(uses) != 2 || uses[0] != (code.KeyUse{KeyID: "lost", Batches: 1}) || uses[1] != (code.KeyUse{KeyID: "two", Batches: 1, Current: true, Known: true}) {
		t.Errorf("%+v", uses)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	for name, c := range map[string]struct{ wrapping, hashing string }{
		"no id":                {one, two},
		"an id with a space":   {"a b:" + one, two},
		"short":                {"a:" + one[1:], two},
		"no digits":            {"a:" + strings.Repeat("z", 64), two},
		"one id twice":         {"a:" + one + ",a:" + strings.Repeat("3", 64), two},
		"the key of hashes":    {"a:" + one + ",b:" + two, two},
		"no key of hashes":     {"a:" + one, ""},
		"a comma at the end":   {"a:" + one + ",", two},
		"nothing":              {"", two},
		"a short key of those": {"a:" + one, "22"},
	} {
		_, err := code.ParseKeys(c.wrapping, c.hashing)
		if err == nil || strings.Contains(err.Error(), one) || strings.Contains(err.Error(), two) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := code.ParseKeys(" a:"+one+" , b:"+strings.Repeat("3", 64), two+"\n"); err != nil {
		t.Error(err)
	}
}
