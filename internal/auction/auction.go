package auction

import (
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// Status of an auction.
type Status string

// The statuses of an auction.
const (
	Queued    Status = "QUEUED"    // waits in a show for its host to open it
	Scheduled Status = "SCHEDULED" // waits for its date
	Open      Status = "OPEN"
	Paused    Status = "PAUSED" // takes no bids; what was left of its time is kept
	Sold      Status = "SOLD"
	Unsold    Status = "UNSOLD" // nobody bid, or the reserve was not met
	Passed    Status = "PASSED" // its host let it go
)

// Live says whether bids stand on the lot that it may yet sell to.
func (s Status) Live() bool { return s == Open || s == Paused }

// Backing is what stands behind the bids of a lot.
type Backing string

// The kinds of backing.
const (
	ByHold Backing = "HOLD" // the maximum, held in the leader's wallet
	ByCard Backing = "CARD" // a saved card of the bidder's, which the winner is asked to pay with
)

// Tier is how well we know a user.
type Tier = identity.Tier

// atLeast says whether a tier is another one or above it; any is above none.
func atLeast(tier, other Tier) bool {
	rank := map[Tier]int{identity.Unverified: 0, identity.Verified: 1, identity.Trusted: 2}
	return rank[tier] >= rank[other]
}

// Auction is one lot. All that is in its JSON may be seen by everyone.
type Auction struct {
	ID           uuid.UUID      `json:"id"`
	ListingID    uuid.UUID      `json:"listingId"`
	SellerID     uuid.UUID      `json:"sellerId"`
	ShowID       *uuid.UUID     `json:"showId"`
	LotNumber    *int32         `json:"lotNumber"`
	Position     *int32         `json:"position,omitempty"` // among the lots that wait in the show
	Backing      Backing        `json:"backing"`
	StartPrice   money.Amount   `json:"startPrice"`
	Reserve      *money.Amount  `json:"-"`                    // the seller's to know
	ReserveMet   *bool          `json:"reserveMet,omitempty"` // nil: there is no reserve
	BuyNow       *money.Amount  `json:"buyNow,omitempty"`     // nil: the lot can't be bought, or not any more
	Price        *money.Amount  `json:"price"`                // what the leader would pay; nil while nobody leads
	NextMinimum  money.Amount   `json:"nextMinimum"`
	BidCount     int32          `json:"bidCount"`
	LeaderID     *uuid.UUID     `json:"leaderId"`
	Status       Status         `json:"status"`
	OpensAt      *time.Time     `json:"opensAt,omitempty"` // of a lot with a date
	OpenedAt     *time.Time     `json:"openedAt"`          // nil while it waits
	EndsAt       *time.Time     `json:"endsAt"`            // nil while it waits or is paused
	LatestEnd    *time.Time     `json:"latestEnd,omitempty"`
	TimeLeft     *time.Duration `json:"timeLeft,omitempty"` // while it is paused
	Duration     time.Duration  `json:"duration"`
	Extension    time.Duration  `json:"extension"`
	ExtensionCap *time.Duration `json:"extensionCap,omitempty"`
	MinimumAge   *int           `json:"minimumAge,omitempty"`
	MinimumTier  *Tier          `json:"minimumTier,omitempty"`
	RelistedFrom *uuid.UUID     `json:"relistedFrom,omitempty"`
	ClosedAt     *time.Time     `json:"closedAt"`
	Version      int64          `json:"version"`
}

// NodeID is the id that clients see.
func (a Auction) NodeID() id.ID { return id.Auction.ID(a.ID) }

// unending is where a lot without an end and without a date is in a list.
var unending = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// listed is where a row is in a list, as AuctionPage sorts.
func listed(row db.Auction) page.Key {
	at := unending
	switch {
	case row.EndsAt != nil:
		at = *row.EndsAt
	case row.OpensAt != nil:
		at = *row.OpensAt
	}
	return page.Key{At: at, ID: row.ID}
}

// DurationSeconds is how long the lot is open when no late bid moves its end.
func (a Auction) DurationSeconds() int { return int(a.Duration / time.Second) }

// ExtensionSeconds is by how much a late bid moves the end.
func (a Auction) ExtensionSeconds() int { return int(a.Extension / time.Second) }

// ExtensionCapSeconds is by how much all late bids together move the end at most; nil: as far as they do.
func (a Auction) ExtensionCapSeconds() *int {
	if a.ExtensionCap == nil {
		return nil
	}
	return new(int(*a.ExtensionCap / time.Second))
}

// TimeLeftMs is what a paused lot has left, in milliseconds.
func (a Auction) TimeLeftMs() *int {
	if a.TimeLeft == nil {
		return nil
	}
	return new(int(*a.TimeLeft / time.Millisecond))
}

// stateOf is what the rules look at, of a row.
func stateOf(row db.Auction) State {
	s := State{
		Terms: Terms{
			Seller: row.SellerID, Currency: money.Currency(row.Currency), StartPrice: row.StartPrice,
			Reserve: valueOf(row.Reserve), BuyNow: valueOf(row.BuyNow), Extension: seconds(row.Extension),
		},
		Status: Status(row.Status), OpensAt: row.OpensAt, Price: row.Price, Leader: valueOf(row.LeaderID), Maximum: row.LeaderMaximum,
		Bids: row.BidCount, Seq: row.BidSeq, EndsAt: valueOf(row.EndsAt), LatestEnd: valueOf(row.LatestEnd),
	}
	return s
}

// put writes what the rules have made into a row. The status is the lot's life, not theirs to write.
func put(row db.Auction, s State) db.Auction {
	row.Price, row.LeaderMaximum, row.BidCount, row.BidSeq = s.Price, s.Maximum, s.Bids, s.Seq
	row.LeaderID, row.EndsAt = nil, &s.EndsAt
	if s.Led() {
		row.LeaderID = &s.Leader
	}
	return row
}

func (s *Service) auctionOf(row db.Auction) Auction {
	state := stateOf(row)
	a := Auction{
		ID: row.ID, ListingID: row.ListingID, SellerID: row.SellerID, ShowID: row.ShowID, LotNumber: row.LotNumber, Position: row.Position,
		Backing: Backing(row.Backing), StartPrice: state.of(row.StartPrice), NextMinimum: state.of(state.NextMinimum(s.increments)),
		BidCount: row.BidCount, LeaderID: row.LeaderID, Status: state.Status, OpensAt: row.OpensAt, OpenedAt: row.OpenedAt, EndsAt: row.EndsAt,
		LatestEnd: row.LatestEnd, Duration: seconds(row.Duration), Extension: state.Extension, RelistedFrom: row.RelistedFrom,
		ClosedAt: row.ClosedAt, Version: row.Version,
	}
	if state.Led() {
		a.Price = new(state.of(state.Price))
	}
	if state.Reserve > 0 {
		a.Reserve, a.ReserveMet = new(state.of(state.Reserve)), new(state.ReserveMet())
	}
	if state.Buyable() && row.ClosedAt == nil {
		a.BuyNow = new(state.of(state.BuyNow))
	}
	if row.ExtensionCap != nil {
		a.ExtensionCap = new(seconds(*row.ExtensionCap))
	}
	if row.TimeLeft != nil {
		a.TimeLeft, a.EndsAt, a.LatestEnd = new(time.Duration(*row.TimeLeft)*time.Microsecond), nil, nil
	}
	if row.MinimumAge != nil {
		a.MinimumAge = new(int(*row.MinimumAge))
	}
	if row.MinimumTier != nil {
		a.MinimumTier = new(Tier(*row.MinimumTier))
	}
	return a
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// valueOf is what p points to, or nothing.
func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// AuctionPage is a page of a list of Auctions.
type AuctionPage = page.Page[Auction]

// AuctionEdge is one row of it.
type AuctionEdge = page.Edge[Auction]
