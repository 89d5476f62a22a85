package order

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// wayBack is what the label costs that goods came back with.
type wayBack struct {
	money.Amount

	label uuid.UUID
}

// wayTx is what the label costs that goods came back with, where it is still to be paid: a carrier has scanned it, and it is in the order's currency. Else nothing.
func (s *Service) wayTx(ctx context.Context, tx pgx.Tx, o Order, c Claim) (wayBack, error) {
	none := wayBack{Amount: money.New(0, o.Total.Currency)}
	if c.Return.CarriedAt == nil || c.Return.LabelCost != nil {
		return none, nil
	}
	label, err := s.q.OrderReturnLabel(ctx, tx, &c.ID)
	if postgres.NoRows(err) || err == nil && label.Currency != string(o.Total.Currency) {
		return none, nil
	}
	return wayBack{money.New(label.Cost, o.Total.Currency), label.ID}, err
}

// wayChargedTx keeps what a label cost, and what of it is paid.
func (s *Service) wayChargedTx(ctx context.Context, tx pgx.Tx, c Claim, way wayBack, charge money.Amount) error {
	return s.q.OrderReturnCharged(ctx, tx, db.OrderReturnChargedParams{ID: c.ID, LabelCost: &way.Minor, LabelCharge: &charge.Minor, LabelCurrency: new(string(way.Currency))})
}

// chargeWayTx has the seller pay what they bear of the way back, once. It comes last in its transaction.
func (s *Service) chargeWayTx(ctx context.Context, tx pgx.Tx, o Order, c Claim, way wayBack, charge money.Amount) error {
	if way.Minor == 0 {
		return nil
	}
	if err := s.wayChargedTx(ctx, tx, c, way, charge); err != nil || charge.Minor == 0 {
		return err
	}
	return s.payment.ChargeReturnTx(ctx, tx, payment.ReturnCharge{Claim: c.ID, Label: way.label, Payer: o.SellerID, Amount: charge})
}

// WaysDue has buyers pay for the labels of all returns that they bear and that ended otherwise than by a receipt, out of whose refund it would have been. Each is in a
// transaction of its own, as CompleteDue's are.
func (s *Service) WaysDue(ctx context.Context) error {
	return eachDue(ctx, func(after Due) ([]Due, error) {
		rows, err := s.q.OrderWaysDue(ctx, s.pool, after.At, after.ID, dueBatch)
		return dues(rows, func(r db.OrderWaysDueRow) Due { return Due{r.ID, r.EndedAt} }), err
	}, s.WayDue)
}

// WayDue takes what such a label cost from its buyer's wallet, as far as that has it: the rest is the platform's cost. It is false where nothing is due.
func (s *Service) WayDue(ctx context.Context, claim uuid.UUID) (paid bool, err error) {
	defer fault.Wrap(&err, "the way back by claim %s", claim)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, err := s.q.OrderClaimGet(ctx, tx, claim)
		if err != nil {
			return err
		}
		locked, err := s.q.OrderLock(ctx, tx, row.OrderID)
		if err != nil {
			return err
		}
		if row, err = s.q.OrderClaimGet(ctx, tx, claim); err != nil { // as it is under the lock
			return err
		}
		o, c := orderOf(locked), claimFrom(row)
		if c.EndedAt == nil || c.Return == nil || c.Return.Bearer == nil || *c.Return.Bearer != AsBuyer {
			return nil
		}
		way, err := s.wayTx(ctx, tx, o, c)
		if err != nil || way.Minor == 0 {
			return err
		}
		if told, err = s.stepTx(ctx, tx, &o, o.state(), EventClaim); err != nil {
			return err
		}
		taken, err := s.payment.ReturnFromWalletTx(ctx, tx, payment.ReturnCharge{Claim: c.ID, Label: way.label, Payer: o.BuyerID, Amount: way.Amount})
		if err != nil {
			return err
		}
		return s.wayChargedTx(ctx, tx, c, way, taken)
	})
	if err != nil {
		return false, err
	}
	s.publish(ctx, told)
	return len(told) > 0, nil
}

// ReturnCarriedTx records that a carrier has goods that go back by a claim, or has brought them to their seller, who pays for the way then where they bear it. It is told any
// number of times and in any order, also of a claim that is ended: its label was used all the same. The events are to be published after the commit.
func (s *Service) ReturnCarriedTx(ctx context.Context, tx pgx.Tx, order, claim uuid.UUID, arrived bool) (told []realtime.Event, err error) {
	defer fault.Wrap(&err, "order %s goes back", order)
	return s.toldTx(ctx, tx, order, func(o *Order) ([]realtime.Event, error) {
		row, err := s.q.OrderReturnCarried(ctx, tx, arrived, claim, order)
		if err != nil {
			return nil, err
		}
		c := claimFrom(row)
		to := ClaimReturnSent
		if arrived {
			to = ClaimReturnArrived
		}
		var told []realtime.Event
		if c.EndedAt == nil && slices.Contains(claimMoves[c.Status], to) {
			if err := s.stepClaimTx(ctx, tx, o, to, ""); err != nil {
				return nil, err
			}
			told, err = s.claimedTx(ctx, tx, o, to, o.BuyerID, o.SellerID)
		} else {
			told, err = s.stepTx(ctx, tx, o, o.state(), EventParcel)
		}
		if err != nil || c.Return == nil || c.Return.Bearer == nil || *c.Return.Bearer != AsSeller {
			return told, err
		}
		way, err := s.wayTx(ctx, tx, *o, c)
		if err != nil {
			return nil, err
		}
		return told, s.chargeWayTx(ctx, tx, *o, c, way, way.Amount)
	})
}
