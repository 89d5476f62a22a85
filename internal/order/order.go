package order

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/text"
)

const (
	buyerList   = 'B' // mark the cursors of the two lists
	sellerList  = 'V'
	trackingMax = 100
)

// Order is one sale between a buyer and a seller.
type Order struct {
	ID         uuid.UUID    `json:"id"`
	BuyerID    uuid.UUID    `json:"buyerId"`
	SellerID   uuid.UUID    `json:"sellerId"`
	ListingID  uuid.UUID    `json:"listingId"`
	AuctionID  *uuid.UUID   `json:"auctionId"`
	Total      money.Amount `json:"total"` // what the buyer pays
	Fee        money.Amount `json:"fee"`   // what the platform keeps of it
	Payment    Payment      `json:"payment"`
	Fulfilment Fulfilment   `json:"fulfilment"`
	Tracking   string       `json:"tracking"`
	Version    int64        `json:"version"`
	CreatedAt  time.Time    `json:"createdAt"`
	PaidAt     *time.Time   `json:"paidAt"`
	SentAt     *time.Time   `json:"sentAt"`
	ReceivedAt *time.Time   `json:"receivedAt"`
}

// NodeID is the id that clients see.
func (o Order) NodeID() id.ID { return id.Order.ID(o.ID) }

// Earnings is what the seller gets: the total less the fee.
func (o Order) Earnings() money.Amount {
	return money.New(o.Total.Minor-o.Fee.Minor, o.Total.Currency)
}

// PartyOf says on which side a user stands; ok is false for anybody else.
func (o Order) PartyOf(user uuid.UUID) (_ Party, ok bool) {
	switch user {
	case o.BuyerID:
		return AsBuyer, true
	case o.SellerID:
		return AsSeller, true
	default:
		return "", false
	}
}

func (o Order) state() state { return state{o.Payment, o.Fulfilment} }

// OrderPage is a page of a list of Orders.
type OrderPage = page.Page[Order]

// OrderEdge is one row of it.
type OrderEdge = page.Edge[Order]

func orderOf(row db.Order) Order {
	c := money.Currency(row.Currency)
	return Order{
		ID: row.ID, BuyerID: row.BuyerID, SellerID: row.SellerID, ListingID: row.ListingID, AuctionID: row.AuctionID,
		Total: money.New(row.Total, c), Fee: money.New(row.Fee, c),
		Payment: Payment(row.Payment), Fulfilment: Fulfilment(row.Fulfilment), Tracking: row.Tracking,
		Version: row.Version, CreatedAt: row.CreatedAt, PaidAt: row.PaidAt, SentAt: row.SentAt, ReceivedAt: row.ReceivedAt,
	}
}

// Service holds the use cases of this package.
type Service struct {
	pool           *pgxpool.Pool
	q              *db.Queries
	payment        *payment.Service
	hub            realtime.Publisher
	feeBasisPoints int64
	referrals      Referrals
}

// Referrals hears of completed orders, in the transaction that completes them, and answers the events to publish after it.
type Referrals interface {
	CompletedTx(ctx context.Context, tx pgx.Tx, sale referral.Sale) ([]realtime.Event, error)
}

// UseReferrals says who hears of completed orders; to be called before the first is.
func (s *Service) UseReferrals(r Referrals) { s.referrals = r }

// New makes the service. The platform keeps feeBasisPoints hundredths of a percent of each total.
func New(pool *pgxpool.Pool, pay *payment.Service, hub realtime.Publisher, feeBasisPoints int64) *Service {
	return &Service{pool: pool, q: db.New(), payment: pay, hub: hub, feeBasisPoints: feeBasisPoints}
}

// Won describes the order of a lot's winner, whose hold pays for it.
type Won struct {
	Auction, Listing, Buyer, Seller uuid.UUID
	Hold                            uuid.UUID
	Price                           money.Amount
}

// CreateWonTx makes the winner's order and pays it from the winner's hold into escrow, in the transaction that
// closes the lot. The events are to be published after the commit.
func (s *Service) CreateWonTx(ctx context.Context, tx pgx.Tx, won Won) (_ Order, _ []realtime.Event, err error) {
	defer fault.Wrap(&err, "create the order of auction %s", won.Auction)
	row, err := s.q.OrderInsert(ctx, tx, db.OrderInsertParams{
		ID: id.New(), BuyerID: won.Buyer, SellerID: won.Seller, ListingID: won.Listing, AuctionID: &won.Auction,
		Total: won.Price.Minor, Fee: won.Price.BasisPoints(s.feeBasisPoints).Minor, Currency: string(won.Price.Currency),
	})
	if err != nil {
		return Order{}, nil, err
	}
	order := orderOf(row)
	created, paid, err := s.payTx(ctx, tx, &order)
	if err != nil {
		return Order{}, nil, err
	}
	err = s.payment.ConsumeHoldTx(ctx, tx, won.Hold, order.ID, "order:"+order.ID.String()+":pay")
	return order, []realtime.Event{created, paid}, err
}

// payTx tells of the new order and moves it to PAID; the caller posts the money last.
func (s *Service) payTx(ctx context.Context, tx pgx.Tx, order *Order) (created, paid realtime.Event, err error) {
	if err = s.moveTx(ctx, tx, order, order.state(), ""); err != nil { // version 1: the order as it was made
		return
	}
	if created, err = s.appendTx(ctx, tx, *order, EventCreated); err != nil {
		return
	}
	if err = s.moveTx(ctx, tx, order, state{Paid, order.Fulfilment}, ""); err != nil {
		return
	}
	paid, err = s.appendTx(ctx, tx, *order, EventPaid)
	return
}

