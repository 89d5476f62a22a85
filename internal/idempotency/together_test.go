package idempotency_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/souklive/souk/internal/idempotency"
)

// Many at once are claimed and kept together: each key still has one claim, and each answer is its own.
func TestManyKeysAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const keys, each = 40, 3
	var claims [keys]atomic.Int32
	var all sync.WaitGroup
	for n := range keys * each {
		all.Go(func() {
			r := b.request
			r.Key = fmt.Sprint("key ", n%keys)
			want := fmt.Sprintf(`{"key":%q}`, r.Key)
			found, err := b.Claim(t.Context(), r)
			switch {
			case found.Claim != nil:
				claims[n%keys].Add(1)
				if kept, err := found.Claim.Keep(t.Context(), answer(want)); err != nil || string(kept) != want {
					t.Errorf("%s was answered %s, %v", r.Key, kept, err)
				}
			case found.Answer != nil:
				if string(found.Answer.JSON) != want {
					t.Errorf("%s was answered %s", r.Key, found.Answer.JSON)
				}
			case !errors.Is(err, idempotency.ErrInFlight):
				t.Errorf("%s: %+v, %v", r.Key, found, err)
			}
		})
	}
	all.Wait()
	for n := range claims {
		if got := claims[n].Load(); got != 1 {
			t.Errorf("key %d was claimed %d times", n, got)
		}
		r := b.request
		r.Key = fmt.Sprint("key ", n)
		if found, err := b.Claim(t.Context(), r); err != nil || found.Answer == nil || string(found.Answer.JSON) != fmt.Sprintf(`{"key":%q}`, r.Key) {
			t.Errorf("%s again: %+v, %v", r.Key, found, err)
		}
		r.Input = sha256.Sum256([]byte("other"))
		b.refused(t, r, idempotency.ErrKeyReused)
	}
}

// What cannot be claimed fails its own request and none of those beside it.
func TestOneBadKeyAmongMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			r := b.request
			r.Key = fmt.Sprint("key ", n)
			bad := n%10 == 0
			if bad {
				r.Key += "\n" // which the table refuses
			}
			if found, err := b.Claim(t.Context(), r); (err != nil) != bad || (found.Claim != nil) == bad {
				t.Errorf("%q: %+v, %v", r.Key, found, err)
			}
		})
	}
	all.Wait()
}
