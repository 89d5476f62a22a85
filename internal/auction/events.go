package auction

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

// The kinds of an auction's events; each carries a Change.
const (
	EventQueued       = "QUEUED"
	EventScheduled    = "SCHEDULED"
	EventOpened       = "OPENED"
	EventPaused       = "PAUSED"
	EventResumed      = "RESUMED"
	EventBids         = "BIDS_PLACED"
	EventBidCancelled = "BID_CANCELLED"
	EventSold         = "SOLD"
	EventUnsold       = "UNSOLD"
	EventPassed       = "PASSED"
)

// Change is the lot right after an event, and the bids that made it, or that were cancelled by it.
type Change struct {
	Auction Auction `json:"auction"`
	Bids    []Bid   `json:"bids,omitempty"`
}

// Topic is where a lot's changes are told.
func Topic(auction uuid.UUID) realtime.Topic { return realtime.TopicOf("auction", auction) }

// appendTx tells a lot's viewers of a change, and those of its show.
func appendTx(ctx context.Context, tx pgx.Tx, kind string, c Change) ([]realtime.Event, error) {
	event, err := realtime.AppendTx(ctx, tx, Topic(c.Auction.ID), c.Auction.Version, kind, c)
	if err != nil || c.Auction.ShowID == nil {
		return []realtime.Event{event}, err
	}
	inShow, err := show.AppendTx(ctx, tx, *c.Auction.ShowID, kindInShow(kind), c)
	return []realtime.Event{event, inShow}, err
}

// kindInShow is what an event of a lot is called among those of its show, which is opened and ended as well.
func kindInShow(kind string) string {
	if kind == EventBids || kind == EventBidCancelled {
		return kind
	}
	return "LOT_" + kind
}

// Snapshot is the event that a new viewer begins with: the lot as it is.
func (s *Service) Snapshot(auction uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		a, err := s.Get(ctx, auction)
		if err != nil {
			return realtime.Event{}, err
		}
		payload, err := json.Marshal(Change{Auction: a})
		return realtime.Event{Topic: Topic(auction), Version: a.Version, Kind: realtime.KindSnapshot, At: since(a), Payload: payload}, err
	}
}

// since is when a lot was opened, or made.
func since(a Auction) time.Time {
	if a.OpenedAt != nil {
		return *a.OpenedAt
	}
	sec, nsec := a.ID.Time().UnixTime()
	return time.Unix(sec, nsec).UTC()
}

// FromEvent reads the change that an event carries.
func FromEvent(e realtime.Event) (Change, error) {
	var c Change
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return Change{}, fmt.Errorf("auction in %s/%d: %w", e.Topic, e.Version, err)
	}
	return c, nil
}
