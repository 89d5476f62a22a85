package auction

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/page"
)

const (
	lotList   = 'N' // mark the cursors of a show's lists of lots
	queueList = 'Q'
	saleList  = 'H'
)

// Lots is all lots of a show, the newest number first.
func (s *Service) Lots(ctx context.Context, show uuid.UUID, args page.Args) (AuctionPage, error) {
	size, err := args.Size()
	if err != nil {
		return AuctionPage{}, err
	}
	before, err := args.BeforeNumber(lotList)
	if err != nil {
		return AuctionPage{}, err
	}
	rows, err := s.q.LotsNewest(ctx, s.pool, show, int32(min(before, math.MaxInt32)), int32(size+1))
	return page.Of(rows, size, s.auctionOf, func(a Auction) string { return page.EncodeNumber(lotList, int64(*a.LotNumber)) }), err
}

// Queue is the lots that wait in a show, in the order in which its host means to open them.
func (s *Service) Queue(ctx context.Context, show uuid.UUID, args page.Args) (AuctionPage, error) {
	return s.upwards(ctx, show, args, queueList, s.q.LotsQueued, func(a Auction) *int32 { return a.Position })
}

// Sales is what a show has sold, in the order of the lots' numbers.
func (s *Service) Sales(ctx context.Context, show uuid.UUID, args page.Args) (AuctionPage, error) {
	return s.upwards(ctx, show, args, saleList, s.q.LotsSold, func(a Auction) *int32 { return a.LotNumber })
}

func (s *Service) upwards(
	ctx context.Context, show uuid.UUID, args page.Args, list byte,
	read func(_ context.Context, _ db.DBTX, show uuid.UUID, after, limit int32) ([]db.Auction, error), place func(Auction) *int32,
) (AuctionPage, error) {
	size, err := args.Size()
	if err != nil {
		return AuctionPage{}, err
	}
	after, err := args.FromNumber(list)
	if err != nil {
		return AuctionPage{}, err
	}
	rows, err := read(ctx, s.pool, show, int32(min(after, math.MaxInt32)), int32(size+1))
	return page.Of(rows, size, s.auctionOf, func(a Auction) string { return page.EncodeNumber(list, int64(*place(a))) }), err
}
