package order

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// The answers of claims that the rule decides.
const (
	decidedForBuyer  = "Nobody has answered in time: what was paid is given back."
	decidedForSeller = "Nobody has decided in time, and the seller has answered: the order goes on."
	decidedReturn    = "The seller has not answered in time: send it back."
	decidedArrived   = "What was sent back is there, or its carrier has it, and nobody has said otherwise in time: what was paid for it is given back."
)

// claimTerm is how long a claim may stay as it is; what is ended stays for good.
func (s *Service) claimTerm(c ClaimStatus) time.Duration {
	switch c {
	case ClaimOpen:
		return s.periods.ClaimAnswer
	case ClaimReturnAwaited, ClaimReturnSent:
		return s.periods.ClaimReturn
	case ClaimReturnArrived:
		return s.periods.ClaimAnswer
	case ClaimEscalated:
		return s.periods.ClaimDecide
	case ClaimResolved, ClaimRefused, ClaimWithdrawn:
	}
	return 0
}

// ClaimsDue moves all claims whose term is over, each in a transaction of its own, as CompleteDue does.
func (s *Service) ClaimsDue(ctx context.Context) error {
	return eachDue(ctx, func(after Due) ([]Due, error) {
		rows, err := s.q.OrderClaimsDue(ctx, s.pool, after.At, after.ID, dueBatch)
		return dues(rows, func(r db.OrderClaimsDueRow) Due { return Due{r.OrderID, r.DueAt} }), err
	}, s.ClaimDue)
}

// ClaimDue does what follows where an order's claim was left to its term. What its seller or its buyer let go by goes to staff. What staff let go by is decided: for
// its buyer, who gets all that is left, where nobody has ever answered, or where nothing arrived by anybody's word; else the order goes on. It is false
// where nothing is due: whoever has the order's lock first decides. While the card's bank decides, nothing is.
func (s *Service) ClaimDue(ctx context.Context, order uuid.UUID) (moved bool, err error) {
	defer fault.Wrap(&err, "the claim on order %s", order)
	var (
		told  []realtime.Event
		after func(context.Context) error
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told, after = nil, nil
		row, err := s.q.OrderLock(ctx, tx, order)
		if err != nil {
			return err
		}
		o := orderOf(row)
		open, err := s.q.OrderClaimOpen(ctx, tx, order)
		if postgres.NoRows(err) || err == nil && !open.Due {
			return nil
		}
		if err != nil {
			return err
		}
		c, err := s.claimTx(ctx, tx, open.OrderClaim)
		if err != nil {
			return err
		}
		told, after, err = s.claimDueTx(ctx, tx, &o, c)
		return err
	})
	if err != nil {
		return false, err
	}
	s.publish(ctx, told)
	if after != nil {
		_, err = s.afterwards(ctx, order, after)
	}
	return len(told) > 0, err
}

func (s *Service) claimDueTx(ctx context.Context, tx pgx.Tx, o *Order, c Claim) (told []realtime.Event, after func(context.Context) error, err error) {
	parties := []uuid.UUID{o.BuyerID, o.SellerID}
	move := func(to ClaimStatus, answer string) ([]realtime.Event, error) {
		if err := s.stepClaimTx(ctx, tx, o, to, answer); err != nil {
			return nil, err
		}
		return s.claimedTx(ctx, tx, o, to, parties...)
	}
	bank := !o.may(ActionRefund, AsAdmin) // it decides first
	switch {
	case c.Status == ClaimOpen && c.askedReturn:
		if err := s.awaitReturnTx(ctx, tx, *o, c, false); err != nil {
			return nil, nil, err
		}
		told, err = move(ClaimReturnAwaited, decidedReturn)
	case c.Status != ClaimEscalated && c.Status != ClaimReturnArrived:
		told, err = move(ClaimEscalated, "")
	case o.Payment == ChargedBack || o.Payment == Refunded: // by the bank: there is nothing left to decide about
		told, err = move(ClaimResolved, "")
	case c.Status == ClaimReturnArrived || c.Return != nil && c.Return.CarriedAt != nil && c.Return.nothingCame():
		if bank {
			return nil, nil, nil
		}
		return s.refundReturnTx(ctx, tx, o, c, parties)
	case !c.forBuyer(*o):
		told, err = move(ClaimRefused, decidedForSeller)
	case bank:
	default:
		if err := s.commissionTx(ctx, tx, *o); err != nil { // all is refunded
			return nil, nil, err
		}
		if told, err = move(ClaimResolved, decidedForBuyer); err != nil {
			return nil, nil, err
		}
		var back []realtime.Event
		back, after, err = s.refundTx(ctx, tx, o, refundAsk{by: o.BuyerID, amount: o.Left(), reason: decidedForBuyer, kind: EventRefunded})
		told = append(told, back...)
	}
	return told, after, err
}

// forBuyer is the rule by which a claim is decided that staff do not decide.
func (c Claim) forBuyer(o Order) bool {
	return c.AnsweredAt == nil || c.Reason == NotArrived && o.DeliveredAt == nil
}

// escalatedList marks the cursors of the claims that staff decide.
const escalatedList = 'K'

// Case is a claim that staff decide, with its order.
type Case struct {
	Problem Claim
	Order   Order
}

// OrderID is its order's id as clients see it.
func (c Case) OrderID() id.ID { return c.Order.NodeID() }

// Total is what its buyer paid.
func (c Case) Total() money.Amount { return c.Order.Total }

// Left is what of that was not given back.
func (c Case) Left() money.Amount { return c.Order.Left() }

// DeliveredAt is when a carrier said that all of it is there.
func (c Case) DeliveredAt() *time.Time { return c.Order.DeliveredAt }

// CasePage is a page of a list of Cases.
type CasePage = page.Page[Case]

// CaseEdge is one row of it.
type CaseEdge = page.Edge[Case]

// Cases are the claims that staff decide, those first that are decided by their rule soonest.
func (s *Service) Cases(ctx context.Context, args page.Args) (CasePage, error) {
	size, err := args.Size()
	if err != nil {
		return CasePage{}, err
	}
	after, err := args.From(escalatedList)
	if err != nil {
		return CasePage{}, err
	}
	rows, err := s.q.OrderClaimsEscalated(ctx, s.pool, after.At, after.ID, int32(size+1))
	if err != nil {
		return CasePage{}, err
	}
	of := func(row db.OrderClaimsEscalatedRow) Case { return Case{claimFrom(row.OrderClaim), orderOf(row.Order)} }
	cases := page.Of(rows, size, of, func(c Case) string { return page.Key{At: *c.Problem.DueAt, ID: c.Order.ID}.Encode(escalatedList) })
	returns := map[uuid.UUID]*Return{}
	for _, c := range cases.Nodes {
		if c.Problem.Return != nil {
			returns[c.Problem.ID] = c.Problem.Return
		}
	}
	return cases, s.readReturnLines(ctx, returns)
}
