package graph

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/realtime"
)

// standings carries how a bidder stands in a lot to one subscriber: the lot's events, each with what the bidder has in it, and their own
// news of what makes no version of the lot.
func (r *Resolver) standings(ctx context.Context, bidder uuid.UUID, lot auction.Auction, after *int, epoch *string) (<-chan model.AuctionStanding, error) {
	s, err := r.standingsFrom(ctx, lot, after, epoch)
	if err != nil {
		return nil, err
	}
	own, err := r.Hub.Subscribe(ctx, realtime.Subscribe{Topic: feed.Topic(bidder)}) // first, so that nothing happens between
	if err != nil {
		return nil, err
	}
	lots, err := r.Hub.Subscribe(ctx, s.request)
	if err != nil {
		own.Close()
		return nil, err
	}
	s.bidder, s.out = bidder, make(chan model.AuctionStanding, audience.Ahead(ctx))
	go func() {
		defer close(s.out)
		defer own.Close()
		defer lots.Close()
		if err := s.follow(ctx, lots, own); err != nil && ctx.Err() == nil {
			r.endWith(ctx, err)
		}
	}()
	return s.out, nil
}

// standing follows one bidder's standing in one lot.
type standing struct {
	r       *Resolver
	bidder  uuid.UUID
	lot     uuid.UUID
	request realtime.Subscribe
	seen    int64 // the version that the subscriber has; 0: none
	fresh   int64 // up to this version the bidder may have raised their maximum unseen: it is looked at with each event
	out     chan model.AuctionStanding

	now *auction.Standing // nil before the lot's first event
}

// standingsFrom begins one event before the cursor: what the subscriber has is needed to see what changes, and whether something changed
// that made no version.
func (r *Resolver) standingsFrom(ctx context.Context, lot auction.Auction, after *int, epoch *string) (*standing, error) {
	s := &standing{r: r, lot: lot.ID, fresh: lot.Version, request: from(auction.Topic(lot.ID), after, epoch, r.Auctions.Snapshot(lot.ID))}
	if s.request.After != nil && *s.request.After < 0 {
		return nil, errVersion
	}
	if run := audience.RunOf(ctx); run != nil && run.Begin != nil {
		s.request.After, s.request.Epoch = nil, ""
		if c := run.Begin.Cursor; c != nil {
			s.request.After, s.request.Epoch = &c.After, c.Epoch
		}
	}
	switch a := s.request.After; {
	case a == nil:
	case *a > lot.Version: // of no version that there is
		s.request.After = nil
	case *a > 0:
		s.seen, s.request.After = *a, new(*a-1)
	}
	return s, nil
}

// follow hands on what changes, until the lot's events end.
func (s *standing) follow(ctx context.Context, lots, own *realtime.Subscription) error {
	for {
		select {
		case e, ok := <-lots.Events():
			if !ok {
				return lots.Err()
			}
			if err := s.lotChanged(ctx, e); err != nil {
				return err
			}
		case e, ok := <-own.Events():
			if !ok {
				return own.Err()
			}
			if err := s.ownNews(ctx, e); err != nil {
				return err
			}
		}
	}
}

// lotChanged looks at what a bidder has in the lot anew where the event may have changed it.
func (s *standing) lotChanged(ctx context.Context, e realtime.Event) error {
	change, err := auction.FromEvent(e)
	if err != nil {
		return err
	}
	if s.now != nil && e.Version > s.fresh && e.Kind == auction.EventBids && !change.Concerns(s.bidder) {
		return s.tell(ctx, s.now.In(s.bidder, change.Auction), e.At)
	}
	now, err := s.r.Auctions.Standing(ctx, s.bidder, change.Auction)
	if err != nil {
		return err
	}
	if e.Kind != realtime.KindSnapshot && e.Version <= s.seen && !now.Unversioned { // the subscriber has it
		s.now = &now
		return nil
	}
	return s.tell(ctx, now, e.At)
}

// ownNews looks anew where the bidder was told of something that makes no version of the lot. The lot's own event of that moment may be
// still to come.
func (s *standing) ownNews(ctx context.Context, e realtime.Event) error {
	if !slices.Contains([]feed.Kind{feed.MaximumRaised, feed.SecondChanceChanged}, feed.Kind(e.Kind)) {
		return nil
	}
	lot, err := s.r.Auctions.Get(ctx, s.lot)
	if err != nil {
		return err
	}
	if s.fresh = lot.Version; s.now == nil {
		return nil
	}
	now, err := s.r.Auctions.Standing(ctx, s.bidder, s.now.Auction)
	if err != nil {
		return err
	}
	return s.tell(ctx, now, e.At)
}

// tell hands a standing on, unless the subscriber has been told the same.
func (s *standing) tell(ctx context.Context, now auction.Standing, at time.Time) error {
	same := s.now != nil && s.now.Same(now)
	s.now = &now
	if same {
		return nil
	}
	a := now.Auction
	item := model.AuctionStanding{
		Version: int(a.Version), Epoch: s.r.Hub.Epoch(), Status: now.Status, Maximum: now.Maximum, Held: now.Held, Price: a.Price,
		NextMinimum: a.NextMinimum, EndsAt: a.EndsAt, At: at, ServerTime: s.r.Clock.Now(), SecondChance: now.Chance, Auction: a,
	}
	if run := audience.RunOf(ctx); run != nil {
		run.Emit(a.Version, at, item)
	}
	select {
	case s.out <- item:
	case <-ctx.Done():
	}
	return nil
}
