package auction

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

const (
	minDuration  = 5 * time.Second
	maxDuration  = 7 * 24 * time.Hour
	maxExtension = 600 * time.Second
	maxAhead     = 365 * 24 * time.Hour
	maxAge       = 120
)

// StartInput describes a lot.
type StartInput struct {
	Listing      uuid.UUID
	Show         *uuid.UUID // the seller's live show that the lot is part of, if any
	OpensAt      *time.Time // the lot opens by itself then; nil: at once
	Backing      Backing    // ByHold where it is empty
	StartPrice   money.Amount
	Reserve      *money.Amount
	BuyNow       *money.Amount
	Duration     time.Duration
	Extension    time.Duration  // zero: sudden death
	ExtensionCap *time.Duration // nil: late bids move the end as far as they do
	MinimumAge   *int           // years
	MinimumTier  *Tier
	RelistedFrom *uuid.UUID // the lot whose terms these are
}

func (s *Service) validate(in StartInput) error {
	if err := s.validatePrices(in); err != nil {
		return err
	}
	switch {
	case in.Duration < minDuration || in.Duration > maxDuration:
		return ErrDuration.At("durationSeconds")
	case in.Extension < 0 || in.Extension > maxExtension:
		return ErrDuration.At("extensionSeconds")
	case in.ExtensionCap != nil && (*in.ExtensionCap < 0 || *in.ExtensionCap > maxDuration):
		return ErrDuration.At("extensionCapSeconds")
	case in.MinimumAge != nil && (*in.MinimumAge < 1 || *in.MinimumAge > maxAge):
		return ErrMinimumAge.At("minimumAge")
	case in.OpensAt != nil && in.Show != nil:
		return ErrOpensAt.At("opensAt")
	}
	return nil
}

func (s *Service) validatePrices(in StartInput) error {
	c := in.StartPrice.Currency
	switch {
	case in.StartPrice.Minor <= 0:
		return ErrNotPositive.At("startPrice")
	case len(s.increments[c]) == 0:
		return ErrNoIncrements.At("startPrice")
	case in.StartPrice.Minor > maxBid(c):
		return ErrBidTooHigh.At("startPrice")
	}
	floor := in.StartPrice.Minor
	for _, price := range []struct {
		amount *money.Amount
		field  string
	}{{in.Reserve, "reserve"}, {in.BuyNow, "buyNow"}} {
		switch {
		case price.amount == nil:
			continue
		case price.amount.Currency != c:
			return ErrCurrency.At(price.field)
		case price.amount.Minor < floor:
			return ErrPrices.At(price.field)
		case price.amount.Minor > maxBid(c):
			return ErrBidTooHigh.At(price.field)
		}
		floor = price.amount.Minor
	}
	return nil
}

// Start opens an auction of the seller's own listing, at once or at its date. Its listing is reserved from now on.
func (s *Service) Start(ctx context.Context, seller uuid.UUID, in StartInput) (_ Auction, err error) {
	if err := s.validate(in); err != nil {
		return Auction{}, err
	}
	defer fault.Wrap(&err, "start an auction of listing %s", in.Listing)
	var (
		a      Auction
		events []realtime.Event
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		now, err := s.q.AuctionClock(ctx, tx)
		if err != nil {
			return err
		}
		if in.OpensAt != nil && (in.OpensAt.Before(now) || in.OpensAt.After(now.Add(maxAhead))) {
			return ErrOpensAt.At("opensAt")
		}
		row, err := s.insertTx(ctx, tx, seller, in, Scheduled, now)
		if err != nil {
			return err
		}
		if in.OpensAt == nil {
			row.OpensAt = nil
			a, events, err = s.openTx(ctx, tx, row, now)
		} else {
			a, events, err = s.tellTx(ctx, tx, row, EventScheduled)
		}
		return err
	})
	if err != nil {
		return Auction{}, err
	}
	s.hub.Publish(ctx, events...)
	return a, nil
}

// insertTx writes a lot that waits, QUEUED or SCHEDULED, its listing reserved and its number taken.
func (s *Service) insertTx(ctx context.Context, tx pgx.Tx, seller uuid.UUID, in StartInput, status Status, now time.Time) (db.Auction, error) {
	insert := db.AuctionInsertParams{
		ID: id.New(), ListingID: in.Listing, SellerID: seller, ShowID: in.Show, RelistedFrom: in.RelistedFrom,
		Backing: string(cmp.Or(in.Backing, ByHold)), Currency: string(in.StartPrice.Currency), StartPrice: in.StartPrice.Minor,
		Duration: int32(in.Duration / time.Second), Extension: int32(in.Extension / time.Second),
		MinimumTier: (*string)(in.MinimumTier), Status: string(status), OpensAt: in.OpensAt,
	}
	if in.OpensAt == nil && status == Scheduled {
		insert.OpensAt = &now
	}
	if in.Show != nil {
		at, n, err := s.shows.TakeLotNumberTx(ctx, tx, seller, *in.Show)
		switch {
		case err != nil:
			return db.Auction{}, err
		case status == Queued:
			insert.Position = &n
		case at.Status != show.Live:
			return db.Auction{}, show.ErrNotLive
		}
		insert.LotNumber = &n
	}
	if in.Reserve != nil {
		insert.Reserve = &in.Reserve.Minor
	}
	if in.BuyNow != nil {
		insert.BuyNow = &in.BuyNow.Minor
	}
	if in.ExtensionCap != nil {
		insert.ExtensionCap = new(int32(*in.ExtensionCap / time.Second))
	}
	if in.MinimumAge != nil {
		insert.MinimumAge = new(int16(*in.MinimumAge))
	}
	if err := s.catalog.ReserveTx(ctx, tx, in.Listing, seller); err != nil {
		return db.Auction{}, err
	}
	row, err := s.q.AuctionInsert(ctx, tx, insert)
	if err != nil {
		return db.Auction{}, err
	}
	return row, s.q.LotToldInsert(ctx, tx, row.ID)
}

func maxBid(c money.Currency) int64 {
	limit := int64(1_000_000)
	for range c.Digits() {
		limit *= 10
	}
	return limit
}
