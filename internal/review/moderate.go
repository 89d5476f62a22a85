package review

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

// Report is that somebody wants support to look at a review.
type Report struct {
	ReviewID   uuid.UUID
	ReporterID uuid.UUID
	Reason     string
	At         time.Time
}

// Cursor is the report's place in the list.
func (r Report) Cursor() string { return page.Key{At: r.At, ID: r.ReviewID}.Encode(reportList) }

// ReportPage is a page of reports.
type ReportPage = page.Page[Report]

// ReportEdge is one of them with its cursor.
type ReportEdge = page.Edge[Report]

func reportOf(row db.ReviewReport) Report {
	return Report{ReviewID: row.ReviewID, ReporterID: row.ReporterID, Reason: row.Reason, At: row.ReportedAt}
}

// Report has support look at a review. Once more changes nothing.
func (s *Service) Report(ctx context.Context, reporter, review uuid.UUID, reason string) (_ Review, err error) {
	defer fault.Wrap(&err, "report review %s", review)
	if reason, err = adminlog.Reason(reason); err != nil {
		return Review{}, err
	}
	r, err := s.seen(ctx, reporter, false, review)
	if err != nil {
		return Review{}, err
	}
	if r.AuthorID == reporter {
		return Review{}, ErrOwn.At("reviewId")
	}
	return r, s.q.ReviewReportInsert(ctx, s.pool, review, reporter, reason)
}

// Reports are what users have reported, the newest first. It is for staff.
func (s *Service) Reports(ctx context.Context, args page.Args) (ReportPage, error) {
	size, before, err := bounds(args, reportList)
	if err != nil {
		return ReportPage{}, err
	}
	rows, err := s.q.ReviewReportPage(ctx, s.pool, before.At, before.ID, int32(size+1))
	return page.Of(rows, size, reportOf, Report.Cursor), err
}

// Hide takes a review out of everybody's sight, and out of the rating. It is for staff, and is recorded.
func (s *Service) Hide(ctx context.Context, by, review uuid.UUID, reason string) (Review, error) {
	return s.moderate(ctx, by, review, reason, true)
}

// Restore shows a hidden review again. It is for staff, and is recorded.
func (s *Service) Restore(ctx context.Context, by, review uuid.UUID, reason string) (Review, error) {
	return s.moderate(ctx, by, review, reason, false)
}

func (s *Service) moderate(ctx context.Context, by, review uuid.UUID, reason string, hide bool) (_ Review, err error) {
	defer fault.Wrap(&err, "moderate review %s", review)
	kind, already := adminlog.ReviewRestored, ErrShown
	if hide {
		kind, already = adminlog.ReviewHidden, ErrHidden
	}
	var row db.Review
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = s.q.ReviewLock(ctx, tx, review); postgres.NoRows(err) {
			return ErrNotFound.At("reviewId")
		} else if err != nil {
			return err
		}
		if (row.HiddenAt != nil) == hide {
			return already
		}
		if _, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: by, Kind: kind, Subject: id.Review.Encode(review), Reason: reason}); err != nil {
			return err
		}
		row, err = s.q.ReviewSetHidden(ctx, tx, hide, review)
		return err
	})
	return reviewOf(row), err
}
