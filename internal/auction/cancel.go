package auction

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Why a bid was cancelled.
const (
	byStaff  = "STAFF"
	unbacked = "UNBACKED" // its bidder came to lead again, and could not back it any more
)

// unbackedReason is what is kept of bids that nobody has cancelled by name.
const unbackedReason = "The bid could not be backed when it came to lead again."

// Cancel takes a bid back, with the raises of it that followed; for staff. The lot is rebuilt from the bids that are left, and who leads
// then holds their maximum. Where they can't, their bids are cancelled as well, and so on. Everybody is told by one event.
func (s *Service) Cancel(ctx context.Context, staff, bid uuid.UUID, reason string) (_ Cancelled, err error) {
	if reason, err = adminlog.Reason(reason); err != nil {
		return Cancelled{}, err
	}
	defer fault.Wrap(&err, "cancel bid %s", bid)
	first, err := s.q.BidGet(ctx, s.pool, bid)
	if postgres.NoRows(err) {
		return Cancelled{}, ErrBidNotFound.At("bidId")
	}
	if err != nil {
		return Cancelled{}, err
	}
	_, err = s.change(ctx, first.Bid.AuctionID, func(tx pgx.Tx, row db.Auction, now time.Time) ([]realtime.Event, error) {
		c := &cancelling{s: s, tx: tx, row: row, now: now, staff: staff, reason: reason}
		return c.run(ctx, bid)
	})
	if err != nil {
		return Cancelled{}, err
	}
	var done Cancelled
	if done.Bid, err = s.BidByID(ctx, first.Bid.BidderID, bid); err == nil {
		done.Auction, err = s.Get(ctx, first.Bid.AuctionID)
	}
	return done, err
}

// Cancelled is a bid that was taken back, and its lot right after that.
type Cancelled struct {
	Bid     Bid
	Auction Auction
}

// cancelling is a cancellation under the lot's lock.
type cancelling struct {
	s      *Service
	tx     pgx.Tx
	row    db.Auction
	now    time.Time
	staff  uuid.UUID
	reason string

	bids  []db.Bid // that stand
	taken []Bid    // that are cancelled, and have a number
}

func (c *cancelling) run(ctx context.Context, bid uuid.UUID) ([]realtime.Event, error) {
	if !Status(c.row.Status).Live() || (Status(c.row.Status) == Open && !c.now.Before(*c.row.EndsAt)) {
		return nil, ErrClosed.With("endsAt", valueOf(c.row.EndsAt))
	}
	rows, err := c.s.q.BidsOfAuction(ctx, c.tx, c.row.ID)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.CancelledBy == nil {
			c.bids = append(c.bids, row.Bid)
		}
	}
	gone := raisesOf(c.bids, bid)
	if len(gone) == 0 {
		return nil, ErrBidCancelled.At("bidId")
	}
	if _, err := adminlog.RecordTx(ctx, c.tx, adminlog.Entry{
		Actor: c.staff, Kind: adminlog.BidCancelled, Subject: id.Bid.ID(bid).String(), Reason: c.reason,
	}); err != nil {
		return nil, err
	}
	if err := c.cancel(ctx, byStaff, c.reason, gone); err != nil {
		return nil, err
	}
	return c.settle(ctx)
}

// raisesOf is a bid that stands, and the raises of it: its bidder's, until their next bid that has a number.
func raisesOf(bids []db.Bid, bid uuid.UUID) map[uuid.UUID]bool {
	gone := make(map[uuid.UUID]bool)
	var bidder uuid.UUID
	for _, b := range bids {
		switch {
		case b.ID == bid:
			gone[b.ID], bidder = true, b.BidderID
		case b.BidderID != bidder:
		case b.Number != nil:
			return gone
		default:
			gone[b.ID] = true
		}
	}
	return gone
}

