// Package graphtest serves the whole API to tests: the handler behind the middleware of a server, over a database of
// the test's own, a real Redis and a Stripe fake, with its log and its SQL statements in view.
package graphtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/handover"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/listingfile"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/presence"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/reconcile"
	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/review"
	"github.com/souklive/souk/internal/risk"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/fedex"
	"github.com/souklive/souk/internal/shipping/geocode"
	"github.com/souklive/souk/internal/shipping/mondialrelay"
	"github.com/souklive/souk/internal/shipping/relaiscolis"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/socket"
	"github.com/souklive/souk/internal/stripefake"
	"github.com/souklive/souk/internal/tax"
	"github.com/souklive/souk/internal/taxonomy"
	"github.com/souklive/souk/internal/video"
	"github.com/souklive/souk/internal/want"
	"github.com/souklive/souk/internal/wish"
)

const (
	stripeKey      = "sk_test_souk_0123456789abcdef"
	feeBasisPoints = 1_000
	maxBody        = 1 << 20 // as server/routes.go has it
)

// FedExToken is what FedEx signs its webhooks with.
const FedExToken = "a token of tests, long"

// API is a served API.
type API struct {
	URL        string
	Resolver   *graph.Resolver
	Log        *Log
	Statements *Statements // of the domains; not of the hub
	Stripe     *stripefake.Server
	Relay      *carrierfake.MondialRelay
	FedEx      *carrierfake.FedEx
	Geocoder   *carrierfake.Geocoder
	Colis      *carrierfake.RelaisColis
	Registry   *prometheus.Registry // of what is live: the hub, the sockets, the audiences

	t        testing.TB
	checkout checkout.Config
	jobs     *river.Client[pgx.Tx]
	data     *pgtest.Database
	pool     *pgxpool.Pool // of the domains
	disk     *blob.Disk
	lost     bool // and the database with it
	users    int
	people   []Person
}

// Option changes how the API is served.
type Option func(*graph.Resolver, *graph.Config)

// Production serves as with SOUK_ENV=production.
func Production(_ *graph.Resolver, c *graph.Config) { c.Production = true }

// New serves an API until the test ends.
func New(t testing.TB, options ...Option) *API {
	t.Helper()
	a := &API{t: t, data: pgtest.New(t), Log: &Log{}, Statements: &Statements{}, Registry: prometheus.NewRegistry()}
	// Clones of one template have one epoch; two databases on one Redis must not.
	a.Exec("UPDATE epoch SET id = gen_random_uuid()")
	a.pool = a.tracedPool()
	log := slog.New(obs.NewHandler(a.Log))

	config := graph.Config{Limits: graph.DefaultLimits}
	a.Resolver = a.resolver(a.pool, log)
	lots := a.Resolver.Auctions // a test may take them away
	for _, option := range options {
		option(a.Resolver, &config)
	}
	sockets, err := socket.New(socket.Config{Log: log, Registerer: a.Registry})
	a.must(err)
	config.Sockets = sockets
	config.Audience, err = audience.New(audience.Config{Epoch: a.Resolver.Hub.Epoch, Log: log, Registerer: a.Registry})
	a.must(err)
	t.Cleanup(config.Audience.Close)
	config.Sessions = identity.NewWatch(a.data.Pool, log)
	watching, stop := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { _ = config.Sessions.Run(watching) })
	watch.Go(func() { _ = catalog.New(a.data.Pool, nil).TakedownLoop(watching, log, config.Audience.TakeDown) })
	t.Cleanup(func() { stop(); watch.Wait() })
	a.serve(log, sockets.Guard(graph.NewHandler(a.Resolver, config)))
	t.Cleanup(func() { sockets.Drain(context.Background()) }) // the test's own context is over by then
	t.Cleanup(func() {
		if !t.Failed() && !a.lost {
			a.replayed(lots)
		}
	})
	return a
}

// Judge puts other rules before money moves. It comes before the first request.
func (a *API) Judge(rules risk.Rules) {
	a.checkout.Risk = risk.New(a.pool, rules, slog.New(obs.NewHandler(a.Log)))
	a.checkout.Risk.UseOrders(a.jobs, a.Resolver.Orders)
	a.Resolver.Risk, a.Resolver.Checkout = a.checkout.Risk, checkout.New(a.checkout)
}

// JudgeBy does so by other limits.
func (a *API) JudgeBy(limits risk.Limits) { a.Judge(risk.NewVelocity(a.pool, limits)) }

