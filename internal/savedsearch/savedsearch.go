package savedsearch

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/text"
)

const (
	maxSaved = 50
	maxName  = 80
	// savedList marks the cursors of this package's list.
	savedList = 's'
)

// SavedSearch is a search that somebody keeps.
type SavedSearch struct {
	ID        uuid.UUID
	Name      string
	Notify    bool
	Query     search.Query
	CreatedAt time.Time
	UpdatedAt time.Time
}

// NodeID is the id that clients see.
func (s SavedSearch) NodeID() id.ID { return id.SavedSearch.ID(s.ID) }

// Cursor is the search's place in its owner's list.
func (s SavedSearch) Cursor() string { return page.Key{At: s.CreatedAt, ID: s.ID}.Encode(savedList) }

// Page is a page of somebody's searches.
type Page = page.Page[SavedSearch]

// Edge is one of them with its cursor.
type Edge = page.Edge[SavedSearch]

func savedOf(row db.SavedSearchOfRow) (SavedSearch, error) {
	s := SavedSearch{ID: row.ID, Name: row.Name, Notify: row.Notify, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}
	return s, json.Unmarshal(row.Query, &s.Query)
}

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	search *search.Service
	hub    realtime.Publisher
	log    *slog.Logger
}

// New makes a Service.
func New(pool *pgxpool.Pool, searches *search.Service, hub realtime.Publisher, log *slog.Logger) *Service {
	return &Service{pool: pool, q: db.New(), search: searches, hub: hub, log: log}
}

// Input is a search to keep.
type Input struct {
	Name   string
	Notify bool
	Query  search.Query
}

// Change is what of a search is to be another; what is nil stays.
type Change struct {
	Name   *string
	Notify *bool
	Query  *search.Query
}

func checkName(name string) (string, error) {
	name = text.Clean(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName || !text.IsLine(name) {
		return "", ErrName.At("name")
	}
	return name, nil
}

// compiled is a query as a row has it.
type compiled struct {
	json         json.RawMessage
	condition    search.Condition
	x, y, z, rim *float64
}

func (s *Service) compile(ctx context.Context, q search.Query) (c compiled, err error) {
	if q, c.condition, err = s.search.Condition(ctx, q); err != nil {
		return c, err
	}
	if near := c.condition.Near; near != nil {
		c.x, c.y, c.z, c.rim = &near.X, &near.Y, &near.Z, &near.Within
	}
	c.json, err = json.Marshal(q)
	return c, err
}

// Create keeps a search. Its owner hears of what it finds from then on.
func (s *Service) Create(ctx context.Context, owner uuid.UUID, in Input) (_ SavedSearch, err error) {
	if in.Name, err = checkName(in.Name); err != nil {
		return SavedSearch{}, err
	}
	defer fault.Wrap(&err, "save a search")
	c, err := s.compile(ctx, in.Query)
	if err != nil {
		return SavedSearch{}, err
	}
	var row db.SavedSearchInsertRow
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if err := s.q.SavedSearchOwnerLock(ctx, tx, owner); err != nil {
			return err
		}
		n, err := s.q.SavedSearchCount(ctx, tx, owner)
		if err != nil {
			return err
		}
		if n >= maxSaved {
			return ErrTooMany
		}
		row, err = s.q.SavedSearchInsert(ctx, tx, db.SavedSearchInsertParams{
			ID: id.New(), OwnerID: owner, Name: in.Name, Notify: in.Notify, Query: c.json, Words: c.condition.Words, Groups: c.condition.Groups,
			PriceFrom: c.condition.PriceFrom, PriceTo: c.condition.PriceTo, X: c.x, Y: c.y, Z: c.z, Within: c.rim, Anchors: c.condition.Anchors,
			RangeOf: c.condition.RangeOf, RangeFrom: c.condition.RangeFrom, RangeTo: c.condition.RangeTo,
		})
		return err
	})
	if err != nil {
		return SavedSearch{}, err
	}
	return savedOf(db.SavedSearchOfRow(row))
}

// Update changes a search of one's own. What its owner was told of by the old one they are not told of again.
func (s *Service) Update(ctx context.Context, owner, saved uuid.UUID, change Change) (_ SavedSearch, err error) {
	if change.Name != nil {
		name, err := checkName(*change.Name)
		if err != nil {
			return SavedSearch{}, err
		}
		change.Name = &name
	}
	defer fault.Wrap(&err, "change the saved search %s", saved)
	var c compiled
	if change.Query != nil {
		if c, err = s.compile(ctx, *change.Query); err != nil {
			return SavedSearch{}, err
		}
	}
	var row db.SavedSearchUpdateRow
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		row, err = s.q.SavedSearchUpdate(ctx, tx, db.SavedSearchUpdateParams{ID: saved, OwnerID: owner, Name: change.Name, Notify: change.Notify})
		if err != nil || change.Query == nil {
			return err
		}
		row.Query = c.json
		return s.q.SavedSearchRewrite(ctx, tx, db.SavedSearchRewriteParams{
			ID: saved, Query: c.json, Words: c.condition.Words, Groups: c.condition.Groups,
			PriceFrom: c.condition.PriceFrom, PriceTo: c.condition.PriceTo, X: c.x, Y: c.y, Z: c.z, Within: c.rim, Anchors: c.condition.Anchors,
			RangeOf: c.condition.RangeOf, RangeFrom: c.condition.RangeFrom, RangeTo: c.condition.RangeTo,
		})
	})
	if postgres.NoRows(err) {
		return SavedSearch{}, ErrNotFound.At("savedSearchId")
	}
	if err != nil {
		return SavedSearch{}, err
	}
	return savedOf(db.SavedSearchOfRow(row))
}

// Delete forgets a search of one's own.
func (s *Service) Delete(ctx context.Context, owner, saved uuid.UUID) error {
	n, err := s.q.SavedSearchDelete(ctx, s.pool, saved, owner)
	if err == nil && n == 0 {
		return ErrNotFound.At("savedSearchId")
	}
	return err
}

// Get is a search of one's own.
func (s *Service) Get(ctx context.Context, owner, saved uuid.UUID) (SavedSearch, error) {
	row, err := s.q.SavedSearchOf(ctx, s.pool, saved, owner)
	if postgres.NoRows(err) {
		return SavedSearch{}, ErrNotFound
	}
	if err != nil {
		return SavedSearch{}, err
	}
	return savedOf(row)
}

// List is what somebody keeps, the newest first.
func (s *Service) List(ctx context.Context, owner uuid.UUID, args page.Args) (Page, error) {
	size, err := args.Size()
	if err != nil {
		return Page{}, err
	}
	before, err := args.Before(savedList)
	if err != nil {
		return Page{}, err
	}
	rows, err := s.q.SavedSearchPage(ctx, s.pool, db.SavedSearchPageParams{OwnerID: owner, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1)})
	if err != nil {
		return Page{}, err
	}
	saved := make([]SavedSearch, len(rows))
	for i, row := range rows {
		if saved[i], err = savedOf(db.SavedSearchOfRow(row)); err != nil {
			return Page{}, err
		}
	}
	return page.Of(saved, size, func(s SavedSearch) SavedSearch { return s }, SavedSearch.Cursor), nil
}
