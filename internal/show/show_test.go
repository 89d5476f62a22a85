package show_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/show"
)

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	draft = show.Draft{Title: "A show", StartsAt: now}
)

func setup(t *testing.T) (*domaintest.World, *show.Service, uuid.UUID) {
	t.Helper()
	w := domaintest.New(t)
	shows := w.ShowsAt(clock.Fixed(now))
	host := w.User(identity.Seller)
	return w, shows, host
}

// Lots are numbered from 1 without a hole, though some of those who took a number gave up.
func TestLotNumbers(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	take := func(who, which uuid.UUID, giveUp error) (n int32, err error) {
		err = postgres.InTx(t.Context(), w.Pool, func(tx pgx.Tx) error {
			if _, n, err = shows.TakeLotNumberTx(t.Context(), tx, who, which); err != nil {
				return err
			}
			return giveUp
		})
		return n, err
	}
	if _, err := take(w.User(identity.Seller), s.ID, nil); !errors.Is(err, show.ErrNotHost) {
		t.Errorf("another's: %v", err)
	}
	w.Exec(`INSERT INTO show (id, host_id, title, status, starts_at, started_at, ended_at)
		SELECT $1, host_id, title, 'ENDED', starts_at, created_at, created_at + interval '1 second' FROM show WHERE id = $2`, uuid.Max, s.ID)
	if _, err := take(host, uuid.Max, nil); !errors.Is(err, show.ErrOver) {
		t.Errorf("ended: %v", err)
	}
	if _, err := take(host, id.New(), nil); !errors.Is(err, show.ErrNotFound) {
		t.Errorf("no such show: %v", err)
	}
	gaveUp := errors.New("no lot after all")
	numbers := make([]int32, 24)
	errs := domaintest.AtOnce(len(numbers), func(i int) (err error) {
		var end error
		if i%3 == 0 {
			end = gaveUp
		}
		numbers[i], err = take(host, s.ID, end)
		return err
	})
	var taken []int32
	for i, err := range errs {
		switch {
		case err == nil:
			taken = append(taken, numbers[i])
		case !errors.Is(err, gaveUp):
			t.Error(err)
		}
	}
	slices.Sort(taken)
	for i, n := range taken {
		if n != int32(i+1) {
			t.Fatalf("%v", taken)
		}
	}
	if len(taken) != 16 {
		t.Errorf("%d numbers", len(taken))
	}
}