// Paced has quotes and confirmations kept to the pace of a server. It comes before the first request.
func (a *API) Paced() {
	a.checkout.Pace = true
	a.Resolver.Checkout = checkout.New(a.checkout)
}

// Background runs something until the test ends.
func (a *API) Background(run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = run(ctx) })
	a.t.Cleanup(func() { stop(); running.Wait() })
}

func (a *API) tracedPool() *pgxpool.Pool {
	config, err := pgxpool.ParseConfig(a.data.URL)
	a.must(err)
	config.MaxConns = 8
	config.ConnConfig.Tracer = a.Statements
	pool, err := pgxpool.NewWithConfig(a.t.Context(), config)
	a.must(err)
	a.t.Cleanup(pool.Close)
	a.t.Cleanup(func() {
		if keyless := a.Statements.Keyless(); len(keyless) > 0 {
			a.t.Errorf("%v moved money and are not @idempotent", keyless)
		}
	})
	return pool
}

// shipping has the fakes of all carriers. No jobs run: tests sweep.
func (a *API) shipping(pool *pgxpool.Pool, r *graph.Resolver, log *slog.Logger) *shipping.Service {
	a.Relay = carrierfake.NewMondialRelay("BDTEST13", "PrivateK")
	server := httptest.NewServer(a.Relay)
	a.t.Cleanup(server.Close)
	a.FedEx = carrierfake.NewFedEx("tests", "a secret of tests", "740561073")
	fedExServer := httptest.NewServer(a.FedEx)
	a.t.Cleanup(fedExServer.Close)
	a.Geocoder = carrierfake.NewGeocoder("")
	geocoders := httptest.NewServer(a.Geocoder)
	a.t.Cleanup(geocoders.Close)
	locator := geocode.NewBAN(geocoders.URL, shipping.LineConfig{Patience: 5 * time.Second})
	a.Colis = carrierfake.NewRelaisColis("a key of tests", "another")
	colis := httptest.NewServer(a.Colis)
	a.t.Cleanup(colis.Close)
	s, err := shipping.New(shipping.Config{
		Locator: locator,
		Pool:    pool, Addresses: r.Addresses, Labels: a.disk, Hub: r.Hub, Log: log, Registerer: a.Registry,
		Carriers: []shipping.Carrier{mondialrelay.New(mondialrelay.Config{
			Enseigne: "BDTEST13", Key: "PrivateK", URL: server.URL, LabelURL: server.URL, Line: shipping.LineConfig{Patience: 5 * time.Second},
		}), fedex.New(fedex.Config{
			ClientID: "tests", ClientSecret: "a secret of tests", Account: "740561073", Webhook: FedExToken, URL: fedExServer.URL, Line: shipping.LineConfig{Patience: 5 * time.Second},
		}), relaiscolis.New(relaiscolis.Config{
			ActivationKey: "a key of tests", RelayKey: "another", Enseigne: "5", URL: colis.URL, RelayURL: colis.URL, Locator: locator, Line: shipping.LineConfig{Patience: 5 * time.Second},
		})},
	})
	a.must(err)
	return s
}

