package review

import (
	"context"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const (
	maxBody  = 2000
	editDays = 14
	// Marks of the cursors of this package's lists.
	listingList = 'R'
	sellerList  = 'r'
	reportList  = '!'
)

// Subject is what a review is of.
type Subject string

// The subjects.
const (
	OfListing Subject = "LISTING"
	OfSeller  Subject = "SELLER"
)

// Review is what a buyer says.
type Review struct {
	ID        uuid.UUID
	OrderID   uuid.UUID
	Subject   Subject
	AuthorID  uuid.UUID
	SellerID  uuid.UUID
	ListingID uuid.UUID // of a review of a seller: the order's first line's
	Stars     int
	Body      string
	CreatedAt time.Time
	EditedAt  *time.Time
	HiddenAt  *time.Time
}

// NodeID is the id that clients see.
func (r Review) NodeID() id.ID { return id.Review.ID(r.ID) }

// Hidden says that support has hidden it.
func (r Review) Hidden() bool { return r.HiddenAt != nil }

// ReviewPage is a page of reviews.
type ReviewPage = page.Page[Review]

// ReviewEdge is one of them with its cursor.
type ReviewEdge = page.Edge[Review]

func reviewOf(row db.Review) Review {
	return Review{
		ID: row.ID, OrderID: row.OrderID, Subject: Subject(row.Subject), AuthorID: row.AuthorID, SellerID: row.SellerID, ListingID: row.ListingID,
		Stars: int(row.Stars), Body: row.Body, CreatedAt: row.CreatedAt, EditedAt: row.EditedAt, HiddenAt: row.HiddenAt,
	}
}

// Rating is how many stars a listing or a seller has.
type Rating struct {
	Histogram []int // how many reviews have one star, two, … five
}

// Count is how many reviews there are.
func (r Rating) Count() (n int) {
	for _, of := range r.Histogram {
		n += of
	}
	return n
}

// Average is how many stars a review has in the middle; nil where there is none.
func (r Rating) Average() *float64 {
	sum, n := 0, r.Count()
	if n == 0 {
		return nil
	}
	for i, of := range r.Histogram {
		sum += (i + 1) * of
	}
	return new(float64(sum) / float64(n))
}

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	orders *order.Service
	hub    realtime.Publisher
}

// New makes a Service.
func New(pool *pgxpool.Pool, orders *order.Service, hub realtime.Publisher) *Service {
	return &Service{pool: pool, q: db.New(), orders: orders, hub: hub}
}

// Of is what a review is of.
type Of struct {
	Order   uuid.UUID
	Subject Subject
	Listing *uuid.UUID // of the order's listings; nil: its first line's. None for a seller
}

// Words are what a review says.
type Words struct {
	Stars int
	Body  string
}

func (w *Words) check() error {
	w.Body = text.Clean(w.Body)
	switch {
	case w.Stars < 1 || w.Stars > 5:
		return ErrStars.At("stars")
	case utf8.RuneCountInString(w.Body) > maxBody, !text.IsProse(w.Body):
		return ErrBody.At("body")
	}
	return nil
}

// Create reviews a listing or a seller after a completed order, and tells the seller. The same again, from a client that has lost the
// answer, gives the review that there is.
func (s *Service) Create(ctx context.Context, author uuid.UUID, of Of, w Words) (_ Review, err error) {
	if err := w.check(); err != nil {
		return Review{}, err
	}
	defer fault.Wrap(&err, "review order %s", of.Order)
	o, err := s.orders.Get(ctx, author, of.Order)
	if err != nil {
		return Review{}, err
	}
	if o.BuyerID != author || o.Fulfilment != order.Received || o.Payment != order.Settled {
		return Review{}, ErrNotCompleted.At("orderId")
	}
	listing, err := s.listingOf(ctx, o, of)
	if err != nil {
		return Review{}, err
	}
	var (
		row  db.Review
		told []realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		row, err = s.q.ReviewInsert(ctx, tx, db.ReviewInsertParams{
			ID: id.New(), OrderID: o.ID, Subject: string(of.Subject), AuthorID: author, SellerID: o.SellerID, ListingID: listing,
			Stars: int16(w.Stars), Body: w.Body,
		})
		if err != nil {
			return err
		}
		told, err = notify.InsertTx(ctx, tx, notify.Note{
			Recipient: o.SellerID, Kind: notify.Reviewed, Subject: id.Review.ID(row.ID), Key: "review:" + row.ID.String(),
			Parameters: []notify.Parameter{notify.Text("stars", strconv.Itoa(w.Stars))},
		})
		return err
	})
	if postgres.Violates(err, "review_once") {
		return s.same(ctx, of, listing, w)
	}
	if err != nil {
		return Review{}, err
	}
	s.hub.Publish(ctx, told...)
	return reviewOf(row), nil
}

// listingOf is the listing of an order that a review names, or does not.
func (s *Service) listingOf(ctx context.Context, o order.Order, of Of) (uuid.UUID, error) {
	if of.Listing == nil {
		return o.ListingID, nil
	}
	if of.Subject != OfListing {
		return uuid.Nil, ErrListing.At("listingId")
	}
	lines, err := s.orders.Lines(ctx, []uuid.UUID{o.ID})
	if err == nil && !slices.ContainsFunc(lines[o.ID], func(l order.Line) bool { return l.Listing == *of.Listing }) {
		err = ErrListing.At("listingId")
	}
	return *of.Listing, err
}

