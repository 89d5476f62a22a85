package taxonomy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

// Names are what something is called, in each language.
type Names struct{ Ar, En, Fr string }

func (n *Names) clean() error {
	for _, name := range []*string{&n.Ar, &n.En, &n.Fr} {
		if *name = text.Clean(*name); !isName(*name) {
			return ErrName.At("names")
		}
	}
	return nil
}

func isName(s string) bool {
	length := utf8.RuneCountInString(s)
	return length >= 1 && length <= 80 && text.IsLine(s)
}

var slugs = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func isSlug(s string) bool { return len(s) <= 60 && slugs.MatchString(s) }

// Category is a place in the tree.
type Category struct {
	ID        uuid.UUID
	ParentID  *uuid.UUID // nil at the top
	Slug      string     // unique; it stands in addresses
	Names     Names
	Position  int        // among those of one parent
	RetiredAt *time.Time // offered no more; what has it keeps it
}

// NodeID is the id that clients see.
func (c Category) NodeID() id.ID { return id.Category.ID(c.ID) }

func categoryOf(row db.Category) Category {
	return Category{
		ID: row.ID, ParentID: row.ParentID, Slug: row.Slug, Names: Names{row.NameAr, row.NameEn, row.NameFr},
		Position: int(row.Position), RetiredAt: row.RetiredAt,
	}
}

// Service holds the use cases of this package.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
	tree atomic.Pointer[tree] // that was read last
}

// New makes the service.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool, q: db.New()} }

// CategoryInput describes a new category.
type CategoryInput struct {
	Parent   *uuid.UUID // nil for the top
	Slug     string
	Names    Names
	Position int32
	Reason   string
}

// CreateCategory adds to the tree.
func (s *Service) CreateCategory(ctx context.Context, admin uuid.UUID, in CategoryInput) (_ Category, err error) {
	if err := in.Names.clean(); err != nil {
		return Category{}, err
	}
	if !isSlug(in.Slug) {
		return Category{}, ErrSlug.At("slug")
	}
	defer fault.Wrap(&err, "create a category")
	return s.changeTree(ctx, admin, adminlog.CategoryCreated, in.Reason, func(tx pgx.Tx) (db.Category, error) {
		if err := s.standsTx(ctx, tx, in.Parent); err != nil {
			return db.Category{}, err
		}
		return s.q.CategoryInsert(ctx, tx, db.CategoryInsertParams{
			ID: id.New(), ParentID: in.Parent, Slug: in.Slug, NameAr: in.Names.Ar, NameEn: in.Names.En, NameFr: in.Names.Fr, Position: in.Position,
		})
	})
}

// standsTx insists that a category that others are to stand below is there, and is not retired.
func (s *Service) standsTx(ctx context.Context, tx pgx.Tx, parent *uuid.UUID) error {
	if parent == nil {
		return nil
	}
	over, err := s.categoryTx(ctx, tx, *parent)
	if errors.Is(err, ErrCategoryNotFound) {
		return ErrCategoryNotFound.At("parentId")
	}
	if err == nil && over.RetiredAt != nil {
		return ErrCategoryRetired.At("parentId")
	}
	return err
}

func (s *Service) categoryTx(ctx context.Context, conn db.DBTX, category uuid.UUID) (db.Category, error) {
	rows, err := s.q.CategoriesByID(ctx, conn, []uuid.UUID{category})
	if err == nil && len(rows) == 0 {
		err = ErrCategoryNotFound
	}
	if err != nil {
		return db.Category{}, err
	}
	return rows[0], nil
}

// CategoryChange is what changes of a category; what is nil stays.
type CategoryChange struct {
	Slug     *string
	Names    *Names
	Position *int32
	Retired  *bool
	Reason   string
}

// ChangeCategory changes what a category is called, and whether it is offered. One with others below it is not retired.
func (s *Service) ChangeCategory(ctx context.Context, admin, category uuid.UUID, in CategoryChange) (_ Category, err error) {
	if in.Names != nil {
		if err := in.Names.clean(); err != nil {
			return Category{}, err
		}
	}
	if in.Slug != nil && !isSlug(*in.Slug) {
		return Category{}, ErrSlug.At("slug")
	}
	defer fault.Wrap(&err, "change category %s", category)
	return s.changeTree(ctx, admin, adminlog.CategoryChanged, in.Reason, func(tx pgx.Tx) (db.Category, error) {
		row, err := s.categoryTx(ctx, tx, category)
		if err != nil {
			return row, err
		}
		if err := s.mayRetireTx(ctx, tx, row, in.Retired); err != nil {
			return row, err
		}
		names := or(in.Names, Names{row.NameAr, row.NameEn, row.NameFr})
		return s.q.CategoryUpdate(ctx, tx, db.CategoryUpdateParams{
			ID: category, Slug: or(in.Slug, row.Slug), NameAr: names.Ar, NameEn: names.En, NameFr: names.Fr,
			Position: or(in.Position, row.Position), Retired: or(in.Retired, row.RetiredAt != nil),
		})
	})
}

