package auction

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/page"
)

// LotList is one of the lists that a show has of its lots. It marks their cursors.
type LotList byte

// The lists.
const (
	AllLots     LotList = 'N' // the newest number first
	WaitingLots LotList = 'Q' // in the order in which the host means to open them
	SoldLots    LotList = 'H' // in the order of their numbers
)

// LotsAsked asks for a page of one of a show's lists; pages of many shows are read with one statement.
type LotsAsked struct {
	Show uuid.UUID
	page lotPage
}

// lotPage is what shows are asked for.
type lotPage struct {
	list LotList
	size int
	from int32 // a number, or a place in the queue
}

// AskLots reads the arguments of a page of a show's lots.
func AskLots(show uuid.UUID, list LotList, args page.Args) (LotsAsked, error) {
	size, err := args.Size()
	if err != nil {
		return LotsAsked{}, err
	}
	from, err := args.FromNumber(byte(list))
	if list == AllLots {
		from, err = args.BeforeNumber(byte(list))
	}
	return LotsAsked{show, lotPage{list, size, int32(min(from, math.MaxInt32))}}, err
}

// LotPages reads pages of shows' lots for a loader.
func (s *Service) LotPages(ctx context.Context, asked []LotsAsked) (map[LotsAsked]AuctionPage, error) {
	shows := make(map[lotPage][]uuid.UUID)
	for _, a := range asked {
		shows[a.page] = append(shows[a.page], a.Show)
	}
	pages := make(map[LotsAsked]AuctionPage, len(asked))
	for p, of := range shows {
		read, place := s.q.LotsNewest, func(a Auction) *int32 { return a.LotNumber }
		switch p.list {
		case WaitingLots:
			read, place = s.q.LotsQueued, func(a Auction) *int32 { return a.Position }
		case SoldLots:
			read = s.q.LotsSold
		case AllLots:
		}
		rows, err := read(ctx, s.pool, of, p.from, int32(p.size+1))
		if err != nil {
			return nil, err
		}
		lots := make(map[uuid.UUID][]db.Auction, len(of))
		for _, row := range rows {
			lots[*row.ShowID] = append(lots[*row.ShowID], row)
		}
		cursor := func(a Auction) string { return page.EncodeNumber(byte(p.list), int64(*place(a))) }
		for _, show := range of {
			pages[LotsAsked{show, p}] = page.Of(lots[show], p.size, s.auctionOf, cursor)
		}
	}
	return pages, nil
}

// Lots is a page of one of a show's lists.
func (s *Service) Lots(ctx context.Context, show uuid.UUID, list LotList, args page.Args) (AuctionPage, error) {
	asked, err := AskLots(show, list, args)
	if err != nil {
		return AuctionPage{}, err
	}
	pages, err := s.LotPages(ctx, []LotsAsked{asked})
	return pages[asked], err
}
