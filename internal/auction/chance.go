package auction

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// ChanceStatus is what became of a second chance.
type ChanceStatus string

// The statuses. All but Offered are final.
const (
	Offered  ChanceStatus = "OFFERED"
	Accepted ChanceStatus = "ACCEPTED"
	Declined ChanceStatus = "DECLINED"
	Expired  ChanceStatus = "EXPIRED"
)

// The refusals of a second chance.
var (
	ErrChanceNotFound = fault.New(fault.NotFound, "SECOND_CHANCE_NOT_FOUND", "There is no such offer, or it is not yours.")
	ErrChanceOver     = fault.New(fault.Precondition, "SECOND_CHANCE_OVER", "The offer was answered, or its time is over.")
)

// Chance offers a lot, whose winner did not pay, to somebody who bid less. The lot's lock decides what becomes of it.
type Chance struct {
	ID         uuid.UUID
	AuctionID  uuid.UUID
	BidderID   uuid.UUID
	Price      money.Amount // their own highest bid
	Status     ChanceStatus
	OrderID    *uuid.UUID // of an accepted one
	OfferedAt  time.Time
	ExpiresAt  time.Time
	ResolvedAt *time.Time
}

// NodeID is the id that clients see.
func (c Chance) NodeID() id.ID { return id.SecondChance.ID(c.ID) }

// ChancePage is a page of a list of Chances.
type ChancePage = page.Page[Chance]

// ChanceEdge is one row of it.
type ChanceEdge = page.Edge[Chance]

func chanceOf(row db.SecondChance) Chance {
	return Chance{
		ID: row.ID, AuctionID: row.AuctionID, BidderID: row.BidderID, Price: money.New(row.Amount, money.Currency(row.Currency)),
		Status: ChanceStatus(row.Status), OrderID: row.OrderID, OfferedAt: row.OfferedAt, ExpiresAt: row.ExpiresAt, ResolvedAt: row.ResolvedAt,
	}
}

// AcceptInput is how a bidder takes a second chance.
type AcceptInput struct {
	Chance         uuid.UUID
	Card           *uuid.UUID // that the order is to be paid with, as a bid names one; nil: the wallet pays all of it at once
	IdempotencyKey string
}

// Accept makes the bidder's order at their own highest bid. To accept again answers the same.
func (s *Service) Accept(ctx context.Context, bidder uuid.UUID, in AcceptInput) (c Chance, _ order.Order, err error) {
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return Chance{}, order.Order{}, err
	}
	defer fault.Wrap(&err, "accept second chance %s", in.Chance)
	c, err = s.answer(ctx, bidder, in.Chance, Accepted, func(tx pgx.Tx, lot db.Auction, c db.SecondChance, now time.Time) (db.SecondChance, []realtime.Event, error) {
		return s.acceptTx(ctx, tx, lot, c, now, in)
	})
	if err != nil {
		return Chance{}, order.Order{}, err
	}
	o, err := s.orders.Get(ctx, bidder, *c.OrderID)
	return c, o, err
}

// acceptTx sells the lot to who accepts; the money moves last.
func (s *Service) acceptTx(ctx context.Context, tx pgx.Tx, lot db.Auction, c db.SecondChance, now time.Time, in AcceptInput) (db.SecondChance, []realtime.Event, error) {
	if in.Card != nil {
		if Backing(lot.Backing) == ByHold {
			return c, nil, ErrCardNotTaken.At("cardId")
		}
		if _, err := s.payment.UsableCardTx(ctx, tx, c.BidderID, *in.Card); err != nil {
			return c, nil, err
		}
	}
	if err := s.catalog.SellTx(ctx, tx, lot.ListingID); err != nil {
		return c, nil, err
	}
	o, told, err := s.orders.CreateWonTx(ctx, tx, order.Won{
		Auction: lot.ID, Listing: lot.ListingID, Buyer: c.BidderID, Seller: lot.SellerID, Card: in.Card,
		Price: money.New(c.Amount, money.Currency(c.Currency)),
	})
	if err != nil {
		return c, nil, err
	}
	c, news, err := s.resolveTx(ctx, tx, lot, c, now, Accepted, &o.ID)
	if told = append(told, news...); err != nil || in.Card != nil {
		return c, told, err
	}
	paid, err := s.orders.PayWonTx(ctx, tx, o, in.IdempotencyKey)
	return c, append(told, paid...), err
}

// Decline lets the lot go on to the next bidder. To decline again answers the same.
func (s *Service) Decline(ctx context.Context, bidder, chance uuid.UUID) (_ Chance, err error) {
	defer fault.Wrap(&err, "decline second chance %s", chance)
	return s.answer(ctx, bidder, chance, Declined, func(tx pgx.Tx, lot db.Auction, c db.SecondChance, now time.Time) (db.SecondChance, []realtime.Event, error) {
		return s.passOnTx(ctx, tx, lot, c, now, Declined)
	})
}

