package review_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/review"
)

// bundle is what a test of reviews needs.
type bundle struct {
	*domaintest.World
	*review.Service
	seller uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{w, review.New(w.Pool, w.Orders, w.Told), w.User(identity.Seller)}
}

// completed is an order of the seller's that its buyer has received.
func (b *bundle) completed() order.Order {
	b.T.Helper()
	o := b.SaleBy(b.seller, b.Buyer(10_00), 10_00)
	b.Must2(b.Orders.Ship(b.Ctx(), o.SellerID, o.ID, ""))
	o, err := b.Orders.ConfirmReceipt(b.Ctx(), o.BuyerID, o.ID)
	b.Must(err)
	return o
}

// several is a completed order of so many listings of the seller's, the first of them twice.
func (b *bundle) several(n int) (o order.Order, listings []uuid.UUID) {
	b.T.Helper()
	sale := order.Sale{ID: id.New(), Seller: b.seller}
	for range n {
		listing := b.Listing(b.seller)
		b.Exec(`UPDATE listing SET status = 'RESERVED' WHERE id = $1`, listing)
		b.Exec(`UPDATE listing SET status = 'SOLD' WHERE id = $1`, listing)
		listings = append(listings, listing)
	}
	for _, listing := range append(slices.Clone(listings), listings[0]) {
		sale.Lines = append(sale.Lines, order.Line{Listing: listing, Variant: &listing, Quantity: 1, UnitPrice: domaintest.EUR(10_00)})
	}
	buyer := b.Buyer(100_00)
	b.Must(postgres.InTx(b.Ctx(), b.Pool, func(tx pgx.Tx) error {
		made, _, err := b.Orders.CreateTx(b.Ctx(), tx, order.Purchase{Buyer: buyer, Sales: []order.Sale{sale}})
		if err != nil {
			return err
		}
		begin := order.Beginning{Order: made[0], Wallet: made[0].Total}
		if _, err := b.Orders.MarkTx(b.Ctx(), tx, &begin); err != nil {
			return err
		}
		_, err = b.Orders.BeginTx(b.Ctx(), tx, begin)
		return err
	}))
	b.Must2(b.Orders.Ship(b.Ctx(), b.seller, sale.ID, ""))
	o, err := b.Orders.ConfirmReceipt(b.Ctx(), buyer, sale.ID)
	b.Must(err)
	return o, listings
}

