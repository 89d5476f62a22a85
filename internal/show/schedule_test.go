package show_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

// photo is a photo of somebody's, announced or uploaded.
func photo(w *domaintest.World, owner uuid.UUID, status string) *uuid.UUID {
	w.T.Helper()
	p := id.New()
	w.Exec(`INSERT INTO photo (id, owner_id, content_type, bytes, status) VALUES ($1, $2, 'image/png', 10, $3)`, p, owner, status)
	return &p
}

func TestCreate(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	with := func(change func(*show.Draft)) show.Draft {
		d := draft
		change(&d)
		return d
	}
	title := func(s string) show.Draft { return with(func(d *show.Draft) { d.Title = s }) }
	at := func(when time.Time) show.Draft { return with(func(d *show.Draft) { d.StartsAt = when }) }
	categories := func(s ...string) show.Draft { return with(func(d *show.Draft) { d.Categories = s }) }
	describe := func(s string) show.Draft { return with(func(d *show.Draft) { d.Description = s }) }
	cover := func(p *uuid.UUID) show.Draft { return with(func(d *show.Draft) { d.Cover = p }) }
	nothing := id.New()
	var taken int64
	for name, c := range map[string]struct {
		draft show.Draft
		err   error
	}{
		"now":                     {draft, nil},
		"a minute ago":            {at(now.Add(-time.Minute)), nil},
		"longer ago":              {at(now.Add(-time.Minute - 1)), show.ErrStartsAt},
		"in a year":               {at(now.AddDate(1, 0, 0)), nil},
		"in more":                 {at(now.AddDate(1, 0, 0).Add(1)), show.ErrStartsAt},
		"no time":                 {at(time.Time{}), show.ErrStartsAt},
		"a short title":           {title(" ab "), show.ErrTitle},
		"the shortest":            {title(" äöü "), nil},
		"the longest":             {title(strings.Repeat("é", 140)), nil},
		"too long":                {title(strings.Repeat("é", 141)), show.ErrTitle},
		"NUL":                     {title("a\x00bc"), show.ErrTitle},
		"a line":                  {title("a\nbc"), show.ErrTitle},
		"turned round":            {title("a\u202ecba"), show.ErrTitle},
		"not UTF-8":               {title("abc\xff"), show.ErrTitle},
		"nothing at all":          {title(""), show.ErrTitle},
		"space and a line":        {title(" \n "), show.ErrTitle},
		"a description":           {describe(" Two\r\nlines. "), nil},
		"a long one":              {describe(strings.Repeat("é", 5000)), nil},
		"a longer one":            {describe(strings.Repeat("é", 5001)), catalog.ErrDescriptionLength},
		"a hostile one":           {describe("a\u2066b"), catalog.ErrTextControl},
		"three categories":        {categories("home", "art-deco", "1950s"), nil},
		"four":                    {categories("a", "b", "c", "d"), show.ErrCategories},
		"one twice":               {categories("home", "home"), show.ErrCategories},
		"upper case":              {categories("Home"), show.ErrCategories},
		"space":                   {categories("art deco"), show.ErrCategories},
		"no category":             {categories(""), show.ErrCategories},
		"a hyphen at the end":     {categories("art-"), show.ErrCategories},
		"a long category":         {categories(strings.Repeat("a", 41)), show.ErrCategories},
		"a cover":                 {cover(photo(w, host, "STORED")), nil},
		"a cover that never came": {cover(photo(w, host, "PENDING")), media.ErrPhotoUnknown},
		"another's cover":         {cover(photo(w, w.User(identity.Seller), "STORED")), media.ErrPhotoUnknown},
		"no such cover":           {cover(&nothing), media.ErrPhotoUnknown},
		"in French":               {with(func(d *show.Draft) { d.Language = show.French }), nil},
		"in Latin":                {with(func(d *show.Draft) { d.Language = "LA" }), show.ErrLanguage},
	} {
		s, err := shows.Create(t.Context(), host, c.draft)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if err != nil {
			continue
		}
		taken++
		if s.HostID != host || s.Status != show.Scheduled || s.Title != strings.TrimSpace(c.draft.Title) || s.StartedAt != nil ||
			!s.StartsAt.Equal(c.draft.StartsAt) || !slices.Equal(s.Categories, c.draft.Categories) || s.Language == "" || s.CoverID != c.draft.Cover && *s.CoverID != *c.draft.Cover {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if n := w.Int(`SELECT count(*) FROM show`); n != taken {
		t.Errorf("%d shows, %d were taken", n, taken)
	}
}

// A host has fifty shows scheduled, however many they ask for at once; one that begins makes room.
func TestFiftyScheduled(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	w.Exec(`INSERT INTO show (id, host_id, title, starts_at) SELECT gen_random_uuid(), $1, 'A show', now() FROM generate_series(1, 48)`, host)
	create := func(int) error {
		_, err := shows.Create(t.Context(), host, draft)
		return err
	}
	if codes := domaintest.Codes(domaintest.AtOnce(8, create)); codes[""] != 2 || codes["TOO_MANY_SHOWS"] != 6 {
		t.Errorf("%v", codes)
	}
	_, err := shows.Create(t.Context(), w.User(identity.Seller), draft)
	w.Must(err)
	waiting, err := shows.List(t.Context(), show.Filter{Host: &host}, show.Latest, page.Args{})
	w.Must(err)
	_, err = shows.Start(t.Context(), host, waiting.Nodes[0].ID)
	w.Must(err)
	w.Must(create(0))
}

func TestOnlyTheHostStartsItOnce(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	if _, err := shows.Start(t.Context(), w.User(identity.Seller), s.ID); !errors.Is(err, show.ErrNotHost) {
		t.Errorf("another: %v", err)
	}
	if _, err := shows.Start(t.Context(), host, id.New()); !errors.Is(err, show.ErrNotFound) {
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

func TestUpdate(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, show.Draft{Title: "A show", Description: "First.", StartsAt: now, Categories: []string{"home"}})
	w.Must(err)
	update := func(e show.Edit) show.Show {
		t.Helper()
		now, err := shows.Update(t.Context(), host, s.ID, e)
		w.Must(err)
		return now
	}
	refuse := func(who uuid.UUID, e show.Edit, want error) {
		t.Helper()
		if _, err := shows.Update(t.Context(), who, s.ID, e); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", e, err, want)
		}
	}
	title, short, later, past := "Another title", "ab", now.Add(time.Hour), now.Add(-time.Hour)
	if got := update(show.Edit{}); got.Title != s.Title || got.Description != "First." || !slices.Equal(got.Categories, s.Categories) {
		t.Errorf("nothing changed: %+v", got)
	}
	if got := update(show.Edit{Title: &title, StartsAt: &later, Cover: photo(w, host, "STORED"), Categories: []string{}}); got.Title != title ||
		!got.StartsAt.Equal(later) || got.CoverID == nil || len(got.Categories) != 0 || got.Description != "First." {
		t.Errorf("%+v", got)
	}
	refuse(host, show.Edit{Title: &short}, show.ErrTitle)
	refuse(host, show.Edit{StartsAt: &past}, show.ErrStartsAt)
	refuse(host, show.Edit{Cover: photo(w, w.User(identity.Seller), "STORED")}, media.ErrPhotoUnknown)
	refuse(w.User(identity.Seller), show.Edit{Title: &title}, show.ErrNotHost)
	_, err = shows.Start(t.Context(), host, s.ID)
	w.Must(err)
	refuse(host, show.Edit{StartsAt: &later}, show.ErrNotScheduled)
	w.Exec(`UPDATE show SET starts_at = $2 WHERE id = $1`, s.ID, past) // it has begun: its start may have passed
	short = "While it is live"
	if got := update(show.Edit{Title: &short}); got.Title != short || got.Status != show.Live {
		t.Errorf("live: %+v", got)
	}
	w.Exec(`UPDATE show SET status = 'ENDED', ended_at = now() WHERE id = $1`, s.ID)
	refuse(host, show.Edit{Title: &title}, show.ErrOver)
	if _, err := shows.Update(t.Context(), host, id.New(), show.Edit{}); !errors.Is(err, show.ErrNotFound) {
		t.Errorf("no such show: %v", err)
	}
}

// Edits at once each keep what the others changed.
func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	title, description, language := "Another title", "And more of it.", show.Arabic
	edits := []show.Edit{{Title: &title}, {Description: &description}, {Language: &language}, {Categories: []string{"home"}}}
	for _, err := range domaintest.AtOnce(len(edits), func(i int) error {
		_, err := shows.Update(t.Context(), host, s.ID, edits[i])
		return err
	}) {
		w.Must(err)
	}
	got, err := shows.Get(t.Context(), s.ID)
	if want := "Another title And more of it. AR [home]"; err != nil || fmt.Sprint(got.Title, " ", got.Description, " ", got.Language, " ", got.Categories) != want {
		t.Errorf("%+v, %v", got, err)
	}
}