// cancel writes that some bids count no more.
func (c *cancelling) cancel(ctx context.Context, cause, reason string, gone map[uuid.UUID]bool) error {
	insert := db.BidCancellationInsertParams{
		AuctionID: c.row.ID, Cause: cause, ActorID: c.staff, Reason: reason, Version: c.row.Version + 1, Seq: c.row.BidSeq, CancelledAt: c.now,
	}
	left := make([]db.Bid, 0, len(c.bids))
	for _, b := range c.bids {
		if !gone[b.ID] {
			left = append(left, b)
			continue
		}
		insert.Bids = append(insert.Bids, b.ID)
		if b.Number != nil {
			c.taken = append(c.taken, bidOf(b, money.Currency(c.row.Currency), &c.now))
		}
	}
	c.bids = left
	return c.s.q.BidCancellationInsert(ctx, c.tx, insert)
}

// settle rebuilds the lot, and has who leads back their maximum; who can't loses their bids, and it is rebuilt again.
func (c *cancelling) settle(ctx context.Context) ([]realtime.Event, error) {
	before := stateOf(c.row)
	for {
		state := Rebuild(before, standing(c.bids), c.s.increments)
		told, err := c.write(ctx, state)
		if err == nil || !state.Led() || !isUnbacked(err) {
			return told, ofHold(err)
		}
		gone := make(map[uuid.UUID]bool)
		for _, b := range c.bids {
			if b.BidderID == state.Leader {
				gone[b.ID] = true
			}
		}
		if err := c.cancel(ctx, unbacked, unbackedReason, gone); err != nil {
			return nil, err
		}
	}
}

// write writes the rebuilt lot behind a savepoint; the hold moves last.
func (c *cancelling) write(ctx context.Context, state State) (told []realtime.Event, err error) {
	err = pgx.BeginFunc(ctx, c.tx, func(tx pgx.Tx) error {
		row := put(c.row, state)
		row.LeaderHold, row.LeaderCard = nil, nil
		var holds payment.HoldChange
		switch {
		case Backing(row.Backing) == ByHold:
			row.LeaderHold, holds = c.holds(state)
		case state.Led():
			row.LeaderCard = cardOf(c.bids, state)
			if _, err := c.s.payment.UsableCardTx(ctx, tx, state.Leader, *row.LeaderCard); err != nil {
				return err
			}
		}
		_, told, err = c.s.tellTx(ctx, tx, row, EventBidCancelled, c.taken...)
		if err != nil {
			return err
		}
		return c.s.payment.ChangeHoldsTx(ctx, tx, holds)
	})
	return told, err
}

func isUnbacked(err error) bool {
	return errors.Is(err, payment.ErrInsufficientFunds) || errors.Is(err, payment.ErrWalletFrozen) || errors.Is(err, payment.ErrCardNotFound)
}

// holds is the hold of who leads the rebuilt lot, and what changes for it.
func (c *cancelling) holds(state State) (*uuid.UUID, payment.HoldChange) {
	if valueOf(c.row.LeaderID) == state.Leader && c.row.LeaderMaximum == state.Maximum {
		return c.row.LeaderHold, payment.HoldChange{}
	}
	hold := payment.NewHold{ID: id.New(), User: state.Leader, Amount: state.of(state.Maximum)}
	change := payment.HoldChange{Key: "bid:" + hold.ID.String(), Cause: holdCause(c.row.ID)}
	if c.row.LeaderHold != nil {
		change.Release = []uuid.UUID{*c.row.LeaderHold}
	}
	if !state.Led() {
		return nil, change
	}
	change.Open = []payment.NewHold{hold}
	return &hold.ID, change
}

// cardOf is the card that the leader's highest bid named.
func cardOf(bids []db.Bid, state State) (card *uuid.UUID) {
	for _, b := range bids {
		if b.BidderID == state.Leader {
			card = b.CardID
		}
	}
	return card
}

func standing(bids []db.Bid) []StandingBid {
	left := make([]StandingBid, len(bids))
	for i, b := range bids {
		left[i] = StandingBid{Bidder: b.BidderID, Maximum: b.Amount, Rule: Rule(b.Rule)}
	}
	return left
}
