package risk

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

// The refusals of staff's decisions.
var (
	ErrReviewNotFound = fault.New(fault.NotFound, "RISK_REVIEW_NOT_FOUND", "There is no such review.").At("reviewId")
	ErrReviewDecided  = fault.New(fault.Conflict, "RISK_REVIEW_DECIDED", "This was allowed already; what its buyer does next is looked at by itself.").At("reviewId")
	ErrNeedsAdmin     = fault.New(fault.Forbidden, "RISK_REVIEW_NEEDS_ADMIN", "Refusals give money back, and are an admin's, as is taking one back.").At("decision")
)

// ReviewStatus is how far staff have come with something.
type ReviewStatus string

// The statuses.
const (
	Open    ReviewStatus = "OPEN"
	Allowed ReviewStatus = "ALLOWED"
	Refused ReviewStatus = "REFUSED"
)

// Decision is what staff decide of a review.
type Decision string

// The decisions.
const (
	DecideAllow  Decision = "ALLOW"
	DecideRefuse Decision = "REFUSE"
)

// decided is where a decision leads, and how it is logged.
func (d Decision) decided() (ReviewStatus, adminlog.Kind) {
	if d == DecideRefuse {
		return Refused, adminlog.RiskRefused
	}
	return Allowed, adminlog.RiskAllowed
}

// Case is something that the rules wanted looked at. It went on meanwhile.
type Case struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	Status    ReviewStatus
	Rules     []string // those of Velocity, and any of others
	CheckedAt time.Time
	Orders    []uuid.UUID
	DecidedBy *uuid.UUID
	Reason    *string
	DecidedAt *time.Time
	UndoneAt  *time.Time // of a refusal: when its orders were cancelled, those that could be
}

// NodeID is the id that clients see.
func (r Case) NodeID() id.ID { return id.RiskReview.ID(r.ID) }

// OrderIDs are those of its orders.
func (r Case) OrderIDs() []id.ID {
	ids := make([]id.ID, len(r.Orders))
	for i, o := range r.Orders {
		ids[i] = id.Order.ID(o)
	}
	return ids
}

func reviewOf(v db.RiskReview, rules []string) Case {
	return Case{
		ID: v.CheckID, UserID: v.UserID, Status: ReviewStatus(v.Status), Rules: rules, CheckedAt: v.CheckedAt,
		DecidedBy: v.DecidedBy, Reason: v.Reason, DecidedAt: v.DecidedAt, UndoneAt: v.UndoneAt,
	}
}

// CasePage is a page of the queue.
type CasePage = page.Page[Case]

// CaseEdge is one row of it.
type CaseEdge = page.Edge[Case]

// reviewList marks the cursors of the queue.
const reviewList = 'R'

// Reviews are those of a status, those first that have waited longest.
func (s *Service) Reviews(ctx context.Context, status ReviewStatus, args page.Args) (_ CasePage, err error) {
	defer fault.Wrap(&err, "read what is to be looked at")
	size, err := args.Size()
	if err != nil {
		return CasePage{}, err
	}
	asked := page.AskedFor(status)
	after, err := args.From(reviewList, asked)
	if err != nil {
		return CasePage{}, err
	}
	rows, err := s.q.RiskReviewPage(ctx, s.pool, db.RiskReviewPageParams{Status: string(status), AfterAt: after.At, AfterID: after.ID, PageSize: int32(size + 1)})
	if err != nil {
		return CasePage{}, err
	}
	found := page.Of(rows, size, func(r db.RiskReviewPageRow) Case { return reviewOf(r.RiskReview, r.Rules) },
		func(r Case) string { return page.Key{At: r.CheckedAt, ID: r.ID}.Encode(reviewList, asked) })
	return found, s.readOrders(ctx, found.Nodes)
}

// readOrders fills in what orders some reviews are of.
func (s *Service) readOrders(ctx context.Context, reviews []Case) error {
	if len(reviews) == 0 {
		return nil
	}
	ids, at := make([]uuid.UUID, len(reviews)), make(map[uuid.UUID]int, len(reviews))
	for i, r := range reviews {
		ids[i], at[r.ID] = r.ID, i
	}
	rows, err := s.q.RiskReviewOrders(ctx, s.pool, ids)
	for _, row := range rows {
		r := &reviews[at[row.CheckID]]
		r.Orders = append(r.Orders, row.OrderID)
	}
	return err
}

// Decide writes down what staff think of something: it was all right; or it is refused, and then its orders are cancelled by a job, those that were not sent, and its buyer
// pays nothing more until that is taken back, by allowing it. The same decision once more is answered as it stands.
func (s *Service) Decide(ctx context.Context, by identity.User, review uuid.UUID, d Decision, reason string) (_ Case, err error) {
	defer fault.Wrap(&err, "decide review %s", review)
	to, kind := d.decided()
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.q.RiskReviewLock(ctx, tx, review)
		if postgres.NoRows(err) {
			return ErrReviewNotFound
		}
		from := ReviewStatus(row.Status)
		switch {
		case err != nil:
			return err
		case (to == Refused || from == Refused) && by.Role != identity.Admin:
			return ErrNeedsAdmin
		case from == to:
			return nil
		case from == Allowed:
			return ErrReviewDecided
		}
		action, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: by.ID, Kind: kind, Subject: id.RiskReview.Encode(review), Reason: reason})
		if err != nil {
			return err
		}
		if err := s.q.RiskReviewDecide(ctx, tx, db.RiskReviewDecideParams{CheckID: review, Status: string(to), DecidedBy: by.ID, Reason: action.Reason}); err != nil || to != Refused {
			return err
		}
		_, err = s.jobs.InsertTx(ctx, tx, UndoJob{}, nil)
		return err
	})
	if err != nil {
		return Case{}, err
	}
	row, err := s.q.RiskReviewGet(ctx, s.pool, review)
	if err != nil {
		return Case{}, err
	}
	reviews := []Case{reviewOf(row.RiskReview, row.Rules)}
	err = s.readOrders(ctx, reviews)
	return reviews[0], err
}
