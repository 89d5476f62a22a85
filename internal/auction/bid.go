package auction

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Bid is an accepted bid. Number counts a lot's bids from 1 without a hole.
type Bid struct {
	ID        uuid.UUID    `json:"id"`
	AuctionID uuid.UUID    `json:"auctionId"`
	Number    int32        `json:"number"`
	BidderID  uuid.UUID    `json:"bidderId"`
	Amount    money.Amount `json:"amount"`
	PlacedAt  time.Time    `json:"placedAt"`
}

// NodeID is the id that clients see.
func (b Bid) NodeID() id.ID { return id.Bid.ID(b.ID) }

// Cursor is the bid's place in its lot.
func (b Bid) Cursor() string { return page.EncodeNumber(bidList, int64(b.Number)) }

// BidPage is a page of a list of Bids.
type BidPage = page.Page[Bid]

// BidEdge is one row of it.
type BidEdge = page.Edge[Bid]

func bidOf(row db.Bid, c money.Currency) Bid {
	return Bid{
		ID: row.ID, AuctionID: row.AuctionID, Number: row.Number, BidderID: row.BidderID,
		Amount: money.New(row.Amount, c), PlacedAt: row.PlacedAt,
	}
}

// PlaceInput is a bid as its bidder gives it.
type PlaceInput struct {
	Auction        uuid.UUID
	Amount         money.Amount
	Card           *uuid.UUID // a saved one of the bidder's, on a lot that cards back
	IdempotencyKey string
}

func (in PlaceInput) validate() error {
	switch {
	case in.Amount.Minor <= 0:
		return ErrNotPositive.At("amount")
	case in.Amount.Minor > maxBid(in.Amount.Currency):
		return ErrBidTooHigh.At("amount")
	}
	return idempotency.CheckKey(in.IdempotencyKey)
}

// Placed is the answer to a bid: the bid and the lot right after it. For a retry it is the first bid and the
// lot as it is now.
type Placed struct {
	Bid     Bid
	Auction Auction
}

// Leads says whether the bid leads its lot.
func (p Placed) Leads() bool { return p.Auction.BidCount == p.Bid.Number }

// Place bids. On a lot that holds back, the bid's amount is held in the bidder's wallet, and the hold of whom it outbids
// is released, in the same transaction. On a lot that cards back, no money moves before it is won and paid.
func (s *Service) Place(ctx context.Context, bidder uuid.UUID, in PlaceInput) (_ Placed, err error) {
	if err := in.validate(); err != nil {
		return Placed{}, err
	}
	defer fault.Wrap(&err, "bid on auction %s", in.Auction)
	var (
		placed Placed
		event  *realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		event = nil
		row, err := s.q.AuctionLock(ctx, tx, in.Auction)
		if postgres.NoRows(err) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		first, err := s.q.BidByKey(ctx, tx, bidder, in.IdempotencyKey)
		if err == nil {
			placed, err = s.replay(row, first, in)
			return err
		}
		if !postgres.NoRows(err) {
			return err
		}
		var e realtime.Event
		placed, e, err = s.placeTx(ctx, tx, row, bidder, in)
		event = &e
		return err
	})
	if postgres.Violates(err, "bid_bidder_id_idempotency_key_key") { // the key was used on another lot meanwhile
		err = ErrKeyReused
	}
	if err != nil {
		return Placed{}, err
	}
	if event != nil {
		s.hub.Publish(ctx, *event)
	}
	return placed, nil
}

func (s *Service) replay(row db.Auction, first db.Bid, in PlaceInput) (Placed, error) {
	bid := bidOf(first, money.Currency(row.Currency))
	if first.AuctionID != in.Auction || bid.Amount != in.Amount || !sameCard(first.CardID, in.Card) {
		return Placed{}, ErrKeyReused
	}
	return Placed{Bid: bid, Auction: s.auctionOf(row)}, nil
}

