package listingfile

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/spreadsheet"
)

// Export is a link to a file of all of a seller's listings, as they are when it is fetched.
func (s *Service) Export(seller uuid.UUID) Link { return s.link(http.MethodGet, seller) }

// give streams a seller's listings, a page in memory at a time. A file that can't be finished is cut, so that nobody takes it for whole.
func (s *Service) give(w http.ResponseWriter, r *http.Request, seller uuid.UUID) error {
	first, err := s.page(r.Context(), seller, nil)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="listings.csv"`)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if err := s.write(w, r, seller, first); err != nil {
		s.Log.WarnContext(r.Context(), "an export was cut off", "seller", seller, "error", err)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's word for cutting a response that has begun
	}
	return nil
}

// exported is a page of a seller's listings with what belongs to them.
type exported struct {
	catalog.ListingPage
	variants map[uuid.UUID][]catalog.Variant
	photos   map[uuid.UUID][]media.Photo
	values   map[uuid.UUID][]catalog.AttributeValue
}

func (s *Service) page(ctx context.Context, seller uuid.UUID, after *string) (p exported, err error) {
	size := page.MaxFirst
	if p.ListingPage, err = s.Catalog.Own(ctx, seller, nil, page.Args{First: &size, After: after}); err != nil {
		return p, err
	}
	ids := make([]uuid.UUID, len(p.Nodes))
	for i, l := range p.Nodes {
		ids[i] = l.ID
	}
	if p.variants, err = s.Catalog.VariantsByListing(ctx, ids); err != nil {
		return p, err
	}
	if p.photos, err = s.Catalog.PhotosByListing(ctx, ids); err != nil {
		return p, err
	}
	p.values, err = s.Catalog.AttributesByListing(ctx, ids)
	return p, err
}

func (s *Service) write(w http.ResponseWriter, r *http.Request, seller uuid.UUID, p exported) error {
	control := http.NewResponseController(w) // a writer without deadlines is a test's
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	file, err := spreadsheet.NewWriter(w, columns.Known)
	if err != nil {
		return err
	}
	for {
		_ = control.SetWriteDeadline(time.Now().Add(pauseTime))
		for _, l := range p.Nodes {
			for _, cells := range cellsOf(l, p.variants[l.ID], p.photos[l.ID], p.values[l.ID]) {
				if err := file.Write(cells); err != nil {
					return err
				}
			}
		}
		if err := file.Flush(); err != nil {
			return err
		}
		if !p.HasNext {
			return nil
		}
		if p, err = s.page(r.Context(), seller, p.PageInfo().EndCursor); err != nil {
			return err
		}
	}
}