// mayRetireTx keeps what is offered from standing below what is not.
func (s *Service) mayRetireTx(ctx context.Context, tx pgx.Tx, row db.Category, retired *bool) error {
	switch {
	case retired == nil || *retired == (row.RetiredAt != nil):
		return nil
	case !*retired:
		return s.standsTx(ctx, tx, row.ParentID)
	}
	children, err := s.q.CategoryChildren(ctx, tx, []uuid.UUID{row.ID})
	if err == nil && len(children) > 0 {
		return ErrCategoryInUse.At("retired")
	}
	return err
}

// MoveCategory puts a category, with all below it, below another, or at the top.
func (s *Service) MoveCategory(ctx context.Context, admin, category uuid.UUID, parent *uuid.UUID, position int32, reason string) (_ Category, err error) {
	defer fault.Wrap(&err, "move category %s", category)
	return s.changeTree(ctx, admin, adminlog.CategoryMoved, reason, func(tx pgx.Tx) (db.Category, error) {
		if _, err := s.categoryTx(ctx, tx, category); err != nil {
			return db.Category{}, err
		}
		if err := s.standsTx(ctx, tx, parent); err != nil {
			return db.Category{}, err
		}
		return s.q.CategoryMove(ctx, tx, parent, position, category)
	})
}

// changeTree works on the tree under its lock, and keeps who did it and why. What the tree's guard refuses gets its name here.
func (s *Service) changeTree(
	ctx context.Context, admin uuid.UUID, kind adminlog.Kind, reason string, do func(pgx.Tx) (db.Category, error),
) (Category, error) {
	if _, err := adminlog.Reason(reason); err != nil {
		return Category{}, err
	}
	var row db.Category
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if err := s.q.CategoryTreeLock(ctx, tx); err != nil {
			return err
		}
		if row, err = do(tx); err != nil {
			return err
		}
		_, err = adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: admin, Kind: kind, Subject: id.Category.Encode(row.ID), Reason: reason})
		return err
	})
	if err != nil {
		return Category{}, named(err)
	}
	return categoryOf(row), nil
}

// named gives what the tables refuse its name.
func named(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch refused.Code {
		case "SK421":
			return ErrCategoryCycle.At("parentId")
		case "SK422":
			return ErrCategoryDepth.At("parentId")
		}
	}
	switch {
	case postgres.Violates(err, "category_slug"):
		return ErrSlugTaken.At("slug")
	case postgres.Violates(err, "brand_name"):
		return ErrBrandTaken.At("name")
	case postgres.Violates(err, "attribute_code"):
		return ErrAttributeCode.At("code")
	}
	return err
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

// Roots are the categories at the top that are offered, in their order.
func (s *Service) Roots(ctx context.Context) ([]Category, error) {
	rows, err := s.q.CategoryRoots(ctx, s.pool)
	return listOf(rows, categoryOf), err
}

// BySlug is the category of an address, retired or not.
func (s *Service) BySlug(ctx context.Context, slug string) (Category, error) {
	row, err := s.q.CategoryBySlug(ctx, s.pool, slug)
	if postgres.NoRows(err) {
		return Category{}, ErrCategoryNotFound
	}
	if err != nil {
		return Category{}, fmt.Errorf("read category %q: %w", slug, err)
	}
	return categoryOf(row), nil
}

// Within is a category and all below it; nothing where there is no such category.
func (s *Service) Within(ctx context.Context, category uuid.UUID) ([]uuid.UUID, error) {
	return s.q.CategoryWithin(ctx, s.pool, category)
}

// OfferedTx insists that a category may be chosen for a listing; nil may.
func (s *Service) OfferedTx(ctx context.Context, tx db.DBTX, category *uuid.UUID) error {
	if category == nil {
		return nil
	}
	row, err := s.categoryTx(ctx, tx, *category)
	if errors.Is(err, ErrCategoryNotFound) {
		return ErrCategoryNotFound.At("categoryId")
	}
	if err == nil && row.RetiredAt != nil {
		return ErrCategoryRetired.At("categoryId")
	}
	return err
}

func listOf[R, T any](rows []R, to func(R) T) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = to(row)
	}
	return out
}
