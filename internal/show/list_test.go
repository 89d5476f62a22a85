package show_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

// all reads a list to its end, two by two, while another show is scheduled after each page, beyond what was read.
func all(w *domaintest.World, shows *show.Service, f show.Filter, order show.Order) (got []uuid.UUID) {
	w.T.Helper()
	two := 2
	args := page.Args{First: &two}
	for {
		p, err := shows.List(w.Ctx(), f, order, args)
		w.Must(err)
		for _, s := range p.Nodes {
			got = append(got, s.ID)
		}
		if !p.HasNext {
			return got
		}
		args.After = p.PageInfo().EndCursor
		beyond := now.Add(24 * time.Hour)
		if order == show.Soonest {
			beyond = now.Add(-time.Minute)
		}
		_, err = shows.Create(w.Ctx(), w.User(identity.Seller), show.Draft{Title: "One more", StartsAt: beyond})
		w.Must(err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for _, order := range []show.Order{show.Latest, show.Soonest} {
		w, shows, host := setup(t)
		var want []uuid.UUID
		for i := range 5 {
			s, err := shows.Create(t.Context(), host, show.Draft{Title: "A show", StartsAt: now.Add(time.Duration(i/2) * time.Hour)}) // some at the same time
			w.Must(err)
			want = append(want, s.ID)
		}
		if order == show.Latest {
			slices.Reverse(want)
		}
		if got := all(w, shows, show.Filter{}, order); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", order, got, want)
		}
		found, err := shows.ByID(t.Context(), []uuid.UUID{want[0], id.New()})
		if err != nil || len(found) != 1 || found[want[0]].ID != want[0] {
			t.Errorf("%v, %v", found, err)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	other, fan := w.User(identity.Seller), w.User(identity.Buyer)
	w.Must(w.Follows.Begin(t.Context(), fan, other))
	var ids []uuid.UUID
	for i, d := range []show.Draft{
		{Title: "Home, in English", Categories: []string{"home", "toys"}},
		{Title: "Home, in French", Categories: []string{"home"}, Language: show.French},
		{Title: "Toys, in French", Categories: []string{"toys"}, Language: show.French},
		{Title: "Anything, in Arabic", Language: show.Arabic},
	} {
		by := host
		if i >= 2 {
			by = other
		}
		d.StartsAt = now.Add(time.Duration(i) * time.Hour)
		s, err := shows.Create(t.Context(), by, d)
		w.Must(err)
		ids = append(ids, s.ID)
	}
	_, err := shows.Start(t.Context(), other, ids[3])
	w.Must(err)
	live, scheduled, french, home, unknown := show.Live, show.Scheduled, show.French, "home", "unknown"
	for name, c := range map[string]struct {
		filter show.Filter
		want   []int
	}{
		"all":                    {show.Filter{}, []int{0, 1, 2, 3}},
		"live":                   {show.Filter{Status: &live}, []int{3}},
		"scheduled":              {show.Filter{Status: &scheduled}, []int{0, 1, 2}},
		"a host's":               {show.Filter{Host: &host}, []int{0, 1}},
		"in French":              {show.Filter{Language: &french}, []int{1, 2}},
		"for the home":           {show.Filter{Category: &home}, []int{0, 1}},
		"for the home in French": {show.Filter{Category: &home, Language: &french}, []int{1}},
		"of whom one follows":    {show.Filter{Follower: &fan}, []int{2, 3}},
		"theirs, live":           {show.Filter{Follower: &fan, Status: &live}, []int{3}},
		"of who follows nobody":  {show.Filter{Follower: &host}, nil},
		"of no category":         {show.Filter{Category: &unknown}, nil},
	} {
		var want []uuid.UUID
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		for _, order := range []show.Order{show.Soonest, show.Latest} {
			p, err := shows.List(t.Context(), c.filter, order, page.Args{})
			w.Must(err)
			var got []uuid.UUID
			for _, s := range p.Nodes {
				got = append(got, s.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", name, order, got, want)
			}
			slices.Reverse(want)
		}
	}
	w.Must(w.Follows.End(t.Context(), fan, other))
	if p, err := shows.List(t.Context(), show.Filter{Follower: &fan}, show.Latest, page.Args{}); err != nil || len(p.Nodes) != 0 {
		t.Errorf("of whom one followed: %d, %v", len(p.Nodes), err)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	_, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	p, err := shows.List(t.Context(), show.Filter{}, show.Latest, page.Args{})
	w.Must(err)
	latest := p.PageInfo().EndCursor
	if _, err := shows.List(t.Context(), show.Filter{}, show.Soonest, page.Args{After: latest}); !errors.Is(err, page.ErrQuery) {
		t.Errorf("a cursor of the other order: %v", err)
	}
	hostile := "' OR 1=1"
	if _, err := shows.List(t.Context(), show.Filter{Category: &hostile}, show.Latest, page.Args{}); !errors.Is(err, show.ErrCategories) {
		t.Errorf("a hostile category: %v", err)
	}
}
