package show_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/show"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func setup(t *testing.T) (*domaintest.World, *show.Service, uuid.UUID) {
	t.Helper()
	w := domaintest.New(t)
	host := w.User(identity.Seller)
	return w, show.New(show.Config{Pool: w.Pool, Clock: clock.Fixed(now), Hub: w.Told}), host
}

func TestCreate(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	for name, c := range map[string]struct {
		title string
		at    time.Time
		err   error
	}{
		"now":              {"Show", now, nil},
		"a minute ago":     {"Show", now.Add(-time.Minute), nil},
		"longer ago":       {"Show", now.Add(-time.Minute - 1), show.ErrStartsAt},
		"in a year":        {"Show", now.AddDate(1, 0, 0), nil},
		"in more":          {"Show", now.AddDate(1, 0, 0).Add(1), show.ErrStartsAt},
		"no time":          {"Show", time.Time{}, show.ErrStartsAt},
		"a short title":    {" ab ", now, show.ErrTitle},
		"the shortest":     {" äöü ", now, nil},
		"the longest":      {strings.Repeat("é", 140), now, nil},
		"too long":         {strings.Repeat("é", 141), now, show.ErrTitle},
		"NUL":              {"a\x00bc", now, show.ErrTitle},
		"a line":           {"a\nbc", now, show.ErrTitle},
		"not UTF-8":        {"abc\xff", now, show.ErrTitle},
		"nothing at all":   {"", now, show.ErrTitle},
		"space and a line": {" \n ", now, show.ErrTitle},
	} {
		s, err := shows.Create(t.Context(), host, c.title, c.at)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if err == nil && (s.HostID != host || s.Status != show.Scheduled || s.Title != strings.TrimSpace(c.title) || s.StartedAt != nil || !s.StartsAt.Equal(c.at)) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if n := w.Int(`SELECT count(*) FROM show`); n != 5 {
		t.Errorf("%d shows", n)
	}
}

func TestOnlyTheHostStartsItOnce(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, "A show", now)
	w.Must(err)
	if _, err := shows.Start(t.Context(), w.User(identity.Seller), s.ID); !errors.Is(err, show.ErrCantStart) {
		t.Errorf("another: %v", err)
	}
	if _, err := shows.Start(t.Context(), host, id.New()); !errors.Is(err, show.ErrCantStart) {
		t.Errorf("no such show: %v", err)
	}
	errs := domaintest.AtOnce(8, func(int) error {
		started, err := shows.Start(t.Context(), host, s.ID)
		if err == nil && (started.Status != show.Live || started.StartedAt == nil) {
			t.Errorf("%+v", started)
		}
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 1 || codes["SHOW_NOT_SCHEDULED"] != 7 {
		t.Errorf("%v", codes)
	}
}

// Lots are numbered from 1 without a hole, though some of those who took a number gave up.
func TestLotNumbers(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, "A show", now)
	w.Must(err)
	take := func(who, which uuid.UUID, giveUp error) (n int32, err error) {
		err = postgres.InTx(t.Context(), w.Pool, func(tx pgx.Tx) error {
			if n, err = shows.TakeLotNumberTx(t.Context(), tx, who, which); err != nil {
				return err
			}
			return giveUp
		})
		return n, err
	}
	if _, err := take(host, s.ID, nil); !errors.Is(err, show.ErrNotLive) {
		t.Errorf("not live: %v", err)
	}
	_, err = shows.Start(t.Context(), host, s.ID)
	w.Must(err)
	if _, err := take(w.User(identity.Seller), s.ID, nil); !errors.Is(err, show.ErrNotLive) {
		t.Errorf("another's: %v", err)
	}
	w.Exec(`INSERT INTO show (id, host_id, title, status, starts_at, started_at, ended_at) VALUES ($1, $2, 'Over', 'ENDED', now(), now(), now())`, uuid.Max, host)
	if _, err := take(host, uuid.Max, nil); !errors.Is(err, show.ErrNotLive) {
		t.Errorf("ended: %v", err)
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

func TestList(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	var want []uuid.UUID
	for i := range 5 {
		s, err := shows.Create(t.Context(), host, "A show", now.Add(time.Duration(i/2)*time.Hour)) // some at the same time
		w.Must(err)
		want = append([]uuid.UUID{s.ID}, want...)
	}
	two := 2
	args := page.Args{First: &two}
	var got []uuid.UUID
	for {
		p, err := shows.List(t.Context(), args)
		w.Must(err)
		for _, s := range p.Nodes {
			got = append(got, s.ID)
		}
		if !p.HasNext {
			break
		}
		args.After = p.PageInfo().EndCursor
		_, err = shows.Create(t.Context(), host, "One more", now.Add(24*time.Hour))
		w.Must(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	found, err := shows.ByID(t.Context(), []uuid.UUID{want[0], id.New()})
	if err != nil || len(found) != 1 || found[want[0]].ID != want[0] {
		t.Errorf("%v, %v", found, err)
	}
}
