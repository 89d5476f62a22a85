package graph

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/gqlws"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/presence"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

var errVersion = fault.New(fault.Invalid, "CURSOR_INVALID", "afterVersion is a version that an event carried: zero or more.")

// from builds the subscription of a topic out of the arguments that all of them have.
func from(topic realtime.Topic, after *int, epoch *string, snapshot func(context.Context) (realtime.Event, error)) realtime.Subscribe {
	s := realtime.Subscribe{Topic: topic, Snapshot: snapshot}
	if after != nil {
		version := int64(*after)
		s.After = &version
	}
	if epoch != nil {
		s.Epoch = *epoch
	}
	return s
}

// streamPrivate is stream for what not everybody may see: before each event it asks whether the subscriber's
// session still holds.
func streamPrivate[T any](ctx context.Context, r *Resolver, s realtime.Subscribe, to func(realtime.Event) (T, error)) (<-chan T, error) {
	return stream(ctx, r, s, func(e realtime.Event) (T, error) {
		if err := r.stillSignedIn(ctx); err != nil {
			var none T
			return none, err
		}
		return to(e)
	})
}

// stream carries a topic's events to one subscriber, each made into what the schema promises. The stream ends
// with ctx, or with an error that the client sees.
func stream[T any](ctx context.Context, r *Resolver, s realtime.Subscribe, to func(realtime.Event) (T, error)) (<-chan T, error) {
	return streamBeside(ctx, r, s, to, asides[T]{})
}

// asides are answers between a topic's events that have no version, and of which only the newest counts. Counts stays open; nil for none.
type asides[T any] struct {
	counts <-chan presence.Counts
	to     func(presence.Counts) T
}

// streamBeside is stream with asides, for a subscriber who takes them; a group does behind its first event.
func streamBeside[T any](ctx context.Context, r *Resolver, s realtime.Subscribe, to func(realtime.Event) (T, error), beside asides[T]) (<-chan T, error) {
	if s.After != nil && *s.After < 0 {
		return nil, errVersion
	}
	run := audience.RunOf(ctx)
	if run != nil && run.Begin != nil { // where it begins is not the arguments' to say
		s.After, s.Epoch = nil, ""
		if c := run.Begin.Cursor; c != nil {
			s.After, s.Epoch = &c.After, c.Epoch
		}
	}
	subscription, err := r.Hub.Subscribe(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make(chan T, audience.Ahead(ctx))
	go func() {
		defer close(out)
		if err := carry(ctx, subscription, to, beside, out); err != nil && ctx.Err() == nil {
			r.endWith(ctx, err)
		}
	}()
	return out, nil
}

// carry carries a subscription's events, and what is beside them, until it ends, and answers why.
func carry[T any](ctx context.Context, subscription *realtime.Subscription, to func(realtime.Event) (T, error), beside asides[T], out chan<- T) error {
	run := audience.RunOf(ctx)
	counts := beside.counts
	if audience.Shared(ctx) {
		counts = nil
	}
	for {
		var item T
		select {
		case event, ok := <-subscription.Events():
			if !ok {
				return subscription.Err()
			}
			var err error
			if item, err = to(event); err != nil {
				return err
			}
			if run != nil {
				run.Emit(event.Version, event.At, item)
			}
			counts = beside.counts
		case now := <-counts:
			item = beside.to(now)
			run.EmitAside(item)
		}
		select {
		case out <- item:
		case <-ctx.Done():
			return nil
		}
	}
}

// relay carries a topic's broadcasts to one subscriber, or to one group of them, of a droppable field: nothing is resumed, and while
// one is executed the newest of those that come waits. What to says no to is not for this subscriber.
func relay[T any](ctx context.Context, r *Resolver, topic realtime.Topic, to func(json.RawMessage) (item T, ok bool, err error)) (<-chan T, error) {
	listener, err := r.Hub.Listen(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan T)
	go func() {
		defer close(out)
		for broadcast := range listener.Broadcasts() {
			item, ok, err := to(broadcast)
			if err != nil {
				r.endWith(ctx, err)
				return
			}
			if !ok {
				continue
			}
			select {
			case out <- item:
			case <-ctx.Done():
				return
			}
		}
		if err := listener.Err(); err != nil {
			r.endWith(ctx, err)
		}
	}()
	return out, nil
}

// endWith tells the client why its subscription ends; the transport sends it when the channel closes.
func (r *Resolver) endWith(ctx context.Context, err error) {
	if end := gqlws.EndOf(ctx); end != nil {
		end.Set(presenter(r.Log)(ctx, err))
	}
}

func (r *Resolver) auctionEvent(e realtime.Event) (model.AuctionEvent, error) {
	change, err := auction.FromEvent(e)
	return model.AuctionEvent{
		Version: int(e.Version), Epoch: r.Hub.Epoch(), Kind: model.AuctionEventKind(e.Kind), At: e.At,
		ServerTime: r.Clock.Now(), Auction: change.Auction, Bids: change.Bids,
	}, err
}

func (r *Resolver) showEvent(e realtime.Event) (model.ShowEvent, error) {
	change, err := show.FromEvent(e)
	if err != nil {
		return model.ShowEvent{}, err
	}
	lots, err := auction.InShowOf(e)
	if err != nil {
		return model.ShowEvent{}, err
	}
	chat, err := showchat.FromEvent(e)
	return model.ShowEvent{
		Version: new(int(e.Version)), Epoch: r.Hub.Epoch(), Kind: model.ShowEventKind(e.Kind), At: e.At,
		ServerTime: r.Clock.Now(), Show: change.Show, Chat: chat, Lot: lots.Auction, Bids: lots.Bids, Queue: auctionIDs(lots.Queue),
	}, err
}

// auctionIDs are the ids of lots as clients see them; nil of none.
func auctionIDs(lots []uuid.UUID) (ids []id.ID) {
	for _, lot := range lots {
		ids = append(ids, id.Auction.ID(lot))
	}
	return ids
}

func (r *Resolver) conversationEvent(e realtime.Event) (model.ConversationEvent, error) {
	message, err := chat.MessageOf(e)
	return model.ConversationEvent{
		Version: int(e.Version), Epoch: r.Hub.Epoch(), Kind: model.ConversationEventKind(e.Kind), At: e.At, Message: message,
	}, err
}

func (r *Resolver) offerEvent(e realtime.Event) (model.OfferEvent, error) {
	o, err := offer.FromEvent(e)
	return model.OfferEvent{
		Version: int(e.Version), Epoch: r.Hub.Epoch(), Kind: model.OfferEventKind(e.Kind), At: e.At, Offer: o,
	}, err
}

func (r *Resolver) orderEvent(e realtime.Event) (model.OrderEvent, error) {
	o, err := order.FromEvent(e)
	return model.OrderEvent{
		Version: int(e.Version), Epoch: r.Hub.Epoch(), Kind: model.OrderEventKind(e.Kind), At: e.At, Order: o,
	}, err
}
