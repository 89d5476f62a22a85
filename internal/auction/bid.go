package auction

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// Bid is a bid that was taken, as everybody may see it.
type Bid struct {
	ID          uuid.UUID    `json:"id"`
	AuctionID   uuid.UUID    `json:"auctionId"`
	Number      *int32       `json:"number"` // counts a lot's bids from 1 without a hole; nil for a raise, which nobody else sees
	BidderID    uuid.UUID    `json:"bidderId"`
	Amount      money.Amount `json:"amount"` // its maximum, or the price right after it where that is less
	PlacedAt    time.Time    `json:"placedAt"`
	CancelledAt *time.Time   `json:"cancelledAt,omitempty"`
}

// NodeID is the id that clients see.
func (b Bid) NodeID() id.ID { return id.Bid.ID(b.ID) }

// Cursor is the bid's place in its lot.
func (b Bid) Cursor() string { return page.EncodeNumber(bidList, int64(valueOf(b.Number))) }

// BidPage is a page of a list of Bids.
type BidPage = page.Page[Bid]

// BidEdge is one row of it.
type BidEdge = page.Edge[Bid]

func bidOf(row db.Bid, c money.Currency, cancelled *time.Time) Bid {
	return Bid{
		ID: row.ID, AuctionID: row.AuctionID, Number: row.Number, BidderID: row.BidderID,
		Amount: money.New(min(row.Amount, row.Price), c), PlacedAt: row.PlacedAt, CancelledAt: cancelled,
	}
}

// Bids is a lot's bids, the newest first.
func (s *Service) Bids(ctx context.Context, a Auction, args page.Args) (BidPage, error) {
	size, err := args.Size()
	if err != nil {
		return BidPage{}, err
	}
	before, err := args.BeforeNumber(bidList)
	if err != nil {
		return BidPage{}, err
	}
	rows, err := s.q.BidPage(ctx, s.pool, a.ID, int32(min(before, 1<<31-1)), int32(size+1))
	to := func(row db.BidPageRow) Bid { return bidOf(row.Bid, a.StartPrice.Currency, row.CancelledAt) }
	return page.Of(rows, size, to, Bid.Cursor), err
}

// BidByID reads one bid as a user sees it: a raise is its bidder's alone.
func (s *Service) BidByID(ctx context.Context, viewer, bid uuid.UUID) (Bid, error) {
	rows, err := s.q.BidsByID(ctx, s.pool, []uuid.UUID{bid})
	if err != nil {
		return Bid{}, err
	}
	if len(rows) == 0 || (rows[0].Bid.Number == nil && rows[0].Bid.BidderID != viewer) {
		return Bid{}, ErrBidNotFound
	}
	return bidOf(rows[0].Bid, money.Currency(rows[0].Currency), rows[0].CancelledAt), nil
}

// Maxima reads, for a loader, what a bidder would pay at most by some bids; of those that are not theirs it says nothing.
func (s *Service) Maxima(ctx context.Context, bidder uuid.UUID, bids []uuid.UUID) (map[uuid.UUID]money.Amount, error) {
	rows, err := s.q.BidMaxima(ctx, s.pool, bids, bidder)
	maxima := make(map[uuid.UUID]money.Amount, len(rows))
	for _, row := range rows {
		maxima[row.ID] = money.New(row.Amount, money.Currency(row.Currency))
	}
	return maxima, err
}