func (a *API) resolver(pool *pgxpool.Pool, log *slog.Logger) *graph.Resolver {
	options, err := redis.ParseURL(redistest.URL(a.t))
	a.must(err)
	client := redis.NewClient(options)
	a.t.Cleanup(func() { _ = client.Close() })
	hub, err := realtime.NewHub(realtime.Config{Pool: a.data.Pool, Redis: client, Log: log, Registerer: a.Registry})
	a.must(err)
	a.t.Cleanup(hub.Close)

	disk, err := blob.NewDisk(a.t.TempDir(), func() string { return a.URL }, []byte("a key of tests"), clock.System{})
	a.must(err)
	a.disk = disk
	jobs, err := river.NewClient[pgx.Tx](riverpgxv5.New(pool), &river.Config{})
	a.must(err)
	a.jobs = jobs
	photos := media.New(media.Config{Pool: pool, Disk: disk, BaseURL: func() string { return a.URL }, Jobs: jobs, Log: log})
	rates := fx.New(pool, fx.Fixed{Clock: clock.System{}}, 36*time.Hour)
	a.must(rates.Refresh(a.t.Context()))
	stripe := payment.NewStripe(stripeKey, a.stripe(), nil)
	r := &graph.Resolver{
		Identity: identity.New(pool), Catalog: catalog.New(pool, photos), Media: photos, Taxonomy: taxonomy.New(pool), Follows: follow.New(pool),
		Payment: payment.New(payment.Config{
			Pool: pool, Provider: stripe, Jobs: jobs, Log: log, Hub: hub,
			ReturnURL: func() string { return "https://souk.example/back" },
			Rates:     rates, ExchangeMarginBP: 50,
		}),
		Books: books.New(pool), Reconcile: reconcile.New(pool, stripe, clock.System{}), AdminLog: adminlog.New(pool), Feed: feed.New(pool), Notices: notify.New(pool), Answers: idempotency.New(pool),
		Hub: hub, Clock: clock.System{}, Log: log,
	}
	index, err := search.NewMemory(pool, slog.New(slog.DiscardHandler))
	a.must(err)
	a.must(index.Load(a.t.Context()))
	a.t.Cleanup(func() { _ = index.Close(context.Background()) })
	r.Search = search.New(pool, r.Catalog, index)
	r.Saved = savedsearch.New(pool, r.Search, hub, log)
	r.Inventory = inventory.New(inventory.Config{
		Pool: pool, Catalog: r.Catalog, Hub: hub, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	})
	r.Files = listingfile.New(listingfile.Config{
		Pool: pool, Catalog: r.Catalog, Jobs: jobs, Clock: clock.System{}, Log: log, BaseURL: func() string { return a.URL }, Key: []byte("a key of tests"),
	})
	keys, err := code.ParseKeys("tests:"+strings.Repeat("1", 64), strings.Repeat("2", 64))
	a.must(err)
	r.Codes = code.New(pool, keys, r.Catalog, r.Inventory)
	r.Carts = cart.New(pool, r.Inventory, clock.System{})
	r.Addresses, r.Explain = address.New(pool), explain.New(pool)
	r.Shipping = a.shipping(pool, r, log)
	r.Wishes = wish.New(wish.Config{Pool: pool, Inventory: r.Inventory, Hub: hub, Log: log})
	r.Shows = show.New(show.Config{Pool: pool, Clock: clock.System{}, Hub: hub, Media: r.Media, Follows: r.Follows, Jobs: jobs})
	signer, err := video.NewAgora("970CA35de60c44645bbae8a215061b33", "5CFd2fd1755d40ecb72977518be15d3b") // of Agora's own examples
	a.must(err)
	r.Video = video.New(pool, r.Shows, signer, clock.System{})
	r.Orders = order.New(pool, r.Catalog, r.Payment, hub, feeBasisPoints)
	r.Shipping.UseOrders(r.Orders)
	r.Invoices = invoice.New(invoice.Config{
		Pool: pool, Orders: r.Orders, Store: disk, Hub: hub, Clock: clock.System{}, Log: log, BaseURL: func() string { return a.URL }, Key: []byte("a key of tests"),
	})
	r.HandOver = handover.New(pool, r.Orders, hub, []byte("a key of tests"))
	r.Flash = flash.New(flash.Config{
		Pool: pool, Redis: client, Hub: hub, Epoch: hub.Epoch, Clock: clock.System{}, Log: log, Key: []byte("a key of tests"),
		Gate: flash.NewAgeGate(pool, clock.System{}, 0),
	})
	r.Inventory.UseDoor(r.Flash)
	r.Taxes = tax.New(pool, nil, clock.System{}, slog.New(slog.DiscardHandler))
	r.Promotions = promotion.New(pool, clock.System{})
	r.Offers = offer.New(offer.Config{Pool: pool, Hub: hub, Log: log})
	a.checkout = checkout.Config{
		Pool: pool, Addresses: r.Addresses, Carts: r.Carts, Inventory: r.Inventory, Codes: r.Codes, Orders: r.Orders, Offers: r.Offers, Promotion: r.Promotions, Tax: r.Taxes, Shipping: r.Shipping, Payment: r.Payment, Hub: hub,
		Risk: risk.New(pool, risk.NewVelocity(pool, risk.DefaultLimits()), log),
	}
	a.checkout.Risk.UseOrders(jobs, r.Orders)
	r.Risk, r.Checkout = a.checkout.Risk, checkout.New(a.checkout)
	r.Reviews = review.New(pool, r.Orders, hub)
	r.Wants = want.New(pool, hub, log)
	r.Referrals = referral.New(referral.Config{Pool: pool, Hub: hub, Log: log, BasisPoints: 100, Window: 14 * 24 * time.Hour})
	r.Identity.UseReferrals(r.Referrals)
	r.Orders.UseReferrals(r.Referrals)
	r.Chat = chat.New(chat.Config{Pool: pool, Catalog: r.Catalog, Hub: hub, Clock: clock.System{}})
	r.Presence = presence.New(presence.Config{Redis: client, Epoch: hub.Epoch, Log: log})
	a.Background(r.Presence.Run)
	r.ShowChats = showchat.New(showchat.Config{Pool: pool, Hub: hub, Shows: r.Shows, Crowd: r.Presence, Clock: clock.System{}, Log: log})
	a.t.Cleanup(func() { _ = r.ShowChats.Close(context.Background()) })
	r.Auctions, err = auction.New(a.t.Context(), auction.Config{
		Pool: pool, Catalog: r.Catalog, Shows: r.Shows, Payment: r.Payment, Orders: r.Orders, Hub: hub,
	})
	a.must(err)
	return r
}