func sameCard(a, b *uuid.UUID) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// placeTx judges the bid under the lot's lock and writes all that follows from it; the holds move last.
func (s *Service) placeTx(ctx context.Context, tx pgx.Tx, row db.Auction, bidder uuid.UUID, in PlaceInput) (Placed, realtime.Event, error) {
	now, err := s.q.AuctionClock(ctx, tx)
	if err != nil {
		return Placed{}, realtime.Event{}, err
	}
	state, err := Judge(stateOf(row), Offer{Bidder: bidder, Amount: in.Amount, At: now}, s.increments)
	if err != nil {
		return Placed{}, realtime.Event{}, err
	}
	backed, err := s.backTx(ctx, tx, row, bidder, in)
	if err != nil {
		return Placed{}, realtime.Event{}, err
	}
	row.Price, row.LeaderID, row.LeaderHold, row.LeaderCard = state.Price.Minor, state.Leader, backed.hold, in.Card
	row.BidCount, row.EndsAt, row.Version = state.BidCount, state.EndsAt, row.Version+1
	bid := Bid{
		ID: id.New(), AuctionID: row.ID, Number: row.BidCount, BidderID: bidder, Amount: in.Amount, PlacedAt: now,
	}
	if err := s.updateTx(ctx, tx, row); err != nil {
		return Placed{}, realtime.Event{}, err
	}
	if err := s.q.BidInsert(ctx, tx, db.BidInsertParams{
		ID: bid.ID, AuctionID: row.ID, Number: bid.Number, Version: row.Version, BidderID: bidder,
		Amount: in.Amount.Minor, HoldID: backed.hold, CardID: in.Card, IdempotencyKey: in.IdempotencyKey, PlacedAt: now,
	}); err != nil {
		return Placed{}, realtime.Event{}, err
	}
	placed := Placed{Bid: bid, Auction: s.auctionOf(row)}
	event, err := appendTx(ctx, tx, EventBid, Change{Auction: placed.Auction, Bid: &bid})
	if err != nil || backed.hold == nil {
		return placed, event, err
	}
	return placed, event, ofHold(s.payment.ChangeHoldsTx(ctx, tx, backed.change))
}

// backing is what a bid brings: a hold and how the holds change for it, or nothing but its card.
type backing struct {
	hold   *uuid.UUID
	change payment.HoldChange
}

// backTx checks that a bid brings what backs its lot.
func (s *Service) backTx(ctx context.Context, tx pgx.Tx, row db.Auction, bidder uuid.UUID, in PlaceInput) (backing, error) {
	switch {
	case Backing(row.Backing) == ByCard && in.Card == nil:
		return backing{}, ErrCardMissing.At("cardId")
	case Backing(row.Backing) == ByCard:
		_, err := s.payment.UsableCardTx(ctx, tx, bidder, *in.Card)
		return backing{}, err
	case in.Card != nil:
		return backing{}, ErrCardNotTaken.At("cardId")
	}
	hold := payment.NewHold{ID: id.New(), User: bidder, Amount: in.Amount}
	change := payment.HoldChange{
		Key: "bid:" + hold.ID.String(), Cause: ledger.Cause{Kind: "auction", ID: row.ID}, Open: []payment.NewHold{hold},
	}
	if row.LeaderHold != nil {
		change.Release = []uuid.UUID{*row.LeaderHold}
	}
	return backing{&hold.ID, change}, nil
}

// ofHold makes what is wrong with a leader's hold our fault: nobody who bids can do anything about it.
func ofHold(err error) error {
	if errors.Is(err, payment.ErrHoldResolved) || errors.Is(err, payment.ErrHoldNotFound) {
		return ErrHoldLost.Because(err)
	}
	return err
}

func (s *Service) updateTx(ctx context.Context, tx pgx.Tx, row db.Auction) error {
	return s.q.AuctionUpdate(ctx, tx, db.AuctionUpdateParams{
		ID: row.ID, Price: row.Price, BidCount: row.BidCount, LeaderID: row.LeaderID, LeaderHold: row.LeaderHold, LeaderCard: row.LeaderCard,
		EndsAt: row.EndsAt, Status: row.Status, ClosedAt: row.ClosedAt, Version: row.Version,
	})
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
	to := func(row db.Bid) Bid { return bidOf(row, a.StartPrice.Currency) }
	return page.Of(rows, size, to, Bid.Cursor), err
}

// BidByID reads one bid.
func (s *Service) BidByID(ctx context.Context, bid uuid.UUID) (Bid, error) {
	row, err := s.q.BidByID(ctx, s.pool, bid)
	if postgres.NoRows(err) {
		return Bid{}, ErrBidNotFound
	}
	return bidOf(row.Bid, money.Currency(row.Currency)), err
}