// Each listing of an order is reviewed once, and counted by itself; a review that names none is of the first line's.
func TestEachListingOfAnOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o, listings := b.several(3)
	missing := func(who uuid.UUID) []uuid.UUID {
		t.Helper()
		found, err := b.Missing(b.Ctx(), who, []uuid.UUID{o.ID})
		b.Must(err)
		return found[o.ID]
	}
	create := func(of review.Subject, listing *uuid.UUID, stars int) error {
		_, err := b.Create(b.Ctx(), o.BuyerID, review.Of{Order: o.ID, Subject: of, Listing: listing}, review.Words{Stars: stars})
		return err
	}
	if got := missing(o.BuyerID); !slices.Equal(got, listings) {
		t.Errorf("at first %v are to review, not %v", got, listings)
	}
	if got := missing(b.seller); len(got) != 0 {
		t.Errorf("the seller is to review %v", got)
	}
	elsewhere := b.Listing(b.seller)
	for name, err := range map[string]error{
		"a listing of no line":  create(review.OfListing, &elsewhere, 4),
		"a seller of a listing": create(review.OfSeller, &listings[1], 4),
	} {
		if !errors.Is(err, review.ErrListing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Admin.Exec(b.Ctx(), `INSERT INTO review (id, order_id, subject, author_id, seller_id, listing_id, stars, body) VALUES ($1, $2, 'LISTING', $3, $4, $5, 5, '')`,
		uuid.New(), o.ID, o.BuyerID, b.seller, elsewhere); err == nil {
		t.Error("the database takes a review of what was not bought")
	}
	b.Must(create(review.OfListing, nil, 5))
	b.Must(create(review.OfListing, &listings[0], 5)) // the same
	if err := create(review.OfListing, &listings[0], 4); !errors.Is(err, review.ErrExists) {
		t.Errorf("the first once more, in other words: %v", err)
	}
	codes := domaintest.Codes(domaintest.AtOnce(6, func(i int) error { return create(review.OfListing, &listings[1], 1+i%2) }))
	if codes[""] != 3 || codes["REVIEW_EXISTS"] != 3 {
		t.Errorf("answers %v", codes)
	}
	if got := missing(o.BuyerID); !slices.Equal(got, listings[2:]) {
		t.Errorf("%v are left, not %v", got, listings[2:])
	}
	b.Must(create(review.OfListing, &listings[2], 3))
	b.Must(create(review.OfSeller, nil, 2))
	if got := missing(o.BuyerID); len(got) != 0 {
		t.Errorf("%v are left", got)
	}
	for i, want := range []string{"[0 0 0 0 1]", "", "[0 0 1 0 0]"} {
		if got := b.rating(review.OfListing, listings[i]); want != "" && got != want {
			t.Errorf("listing %d is rated %s, not %s", i, got, want)
		}
	}
	if got := b.rating(review.OfSeller, b.seller); got != "[0 1 0 0 0]" {
		t.Errorf("the seller is rated %s", got)
	}
	if of, err := b.OfOrders(b.Ctx(), o.BuyerID, []uuid.UUID{o.ID}); err != nil || len(of[o.ID]) != 4 {
		t.Errorf("of the order: %+v, %v", of, err)
	}
	b.Audited()
}

func (b *bundle) review(o order.Order, of review.Subject, stars int) review.Review {
	b.T.Helper()
	r, err := b.Create(b.Ctx(), o.BuyerID, review.Of{Order: o.ID, Subject: of}, review.Words{Stars: stars, Body: "As described."})
	b.Must(err)
	return r
}

// rating is the histogram of something.
func (b *bundle) rating(of review.Subject, what uuid.UUID) string {
	b.T.Helper()
	ratings, err := b.Ratings(of)(b.Ctx(), []uuid.UUID{what})
	b.Must(err)
	return fmt.Sprint(ratings[what].Histogram)
}

func TestWhoReviewsWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.completed()
	paid := b.SaleBy(b.seller, b.Buyer(10_00), 10_00)
	stranger := b.User(identity.Buyer)
	before := b.Digest()
	fine := review.Words{Stars: 5}
	for name, c := range map[string]struct {
		author, order uuid.UUID
		words         review.Words
		want          error
	}{
		"a stranger":           {stranger, o.ID, fine, order.ErrNotFound},
		"the seller":           {b.seller, o.ID, fine, review.ErrNotCompleted},
		"no order":             {o.BuyerID, uuid.New(), fine, order.ErrNotFound},
		"not received":         {paid.BuyerID, paid.ID, fine, review.ErrNotCompleted},
		"no stars":             {o.BuyerID, o.ID, review.Words{}, review.ErrStars},
		"six stars":            {o.BuyerID, o.ID, review.Words{Stars: 6}, review.ErrStars},
		"too long":             {o.BuyerID, o.ID, review.Words{Stars: 5, Body: strings.Repeat("é", 2001)}, review.ErrBody},
		"what turns the words": {o.BuyerID, o.ID, review.Words{Stars: 5, Body: "a\u202eb"}, review.ErrBody},
	} {
		if _, err := b.Create(b.Ctx(), c.author, review.Of{Order: c.order, Subject: review.OfListing}, c.words); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if b.Digest() != before {
		t.Error("a refusal wrote something")
	}
	codes := domaintest.Codes(domaintest.AtOnce(6, func(i int) error {
		_, err := b.Create(b.Ctx(), o.BuyerID, review.Of{Order: o.ID, Subject: review.OfListing}, review.Words{Stars: 1 + i%2})
		return err
	}))
	if codes[""] != 3 || codes["REVIEW_EXISTS"] != 3 { // the same words again are the same review
		t.Errorf("answers %v", codes)
	}
	b.review(o, review.OfSeller, 4)
	if n := b.Int(`SELECT count(*) FROM review`); n != 2 {
		t.Errorf("%d reviews", n)
	}
	notices, err := notify.New(b.Pool).List(b.Ctx(), b.seller, false, page.Args{})
	told := slices.DeleteFunc(notices.Nodes, func(n notify.Notice) bool { return n.Kind != notify.Reviewed }) // the order's own steps are beside them
	if err != nil || len(told) != 2 || told[0].Parameters[0].Value != "4" {
		t.Errorf("the seller was told %+v, %v", notices.Nodes, err)
	}
	b.Audited()
}

// A rating follows each review, edit, hiding and restoring, at once and from many sides.
func TestRatings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	orders := make([]order.Order, 10)
	for i := range orders {
		orders[i] = b.completed()
	}
	for _, err := range domaintest.AtOnce(len(orders), func(i int) error {
		_, err := b.Create(b.Ctx(), orders[i].BuyerID, review.Of{Order: orders[i].ID, Subject: review.OfSeller}, review.Words{Stars: 1 + i%5})
		return err
	}) {
		b.Must(err)
	}
	if got := b.rating(review.OfSeller, b.seller); got != "[2 2 2 2 2]" {
		t.Errorf("rated %s", got)
	}
	page5, err := b.OfSeller(b.Ctx(), b.seller, page.Args{First: new(100)})
	b.Must(err)
	staff := b.User(identity.Support)
	for _, err := range domaintest.AtOnce(len(page5.Nodes), func(i int) (err error) {
		r := page5.Nodes[i]
		switch i % 3 {
		case 0:
			_, err = b.Hide(b.Ctx(), staff, r.ID, "Spam")
		case 1:
			_, err = b.Update(b.Ctx(), r.AuthorID, r.ID, review.Words{Stars: 5})
		default:
			if _, err = b.Hide(b.Ctx(), staff, r.ID, "Spam"); err == nil {
				_, err = b.Restore(b.Ctx(), staff, r.ID, "A mistake")
			}
		}
		return err
	}) {
		b.Must(err)
	}
	ratings, err := b.Ratings(review.OfSeller)(b.Ctx(), []uuid.UUID{b.seller, staff})
	b.Must(err)
	if n := b.Int(`SELECT count(*) FROM review WHERE hidden_at IS NULL`); ratings[b.seller].Count() != int(n) || n != 6 {
		t.Errorf("%d of %d count", ratings[b.seller].Count(), n)
	}
	if ratings[staff].Count() != 0 || ratings[staff].Average() != nil || *ratings[b.seller].Average() < 1 || *ratings[b.seller].Average() > 5 {
		t.Errorf("ratings %+v", ratings)
	}
	b.Audited()
	if _, err := b.Pool.Exec(b.Ctx(), `UPDATE rating SET fives = 100`); err == nil {
		t.Error("a server writes a rating")
	}
}