func (a *API) stripe() string {
	fake, err := stripefake.New(stripefake.Config{Key: stripeKey, Seed: 7})
	a.must(err)
	a.Stripe = fake
	listener := httptest.NewServer(fake)
	a.t.Cleanup(listener.Close)
	return listener.URL
}

// serve puts the handler behind what server/routes.go puts before it.
func (a *API) serve(log *slog.Logger, api http.Handler) {
	metrics := obs.NewHTTPMetrics(prometheus.NewRegistry())
	mux := http.NewServeMux()
	mux.Handle("/graphql", httpx.BodyLimit(maxBody)(api))
	mux.Handle(shipping.NewsPath, a.Resolver.Shipping.NewsHandler())
	mux.Handle(listingfile.Path, a.Resolver.Files.Handler(graph.WriteError(log)))
	mux.Handle(invoice.Path, a.Resolver.Invoices.Handler(graph.WriteError(log)))
	mux.Handle(media.PhotoPath, a.Resolver.Media.PhotoHandler())
	mux.Handle(blob.ObjectPath, a.disk.Handler(a.Resolver.Media.Receive, graph.WriteError(log)))
	server := httptest.NewServer(httpx.Chain(mux,
		httpx.RequestID(obs.NewRequestID),
		httpx.AccessLog(log, metrics),
		httpx.Recover(log, metrics),
		httpx.CORS(nil),
	))
	a.t.Cleanup(server.Close)
	a.URL = server.URL
}

// Nobody is a client that is not signed in.
func (a *API) Nobody() apitest.Client { return apitest.Client{URL: a.URL, Reached: Reached()} }

// LoseDatabase takes the domains' database away for good.
func (a *API) LoseDatabase() {
	a.lost = true
	a.pool.Close()
}

// replayed insists that each lot's stored bids, judged again, give what was stored. Every test ends with it.
func (a *API) replayed(lots *auction.Service) {
	err := lots.ReplayAll(context.Background(), func(r auction.Replayed) {
		for _, d := range r.Differences {
			a.t.Errorf("lot %s: %s", r.Auction, d)
		}
	})
	if err != nil {
		a.t.Errorf("replay: %v", err)
	}
}

// Audited has every invariant of the database checked.
func (a *API) Audited() {
	a.t.Helper()
	_, err := audit.Run(a.t.Context(), a.data.Pool, audit.Options{}, func(r audit.Result) {
		if !r.OK() {
			a.t.Errorf("%s: %v", r.Name, r.Findings)
		}
	})
	a.must(err)
}

// Exec runs a statement as the schema's owner.
func (a *API) Exec(sql string, args ...any) {
	a.t.Helper()
	_, err := a.data.Admin.Exec(a.t.Context(), sql, args...)
	a.must(err)
}

// Int reads one number as the schema's owner.
func (a *API) Int(sql string, args ...any) (n int64) {
	a.t.Helper()
	a.must(a.data.Admin.QueryRow(a.t.Context(), sql, args...).Scan(&n))
	return n
}

// Texts reads a column of texts as the schema's owner.
func (a *API) Texts(sql string, args ...any) []string {
	a.t.Helper()
	rows, err := a.data.Admin.Query(a.t.Context(), sql, args...)
	a.must(err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	a.must(err)
	return texts
}

// Digest is the content of every table: two that are equal say that nothing was changed.
func (a *API) Digest() map[string]string {
	a.t.Helper()
	rows, err := a.data.Admin.Query(a.t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`)
	a.must(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	a.must(err)
	digest := make(map[string]string, len(tables))
	for _, table := range tables {
		var content string
		a.must(a.data.Admin.QueryRow(a.t.Context(), fmt.Sprintf(
			`SELECT count(*) || ' rows ' || coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM %s t`, table)).Scan(&content))
		digest[table] = content
	}
	return digest
}

func (a *API) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}
