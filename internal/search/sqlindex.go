package search

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
)

// SQL is an index that asks PostgreSQL each time. Nothing is kept, so that nothing is ever behind; what a broad query costs grows
// with what it finds.
type SQL struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// NewSQL makes one.
func NewSQL(pool *pgxpool.Pool) *SQL { return &SQL{pool: pool, q: db.New()} }

// Open gives the index itself: each statement sees what is committed.
func (s *SQL) Open(context.Context) (View, error) { return s, nil }

// Known implements View.
func (s *SQL) Known(ctx context.Context, matches []Match) ([]bool, error) {
	queries := make([]string, len(matches))
	for i, m := range matches {
		queries[i] = m.tsquery()
	}
	return s.q.SearchKnown(ctx, s.pool, queries)
}

// Find implements View.
func (s *SQL) Find(ctx context.Context, r Request) (found Found, err error) {
	if found.Hits, err = s.page(ctx, r); err != nil || (!r.Count && r.Facets == 0) {
		return found, err
	}
	found.Counts = map[string]int64{}
	if found.Total, err = s.count(ctx, r, "", found.Counts); err != nil || r.Facets == 0 {
		return found, err
	}
	for _, dimension := range r.filtered() {
		for facet := range found.Counts {
			if strings.HasPrefix(facet, dimension+":") {
				delete(found.Counts, facet)
			}
		}
		if _, err := s.count(ctx, r.without(dimension), dimension, found.Counts); err != nil {
			return found, err
		}
	}
	found.Ranges, err = s.spreads(ctx, r)
	return found, err
}

func (s *SQL) page(ctx context.Context, r Request) ([]Place, error) {
	args := db.SearchPageParams{
		Sort: string(r.Sort), Words: r.Match.tsquery(), Groups: joined(r.Groups), PriceFrom: r.PriceFrom, PriceTo: r.PriceTo,
		PageSize: int32(r.Size + 1),
	}
	args.X, args.Y, args.Z, args.Within = r.Near.columns()
	args.RangeOf, args.RangeFrom, args.RangeTo = columnsOf(r.Ranges)
	for _, l := range r.Levels {
		args.LevelQueries = append(args.LevelQueries, tsquery(l.Terms))
		args.LevelScores = append(args.LevelScores, l.Score)
		args.LevelWords = append(args.LevelWords, int32(l.Word))
	}
	if r.After != nil {
		args.After, args.AfterKey, args.AfterAt, args.AfterID = true, r.After.Key, r.After.At, r.After.ID
	}
	rows, err := s.q.SearchPage(ctx, s.pool, args)
	hits := make([]Place, len(rows))
	for i, row := range rows {
		hits[i] = Place{Key: row.Key, At: row.PublishedAt, ID: row.ListingID}
	}
	return hits, err
}

// count adds what was counted of a dimension, or of all, and gives the sum of what was found.
func (s *SQL) count(ctx context.Context, r Request, dimension string, counts map[string]int64) (total int64, err error) {
	args := db.SearchCountsParams{
		PriceSteps: r.Steps, Words: r.Match.tsquery(), Groups: joined(r.Groups), PriceFrom: r.PriceFrom, PriceTo: r.PriceTo, Dimension: dimension,
	}
	args.X, args.Y, args.Z, args.Within = r.Near.columns()
	args.RangeOf, args.RangeFrom, args.RangeTo = columnsOf(r.Ranges)
	rows, err := s.q.SearchCounts(ctx, s.pool, args)
	for _, row := range rows {
		if row.Facet == "" {
			total = row.N
		} else {
			counts[row.Facet] = row.N
		}
	}
	return total, err
}

// joined are groups as search_meets() takes them.
func joined(groups []Group) []string {
	out := make([]string, len(groups))
	for i, g := range groups {
		out[i] = strings.Join(g.Facets, "|")
	}
	return out
}

func (c *Circle) columns() (x, y, z float64, within *float64) {
	if c == nil {
		return 0, 0, 0, nil
	}
	return c.X, c.Y, c.Z, &c.Within
}