// same is the review that there is, where it says the same.
func (s *Service) same(ctx context.Context, of Of, listing uuid.UUID, w Words) (Review, error) {
	row, err := s.q.ReviewOfOrder(ctx, s.pool, of.Order, string(of.Subject), listing)
	if err == nil && (int(row.Stars) != w.Stars || row.Body != w.Body) {
		err = ErrExists.At("orderId")
	}
	return reviewOf(row), err
}

// Missing reads, for a loader, which listings of orders their buyer may review yet, in the order of the lines; of others' orders none.
func (s *Service) Missing(ctx context.Context, buyer uuid.UUID, orders []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	rows, err := s.q.ReviewsMissing(ctx, s.pool, orders, buyer)
	missing := make(map[uuid.UUID][]uuid.UUID, len(orders))
	for _, row := range rows {
		missing[row.OrderID] = append(missing[row.OrderID], row.ListingID)
	}
	return missing, err
}

// Update says something else in a review, within 14 days.
func (s *Service) Update(ctx context.Context, author, review uuid.UUID, w Words) (_ Review, err error) {
	if err := w.check(); err != nil {
		return Review{}, err
	}
	defer fault.Wrap(&err, "change review %s", review)
	if _, err := s.seen(ctx, author, false, review); err != nil {
		return Review{}, err
	}
	row, err := s.q.ReviewEdit(ctx, s.pool, db.ReviewEditParams{ID: review, AuthorID: author, Stars: int16(w.Stars), Body: w.Body, Days: editDays})
	if postgres.NoRows(err) {
		return Review{}, ErrNotEditable
	}
	return reviewOf(row), err
}

// seen is a review that somebody may see.
func (s *Service) seen(ctx context.Context, viewer uuid.UUID, staff bool, review uuid.UUID) (Review, error) {
	found, err := s.SeenBy(ctx, viewer, staff, []uuid.UUID{review})
	if err != nil {
		return Review{}, err
	}
	r, ok := found[review]
	if !ok {
		return Review{}, ErrNotFound.At("reviewId")
	}
	return r, nil
}

// SeenBy reads, for a loader, those of some reviews that one person may see.
func (s *Service) SeenBy(ctx context.Context, viewer uuid.UUID, staff bool, ids []uuid.UUID) (map[uuid.UUID]Review, error) {
	rows, err := s.q.ReviewsSeenBy(ctx, s.pool, ids, staff, viewer)
	reviews := make(map[uuid.UUID]Review, len(rows))
	for _, row := range rows {
		reviews[row.ID] = reviewOf(row)
	}
	return reviews, err
}

// OfOrders reads, for a loader, the reviews of orders: for their parties, of whom a hidden one is its author's alone.
func (s *Service) OfOrders(ctx context.Context, viewer uuid.UUID, orders []uuid.UUID) (map[uuid.UUID][]Review, error) {
	rows, err := s.q.ReviewsByOrder(ctx, s.pool, orders)
	reviews := make(map[uuid.UUID][]Review, len(orders))
	for _, row := range rows {
		if row.HiddenAt == nil || row.AuthorID == viewer {
			reviews[row.OrderID] = append(reviews[row.OrderID], reviewOf(row))
		}
	}
	return reviews, err
}

// OfListing is what is said of a listing, the newest first. It is for who may see the listing.
func (s *Service) OfListing(ctx context.Context, listing uuid.UUID, args page.Args) (ReviewPage, error) {
	size, before, err := bounds(args, listingList)
	if err != nil {
		return ReviewPage{}, err
	}
	rows, err := s.q.ReviewsOfListing(ctx, s.pool, db.ReviewsOfListingParams{
		ListingID: listing, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, reviewOf, cursorOf(listingList)), err
}

// OfSeller is what is said of a seller, the newest first.
func (s *Service) OfSeller(ctx context.Context, seller uuid.UUID, args page.Args) (ReviewPage, error) {
	size, before, err := bounds(args, sellerList)
	if err != nil {
		return ReviewPage{}, err
	}
	rows, err := s.q.ReviewsOfSeller(ctx, s.pool, db.ReviewsOfSellerParams{
		SellerID: seller, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, reviewOf, cursorOf(sellerList)), err
}

func bounds(args page.Args, list byte) (size int, before page.Key, err error) {
	if size, err = args.Size(); err == nil {
		before, err = args.Before(list)
	}
	return size, before, err
}

func cursorOf(list byte) func(Review) string {
	return func(r Review) string { return page.Key{At: r.CreatedAt, ID: r.ID}.Encode(list) }
}

// Ratings reads, for a loader, how many stars listings or sellers have.
func (s *Service) Ratings(subject Subject) func(context.Context, []uuid.UUID) (map[uuid.UUID]Rating, error) {
	return func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Rating, error) {
		rows, err := s.q.Ratings(ctx, s.pool, string(subject), ids)
		ratings := make(map[uuid.UUID]Rating, len(ids))
		for _, of := range ids {
			ratings[of] = Rating{make([]int, 5)}
		}
		for _, row := range rows {
			ratings[row.SubjectID] = Rating{[]int{int(row.Ones), int(row.Twos), int(row.Threes), int(row.Fours), int(row.Fives)}}
		}
		return ratings, err
	}
}
