package taxonomy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/taxonomy"
)

func TestTree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top := b.chain("fashion", "shoes", "boots")
	second, err := b.CreateCategory(t.Context(), b.admin, taxonomy.CategoryInput{
		Parent: &top[0], Slug: "hats", Names: taxonomy.Names{Ar: " قبعات ", En: "Hats", Fr: "Chapeaux"}, Position: -1, Reason: why,
	})
	b.Must(err)
	if second.Names.Ar != "قبعات" || second.Position != -1 || *second.ParentID != top[0] || second.RetiredAt != nil {
		t.Errorf("made %+v", second)
	}
	b.category("toys", nil)
	roots, err := b.Roots(t.Context())
	b.Must(err)
	if got := slugsOf(roots); got != "fashion toys" {
		t.Errorf("at the top: %s", got)
	}
	children, err := b.Children(t.Context(), top)
	b.Must(err)
	if got := slugsOf(children[top[0]]) + "/" + slugsOf(children[top[1]]); got != "hats shoes/boots" {
		t.Errorf("below: %s", got)
	}
	paths, err := b.Paths(t.Context(), []uuid.UUID{top[2], top[0]})
	b.Must(err)
	if got := slugsOf(paths[top[2]]) + "/" + slugsOf(paths[top[0]]); got != "fashion shoes boots/fashion" {
		t.Errorf("paths: %s", got)
	}
	within, err := b.Within(t.Context(), top[0])
	if b.Must(err); len(within) != 4 || within[0] != top[0] {
		t.Errorf("within: %v", within)
	}
	got, err := b.BySlug(t.Context(), "hats")
	if b.Must(err); got.ID != second.ID {
		t.Errorf("by its slug: %+v", got)
	}
	if _, err := b.BySlug(t.Context(), "cats"); !errors.Is(err, taxonomy.ErrCategoryNotFound) {
		t.Errorf("no such slug: %v", err)
	}
	b.Must(b.move(top[1], nil)) // with what is below it
	roots, err = b.Roots(t.Context())
	b.Must(err)
	if within, err := b.Within(t.Context(), top[1]); err != nil || slugsOf(roots) != "fashion shoes toys" || len(within) != 2 {
		t.Errorf("moved: %s, %v, %v", slugsOf(roots), within, err)
	}
	if n := b.Int(`SELECT count(*) FROM admin_action WHERE actor_id = $1 AND reason = $2`, b.admin, why); n != 6 {
		t.Errorf("%d changes are in the log", n)
	}
}

func TestTreeRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top := b.chain("a", "b", "c", "d", "e", "f")
	other := b.chain("x", "y")
	gone := b.category("gone", nil)
	_, err := b.ChangeCategory(t.Context(), b.admin, gone, taxonomy.CategoryChange{Retired: new(true), Reason: why})
	b.Must(err)
	before := b.Digest()
	long := strings.Repeat("n", 81)
	input := func(change func(*taxonomy.CategoryInput)) func() error {
		return func() error {
			in := taxonomy.CategoryInput{Slug: "new", Names: named("new"), Reason: why}
			change(&in)
			_, err := b.CreateCategory(t.Context(), b.admin, in)
			return err
		}
	}
	changed := func(category uuid.UUID, change taxonomy.CategoryChange) func() error {
		return func() error {
			if change.Reason == "" {
				change.Reason = why
			}
			_, err := b.ChangeCategory(t.Context(), b.admin, category, change)
			return err
		}
	}
	moved := func(category uuid.UUID, parent *uuid.UUID) func() error {
		return func() error { return b.move(category, parent) }
	}
	nowhere := id.New()
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"below itself":            {moved(top[0], &top[0]), taxonomy.ErrCategoryCycle},
		"below its child":         {moved(top[0], &top[1]), taxonomy.ErrCategoryCycle},
		"below the last below it": {moved(top[0], &top[5]), taxonomy.ErrCategoryCycle},
		"a seventh level":         {input(func(in *taxonomy.CategoryInput) { in.Parent = &top[5] }), taxonomy.ErrCategoryDepth},
		"a seventh by a move":     {moved(other[0], &top[4]), taxonomy.ErrCategoryDepth},
		"nobody's child":          {input(func(in *taxonomy.CategoryInput) { in.Parent = &nowhere }), taxonomy.ErrCategoryNotFound},
		"below what is retired":   {moved(other[0], &gone), taxonomy.ErrCategoryRetired},
		"a move of nothing":       {moved(nowhere, nil), taxonomy.ErrCategoryNotFound},
		"a slug that is taken":    {input(func(in *taxonomy.CategoryInput) { in.Slug = "a" }), taxonomy.ErrSlugTaken},
		"a change to a taken one": {changed(top[0], taxonomy.CategoryChange{Slug: new("b")}), taxonomy.ErrSlugTaken},
		"a slug of capitals":      {input(func(in *taxonomy.CategoryInput) { in.Slug = "New" }), taxonomy.ErrSlug},
		"a slug of hyphens":       {input(func(in *taxonomy.CategoryInput) { in.Slug = "a--b" }), taxonomy.ErrSlug},
		"no slug":                 {changed(top[0], taxonomy.CategoryChange{Slug: new("")}), taxonomy.ErrSlug},
		"no name in Arabic":       {input(func(in *taxonomy.CategoryInput) { in.Names.Ar = " " }), taxonomy.ErrName},
		"too long a name":         {changed(top[0], taxonomy.CategoryChange{Names: &taxonomy.Names{Ar: "a", En: "b", Fr: long}}), taxonomy.ErrName},
		"a name that turns":       {input(func(in *taxonomy.CategoryInput) { in.Names.Fr = "a\u202eb" }), taxonomy.ErrName},
		"retired with children":   {changed(top[0], taxonomy.CategoryChange{Retired: new(true)}), taxonomy.ErrCategoryInUse},
		"no reason":               {changed(top[5], taxonomy.CategoryChange{Retired: new(true), Reason: " "}), fault.New(fault.Invalid, "REASON_LENGTH", "")},
		"a change of nothing":     {changed(nowhere, taxonomy.CategoryChange{}), taxonomy.ErrCategoryNotFound},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if b.Digest() != before {
		t.Error("what was refused left something")
	}
}

func TestRetiredAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.chain("a", "b")
	retire := func(category uuid.UUID, retired bool) error {
		_, err := b.ChangeCategory(t.Context(), b.admin, category, taxonomy.CategoryChange{Retired: &retired, Reason: why})
		return err
	}
	b.Must(retire(ids[1], true))
	since := b.Int(`SELECT extract(epoch FROM retired_at) * 1000000 FROM category WHERE id = $1`, ids[1])
	b.Must(retire(ids[1], true))
	if again := b.Int(`SELECT extract(epoch FROM retired_at) * 1000000 FROM category WHERE id = $1`, ids[1]); again != since {
		t.Error("retired twice")
	}
	b.Must(retire(ids[0], true))
	if roots, err := b.Roots(t.Context()); err != nil || len(roots) != 0 {
		t.Errorf("offered: %v, %v", roots, err)
	}
	if err := retire(ids[1], false); !errors.Is(err, taxonomy.ErrCategoryRetired) {
		t.Errorf("back below what is retired: %v", err)
	}
	b.Must(retire(ids[0], false))
	b.Must(retire(ids[1], false))
}

// Two admins who move from both ends of what would be a circle: one is refused, however often, and whatever their isolation is.
func TestNoCycleFromBothEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 20 {
		slug := func(s string) string { return fmt.Sprintf("%s-%d", s, n) }
		one, two := b.chain(slug("a"), slug("b")), b.chain(slug("x"), slug("y"))
		got := domaintest.Codes(domaintest.AtOnce(4, func(i int) error {
			if i%2 == 0 {
				return b.move(one[0], &two[1])
			}
			return b.move(two[0], &one[1])
		}))
		if got[""] != 2 || got["CATEGORY_CYCLE"] != 2 { // the same move again changes nothing
			t.Fatalf("%v", got)
		}
		if got, err := b.Roots(t.Context()); err != nil || len(got) != n+1 {
			t.Fatalf("%d at the top, %v", len(got), err)
		}
	}
}

// The database refuses it without the use case too: by several rows of one statement, and by two old snapshots.
func TestTheDatabaseRefusesACycle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.category("a", nil), b.category("b", nil)
	state := func(err error) string {
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
			return refused.Code
		}
		return ""
	}
	_, err := b.Pool.Exec(t.Context(), `UPDATE category SET parent_id = CASE id WHEN $1 THEN $2 ELSE $1 END::uuid`, one, two)
	if state(err) != "SK421" {
		t.Errorf("both at once: %v", err)
	}
	begin := func() pgx.Tx {
		tx, err := b.Pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		b.Must(err)
		t.Cleanup(func() { _ = tx.Rollback(b.T.Context()) })
		var n int
		b.Must(tx.QueryRow(t.Context(), `SELECT count(*) FROM category`).Scan(&n)) // its snapshot
		return tx
	}
	first, second := begin(), begin()
	_, err = first.Exec(t.Context(), `UPDATE category SET parent_id = $2 WHERE id = $1`, one, two)
	b.Must(err)
	b.Must(first.Commit(t.Context()))
	if _, err = second.Exec(t.Context(), `UPDATE category SET parent_id = $1 WHERE id = $2`, one, two); state(err) != "40001" {
		t.Errorf("by an old snapshot: %v", err)
	}
}

// What is kept of the tree is what the tree is, whoever has changed it: another server, or a hand at the database.
func TestCategoriesAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := taxonomy.New(b.Pool)
	ids := b.chain("fashion", "shoes")
	names := func() (names []string) {
		for _, s := range []*taxonomy.Service{b.Service, other} {
			found, err := s.CategoriesByID(t.Context(), ids)
			b.Must(err)
			for _, id := range ids {
				names = append(names, found[id].Names.En)
			}
		}
		return names
	}
	for i, change := range []func(){
		func() {},
		func() {
			_, err := b.ChangeCategory(t.Context(), b.admin, ids[1], taxonomy.CategoryChange{Names: &taxonomy.Names{Ar: "1", En: "Boots", Fr: "1"}, Reason: why})
			b.Must(err)
		},
		func() { b.Exec(`UPDATE category SET name_en = 'Clothes' WHERE id = $1`, ids[0]) },
		func() { ids = append(ids, b.category("toys", nil), uuid.New()) },
	} {
		change()
		var want []string
		for range 2 {
			for _, id := range ids {
				var name string
				b.Must(b.Pool.QueryRow(t.Context(), `SELECT coalesce((SELECT name_en FROM category WHERE id = $1), '')`, id).Scan(&name))
				want = append(want, name)
			}
		}
		for range 2 {
			if got := names(); !slices.Equal(got, want) {
				t.Errorf("after change %d: %q, not %q", i, got, want)
			}
		}
	}
}
