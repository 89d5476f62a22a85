package order

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/referral"
)

const (
	buyerList   = 'B' // mark the cursors of the two lists
	sellerList  = 'V'
	trackingMax = 100
)

// Order is one sale between a buyer and a seller.
type Order struct {
	ID           uuid.UUID    `json:"id"`
	BuyerID      uuid.UUID    `json:"buyerId"`
	SellerID     uuid.UUID    `json:"sellerId"`
	ListingID    uuid.UUID    `json:"listingId"` // of its first line
	AuctionID    *uuid.UUID   `json:"auctionId"`
	CardID       *uuid.UUID   `json:"cardId"`   // that the buyer's winning bid named; theirs alone to see
	Total        money.Amount `json:"total"`    // what the buyer pays
	Fee          money.Amount `json:"fee"`      // what the platform keeps of all of it
	Tax          money.Amount `json:"tax"`      // that the platform hands on
	Shipping     money.Amount `json:"shipping"` // that the platform keeps
	Subsidy      money.Amount `json:"subsidy"`  // what the platform's promotion pays beside the buyer
	Refunded     money.Amount `json:"refunded"`
	ChargedBack  money.Amount `json:"chargedBack"` // out of escrow, by the card's bank
	Disputed     bool         `json:"disputed"`    // the bank takes money of it back, or did after the release
	Payment      Payment      `json:"payment"`
	Fulfilment   Fulfilment   `json:"fulfilment"`
	Tracking     string       `json:"tracking"`
	Reason       string       `json:"reason"` // why it was cancelled
	Version      int64        `json:"version"`
	CreatedAt    time.Time    `json:"createdAt"`
	PayBy        *time.Time   `json:"payBy"` // when it is cancelled unless it is paid; nil where it is
	AuthorisedAt *time.Time   `json:"authorisedAt"`
	PaidAt       *time.Time   `json:"paidAt"`
	SentAt       *time.Time   `json:"sentAt"`
	EnRouteAt    *time.Time   `json:"enRouteAt"`   // when its carrier first had it
	DeliveredAt  *time.Time   `json:"deliveredAt"` // when its carrier said that all of it is there
	ReceivedAt   *time.Time   `json:"receivedAt"`
	CompleteBy   *time.Time   `json:"completeBy"` // when it is completed unless its buyer does so before; nil where that is not to come
	SettledAt    *time.Time   `json:"settledAt"`
	Matured      bool         `json:"matured"`    // what it earned is its seller's
	Claim        ClaimStatus  `json:"claim"`      // its open claim's; empty where there is none
	EarningsAt   *time.Time   `json:"earningsAt"` // when what it earned becomes its seller's, or became; nil before its completion
	CancelledAt  *time.Time   `json:"cancelledAt"`
	CheckedOut   bool         `json:"checkedOut"` // its buyer has said how it is brought, after it was won

	campaign    *uuid.UUID // whose promotion pays the subsidy
	reservation *uuid.UUID // that its goods were set aside by
	handedOver  bool       // in this transaction: it has no way to go
	earns       earnings   // what this transaction does with what it earns
	carried     Fulfilment // what its carrier says in this transaction: EnRoute, Received, or nothing
}

// NodeID is the id that clients see.
func (o Order) NodeID() id.ID { return id.Order.ID(o.ID) }

// Left is what of the total was not given back, nor taken back by the card's bank before the seller had it.
func (o Order) Left() money.Amount {
	return money.New(o.Total.Minor-o.Refunded.Minor-o.ChargedBack.Minor, o.Total.Currency)
}

// Free says that it is over nothing, so that no money ever moves for it.
func (o Order) Free() bool { return o.Total.Minor == 0 }

// terms are what divides it, whatever paid it.
func (o Order) terms() payment.Terms {
	return payment.Terms{Total: o.Total, Subsidy: o.Subsidy, Fee: o.Fee, Tax: o.Tax, Shipping: o.Shipping}
}