// answer does what a bidder answers under the lot's lock, unless it was done already.
func (s *Service) answer(
	ctx context.Context, bidder, chance uuid.UUID, as ChanceStatus,
	do func(pgx.Tx, db.Auction, db.SecondChance, time.Time) (db.SecondChance, []realtime.Event, error),
) (Chance, error) {
	var c db.SecondChance
	seen, err := s.q.SecondChanceByID(ctx, s.pool, chance)
	if postgres.NoRows(err) || (err == nil && seen.BidderID != bidder) {
		return Chance{}, ErrChanceNotFound
	}
	if err != nil {
		return Chance{}, err
	}
	_, err = s.change(ctx, seen.AuctionID, func(tx pgx.Tx, lot db.Auction, now time.Time) (told []realtime.Event, err error) {
		if c, err = s.q.SecondChanceByID(ctx, tx, chance); err != nil {
			return nil, err
		}
		switch {
		case ChanceStatus(c.Status) == as:
			return nil, nil
		case ChanceStatus(c.Status) != Offered || !now.Before(c.ExpiresAt):
			return nil, ErrChanceOver
		}
		c, told, err = do(tx, lot, c, now)
		return told, err
	})
	return chanceOf(c), err
}

// passOnTx ends an offer that came to nothing and offers the lot to the next; after the last the listing is its seller's again.
func (s *Service) passOnTx(ctx context.Context, tx pgx.Tx, lot db.Auction, c db.SecondChance, now time.Time, as ChanceStatus) (db.SecondChance, []realtime.Event, error) {
	row, err := s.q.SecondChanceResolve(ctx, tx, db.SecondChanceResolveParams{ID: c.ID, Status: string(as), ResolvedAt: &now})
	if err != nil {
		return c, nil, err
	}
	next, err := s.offerTx(ctx, tx, lot, now)
	if err != nil {
		return c, nil, err
	}
	news := newsOf(lot, row)
	if next == nil {
		err = s.catalog.FreeTx(ctx, tx, lot.ListingID)
	} else {
		news = append(news, newsOf(lot, *next)...)
	}
	if err != nil {
		return c, nil, err
	}
	told, err := feed.TellTx(ctx, tx, news...)
	return row, told, err
}

// resolveTx writes what became of an offer, and tells both sides.
func (s *Service) resolveTx(ctx context.Context, tx pgx.Tx, lot db.Auction, c db.SecondChance, now time.Time, as ChanceStatus, o *uuid.UUID) (db.SecondChance, []realtime.Event, error) {
	row, err := s.q.SecondChanceResolve(ctx, tx, db.SecondChanceResolveParams{ID: c.ID, Status: string(as), OrderID: o, ResolvedAt: &now})
	if err != nil {
		return c, nil, err
	}
	told, err := feed.TellTx(ctx, tx, newsOf(lot, row)...)
	return row, told, err
}

// offerTx offers a lot to the next bidder; nil where there is none, or three have had their chance.
func (s *Service) offerTx(ctx context.Context, tx pgx.Tx, lot db.Auction, now time.Time) (*db.SecondChance, error) {
	next, err := s.q.SecondChanceNext(ctx, tx, lot.ID)
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	row, err := s.q.SecondChanceInsert(ctx, tx, db.SecondChanceInsertParams{
		ID: id.New(), AuctionID: lot.ID, BidderID: next.BidderID, BidID: next.ID, Amount: next.Amount, Currency: lot.Currency,
		OfferedAt: now, ExpiresAt: now.Add(s.chanceFor),
	})
	return &row, err
}

// newsOf is what an offer's bidder and its lot's seller hear of it.
func newsOf(lot db.Auction, c db.SecondChance) []feed.News {
	object := id.SecondChance.ID(c.ID)
	return []feed.News{{User: c.BidderID, Kind: feed.SecondChanceChanged, Object: object}, {User: lot.SellerID, Kind: feed.SecondChanceChanged, Object: object}}
}

// Chance is one offer, for its bidder and for the lot's seller.
func (s *Service) Chance(ctx context.Context, party, chance uuid.UUID) (Chance, error) {
	row, err := s.q.SecondChanceOfParty(ctx, s.pool, chance, party)
	if postgres.NoRows(err) {
		return Chance{}, ErrChanceNotFound
	}
	return chanceOf(row), err
}

const chanceList = 'c' // marks the cursors of the list

// Chances is what a bidder was offered, the newest first.
func (s *Service) Chances(ctx context.Context, bidder uuid.UUID, args page.Args) (ChancePage, error) {
	size, err := args.Size()
	if err != nil {
		return ChancePage{}, err
	}
	before, err := args.Before(chanceList)
	if err != nil {
		return ChancePage{}, err
	}
	rows, err := s.q.SecondChancePage(ctx, s.pool, db.SecondChancePageParams{
		BidderID: bidder, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, chanceOf, func(c Chance) string { return page.Key{At: c.OfferedAt, ID: c.ID}.Encode(chanceList) }), err
}
