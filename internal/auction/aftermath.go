package auction

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/realtime"
)

// What happens when the winner of a lot does not pay: their order is cancelled, and the lot is offered to those who bid less.

const (
	aftermathEvery   = time.Second
	defaultChanceFor = 24 * time.Hour
)

// AftermathLoop cancels orders that were not paid in time, and ends offers that nobody answered, until ctx does. Any number of
// servers may do so at once.
func (s *Service) AftermathLoop(ctx context.Context) error {
	return s.dueLoop(ctx, aftermathEvery, s.log, "looking for what was not paid or answered in time", s.toExpireOrders(), s.toExpireChances())
}

func (s *Service) toExpireOrders() task {
	return task{"freed of an order that was not paid", func(ctx context.Context, after db.AuctionDueRow) ([]db.AuctionDueRow, error) {
		orders, err := s.orders.UnpaidDue(ctx, order.Due{ID: after.ID, At: after.DueAt}, dueBatch)
		due := make([]db.AuctionDueRow, len(orders))
		for i, o := range orders {
			due[i] = db.AuctionDueRow{ID: o.ID, DueAt: o.At}
		}
		return due, err
	}, s.ExpireOrder}
}

func (s *Service) toExpireChances() task {
	return task{"offered to the next bidder", func(ctx context.Context, after db.AuctionDueRow) ([]db.AuctionDueRow, error) {
		rows, err := s.q.SecondChancesDue(ctx, s.pool, after.DueAt, after.ID, dueBatch)
		due := make([]db.AuctionDueRow, len(rows))
		for i, row := range rows {
			due[i] = db.AuctionDueRow(row)
		}
		return due, err
	}, s.ExpireChance}
}

// ExpireOrder cancels an order that was not paid in time, and offers its lot to the next bidder. It is false where there was nothing to
// cancel: whoever has the order's lock first, a payment or this, decides.
func (s *Service) ExpireOrder(ctx context.Context, o uuid.UUID) (done bool, err error) {
	defer fault.Wrap(&err, "end order %s, which was not paid", o)
	lot, err := s.orders.Lot(ctx, o)
	if err != nil {
		return false, err
	}
	if lot == nil {
		return s.orders.Expire(ctx, o)
	}
	var expired *order.Expired
	done, err = s.change(ctx, *lot, func(tx pgx.Tx, row db.Auction, now time.Time) (told []realtime.Event, err error) {
		if expired, err = s.orders.ExpireTx(ctx, tx, o); err != nil || expired == nil {
			return nil, err
		}
		if err := s.afterExpiryTx(ctx, tx, row, now, expired); err != nil {
			return nil, err
		}
		return expired.Told, expired.ReleaseTx(ctx, tx)
	})
	if err != nil || expired == nil || expired.After == nil {
		return done, err
	}
	return done, expired.After(context.WithoutCancel(ctx)) // where it fails, its job mends it
}

// afterExpiryTx offers the lot of an order that was cancelled to the next bidder, and tells who is concerned. The listing is for
// sale again; while the lot is offered, it is not.
func (s *Service) afterExpiryTx(ctx context.Context, tx pgx.Tx, lot db.Auction, now time.Time, expired *order.Expired) error {
	next, err := s.offerTx(ctx, tx, lot, now)
	var news []feed.News
	if err == nil && next != nil {
		news, err = newsOf(lot, *next), s.catalog.ReserveTx(ctx, tx, lot.ListingID, lot.SellerID)
	}
	if err != nil {
		return err
	}
	return expired.TellTx(ctx, tx, news...)
}

// ExpireChance ends an offer whose time is over, and makes the next. It is false where there was nothing to end.
func (s *Service) ExpireChance(ctx context.Context, chance uuid.UUID) (done bool, err error) {
	defer fault.Wrap(&err, "end second chance %s", chance)
	seen, err := s.q.SecondChanceByID(ctx, s.pool, chance)
	if err != nil {
		return false, err
	}
	return s.change(ctx, seen.AuctionID, func(tx pgx.Tx, lot db.Auction, now time.Time) ([]realtime.Event, error) {
		c, err := s.q.SecondChanceByID(ctx, tx, chance)
		if err != nil || ChanceStatus(c.Status) != Offered || now.Before(c.ExpiresAt) {
			return nil, err
		}
		_, told, err := s.passOnTx(ctx, tx, lot, c, now, Expired)
		return told, err
	})
}

// ErrNotRelistable refuses to relist what is not the seller's, or still goes on.
var ErrNotRelistable = fault.New(fault.Precondition, "AUCTION_NOT_RELISTABLE", "Only the seller lists a lot again, once it has ended without a buyer.").At("auctionId")

// Relist opens a lot of a listing that found no buyer once more, on the same terms; in no show. Where the listing was sold or waits in
// another lot meanwhile, it is refused as by Start.
func (s *Service) Relist(ctx context.Context, seller, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "relist auction %s", lot)
	rows, err := s.q.AuctionsByID(ctx, s.pool, []uuid.UUID{lot})
	if err != nil {
		return Auction{}, err
	}
	if len(rows) == 0 {
		return Auction{}, ErrNotFound.At("auctionId")
	}
	row := rows[0]
	if row.SellerID != seller || row.ClosedAt == nil {
		return Auction{}, ErrNotRelistable
	}
	return s.Start(ctx, seller, termsOf(row))
}

// termsOf is a lot's terms, for another that follows it.
func termsOf(row db.Auction) StartInput {
	price := func(minor *int64) *money.Amount {
		if minor == nil {
			return nil
		}
		return new(money.New(*minor, money.Currency(row.Currency)))
	}
	in := StartInput{
		Listing: row.ListingID, Backing: Backing(row.Backing), StartPrice: *price(&row.StartPrice), Reserve: price(row.Reserve), BuyNow: price(row.BuyNow),
		Duration: seconds(row.Duration), Extension: seconds(row.Extension), MinimumTier: (*Tier)(row.MinimumTier), RelistedFrom: &row.ID,
	}
	if row.ExtensionCap != nil {
		in.ExtensionCap = new(seconds(*row.ExtensionCap))
	}
	if row.MinimumAge != nil {
		in.MinimumAge = new(int(*row.MinimumAge))
	}
	return in
}