func TestAveragesAndHistograms(t *testing.T) {
	t.Parallel()
	r := review.Rating{Histogram: []int{1, 0, 0, 0, 3}}
	if r.Count() != 4 || *r.Average() != 4 {
		t.Errorf("%d, %v", r.Count(), *r.Average())
	}
}

// A review is changed by its author for a time, and what is hidden is its author's and staff's.
func TestChangingAndHiding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.completed()
	r := b.review(o, review.OfListing, 2)
	if n := b.Int(`SELECT rating FROM search_document WHERE listing_id = $1`, o.ListingID); n != 200 {
		t.Errorf("search has %d hundredths of a star", n)
	}
	stranger, staff := b.User(identity.Buyer), b.User(identity.Support)
	better := review.Words{Stars: 4, Body: "Better than I thought."}
	changed, err := b.Update(b.Ctx(), o.BuyerID, r.ID, better)
	if err != nil || changed.Stars != 4 || changed.EditedAt == nil || b.rating(review.OfListing, o.ListingID) != "[0 0 0 1 0]" {
		t.Errorf("changed %+v, %v", changed, err)
	}
	for who, want := range map[uuid.UUID]error{b.seller: review.ErrNotEditable, stranger: review.ErrNotEditable} {
		if _, err := b.Update(b.Ctx(), who, r.ID, better); !errors.Is(err, want) {
			t.Errorf("another changes it: %v", err)
		}
	}
	if _, err := b.Report(b.Ctx(), o.BuyerID, r.ID, "Mine"); !errors.Is(err, review.ErrOwn) {
		t.Errorf("one's own is reported: %v", err)
	}
	if _, err := b.Report(b.Ctx(), stranger, r.ID, " "); !errors.Is(err, adminlog.ErrReason) {
		t.Errorf("for no reason: %v", err)
	}
	for range 2 {
		if _, err := b.Report(b.Ctx(), stranger, r.ID, "Rude"); err != nil {
			t.Error(err)
		}
	}
	if reports, err := b.Reports(b.Ctx(), page.Args{}); err != nil || len(reports.Nodes) != 1 || reports.Nodes[0].Reason != "Rude" {
		t.Errorf("reports %+v, %v", reports.Nodes, err)
	}
	if _, err := b.Hide(b.Ctx(), staff, r.ID, ""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("hidden for no reason: %v", err)
	}
	b.Must2(b.Hide(b.Ctx(), staff, r.ID, "Rude"))
	if _, err := b.Hide(b.Ctx(), staff, r.ID, "Rude"); !errors.Is(err, review.ErrHidden) {
		t.Errorf("hidden twice: %v", err)
	}
	if b.rating(review.OfListing, o.ListingID) != "[0 0 0 0 0]" || b.Int(`SELECT rating FROM search_document WHERE listing_id = $1`, o.ListingID) != 0 {
		t.Error("a hidden one counts")
	}
	see := func(who uuid.UUID, staff bool) bool {
		found, err := b.SeenBy(b.Ctx(), who, staff, []uuid.UUID{r.ID})
		b.Must(err)
		return len(found) == 1
	}
	if see(stranger, false) || see(b.seller, false) || !see(o.BuyerID, false) || !see(staff, true) {
		t.Error("it is seen by others, or not by its own")
	}
	if p, err := b.OfListing(b.Ctx(), o.ListingID, page.Args{}); err != nil || len(p.Nodes) != 0 {
		t.Errorf("listed: %+v, %v", p.Nodes, err)
	}
	if of, err := b.OfOrders(b.Ctx(), b.seller, []uuid.UUID{o.ID}); err != nil || len(of[o.ID]) != 0 {
		t.Errorf("of the order: %+v, %v", of, err)
	}
	if _, err := b.Update(b.Ctx(), o.BuyerID, r.ID, better); !errors.Is(err, review.ErrNotEditable) {
		t.Errorf("changed while hidden: %v", err)
	}
	if _, err := b.Report(b.Ctx(), stranger, r.ID, "Rude"); !errors.Is(err, review.ErrNotFound) {
		t.Errorf("reported while hidden: %v", err)
	}
	b.Must2(b.Restore(b.Ctx(), staff, r.ID, "It was not so rude"))
	if _, err := b.Restore(b.Ctx(), staff, r.ID, "Again"); !errors.Is(err, review.ErrShown) {
		t.Errorf("restored twice: %v", err)
	}
	if !see(stranger, false) || b.rating(review.OfListing, o.ListingID) != "[0 0 0 1 0]" {
		t.Error("a restored one is not as before")
	}
	if n := b.Int(`SELECT count(*) FROM admin_action WHERE action IN ('REVIEW_HIDDEN', 'REVIEW_RESTORED')`); n != 2 {
		t.Errorf("%d actions are recorded", n)
	}
	b.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, o.ListingID)
	if see(stranger, false) || !see(b.seller, false) || !see(o.BuyerID, false) {
		t.Error("of a hidden listing it is seen by others, or not by its own")
	}
	b.Exec(`UPDATE review SET created_at = created_at - interval '15 days'`)
	if _, err := b.Update(b.Ctx(), o.BuyerID, r.ID, better); !errors.Is(err, review.ErrNotEditable) {
		t.Errorf("after a fortnight: %v", err)
	}
	for _, who := range []func() error{
		func() error { _, err := b.Hide(b.Ctx(), staff, uuid.New(), "x"); return err },
		func() error { _, err := b.Report(b.Ctx(), stranger, uuid.New(), "x"); return err },
	} {
		if err := who(); !errors.Is(err, review.ErrNotFound) {
			t.Errorf("no review: %v", err)
		}
	}
}
