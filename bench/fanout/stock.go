//go:build linux

package main

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
)

// stock is gqlgen as it comes: its own WebSocket transport, and a channel for each viewer, as its documentation shows. The
// executable schema is Souk's. Its users are in memory and its events decoded once for all, so that what each viewer costs is the
// execution, the encoding and the write alone.
type stock struct {
	*graph.Resolver // of the fields that nobody selects here

	mu      sync.Mutex
	viewers []chan model.AuctionEvent
	user    identity.User
}

// stockEvent is what wakes it.
type stockEvent struct {
	Version int            `json:"version"`
	Epoch   string         `json:"epoch"`
	Kind    string         `json:"kind"`
	At      time.Time      `json:"at"`
	Change  auction.Change `json:"change"`
}

// runStock is this program in the role of that server.
func runStock(args []string) error {
	s := &stock{Resolver: &graph.Resolver{}, user: identity.User{ID: id.New(), Name: "Chloé"}}
	server := handler.New(generated.NewExecutableSchema(generated.Config{Resolvers: s}))
	server.AddTransport(transport.Websocket{})
	server.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	return runRival(args, server, s.broadcast)
}

func (s *stock) broadcast(message string) error {
	var e stockEvent
	if err := json.Unmarshal([]byte(message), &e); err != nil {
		return err
	}
	event := model.AuctionEvent{
		Version: e.Version, Epoch: e.Epoch, Kind: model.AuctionEventKind(e.Kind), At: e.At, ServerTime: time.Now(),
		Auction: e.Change.Auction, Bids: e.Change.Bids,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, viewer := range s.viewers {
		viewer <- event
	}
	return nil
}

// subscribe makes a viewer's channel. Its first event says that it is heard.
func (s *stock) subscribe(ctx context.Context) <-chan model.AuctionEvent {
	events := make(chan model.AuctionEvent, 128)
	events <- model.AuctionEvent{Kind: model.AuctionEventKindSnapshot, Auction: auction.Auction{ID: id.New(), Status: auction.Open}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewers = append(s.viewers, events)
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.viewers = slices.DeleteFunc(s.viewers, func(c chan model.AuctionEvent) bool { return c == events })
	})
	return events
}

// Subscription puts ours in the place of Souk's.
func (s *stock) Subscription() generated.SubscriptionResolver {
	return stockSubscription{s.Resolver.Subscription(), s}
}

// Auction resolves the leader from memory.
func (s *stock) Auction() generated.AuctionResolver { return stockAuction{s.Resolver.Auction(), s} }

// Bid resolves the bidder from memory.
func (s *stock) Bid() generated.BidResolver { return stockBid{s} }

type stockSubscription struct {
	generated.SubscriptionResolver
	stock *stock
}

func (r stockSubscription) AuctionEvents(ctx context.Context, _ id.ID, _ *int, _ *string) (<-chan model.AuctionEvent, error) {
	return r.stock.subscribe(ctx), nil
}

type stockAuction struct {
	generated.AuctionResolver
	stock *stock
}

func (r stockAuction) Leader(context.Context, *auction.Auction) (*identity.User, error) {
	return &r.stock.user, nil
}

type stockBid struct{ stock *stock }

func (r stockBid) Maximum(context.Context, *auction.Bid) (*money.Amount, error) { return nil, nil }

func (r stockBid) Bidder(context.Context, *auction.Bid) (identity.User, error) {
	return r.stock.user, nil
}