// Parts are how what is left is divided, by where it goes.
func (o Order) Parts() payment.Parts { return o.terms().Of(o.Left()) }

// PlatformFee is what the platform keeps of what is left.
func (o Order) PlatformFee() money.Amount { return o.Parts().Fee }

// Earnings is what the seller gets of what is left.
func (o Order) Earnings() money.Amount { return o.Parts().Seller }

// subsidy is what the platform's promotion pays of the order.
func (o Order) subsidy() payment.Subsidy {
	return payment.Subsidy{Order: o.ID, Campaign: *o.campaign, Amount: o.Subsidy}
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
		CardID: row.CardID, Total: money.New(row.Total, c), Fee: money.New(row.Fee, c), Tax: money.New(row.Tax, c), Shipping: money.New(row.Shipping, c), Subsidy: money.New(row.Subsidy, c), Refunded: money.New(row.Refunded, c), ChargedBack: money.New(row.ChargedBack, c), Disputed: row.Disputed, Reason: row.CancelReason,
		Payment: Payment(row.Payment), Fulfilment: Fulfilment(row.Fulfilment), Tracking: row.Tracking,
		Version: row.Version, CreatedAt: row.CreatedAt, PayBy: payBy(row), AuthorisedAt: row.AuthorisedAt, PaidAt: row.PaidAt, SentAt: row.SentAt,
		EnRouteAt: row.EnRouteAt, DeliveredAt: row.DeliveredAt, ReceivedAt: row.ReceivedAt, CompleteBy: completeBy(row), SettledAt: row.SettledAt, Matured: row.MaturedAt != nil, Claim: claimOf(row.Claim), EarningsAt: earningsAt(row), CancelledAt: row.CancelledAt, campaign: row.CampaignID, reservation: row.ReservationID, CheckedOut: row.QuoteID != nil,
	}
}

// Service holds the use cases of this package.
type Service struct {
	pool           *pgxpool.Pool
	q              *db.Queries
	payment        *payment.Service
	catalog        *catalog.Service
	hub            realtime.Publisher
	feeBasisPoints int64
	payWithin      time.Duration
	periods        Periods
	referrals      Referrals
}

// Referrals hears of orders that are completed, and of those that are refunded in full after that, in the transactions that
// do so, and answers the events to publish after them.
type Referrals interface {
	CompletedTx(ctx context.Context, tx pgx.Tx, sale referral.Sale) ([]realtime.Event, error)
	ReversedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error)
	ReferrerTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID) (*uuid.UUID, error) // who hears of the two; nil where nobody may
}

// UseReferrals says who hears of that; to be called before the first order is completed.
func (s *Service) UseReferrals(r Referrals) { s.referrals = r }

// New makes the service, and ties it to pay. The platform keeps feeBasisPoints hundredths of a percent of each total.
func New(pool *pgxpool.Pool, listings *catalog.Service, pay *payment.Service, hub realtime.Publisher, feeBasisPoints int64) *Service {
	s := &Service{pool: pool, q: db.New(), payment: pay, catalog: listings, hub: hub, feeBasisPoints: feeBasisPoints, payWithin: defaultPayWithin, periods: DefaultPeriods()}
	pay.ServeOrders(s)
	return s
}

// Get reads an order of which user is a party.
func (s *Service) Get(ctx context.Context, user, order uuid.UUID) (Order, error) {
	row, err := s.q.OrderOfParty(ctx, s.pool, order, user)
	if postgres.NoRows(err) {
		return Order{}, ErrNotFound
	}
	return orderOf(row), err
}

// ForStaff reads any order.
func (s *Service) ForStaff(ctx context.Context, order uuid.UUID) (Order, error) {
	row, err := s.q.OrderByID(ctx, s.pool, order)
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

// ByAuction reads, for a loader, the orders of lots of which user is a party: of each lot the newest.
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
