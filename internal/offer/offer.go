package offer

import (
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// Status is how an offer stands.
type Status string

// The statuses of an offer.
const (
	Open      Status = "OPEN"      // the buyer has named the price
	Countered Status = "COUNTERED" // the seller has
	Accepted  Status = "ACCEPTED"  // it is checked out, or its time runs out
	Used      Status = "USED"      // an order was made at the price
	Declined  Status = "DECLINED"  // by the seller
	Withdrawn Status = "WITHDRAWN" // by the buyer
	Expired   Status = "EXPIRED"   // nobody answered, or checked out, in time
)

// Party is who moves an offer.
type Party string

// The parties of an offer.
const (
	Buyer  Party = "BUYER"
	Seller Party = "SELLER"
	Time   Party = "TIME"
)

// Action is what a party does with an offer.
type Action string

// The actions of a party. Quoting an accepted offer is package checkout's.
const (
	Counter  Action = "COUNTER"
	Accept   Action = "ACCEPT"
	Decline  Action = "DECLINE"
	Withdraw Action = "WITHDRAW"
	CheckOut Action = "CHECK_OUT"
)

// Offer is a price that is talked about, of so many of a variant.
type Offer struct {
	ID        uuid.UUID    `json:"id"`
	BuyerID   uuid.UUID    `json:"buyerId"`
	SellerID  uuid.UUID    `json:"sellerId"`
	ListingID uuid.UUID    `json:"listingId"`
	VariantID uuid.UUID    `json:"variantId"`
	Title     string       `json:"title"` // the listing's, when it was made
	Quantity  int          `json:"quantity"`
	Price     money.Amount `json:"price"`   // of one: what is on the table
	MovedBy   Party        `json:"movedBy"` // last
	Version   int          `json:"version"`
	ExpiresAt time.Time    `json:"expiresAt"` // until when it is answered, or checked out
	OrderID   *uuid.UUID   `json:"orderId"`
	CreatedAt time.Time    `json:"createdAt"`
	ChangedAt time.Time    `json:"changedAt"`

	LastStatus  Status     `json:"lastStatus"`  // whatever time it is since
	EndsAt      time.Time  `json:"endsAt"`      // ExpiresAt, or the end of a quote that was made before
	Reservation *uuid.UUID `json:"reservation"` // of its last quote
}

// NodeID is the id that clients see.
func (o Offer) NodeID() id.ID { return id.Offer.ID(o.ID) }

// StatusAt is how the offer stands at a time.
func (o Offer) StatusAt(now time.Time) Status {
	if o.LastStatus.live() && !now.Before(o.EndsAt) {
		return Expired
	}
	return o.LastStatus
}

func (s Status) live() bool { return s == Open || s == Countered || s == Accepted }

// PartyOf says on which side of the offer somebody is.
func (o Offer) PartyOf(user uuid.UUID) (Party, bool) {
	switch user {
	case o.BuyerID:
		return Buyer, true
	case o.SellerID:
		return Seller, true
	default:
		return "", false
	}
}

// ActionsAt is what a party may do at a time, as the listing and its price allow.
func (o Offer) ActionsAt(p Party, now time.Time) []Action {
	if o.StatusAt(now) != Expired && !now.Before(o.ExpiresAt) { // its time is over but for a quote that binds
		return []Action{}
	}
	actions := []Action{}
	for _, a := range []Action{Counter, Accept, Decline, Withdraw} {
		if _, ok := o.StatusAt(now).after(a, p); ok && (a != Counter || o.Version < maxNames) {
			actions = append(actions, a)
		}
	}
	if o.StatusAt(now) == Accepted && p == Buyer {
		actions = append(actions, CheckOut)
	}
	return actions
}

// after is what an action of a party makes of an offer; price_offer_move has the same.
func (s Status) after(a Action, p Party) (Status, bool) {
	type move struct {
		from Status
		by   Party
		does Action
	}
	to, ok := map[move]Status{
		{Open, Seller, Counter}:     Countered,
		{Open, Seller, Accept}:      Accepted,
		{Open, Seller, Decline}:     Declined,
		{Open, Buyer, Withdraw}:     Withdrawn,
		{Countered, Buyer, Counter}: Open,
		{Countered, Buyer, Accept}:  Accepted,

		{Countered, Buyer, Withdraw}: Withdrawn,
		{Accepted, Buyer, Withdraw}:  Withdrawn,
	}[move{s, p, a}]
	return to, ok
}

// Step is a price that was named, or what became of it.
type Step struct {
	Status Status
	By     Party
	Price  money.Amount // of one
	At     time.Time
}

const (
	buyerList  = 'f' // marks cursors of the offers that somebody has made
	sellerList = 'F' // and of those they were made
)

// OfferPage is a page of offers.
type OfferPage = page.Page[Offer]

// OfferEdge is one of them with its cursor.
type OfferEdge = page.Edge[Offer]

func offerOf(row db.PriceOffer) Offer {
	return Offer{
		ID: row.ID, BuyerID: row.BuyerID, SellerID: row.SellerID, ListingID: row.ListingID, VariantID: row.VariantID, Title: row.Title, Quantity: int(row.Quantity),
		Price: money.New(row.UnitPrice, money.Currency(row.Currency)), MovedBy: Party(row.MovedBy), Version: int(row.Version), ExpiresAt: row.ExpiresAt, OrderID: row.OrderID,
		CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt, LastStatus: Status(row.Status), EndsAt: row.EndsAt, Reservation: row.ReservationID,
	}
}
