//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/socket"
)

const stackBidders = 64

// measureStack bids through the whole program, and through what it is made of.
func (b *bench) measureStack(ctx context.Context) (err error) {
	api, err := b.graphQL()
	if err != nil {
		return err
	}
	souk, err := b.StartSouk(ctx, rig.AnyCore, "serve", "api")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, souk.Stop(context.WithoutCancel(ctx))) }()
	var clients []*client
	defer func() { closeAll(clients) }()
	throughHTTP := b.market.hot(func(_ context.Context, bidder int, l *lot) ([]byte, error) { return clients[bidder].bid(l) })
	names := []string{"naive", "engine", "with GraphQL, in process", "with HTTP, the program"}
	sides := []side{
		b.naive.side(1), b.market.engine(1),
		{names[2], b.market.hot(func(ctx context.Context, bidder int, l *lot) ([]byte, error) {
			return b.market.serve(ctx, api, bidder, l.request(l.asked.Add(cent)))
		})},
		{names[3], func(ctx context.Context) (_ bidding, err error) {
			closeAll(clients) // a server does not wait for ever for who says nothing
			if clients, err = b.clients(ctx, souk.Addr, stackBidders); err != nil {
				return nil, err
			}
			return throughHTTP(ctx)
		}},
	}
	turns, err := b.playRounds(ctx, "the whole stack", stackBidders, sides)
	if err != nil {
		return err
	}
	b.Row("the whole stack, one hot lot, %d bidders, durable bids a second, median (each round); milliseconds to the answer", stackBidders)
	b.rows(sides, turns)
	b.Row("    what a layer adds to a bid, microseconds of all cores:")
	before := 0.0
	for _, name := range names[1:] {
		each := 1e6 / rig.Median(each(turns[name], turn.rate))
		b.Row("      %-24s %7.0f", name, each-before)
		before = each
	}
	b.Result("bids_stack_vs_naive_64", vsNaive(turns, names[3]))
	return nil
}

// graphQL is the API as server/wiring.go makes it, of as much as a bid needs.
func (b *bench) graphQL() (http.Handler, error) {
	m, log := b.market, rig.Warnings()
	registry := prometheus.NewRegistry()
	sockets, err := socket.New(socket.Config{Log: log, Registerer: registry})
	if err != nil {
		return nil, err
	}
	audiences, err := audience.New(audience.Config{Epoch: m.hub.Epoch, Log: log, Registerer: registry})
	if err != nil {
		return nil, err
	}
	b.Defer(func(context.Context) error { audiences.Close(); return nil })
	return graph.NewHandler(&graph.Resolver{
		Identity: identity.New(m.pool), Catalog: m.catalog, Shows: m.shows, Payment: m.payment, Orders: m.orders, Auctions: m.auctions,
		Answers: idempotency.New(m.pool), Hub: m.hub, Clock: clock.System{}, Log: log,
	}, graph.Config{Sockets: sockets, Audience: audiences, Sessions: identity.NewWatch(m.pool, log), Limits: graph.DefaultLimits}), nil
}

// bidPlace asks for what a bidder needs next.
const bidPlace = `mutation Bid($input: BidPlaceInput!) { bidPlace(input: $input) { bid { id number amount { minor } } ` +
	`auction { version price { minor } nextMinimum { minor } } userErrors { code } } }`

// request is a bid as the API takes it.
func (l *lot) request(amount int64) []byte {
	return fmt.Appendf(nil, `{"query":%q,"variables":{"input":{"auctionId":%q,"amount":{"amount":"%d.%02d","currencyCode":"EUR"},"idempotencyKey":%q}}}`,
		bidPlace, id.Auction.ID(l.id).String(), amount/100, amount%100, l.key(amount))
}

// hot opens a lot whose bids are sent as requests of the API.
func (m *market) hot(send func(ctx context.Context, bidder int, l *lot) ([]byte, error)) func(context.Context) (bidding, error) {
	return func(ctx context.Context) (bidding, error) {
		lots, err := m.lots(ctx, 1)
		return func(ctx context.Context, bidder int) (bool, error) {
			answer, err := send(ctx, bidder, lots[0])
			if err != nil {
				return false, err
			}
			return accepted(answer)
		}, err
	}
}

// accepted reads an answer.
func accepted(answer []byte) (bool, error) {
	switch {
	case bytes.Contains(answer, []byte(`"userErrors":[]`)):
		return true, nil
	case bytes.Contains(answer, []byte(`"BID_TOO_LOW"`)), bytes.Contains(answer, []byte(`"ALREADY_LEADING"`)):
		return false, nil
	}
	return false, fmt.Errorf("the API answered %.500s", answer)
}

// serve has the handler answer without a network.
func (m *market) serve(ctx context.Context, api http.Handler, bidder int, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://souk.example/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+m.tokens[bidder])
	w := answer{header: http.Header{}}
	api.ServeHTTP(&w, r)
	return w.body, nil
}

// answer is a ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(int)     {}
func (a *answer) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}