// Ship records that the seller has sent the goods.
func (s *Service) Ship(ctx context.Context, seller, order uuid.UUID, tracking string) (Order, error) {
	tracking = text.Clean(tracking)
	if utf8.RuneCountInString(tracking) > trackingMax || (tracking != "" && !text.IsLine(tracking)) {
		return Order{}, ErrTrackingLength.At("tracking")
	}
	return s.act(ctx, seller, order, ActionShip, tracking, EventSent, nil)
}

// ConfirmReceipt records that the buyer has the goods, and releases the escrow to the seller less the fee.
func (s *Service) ConfirmReceipt(ctx context.Context, buyer, order uuid.UUID) (Order, error) {
	var told []realtime.Event
	o, err := s.act(ctx, buyer, order, ActionConfirmReceipt, "", EventReceived, func(tx pgx.Tx, o Order) (err error) {
		if told, err = s.completedTx(ctx, tx, o); err != nil {
			return err
		}
		return s.payment.ReleaseEscrowTx(ctx, tx, payment.Release{
			Order: o.ID, Seller: o.SellerID, Total: o.Total, Fee: o.Fee, Key: "order:" + o.ID.String() + ":release",
		})
	})
	if err == nil {
		s.hub.Publish(ctx, told...)
	}
	return o, err
}

// completedTx tells who pays commissions of an order that is completed.
func (s *Service) completedTx(ctx context.Context, tx pgx.Tx, o Order) ([]realtime.Event, error) {
	if s.referrals == nil {
		return nil, nil
	}
	return s.referrals.CompletedTx(ctx, tx, referral.Sale{Order: o.ID, Buyer: o.BuyerID, Total: o.Total, Fee: o.Fee})
}

// act does one party's action under the order's lock: checks, moves, tells, then posts. An action that was
// done already is answered with the order as it is, so that a retry is harmless.
func (s *Service) act(ctx context.Context, user, order uuid.UUID, a Action, tracking, kind string, post func(pgx.Tx, Order) error) (_ Order, err error) {
	defer fault.Wrap(&err, "%s order %s", a, order)
	var (
		o     Order
		event *realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		event = nil
		row, err := s.q.OrderOfPartyLock(ctx, tx, order, user)
		if postgres.NoRows(err) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		o = orderOf(row)
		m := actions[a]
		if party, _ := o.PartyOf(user); party != m.by {
			return ErrMove
		}
		if o.state() == m.to {
			return nil
		}
		if o.state() != m.from {
			return ErrMove
		}
		if err := s.moveTx(ctx, tx, &o, m.to, tracking); err != nil {
			return err
		}
		e, err := s.appendTx(ctx, tx, o, kind)
		if err != nil {
			return err
		}
		event = &e
		if post != nil {
			return post(tx, o)
		}
		return nil
	})
	if err != nil {
		return Order{}, err
	}
	if event != nil {
		s.hub.Publish(ctx, *event)
	}
	return o, nil
}

func (s *Service) moveTx(ctx context.Context, tx pgx.Tx, o *Order, to state, tracking string) error {
	if !allowed(o.state(), to) {
		return ErrMove
	}
	if tracking == "" {
		tracking = o.Tracking
	}
	row, err := s.q.OrderUpdate(ctx, tx, db.OrderUpdateParams{
		ID: o.ID, Payment: string(to.payment), Fulfilment: string(to.fulfilment), Tracking: tracking,
	})
	if err == nil {
		*o = orderOf(row)
	}
	return err
}

// Get reads an order of which user is a party.
func (s *Service) Get(ctx context.Context, user, order uuid.UUID) (Order, error) {
	row, err := s.q.OrderOfParty(ctx, s.pool, order, user)
	if postgres.NoRows(err) {
		return Order{}, ErrNotFound
	}
	return orderOf(row), err
}

// List is a user's purchases or sales, newest first.
func (s *Service) List(ctx context.Context, user uuid.UUID, as Party, args page.Args) (OrderPage, error) {
	list := byte(buyerList)
	if as == AsSeller {
		list = sellerList
	}
	size, err := args.Size()
	if err != nil {
		return OrderPage{}, err
	}
	before, err := args.Before(list)
	if err != nil {
		return OrderPage{}, err
	}
	var rows []db.Order
	if as == AsSeller {
		rows, err = s.q.OrderPageOfSeller(ctx, s.pool, db.OrderPageOfSellerParams{
			SellerID: user, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
		})
	} else {
		rows, err = s.q.OrderPageOfBuyer(ctx, s.pool, db.OrderPageOfBuyerParams{
			BuyerID: user, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
		})
	}
	cursor := func(o Order) string { return page.Key{At: o.CreatedAt, ID: o.ID}.Encode(list) }
	return page.Of(rows, size, orderOf, cursor), err
}

// ByAuction reads, for a loader, the orders of lots of which user is a party.
func (s *Service) ByAuction(ctx context.Context, user uuid.UUID, auctions []uuid.UUID) (map[uuid.UUID]Order, error) {
	rows, err := s.q.OrdersOfPartyByAuction(ctx, s.pool, auctions, user)
	if err != nil {
		return nil, err
	}
	orders := make(map[uuid.UUID]Order, len(rows))
	for _, row := range rows {
		orders[*row.AuctionID] = orderOf(row)
	}
	return orders, nil
}

// ByID reads, for a loader, those of some orders of which user is a party.
func (s *Service) ByID(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Order, error) {
	rows, err := s.q.OrdersOfParty(ctx, s.pool, ids, user)
	if err != nil {
		return nil, err
	}
	orders := make(map[uuid.UUID]Order, len(rows))
	for _, row := range rows {
		orders[row.ID] = orderOf(row)
	}
	return orders, nil
}
