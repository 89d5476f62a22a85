// Package feed tells a user what has changed of theirs: a topic for each user, "user:<id>", with events
// that name a thing and say what happened to it, and carry no more. It owns the table user_feed, whose
// row hands out the topic's versions under its lock.
//
// Lock order: the thing's own row, then the feed's, then the ledger. Whoever tells several users in one
// transaction tells them in the order of their ids.
package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/realtime"
)

// Kind says what happened.
type Kind string

// The kinds of events.
const (
	TopUpChanged      Kind = "TOP_UP_CHANGED"     // a top-up has another status
	CardSetupChanged  Kind = "CARD_SETUP_CHANGED" // the saving of a card has another status
	CardRemoved       Kind = "CARD_REMOVED"
	RefundChanged     Kind = "REFUND_CHANGED"     // a refund has another status
	WithdrawalChanged Kind = "WITHDRAWAL_CHANGED" // a part of a withdrawal has another status
	WalletFrozen      Kind = "WALLET_FROZEN"      // the wallets were frozen, or for one more reason; the user is the thing
	WalletUnfrozen    Kind = "WALLET_UNFROZEN"    // a freeze was lifted; another may stand
	ReferralChanged   Kind = "REFERRAL_CHANGED"   // whom the user brought, or what comes of it
	ChargebackChanged Kind = "CHARGEBACK_CHANGED" // a payment is charged back, or asked about, or that is decided
)

// What followers of a host are told of a show, which is the thing.
const (
	ShowScheduled Kind = "SHOW_SCHEDULED"
	ShowLive      Kind = "SHOW_LIVE"
)

// The kinds of what follows a lot that its winner does not pay.
const (
	OrderExpired        Kind = "ORDER_EXPIRED"         // an order was not paid in time
	SecondChanceChanged Kind = "SECOND_CHANCE_CHANGED" // a lot is offered once more, or that is answered
)

// What becomes of a bid. The lot is the thing.
const (
	Outbid        Kind = "OUTBID"         // the user led, and does not any more
	LeadingAgain  Kind = "LEADING_AGAIN"  // the user leads without having bid, since bids of others were taken back
	MaximumRaised Kind = "MAXIMUM_RAISED" // the user led, and raised their own maximum
	BidCancelled  Kind = "BID_CANCELLED"  // a bid of the user's was taken back
	AuctionWon    Kind = "AUCTION_WON"
	AuctionLost   Kind = "AUCTION_LOST" // the user led to the end, and the lot was not sold
)

// OrderPaymentChanged says that a payment of an order has another status.
const OrderPaymentChanged Kind = "ORDER_PAYMENT_CHANGED"

// Notified says that a notice has come, which is the thing.
const Notified Kind = "NOTIFIED"

// StockLow tells a seller that little is left of a variant, which is the thing.
const StockLow Kind = "STOCK_LOW"

// Event is what a user is told.
type Event struct {
	Version int64
	Epoch   string
	Kind    Kind
	At      time.Time
	Object  *id.ID // nil in a snapshot
}

// FromEvent reads what an event of a user's topic tells.
func FromEvent(e realtime.Event, epoch string) (Event, error) {
	object, err := Object(e)
	return Event{Version: e.Version, Epoch: epoch, Kind: Kind(e.Kind), At: e.At, Object: object}, err
}

// payload is what an event carries.
type payload struct {
	Object string `json:"object"`
}

// Topic is where a user is told.
func Topic(user uuid.UUID) realtime.Topic { return realtime.TopicOf("user", user) }

// AppendTx tells a user that something happened to a thing, in the transaction in which it happened.
// Pass what it returns to a realtime.Publisher after the commit.
func AppendTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, kind Kind, object id.ID) (_ realtime.Event, err error) {
	defer fault.Wrap(&err, "tell a user")
	version, err := db.New().FeedAdvance(ctx, tx, user)
	if err != nil {
		return realtime.Event{}, err
	}
	return realtime.AppendTx(ctx, tx, Topic(user), version, string(kind), payload{Object: object.String()})
}

// AppendAllTx tells many users of the same, by two statements, as AppendTx tells one. Their feeds are locked until the commit:
// whoever has thousands to tell does so in several transactions.
func AppendAllTx(ctx context.Context, tx pgx.Tx, users []uuid.UUID, kind Kind, object id.ID) ([]realtime.Event, error) {
	news := make([]News, len(users))
	for i, user := range users {
		news[i] = News{user, kind, object}
	}
	return TellTx(ctx, tx, news...)
}

// Service reads what users were told.
type Service struct{ pool *pgxpool.Pool }

// New makes a Service.
func New(pool *pgxpool.Pool) *Service { return &Service{pool} }

// Snapshot is the event that a new listener begins with: the version reached, without an object.
func (s *Service) Snapshot(user uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		now, err := db.New().FeedVersion(ctx, s.pool, user)
		if err != nil {
			return realtime.Event{}, fmt.Errorf("read a user's feed: %w", err)
		}
		return realtime.Event{Topic: Topic(user), Version: now.Version, Kind: realtime.KindSnapshot, At: now.At.UTC()}, nil
	}
}

// Object is the thing that an event is about; a snapshot is about none.
func Object(e realtime.Event) (*id.ID, error) {
	if e.Kind == realtime.KindSnapshot {
		return nil, nil
	}
	var p payload
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return nil, fmt.Errorf("object in %s/%d: %w", e.Topic, e.Version, err)
	}
	kind, u, err := id.Parse(p.Object)
	if err != nil {
		return nil, fmt.Errorf("object in %s/%d: %w", e.Topic, e.Version, err)
	}
	object := kind.ID(u)
	return &object, nil
}
