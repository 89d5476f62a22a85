package auction

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/work"
)

const (
	dueEvery = 250 * time.Millisecond // how late a lot may open or close; bids are refused from its end on all the same
	dueAgain = 30 * time.Second       // until a lot that could not be opened or closed is tried again
	dueBatch = 100
)

// CloseDue closes the lots whose end has come, and says how many it closed. Any number of servers may do so
// at once. Lots that can't be closed now, however many, do not keep the others from it.
func (s *Service) CloseDue(ctx context.Context, log *slog.Logger) (closed int, err error) {
	return s.due(ctx, log, stuck{}, s.toClose())
}

// OpenDue opens the lots whose date has come, as CloseDue closes.
func (s *Service) OpenDue(ctx context.Context, log *slog.Logger) (opened int, err error) {
	return s.due(ctx, log, stuck{}, s.toOpen())
}

// stuck is the lots that could not be opened or closed, and when each is tried again, so that a broken one does not fill
// the log.
type stuck map[uuid.UUID]time.Time

// task is what is done to lots at a time of theirs, by the database's clock.
type task struct {
	what string
	list func(ctx context.Context, after db.AuctionDueRow) ([]db.AuctionDueRow, error)
	do   func(ctx context.Context, auction uuid.UUID) (bool, error)
}

func (s *Service) toClose() task {
	return task{"closed", func(ctx context.Context, after db.AuctionDueRow) ([]db.AuctionDueRow, error) {
		return s.q.AuctionDue(ctx, s.pool, after.DueAt, after.ID, dueBatch)
	}, s.Close}
}

func (s *Service) toOpen() task {
	return task{"opened", func(ctx context.Context, after db.AuctionDueRow) ([]db.AuctionDueRow, error) {
		rows, err := s.q.AuctionOpensDue(ctx, s.pool, after.DueAt, after.ID, dueBatch)
		due := make([]db.AuctionDueRow, len(rows))
		for i, row := range rows {
			due[i] = db.AuctionDueRow(row)
		}
		return due, err
	}, s.Open}
}

func (s *Service) due(ctx context.Context, log *slog.Logger, later stuck, t task) (done int, err error) {
	var last db.AuctionDueRow
	for {
		due, err := t.list(ctx, last)
		if err != nil {
			return done, fmt.Errorf("find lots to be %s: %w", t.what, err)
		}
		for _, last = range due {
			if time.Now().Before(later[last.ID]) {
				continue
			}
			delete(later, last.ID)
			ok, err := t.do(ctx, last.ID)
			switch {
			case ctx.Err() != nil:
				return done, ctx.Err()
			case err != nil:
				later[last.ID] = time.Now().Add(dueAgain)
				log.ErrorContext(ctx, "a lot whose time has come could not be changed and will be tried again", "auction", last.ID, "to be", t.what, "error", err)
			case ok:
				done++
			}
		}
		if len(due) < dueBatch {
			return done, nil
		}
	}
}

// dueLoop does tasks again and again, until ctx ends.
func (s *Service) dueLoop(ctx context.Context, every time.Duration, log *slog.Logger, what string, tasks ...task) error {
	later := stuck{}
	return work.Every(ctx, every, log, what, func(ctx context.Context) error {
		errs := make([]error, len(tasks))
		for i, t := range tasks {
			_, errs[i] = s.due(ctx, log, later, t)
		}
		return errors.Join(errs...)
	})
}

// CloseLoop opens lots at their dates and closes them as they end, until ctx does.
func (s *Service) CloseLoop(ctx context.Context, log *slog.Logger) error {
	return s.dueLoop(ctx, dueEvery, log, "looking for lots whose time has come", s.toClose(), s.toOpen())
}

// Close ends a lot whose time has come: the leader's order is made, and paid where a hold backs it, or the listing
// goes back on the market. It is false where there was nothing to close.
func (s *Service) Close(ctx context.Context, auction uuid.UUID) (closed bool, err error) {
	defer fault.Wrap(&err, "close auction %s", auction)
	return s.change(ctx, auction, func(tx pgx.Tx, row db.Auction, now time.Time) ([]realtime.Event, error) {
		if Status(row.Status) != Open || now.Before(*row.EndsAt) {
			return nil, nil
		}
		return s.closeTx(ctx, tx, row, now)
	})
}

// Open opens a lot whose date has come. It is false where there was nothing to open.
func (s *Service) Open(ctx context.Context, auction uuid.UUID) (opened bool, err error) {
	defer fault.Wrap(&err, "open auction %s", auction)
	return s.change(ctx, auction, func(tx pgx.Tx, row db.Auction, now time.Time) ([]realtime.Event, error) {
		if Status(row.Status) != Scheduled || now.Before(*row.OpensAt) {
			return nil, nil
		}
		_, told, err := s.openTx(ctx, tx, row, now)
		return told, err
	})
}

// change does something to a lot under its lock, and publishes what that tells; false where it tells nothing.
func (s *Service) change(
	ctx context.Context, auction uuid.UUID, do func(pgx.Tx, db.Auction, time.Time) ([]realtime.Event, error),
) (changed bool, err error) {
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, now, err := s.lockTx(ctx, tx, auction)
		if err != nil {
			return err
		}
		told, err = do(tx, row, now)
		return err
	})
	if err != nil || len(told) == 0 {
		return false, err
	}
	s.hub.Publish(ctx, told...)
	return true, nil
}
