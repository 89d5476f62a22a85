package offer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/realtime"
)

// EventOffered is the kind of the event that the buyer has named a price. Others are called as the status is that they bring about. Each carries the offer as it then was.
const EventOffered = "OFFERED"

// Topic is where an offer's moves are told.
func Topic(offer uuid.UUID) realtime.Topic { return realtime.TopicOf("offer", offer) }

// appendTx stores the moves of offers that this transaction has made.
func appendTx(ctx context.Context, tx pgx.Tx, offers []Offer) ([]realtime.Event, error) {
	changes := make([]realtime.Change, len(offers))
	for i, o := range offers {
		changes[i] = realtime.Change{Topic: Topic(o.ID), Version: int64(o.Version), Kind: string(o.LastStatus), Payload: o}
		if o.LastStatus == Open {
			changes[i].Kind = EventOffered
		}
	}
	return realtime.AppendAllTx(ctx, tx, changes)
}

// Get reads an offer of which user is a party.
func (s *Service) Get(ctx context.Context, user, offer uuid.UUID) (Offer, error) {
	found, err := s.SeenBy(ctx, user, false, []uuid.UUID{offer})
	if err != nil {
		return Offer{}, err
	}
	o, ok := found[offer]
	if !ok {
		return Offer{}, ErrNotFound
	}
	return o, nil
}

// Snapshot is the event that a new listener begins with: the offer as it is.
func (s *Service) Snapshot(user, offer uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		o, err := s.Get(ctx, user, offer)
		if err != nil {
			return realtime.Event{}, err
		}
		payload, err := json.Marshal(o)
		return realtime.Event{Topic: Topic(offer), Version: int64(o.Version), Kind: realtime.KindSnapshot, At: o.ChangedAt, Payload: payload}, err
	}
}

// FromEvent reads the offer that an event carries.
func FromEvent(e realtime.Event) (Offer, error) {
	var o Offer
	if err := json.Unmarshal(e.Payload, &o); err != nil {
		return Offer{}, fmt.Errorf("offer in %s/%d: %w", e.Topic, e.Version, err)
	}
	return o, nil
}
