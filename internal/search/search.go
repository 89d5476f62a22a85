package search

import (
	"context"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// Service holds the use cases of this package.
type Service struct {
	pool    *pgxpool.Pool
	q       *db.Queries
	catalog *catalog.Service
	index   Index
	stems   *lru.Cache[string, []word] // of texts; they never change

	synonyms synonyms
}

// keptTexts is of how many texts the stems are kept.
const keptTexts = 4_096

// New makes the service; index answers it.
func New(pool *pgxpool.Pool, listings *catalog.Service, index Index) *Service {
	stems, _ := lru.New[string, []word](keptTexts) // fails for no size alone
	return &Service{pool: pool, q: db.New(), catalog: listings, index: index, stems: stems}
}

// Want is what of an answer is asked for besides its page. What is not asked for may be missing.
type Want struct {
	Count  bool
	Facets Dimensions
}

// Result is what was found.
type Result struct {
	Nodes      []catalog.Listing
	TotalCount int64
	Facets     Facets

	places []Place // of the nodes
	end    *Place  // the last that the page has been at
	more   bool
	hash   [8]byte
}

// Edges are the listings with their cursors.
func (r Result) Edges() []page.Edge[catalog.Listing] {
	edges := make([]page.Edge[catalog.Listing], len(r.Nodes))
	for i, node := range r.Nodes {
		edges[i] = page.Edge[catalog.Listing]{Cursor: r.places[i].encode(r.hash), Node: node}
	}
	return edges
}

// PageInfo says how to go on.
func (r Result) PageInfo() page.Info {
	info := page.Info{HasNextPage: r.more}
	if r.end != nil {
		end := r.end.encode(r.hash)
		info.EndCursor = &end
	}
	return info
}

// Search finds listings that are on the market.
func (s *Service) Search(ctx context.Context, q Query, args page.Args, want Want) (_ Result, err error) {
	if err := q.validate(); err != nil {
		return Result{}, err
	}
	size, err := args.Size()
	if err != nil {
		return Result{}, err
	}
	result := Result{hash: q.hash()}
	after, err := decode(args.After, result.hash)
	if err != nil {
		return Result{}, err
	}
	defer fault.Wrap(&err, "search")
	view, err := s.index.Open(ctx)
	if err != nil {
		return Result{}, err
	}
	request, empty, err := s.request(ctx, view, q)
	if err != nil || empty {
		return result, err
	}
	request.After, request.Size, request.Count, request.Facets = after, size, want.Count, want.Facets
	found, err := view.Find(ctx, request)
	if err != nil {
		return Result{}, err
	}
	result.TotalCount, result.Facets = found.Total, facetsOf(found.Counts, request.Steps, q.Filter.Currency)
	result.Facets.Ranges = rangesOf(found.Ranges)
	result.more = len(found.Hits) > size
	err = s.fill(ctx, &result, found.Hits[:min(size, len(found.Hits))])
	return result, err
}

// fill reads the listings of a page from the view that says what everybody may see.
func (s *Service) fill(ctx context.Context, result *Result, hits []Place) error {
	ids := make([]uuid.UUID, len(hits))
	for i, hit := range hits {
		ids[i] = hit.ID
	}
	if len(ids) == 0 {
		return nil
	}
	listings, err := s.catalog.Public(ctx, ids)
	result.Nodes, result.places = make([]catalog.Listing, 0, len(hits)), make([]Place, 0, len(hits))
	for _, hit := range hits {
		if l, ok := listings[hit.ID]; ok {
			result.Nodes, result.places = append(result.Nodes, l), append(result.places, hit)
		}
	}
	result.end = &hits[len(hits)-1]
	return err
}

// request is the query as an index takes it; empty says that its text has no word to look for.
func (s *Service) request(ctx context.Context, view View, q Query) (r Request, empty bool, err error) {
	r = Request{Groups: q.Filter.groups(), Near: q.Filter.Near.circle(), Sort: q.Sort}
	if q.Filter.Currency != nil {
		r.Steps = priceSteps(*q.Filter.Currency)
	}
	r.Ranges = q.Filter.ranges()
	r.PriceFrom, r.PriceTo = minorOf(q.Filter.PriceFrom), minorOf(q.Filter.PriceTo)
	if q.Text == "" {
		return r, false, nil
	}
	words, err := s.words(ctx, view, q.Text)
	if err != nil || len(words) == 0 {
		return r, true, err
	}
	r.Match = allOf(required(words))
	found, err := view.Known(ctx, []Match{r.Match})
	if err != nil {
		return r, false, err
	}
	if !found[0] { // better some of the words than nothing
		r.Match = anyOf(required(words))
	}
	if q.Sort == Relevance {
		for n, w := range words {
			r.Levels = append(r.Levels, w.levels(n)...)
		}
	}
	return r, false, nil
}

func minorOf(a *money.Amount) *int64 {
	if a == nil {
		return nil
	}
	return &a.Minor
}
