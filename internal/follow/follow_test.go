package follow_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
)

func count(w *domaintest.World, f *follow.Service, user uuid.UUID) int32 {
	w.T.Helper()
	counts, err := f.Counts(w.Ctx(), []uuid.UUID{user})
	w.Must(err)
	return counts[user]
}

func TestFollowing(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	f := follow.New(w.Pool)
	host, fan := w.User(identity.Seller), w.User(identity.Buyer)
	follows := func() bool {
		among, err := f.Among(t.Context(), fan, []uuid.UUID{host})
		w.Must(err)
		return among[host]
	}
	if follows() || count(w, f, host) != 0 {
		t.Error("they follow before they do")
	}
	for range 2 { // a second time is no error, and counts no more
		w.Must(f.Begin(t.Context(), fan, host))
		if !follows() || count(w, f, host) != 1 {
			t.Errorf("follows: %v, %d", follows(), count(w, f, host))
		}
	}
	for range 2 {
		w.Must(f.End(t.Context(), fan, host))
		if follows() || count(w, f, host) != 0 {
			t.Errorf("ended: %v, %d", follows(), count(w, f, host))
		}
	}
	w.Must(f.Begin(t.Context(), fan, host))
	if !follows() || count(w, f, host) != 1 {
		t.Errorf("again: %v, %d", follows(), count(w, f, host))
	}
	if err := f.Begin(t.Context(), fan, fan); !errors.Is(err, follow.ErrSelf) {
		t.Errorf("oneself: %v", err)
	}
	if err := f.Begin(t.Context(), fan, id.New()); !errors.Is(err, identity.ErrUserNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// Many who begin and end at once, some of them the same: the count is that of the rows.
func TestCountsAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	f := follow.New(w.Pool)
	host := w.User(identity.Seller)
	fans := []uuid.UUID{w.User(identity.Buyer), w.User(identity.Buyer), w.User(identity.Buyer), w.User(identity.Buyer)}
	for _, err := range domaintest.AtOnce(32, func(i int) error {
		if i/len(fans)%2 == 1 {
			return f.End(t.Context(), fans[i%len(fans)], host)
		}
		return f.Begin(t.Context(), fans[i%len(fans)], host)
	}) {
		w.Must(err)
	}
	if rows := w.Int(`SELECT count(*) FROM follow WHERE followed_id = $1 AND ended_at IS NULL`, host); int64(count(w, f, host)) != rows {
		t.Errorf("%d are counted, %d follow", count(w, f, host), rows)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	f := follow.New(w.Pool)
	fan := w.User(identity.Buyer)
	var want []uuid.UUID
	for range 5 {
		host := w.User(identity.Seller)
		w.Must(f.Begin(t.Context(), fan, host))
		want = append([]uuid.UUID{host}, want...)
	}
	w.Must(f.End(t.Context(), fan, want[2]))
	want = slices.Delete(want, 2, 3)
	w.Must(f.Begin(t.Context(), w.User(identity.Buyer), want[0])) // another's
	first := 3
	args := page.Args{First: &first}
	var got []uuid.UUID
	for more := true; more; {
		p, err := f.List(t.Context(), fan, args)
		w.Must(err)
		for _, row := range p.Nodes {
			got = append(got, row.FollowedID)
		}
		more, args.After = p.HasNext, p.PageInfo().EndCursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
