package order

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

// Actor is who acts on an order: one of its parties, or staff, who need not be one.
type Actor struct {
	User    uuid.UUID
	Admin   bool
	Support bool
}

// Party says where somebody stands who may see an order: on one of its sides, or as who operates the market.
func (who Actor) Party(o Order) Party {
	party, isParty := o.PartyOf(who.User)
	switch {
	case isParty:
		return party
	case who.Admin:
		return AsAdmin
	default:
		return AsSupport
	}
}

// Ship records that the seller has sent the goods. What was authorised is captured first: the order is PAID and SENT
// together, or, where the provider's answer is lost, still AUTHORISED, and a job finishes it. A card that cannot be
// charged any more leaves CAPTURE_FAILED and an order that is to be paid again.
func (s *Service) Ship(ctx context.Context, seller, order uuid.UUID, tracking string) (Order, error) {
	tracking = text.Clean(tracking)
	if utf8.RuneCountInString(tracking) > trackingMax || (tracking != "" && !text.IsLine(tracking)) {
		return Order{}, ErrTrackingLength.At("tracking")
	}
	var capture *uuid.UUID
	o, err := s.act(ctx, Actor{User: seller}, order, ActionShip, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		if capture = nil; o.Payment == Authorised {
			p, told, err := s.payment.BeginCaptureTx(ctx, tx, o.ID, payment.Shipment{Tracking: tracking})
			capture = &p
			return told, err
		}
		return s.sendTx(ctx, tx, o, tracking)
	})
	if err != nil || capture == nil {
		return o, err
	}
	return s.afterCapture(context.WithoutCancel(ctx), seller, order, *capture)
}

// afterCapture takes the money for a shipment, and answers the order as it is then.
func (s *Service) afterCapture(ctx context.Context, seller, order, capture uuid.UUID) (Order, error) {
	p, err := s.payment.AdvanceOrderPayment(ctx, capture)
	if err != nil {
		return Order{}, err
	}
	if p.Status == payment.OrderFailed {
		return Order{}, ErrCaptureFailed
	}
	return s.Get(ctx, seller, order)
}

// sendTx moves a paid order to SENT, and on to where its carrier has brought it already.
func (s *Service) sendTx(ctx context.Context, tx pgx.Tx, o *Order, tracking string) ([]realtime.Event, error) {
	o.Tracking = tracking
	if o.DeliveredAt != nil { // both are told of that, after the buyer was told that it is sent
		if err := s.feedsTx(ctx, tx, *o); err != nil {
			return nil, err
		}
	}
	told, err := s.stepTx(ctx, tx, o, state{o.Payment, Sent}, EventSent)
	if err != nil || o.EnRouteAt == nil && o.DeliveredAt == nil {
		return told, err
	}
	gone, err := s.goneTx(ctx, tx, o)
	return append(told, gone...), err
}

// done is where an action has led; doing it again there is answered with the order as it is, so that a retry is harmless.
func (o Order) done(a Action) bool {
	switch a {
	case ActionShip:
		return slices.Contains(underWay, o.state())
	case ActionConfirmReceipt:
		return o.state() == settled
	case ActionCancel:
		return o.Fulfilment == Cancelled
	case ActionPay, ActionCheckOut, ActionHandOver, ActionRefund: // told by their keys, or their code
	case ActionReportProblem, ActionRequestReturn, ActionWithdrawClaim, ActionAcceptReturn, ActionRefuseClaim, ActionSendReturn, ActionReceiveReturn: // again is another
	}
	return false
}

// act does an action under the order's lock: checks who and when, and does it; do posts last. What it tells is
// published after the commit.
func (s *Service) act(
	ctx context.Context, who Actor, order uuid.UUID, a Action, do func(pgx.Tx, *Order) ([]realtime.Event, error),
) (o Order, err error) {
	defer fault.Wrap(&err, "%s order %s", a, order)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		party, locked, err := s.lockTx(ctx, tx, who, order)
		if o = locked; err != nil {
			return err
		}
		if _, allowed := actions[a][party]; allowed && o.done(a) {
			return nil
		}
		if err := o.check(a, party); err != nil {
			return err
		}
		told, err = do(tx, &o)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	s.publish(ctx, told)
	return o, nil
}

// lockTx locks an order for one of its parties, or for an admin, and says where they stand.
func (s *Service) lockTx(ctx context.Context, tx pgx.Tx, who Actor, order uuid.UUID) (Party, Order, error) {
	lock := func() (db.Order, error) { return s.q.OrderOfPartyLock(ctx, tx, order, who.User) }
	if who.Admin || who.Support {
		lock = func() (db.Order, error) { return s.q.OrderLock(ctx, tx, order) }
	}
	row, err := lock()
	if postgres.NoRows(err) {
		return "", Order{}, ErrNotFound
	}
	if err != nil {
		return "", Order{}, err
	}
	o := orderOf(row)
	return who.Party(o), o, nil
}

func (s *Service) publish(ctx context.Context, told []realtime.Event) {
	if len(told) > 0 {
		s.hub.Publish(ctx, told...)
	}
}

// stepTx moves an order and tells of it: those who watch it, and by notices those who wait for that.
func (s *Service) stepTx(ctx context.Context, tx pgx.Tx, o *Order, to state, kind string) ([]realtime.Event, error) {
	if err := s.moveTx(ctx, tx, o, to); err != nil {
		return nil, err
	}
	event, err := s.appendTx(ctx, tx, *o, kind)
	if err != nil {
		return nil, err
	}
	news, err := s.newsTx(ctx, tx, *o, kind)
	return append([]realtime.Event{event}, news...), err
}

// moveTx writes another state, along with what else has changed in o. What is cancelled was not sent: its seller may sell
// it again. While a listing is SOLD nobody but its order waits for it, so that it may be locked after the order; and nobody who holds
// stock waits for an order.
func (s *Service) moveTx(ctx context.Context, tx pgx.Tx, o *Order, to state) error {
	if !allowed(o.state(), to) {
		return ErrMove
	}
	row, err := s.q.OrderUpdate(ctx, tx, db.OrderUpdateParams{
		ID: o.ID, Payment: string(to.payment), Fulfilment: string(to.fulfilment), Tracking: o.Tracking,
		Refunded: o.Refunded.Minor, ChargedBack: o.ChargedBack.Minor, Disputed: o.Disputed, Claim: o.Claim.stored(), CancelReason: o.Reason,
		PayWithinSeconds: s.payWithin.Seconds(), EnRoute: o.carried == EnRoute, Delivered: o.carried == Received,
		CompleteSeconds: s.completeIn(*o, to).Seconds(), Releases: o.earns == releases, Matures: o.earns == matures, ReturnSeconds: s.periods.Return.Seconds(),
	})
	if err != nil {
		return err
	}
	ended := to.fulfilment == Cancelled && o.Fulfilment != Cancelled
	if *o = orderOf(row); !ended {
		return nil
	}
	if o.reservation != nil {
		return s.q.OrderReturn(ctx, tx, o.ID)
	}
	return s.catalog.ReturnTx(ctx, tx, o.ListingID)
}
