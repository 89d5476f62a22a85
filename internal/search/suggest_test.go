package search_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/search"
)

// both are the services of the two indexes.
func (b *bundle) both() []*search.Service {
	return []*search.Service{search.New(b.Pool, b.Catalog, search.NewSQL(b.Pool)), search.New(b.Pool, b.Catalog, b.memory())}
}

// suggested is what a text may become, as text.
func (b *bundle) suggested(s *search.Service, prefix string) string {
	b.T.Helper()
	suggestions, err := s.Suggest(b.Ctx(), prefix, 10)
	b.Must(err)
	var out []string
	for _, g := range suggestions {
		out = append(out, fmt.Sprintf("%.1s:%s:%d", g.Kind, g.Text, g.Count))
	}
	return strings.Join(out, " | ")
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lamps, pots, none, samsung := id.New(), id.New(), id.New(), id.New()
	b.Exec(`INSERT INTO category (id, slug, name_ar, name_en, name_fr) VALUES ($1, 'lamps', 'مصابيح', 'Lamps', 'Éclairage'), ($2, 'pots', 'قدور', 'Cooking pots', 'Casseroles'),
		($3, 'none', 'لا شيء', 'Landscapes', 'Lavandes')`, lamps, pots, none)
	b.Exec(`INSERT INTO brand (id, name, normalised) VALUES ($1, 'Samsung', 'samsung'), ($2, 'Samsonite', 'samsonite')`, samsung, id.New())
	for _, title := range []string{"Lamp of brass", "Brass lamp, small", "Lampshade", "Lantern", "Iphone case", "Téléphone à cadran", "قنديل للمكتبة"} {
		listing := b.put(good{title: title})
		if strings.Contains(title, "amp") {
			b.Exec(`UPDATE listing SET category_id = $2 WHERE id = $1`, listing, lamps)
		}
		if strings.Contains(title, "phone") {
			b.Exec(`UPDATE listing SET brand_id = $2 WHERE id = $1`, listing, samsung)
		}
	}
	for i, service := range b.both() {
		for prefix, want := range map[string]string{
			"lam":        "C:Lamps:3 | W:lamp:2 | W:lampshade:1",
			"LAM":        "C:Lamps:3 | W:lamp:2 | W:lampshade:1",
			"écl":        "C:Éclairage:3",
			"ecl":        "C:Éclairage:3",
			"مصا":        "C:مصابيح:3",
			"sams":       "B:Samsung:2",
			"brass la":   "W:brass lamp:2",
			"brass":      "W:brass:2",
			"tele":       "W:téléphone:1",
			"قنديل للمك": "W:قنديل للمكتبة:1", // as it is written, not as it is compared
			"lmap":       "C:Lamps:3 | W:lamp:2 | W:lampshade:1",
			"iphno":      "W:iphone:1",
			"samsumg":    "B:Samsung:2",
			"laterns":    "W:lantern:1",
			"xyzzy":      "", "l": "", "": "", "!!": "", "lav": "", "%": "", "brass lantx": "", "\xff\xfe": "", `la\`: "C:Lamps:3 | W:lamp:2 | W:lampshade:1 | W:lantern:1",
		} {
			if got := b.suggested(service, prefix); got != want {
				t.Errorf("index %d: %q may become %s, want %s", i, prefix, got, want)
			}
		}
		for prefix, want := range map[string]error{strings.Repeat("x", 10_000): search.ErrText, strings.Repeat("a ", 21): search.ErrText} {
			if _, err := service.Suggest(b.Ctx(), prefix, 10); !errors.Is(err, want) {
				t.Errorf("%.20q…: %v", prefix, err)
			}
		}
		for _, n := range []int{-1, 0, 21, 1 << 40} {
			if _, err := service.Suggest(b.Ctx(), "lam", n); !errors.Is(err, search.ErrSuggestions) {
				t.Errorf("%d of them: %v", n, err)
			}
		}
		if got, err := service.Suggest(b.Ctx(), "lam", 1); err != nil || len(got) != 1 {
			t.Errorf("one of them: %v, %v", got, err)
		}
	}
}

// Nothing is suggested of what is not for everybody: neither its words nor the brand or category that it alone is filed under.
func TestSuggestionsHaveOnlyWhatIsPublic(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(good{title: "Something else"})
	category, brand := id.New(), id.New()
	b.Exec(`INSERT INTO category (id, slug, name_ar, name_en, name_fr) VALUES ($1, 'secret', 'x', 'Xylotheque', 'x')`, category)
	b.Exec(`INSERT INTO brand (id, name, normalised) VALUES ($1, 'Xylox', 'xylox')`, brand)
	listing := b.put(good{title: "A xylophone"})
	b.Exec(`UPDATE listing SET category_id = $2, brand_id = $3 WHERE id = $1`, listing, category, brand)
	const shown = "C:Xylotheque:1 | B:Xylox:1 | W:xylophone:1"
	services := b.both()
	look := func(name, want string) {
		t.Helper()
		for i, service := range services {
			for _, prefix := range []string{"xylo", "xlyo", "yxlo"} {
				if got := b.suggested(service, prefix); got != want {
					t.Errorf("%s, index %d: %q may become %s", name, i, prefix, got)
				}
			}
		}
	}
	look("on the market", shown)
	for name, c := range map[string][2]string{
		"hidden": {`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, `UPDATE listing SET status = hidden_from, hidden_from = NULL WHERE id = $1`},
		"of a banned seller": {`UPDATE app_user SET banned_at = now(), ban_reason = 'x' WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`,
			`UPDATE app_user SET banned_at = NULL, ban_reason = NULL WHERE id = (SELECT seller_id FROM listing WHERE id = $1)`},
		"for known buyers": {`UPDATE listing SET minimum_tier = 'VERIFIED' WHERE id = $1`, `UPDATE listing SET minimum_tier = NULL WHERE id = $1`},
		"ended":            {`UPDATE listing SET status = 'ENDED' WHERE id = $1`, `UPDATE listing SET status = 'ACTIVE' WHERE id = $1`},
	} {
		b.Exec(c[0], listing)
		look(name, "")
		b.Exec(c[1], listing)
		look("no longer "+name, shown)
	}
	b.put(good{title: "A draft xylem", draft: true})
	look("with a draft", shown)
}

// Letters that were swapped leave few trigrams: a second look finds what was meant.
func TestSwappedLetters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shelf("iPhone 13", "Carpet")
	for _, service := range b.both() {
		b.Service = service
		for _, text := range []string{"iphnoe", "pihone", "ihpone", "iphoen ", "iphnoe 13"} {
			b.wantTitles(text, "iPhone 13")
		}
	}
	if got := b.titles(search.Query{Text: "iphnoe carpet"}); !slices.Equal(got, []string{"Carpet", "iPhone 13"}) && !slices.Equal(got, []string{"iPhone 13", "Carpet"}) {
		t.Errorf("both: %q", got)
	}
}
