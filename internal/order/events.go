package order

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/realtime"
)

// The kinds of an order's events; each carries the order as it then was.
const (
	EventCreated    = "CREATED"
	EventCheckedOut = "CHECKED_OUT" // its buyer has said how what they won is brought: from then on it costs what that comes to
	EventAuthorised = "AUTHORISED"
	EventUnpaid     = "UNPAID" // what was authorised is not any more
	EventPaid       = "PAID"
	EventSent       = "SENT"
	EventEnRoute    = "EN_ROUTE"           // the carrier has it
	EventDelivered  = "DELIVERED"          // the carrier says that all of it is there
	EventReceived   = "RECEIVED"           // completed by its buyer, or by time where no carrier has said more
	EventCompleted  = "COMPLETED"          // what was delivered is completed, by its buyer or by time
	EventClaim      = "PROBLEM_CHANGED"    // its buyer complains, or that is answered or ended
	EventParcel     = "PARCEL_CHANGED"     // one of its parcels has its label, or is elsewhere
	EventMatured    = "EARNINGS_AVAILABLE" // what it earned is its seller's
	EventCancelled  = "CANCELLED"
	EventVoided     = "VOIDED" // the card of a cancelled order was let go
	EventRefunded   = "REFUNDED"
	EventChargeback = "CHARGEBACK_CHANGED" // the card's bank takes money of it back, or has decided
)

// Topic is where an order's changes are told.
func Topic(order uuid.UUID) realtime.Topic { return realtime.TopicOf("order", order) }

func (s *Service) appendTx(ctx context.Context, tx pgx.Tx, o Order, kind string) (realtime.Event, error) {
	return realtime.AppendTx(ctx, tx, Topic(o.ID), o.Version, kind, o)
}

// Snapshot is the event that a new listener begins with: the order as it is.
func (s *Service) Snapshot(user, order uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		o, err := s.Get(ctx, user, order)
		if err != nil {
			return realtime.Event{}, err
		}
		payload, err := json.Marshal(o)
		return realtime.Event{
			Topic: Topic(order), Version: o.Version, Kind: realtime.KindSnapshot, At: o.CreatedAt, Payload: payload,
		}, err
	}
}

// FromEvent reads the order that an event carries.
func FromEvent(e realtime.Event) (Order, error) {
	var o Order
	if err := json.Unmarshal(e.Payload, &o); err != nil {
		return Order{}, fmt.Errorf("order in %s/%d: %w", e.Topic, e.Version, err)
	}
	return o, nil
}
