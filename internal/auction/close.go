package auction

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	closeEvery = 250 * time.Millisecond // how late a lot may close; bids are refused from its end on all the same
	closeAgain = 30 * time.Second       // until a lot that could not be closed is tried again
	closeBatch = 100
)

// CloseDue closes the lots whose end has come, and says how many it closed. Any number of servers may do so
// at once. Lots that can't be closed now, however many, do not keep the others from it.
func (s *Service) CloseDue(ctx context.Context, log *slog.Logger) (closed int, err error) {
	return s.closeDue(ctx, log, stuck{})
}

// stuck is the lots that could not be closed, and when each is tried again, so that a broken one does not fill
// the log.
type stuck map[uuid.UUID]time.Time

func (s *Service) closeDue(ctx context.Context, log *slog.Logger, later stuck) (closed int, err error) {
	var last db.AuctionDueRow
	for {
		due, err := s.q.AuctionDue(ctx, s.pool, last.EndsAt, last.ID, closeBatch)
		if err != nil {
			return closed, fmt.Errorf("find lots that ended: %w", err)
		}
		for _, last = range due {
			if time.Now().Before(later[last.ID]) {
				continue
			}
			delete(later, last.ID)
			ok, err := s.Close(ctx, last.ID)
			switch {
			case ctx.Err() != nil:
				return closed, ctx.Err()
			case err != nil:
				later[last.ID] = time.Now().Add(closeAgain)
				log.ErrorContext(ctx, "a lot could not be closed and will be tried again", "auction", last.ID, "error", err)
			case ok:
				closed++
			}
		}
		if len(due) < closeBatch {
			return closed, nil
		}
	}
}

// CloseLoop closes lots as they end, until ctx does.
func (s *Service) CloseLoop(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(closeEvery)
	defer tick.Stop()
	later := stuck{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := s.closeDue(ctx, log, later); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "looking for lots that ended failed and will be tried again", "error", err)
			}
		}
	}
}

// Close ends a lot whose time has come: the leader's order is made, and paid where a hold backs it, or the listing
// goes back on the market. It is false where there was nothing to close.
func (s *Service) Close(ctx context.Context, auction uuid.UUID) (closed bool, err error) {
	defer fault.Wrap(&err, "close auction %s", auction)
	var events []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		events = nil
		row, err := s.q.AuctionLock(ctx, tx, auction)
		if postgres.NoRows(err) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		now, err := s.q.AuctionClock(ctx, tx)
		if err != nil {
			return err
		}
		if Status(row.Status) != Open || now.Before(row.EndsAt) {
			return nil
		}
		events, err = s.closeTx(ctx, tx, row, now)
		return err
	})
	if err != nil || len(events) == 0 {
		return false, err
	}
	s.hub.Publish(ctx, events...)
	return true, nil
}

func (s *Service) closeTx(ctx context.Context, tx pgx.Tx, row db.Auction, now time.Time) ([]realtime.Event, error) {
	row.ClosedAt, row.Version = &now, row.Version+1
	kind, settle := EventUnsold, s.catalog.FreeTx
	row.Status = string(Unsold)
	if row.LeaderID != nil {
		kind, settle = EventSold, s.catalog.SellTx
		row.Status = string(Sold)
	}
	if err := s.updateTx(ctx, tx, row); err != nil {
		return nil, err
	}
	if err := settle(ctx, tx, row.ListingID); err != nil {
		return nil, err
	}
	event, err := appendTx(ctx, tx, kind, Change{Auction: s.auctionOf(row)})
	if err != nil || row.LeaderID == nil {
		return []realtime.Event{event}, err
	}
	_, events, err := s.orders.CreateWonTx(ctx, tx, order.Won{
		Auction: row.ID, Listing: row.ListingID, Buyer: *row.LeaderID, Seller: row.SellerID, Hold: row.LeaderHold, Card: row.LeaderCard,
		Price: money.New(row.Price, money.Currency(row.Currency)),
	})
	return append([]realtime.Event{event}, events...), ofHold(err)
}
