package auction

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// What moves a lot from one status to the next. The caller holds the row's lock, has read the time after it had it,
// and publishes the events after the commit.

// lockTx takes a lot's lock, and reads the time.
func (s *Service) lockTx(ctx context.Context, tx pgx.Tx, auction uuid.UUID) (db.Auction, time.Time, error) {
	row, err := s.q.AuctionLock(ctx, tx, auction)
	if postgres.NoRows(err) {
		return db.Auction{}, time.Time{}, ErrNotFound
	}
	if err != nil {
		return db.Auction{}, time.Time{}, err
	}
	now, err := s.q.AuctionClock(ctx, tx)
	return row, now, err
}

// tellTx writes a row that has changed under its next version, and what everybody hears of it.
func (s *Service) tellTx(ctx context.Context, tx pgx.Tx, row db.Auction, kind string, bids ...Bid) (Auction, []realtime.Event, error) {
	row.Version++
	if err := s.updateTx(ctx, tx, row); err != nil {
		return Auction{}, nil, err
	}
	a := s.auctionOf(row)
	events, err := appendTx(ctx, tx, kind, Change{Auction: a, Bids: bids})
	return a, events, err
}

func (s *Service) updateTx(ctx context.Context, tx pgx.Tx, row db.Auction) error {
	return s.q.AuctionUpdate(ctx, tx, db.AuctionUpdateParams{
		ID: row.ID, Status: row.Status, Price: row.Price, BidCount: row.BidCount, BidSeq: row.BidSeq, LeaderID: row.LeaderID,
		LeaderMaximum: row.LeaderMaximum, LeaderHold: row.LeaderHold, LeaderCard: row.LeaderCard, OpensAt: row.OpensAt, OpenedAt: row.OpenedAt,
		EndsAt: row.EndsAt, LatestEnd: row.LatestEnd, TimeLeft: row.TimeLeft, Position: row.Position, ClosedAt: row.ClosedAt, Version: row.Version,
	})
}

// openTx opens a lot that waits.
func (s *Service) openTx(ctx context.Context, tx pgx.Tx, row db.Auction, now time.Time) (Auction, []realtime.Event, error) {
	end := now.Add(seconds(row.Duration))
	row.Status, row.OpenedAt, row.EndsAt, row.Position = string(Open), &now, &end, nil
	if row.ExtensionCap != nil {
		row.LatestEnd = new(end.Add(seconds(*row.ExtensionCap)))
	}
	return s.runTx(ctx, tx, row, EventOpened)
}

// runTx lets a lot run until its end, which is kept: what sets an end other than a bid is needed to replay the lot.
func (s *Service) runTx(ctx context.Context, tx pgx.Tx, row db.Auction, kind string) (Auction, []realtime.Event, error) {
	a, events, err := s.tellTx(ctx, tx, row, kind)
	if err != nil {
		return Auction{}, nil, err
	}
	return a, events, s.q.AuctionEndInsert(ctx, tx, db.AuctionEndInsertParams{
		AuctionID: a.ID, Version: a.Version, Seq: row.BidSeq, EndsAt: *row.EndsAt, LatestEnd: row.LatestEnd,
	})
}

// closeTx ends a lot: it is sold to who leads, where their maximum meets the reserve, and else unsold.
func (s *Service) closeTx(ctx context.Context, tx pgx.Tx, row db.Auction, now time.Time) ([]realtime.Event, error) {
	return s.endTx(ctx, tx, row, now, outcome(row))
}

// outcome is how a lot ends as it stands.
func outcome(row db.Auction) Status {
	if stateOf(row).Sells() {
		return Sold
	}
	return Unsold
}

// endTx ends a lot as SOLD, UNSOLD or PASSED, whatever it was, and settles what its leader has in it.
func (s *Service) endTx(ctx context.Context, tx pgx.Tx, row db.Auction, now time.Time, status Status) ([]realtime.Event, error) {
	row, told, err := s.markTx(ctx, tx, row, now, status)
	if err != nil {
		return nil, err
	}
	settled, err := s.settleTx(ctx, tx, row)
	return append(told, settled...), err
}

// markTx ends a lot and moves its listing; no money moves yet. It answers the row as it is then.
func (s *Service) markTx(ctx context.Context, tx pgx.Tx, row db.Auction, now time.Time, status Status) (db.Auction, []realtime.Event, error) {
	row.Status, row.ClosedAt, row.TimeLeft, row.Position = string(status), &now, nil, nil
	settle, kind := s.catalog.FreeTx, string(status)
	if status == Sold {
		settle = s.catalog.SellTx
	}
	if err := settle(ctx, tx, row.ListingID); err != nil {
		return db.Auction{}, nil, err
	}
	_, events, err := s.tellTx(ctx, tx, row, kind)
	row.Version++
	return row, events, err
}

// settleTx makes the order of a lot that was sold, paid where a hold backs it, and gives the leader of any other their
// money back. It posts, and so comes last.
func (s *Service) settleTx(ctx context.Context, tx pgx.Tx, row db.Auction) ([]realtime.Event, error) {
	if Status(row.Status) != Sold {
		if row.LeaderHold == nil {
			return nil, nil
		}
		return nil, ofHold(s.payment.ChangeHoldsTx(ctx, tx, payment.HoldChange{
			Key: "auction:" + row.ID.String() + ":free", Cause: holdCause(row.ID), Release: []uuid.UUID{*row.LeaderHold},
		}))
	}
	_, events, err := s.orders.CreateWonTx(ctx, tx, order.Won{
		Auction: row.ID, Listing: row.ListingID, Buyer: *row.LeaderID, Seller: row.SellerID, Hold: row.LeaderHold, Card: row.LeaderCard,
		Price: money.New(row.Price, money.Currency(row.Currency)),
	})
	return events, ofHold(err)
}

func holdCause(auction uuid.UUID) ledger.Cause { return ledger.Cause{Kind: "auction", ID: auction} }
