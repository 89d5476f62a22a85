package auction

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/work"
)

// What becomes of bids is told in their bidders' feeds a moment later, in transactions of their own: who bids does not wait for it, and
// a lead that changes hands a hundred times between two looks is news once. What has to be told follows from the stored bids, so that
// nothing is lost with a server.

const tellEvery = 500 * time.Millisecond

// TellLoop tells bidders what became of their bids until ctx ends. Any number of servers may do so at once.
func (s *Service) TellLoop(ctx context.Context) error {
	return work.Every(ctx, tellEvery, s.log, "telling bidders what became of their bids", func(ctx context.Context) error {
		_, err := s.TellBidders(ctx)
		return err
	})
}

// TellBidders tells what became of bids since that was last told, and says how much there was to tell.
func (s *Service) TellBidders(ctx context.Context) (told int, err error) {
	defer fault.Wrap(&err, "tell bidders")
	for {
		var (
			lots   int
			events []realtime.Event
		)
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			rows, err := s.q.LotsUntold(ctx, tx, dueBatch)
			if lots = len(rows); err != nil || lots == 0 {
				return err
			}
			news, err := s.newsTx(ctx, tx, rows)
			if err != nil {
				return err
			}
			events, err = feed.TellTx(ctx, tx, news...)
			return err
		})
		if err != nil {
			return told, err
		}
		s.hub.Publish(ctx, events...)
		if told += len(events); lots < dueBatch {
			return told, nil
		}
	}
}

// newsTx is what is to be told of some lots, which is taken for told from now on.
func (s *Service) newsTx(ctx context.Context, tx pgx.Tx, rows []db.LotsUntoldRow) (news []feed.News, err error) {
	lots := make(map[uuid.UUID]*untold, len(rows))
	var (
		told         db.LotsToldParams
		afterSeq     []int32
		afterVersion []int64
	)
	for _, row := range rows {
		lots[row.AuctionID] = &untold{LotsUntoldRow: row, led: people{}, raised: people{}, cancelled: people{}}
		afterSeq, afterVersion = append(afterSeq, row.ToldSeq), append(afterVersion, row.ToldVersion)
		told.Lots, told.Versions, told.Seqs = append(told.Lots, row.AuctionID), append(told.Versions, row.Version), append(told.Seqs, row.BidSeq)
		told.Leaders, told.Overs = append(told.Leaders, valueOf(row.LeaderID)), append(told.Overs, over(Status(row.Status)))
	}
	placed, err := s.q.BidsToTell(ctx, tx, told.Lots, afterSeq, told.Seqs)
	if err != nil {
		return nil, err
	}
	for _, b := range placed {
		if lot := lots[b.AuctionID]; b.Raised {
			lot.raised[b.BidderID] = true
		} else {
			lot.led[b.BidderID] = true
		}
	}
	cancelled, err := s.q.CancellationsToTell(ctx, tx, told.Lots, afterVersion, told.Versions)
	if err != nil {
		return nil, err
	}
	for _, c := range cancelled {
		lots[c.AuctionID].cancelled[c.BidderID] = true
	}
	for _, row := range rows {
		news = append(news, lots[row.AuctionID].news()...)
	}
	return news, s.q.LotsTold(ctx, tx, told)
}

// untold is a lot of which something is to be told: how it was when it last was, how it is, and what happened between.
type untold struct {
	db.LotsUntoldRow

	led       people // who came to lead by a bid
	raised    people // who raised their own maximum
	cancelled people // whose bids were taken back
}

type people map[uuid.UUID]bool

func (u *untold) news() (news []feed.News) {
	tell := func(user uuid.UUID, kind feed.Kind) {
		news = append(news, feed.News{User: user, Kind: kind, Object: id.Auction.ID(u.AuctionID)})
	}
	before, leader := valueOf(u.ToldLeader), valueOf(u.LeaderID)
	for user := range u.cancelled {
		tell(user, feed.BidCancelled)
	}
	hadLed := people{before: true}
	for user := range u.led {
		hadLed[user] = true
	}
	for user := range hadLed {
		if user != uuid.Nil && user != leader && !u.cancelled[user] {
			tell(user, feed.Outbid)
		}
	}
	if leader == uuid.Nil {
		return news
	}
	switch {
	case !hadLed[leader]:
		tell(leader, feed.LeadingAgain)
	case u.raised[leader]:
		tell(leader, feed.MaximumRaised)
	}
	switch status := Status(u.Status); {
	case status == Sold:
		tell(leader, feed.AuctionWon)
	case over(status):
		tell(leader, feed.AuctionLost)
	}
	return news
}

// over says whether a lot has ended.
func over(s Status) bool { return s == Sold || s == Unsold || s == Passed }
