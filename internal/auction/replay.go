package auction

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// Difference is something that the stored bids and the rules do not agree on.
type Difference struct {
	Seq   int32  `json:"seq"`   // of the bid; 0: the lot itself
	What  string `json:"what"`  // price, leader, end, rule, number, maximum, bids, refused
	Saved string `json:"saved"` // what is stored
	Rules string `json:"rules"` // what the rules say
}

func (d Difference) String() string {
	at := "the lot"
	if d.Seq > 0 {
		at = fmt.Sprintf("bid %d", d.Seq)
	}
	return fmt.Sprintf("%s: %s is %s, and by the rules %s", at, d.What, d.Saved, d.Rules)
}

// Replayed is what a replay of one lot has found.
type Replayed struct {
	Auction     uuid.UUID
	Bids        int
	Differences []Difference
}

// Replay judges a lot's stored bids again, and names each difference from what was stored when they were judged. What it reads is one
// snapshot of the database.
func (s *Service) Replay(ctx context.Context, auction uuid.UUID) (_ Replayed, err error) {
	defer fault.Wrap(&err, "replay auction %s", auction)
	r := &replay{in: s.increments}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := s.q.AuctionsByID(ctx, tx, []uuid.UUID{auction})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNotFound
		}
		r.row = rows[0]
		if r.bids, err = s.q.BidsOfAuction(ctx, tx, auction); err != nil {
			return err
		}
		r.ends, err = s.q.AuctionEnds(ctx, tx, auction)
		return err
	})
	if err != nil {
		return Replayed{}, err
	}
	r.run()
	return Replayed{Auction: auction, Bids: len(r.bids), Differences: r.found}, nil
}

// ReplayAll replays every lot there is, in the order of their ids.
func (s *Service) ReplayAll(ctx context.Context, report func(Replayed)) error {
	for after := (uuid.UUID{}); ; {
		ids, err := s.q.AuctionIDs(ctx, s.pool, after, dueBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, after = range ids {
			r, err := s.Replay(ctx, after)
			if err != nil {
				return err
			}
			report(r)
		}
	}
}

// replay is a lot that is judged again.
type replay struct {
	in   Increments
	row  db.Auction
	bids []db.BidsOfAuctionRow
	ends []db.AuctionEnd

	state State
	done  int   // of the bids
	gone  int64 // the version of the last cancellation that was taken into account
	found []Difference
}

func (r *replay) run() {
	last := stateOf(r.row)
	r.state = State{Terms: last.Terms, Status: Open}
	for i, b := range r.bids {
		r.catchUp(b.Bid.Seq - 1)
		if want := int32(i + 1); b.Bid.Seq != want {
			r.differs(b.Bid.Seq, "number in the lot", b.Bid.Seq, want)
		}
		r.judge(b.Bid)
		r.done++
	}
	r.catchUp(last.Seq)
	r.compare(last)
}

// catchUp does what happened between the bids before seq and the next one: ends that were set, and bids that were cancelled.
func (r *replay) catchUp(seq int32) {
	for len(r.ends) > 0 && r.ends[0].Seq <= seq {
		r.state.EndsAt, r.state.LatestEnd = r.ends[0].EndsAt, valueOf(r.ends[0].LatestEnd)
		r.ends = r.ends[1:]
	}
	version := r.gone
	for _, b := range r.bids[:r.done] {
		if b.CancelledBy != nil && *b.CancelledAfter <= seq {
			version = max(version, *b.CancelledBy)
		}
	}
	if version == r.gone {
		return
	}
	r.gone = version
	var left []db.Bid
	for _, b := range r.bids[:r.done] {
		if b.CancelledBy == nil || *b.CancelledBy > version {
			left = append(left, b.Bid)
		}
	}
	r.state = Rebuild(r.state, standing(left), r.in)
}

// judge judges one bid again, and goes on from what the rules say.
func (r *replay) judge(b db.Bid) {
	rule := Rule(b.Rule)
	if rule == Outcry { // the price was the amount, and a late bid moved the end without a cap
		r.state.Leader, r.state.Maximum, r.state.Price = b.BidderID, b.Amount, b.Amount
		r.state.Seq, r.state.Bids = r.state.Seq+1, r.state.Bids+1
		r.state.EndsAt = r.state.extended(b.PlacedAt)
	} else {
		offer := Offer{Bidder: b.BidderID, Currency: r.state.Currency, Maximum: b.Amount, BuyNow: rule == BuysNow, At: b.PlacedAt}
		state, by, err := Judge(r.state, offer, r.in)
		if err != nil {
			r.differs(b.Seq, "refused", "taken", err)
			r.state.Seq = b.Seq
			return
		}
		if r.state = state; by != rule {
			r.differs(b.Seq, "rule", rule, by)
		}
	}
	c := r.state.Currency
	if b.Price != r.state.Price {
		r.differs(b.Seq, "price", money.New(b.Price, c), money.New(r.state.Price, c))
	}
	if b.LeaderID != r.state.Leader {
		r.differs(b.Seq, "leader", b.LeaderID, r.state.Leader)
	}
	if !b.EndsAt.Equal(r.state.EndsAt) {
		r.differs(b.Seq, "end", b.EndsAt.UTC(), r.state.EndsAt.UTC())
	}
	if b.Number != nil && *b.Number != r.state.Bids {
		r.differs(b.Seq, "number", *b.Number, r.state.Bids)
	}
}

// compare holds the lot as it is against what its bids make of it.
func (r *replay) compare(last State) {
	for _, d := range []struct {
		what         string
		saved, rules any
	}{
		{"price", last.of(last.Price), last.of(r.state.Price)},
		{"leader", last.Leader, r.state.Leader},
		{"maximum", last.of(last.Maximum), last.of(r.state.Maximum)},
		{"bids", last.Seq, r.state.Seq},
		{"bids with a number", last.Bids, r.state.Bids},
	} {
		if d.saved != d.rules {
			r.differs(0, d.what, d.saved, d.rules)
		}
	}
	if last.Status == Open && !last.EndsAt.Equal(r.state.EndsAt) {
		r.differs(0, "end", last.EndsAt.UTC(), r.state.EndsAt.UTC())
	}
	if sold := r.state.Sells(); (last.Status == Sold && !sold) || (last.Status == Unsold && sold) {
		r.differs(0, "status", last.Status, map[bool]Status{true: Sold, false: Unsold}[sold])
	}
}

func (r *replay) differs(seq int32, what string, saved, rules any) {
	if at, ok := saved.(time.Time); ok {
		saved = at.Format(time.RFC3339Nano)
	}
	if at, ok := rules.(time.Time); ok {
		rules = at.Format(time.RFC3339Nano)
	}
	r.found = append(r.found, Difference{Seq: seq, What: what, Saved: fmt.Sprint(saved), Rules: fmt.Sprint(rules)})
}
