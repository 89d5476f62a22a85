package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/demo"
	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/handover"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/ide"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/listingfile"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/presence"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/reconcile"
	"github.com/souklive/souk/internal/redisx"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/review"
	"github.com/souklive/souk/internal/risk"
	"github.com/souklive/souk/internal/savedsearch"
	"github.com/souklive/souk/internal/search"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/socket"
	"github.com/souklive/souk/internal/tax"
	"github.com/souklive/souk/internal/taxonomy"
	"github.com/souklive/souk/internal/video"
	"github.com/souklive/souk/internal/want"
	"github.com/souklive/souk/internal/wish"
)

// app is the product on top of the services.
type app struct {
	handler http.Handler // the API, photos, the IDE
	workers []func(context.Context) error
	watch   func(context.Context) error // ends what belongs to sessions that ended, where clients are served
	checks  []obs.Check
	drain   func(context.Context) // tells the clients of sockets to come back elsewhere
	demo    demo.Services
}

// jobTimeout bounds one job, unless its kind says otherwise; what a killed process had begun is begun anew after rescueAfter, or after the
// time of its kind where that is longer. jobWorkers is how many run at once in a process.
const (
	jobTimeout  = time.Minute
	rescueAfter = 2 * time.Minute
	jobWorkers  = 10
)

// wire makes every part and ties it to those that it works with. This is the one place that knows them all.
func wire(ctx context.Context, s *services) (*app, error) {
	hub, err := realtime.NewHub(realtime.Config{Pool: s.pool, Redis: s.redis, Log: s.log, Registerer: s.registry})
	if err != nil {
		return nil, err
	}
	s.closes("live events", func(context.Context) error { hub.Close(); return nil })
	key, err := signingKey(s.config)
	if err != nil {
		return nil, err
	}
	jobs := &lateJobs{}
	photos, disk, labels, err := newMedia(s, key, jobs)
	if err != nil {
		return nil, err
	}
	users := identity.New(s.pool)
	listings := catalog.New(s.pool, photos)
	signer, err := videoSigner(s.config)
	if err != nil {
		return nil, err
	}
	follows := follow.New(s.pool)
	stock := inventory.New(inventory.Config{Pool: s.pool, Catalog: listings, Hub: hub, Clock: clock.System{}, Log: s.log})
	codes, err := newCodes(ctx, s, listings, stock)
	if err != nil {
		return nil, err
	}
	sales := flash.New(flash.Config{
		Pool: s.pool, Redis: s.redis, Hub: hub, Epoch: hub.Epoch, Clock: clock.System{}, Log: s.log, Key: key,
		Gate: flash.NewAgeGate(s.pool, clock.System{}, s.config.FlashAccountAge),
	})
	stock.UseDoor(sales)
	shows := show.New(show.Config{Pool: s.pool, Clock: clock.System{}, Hub: hub, Media: photos, Follows: follows, Jobs: jobs})
	crowd := presence.New(presence.Config{Redis: s.redis, Epoch: hub.Epoch, Log: s.log})
	talk := showchat.New(showchat.Config{Pool: s.pool, Hub: hub, Shows: shows, Crowd: crowd, Clock: clock.System{}, Log: s.log})
	s.closes("chats", talk.Close)
	rates := exchangeRates(s)
	stripe := payment.NewStripe(s.stripeKey, s.stripeURL, nil)
	compare := reconcile.New(s.pool, stripe, clock.System{})
	pay := payment.New(payment.Config{
		Pool: s.pool, Provider: stripe, Jobs: jobs, Log: s.log, Hub: hub,
		WebhookSecret: s.webhookSecret(), ReturnURL: func() string { return s.publicURL + payment.ReturnPath },
		Rates: rates, ExchangeMarginBP: s.config.ExchangeMarginBP,
	})
	orders := order.New(s.pool, listings, pay, hub, s.config.PlatformFeeBP)
	referrals := referral.New(referral.Config{
		Pool: s.pool, Hub: hub, Log: s.log, BasisPoints: s.config.ReferralBP, Window: s.config.ReturnWindow,
	})
	users.UseReferrals(referrals)
	orders.UseReferrals(referrals)
	orders.PayWithin(s.config.PayWithin)
	orders.UsePeriods(order.Periods{AfterDelivery: s.config.CompleteAfterDelivery, AfterSending: s.config.CompleteAfterSending, Return: s.config.ReturnWindow,
		ClaimAnswer: s.config.ProblemAnswerWithin, ClaimReturn: s.config.ProblemReturnWithin, ClaimDecide: s.config.ProblemDecideWithin})
	auctions, err := auction.New(ctx, auction.Config{
		Pool: s.pool, Catalog: listings, Shows: shows, Payment: pay, Orders: orders, Hub: hub, Log: s.log, Registerer: s.registry,
		ChanceFor: s.config.SecondChanceFor,
	})
	if err != nil {
		return nil, err
	}
	s.closes("bids that wait", auctions.Drain)
	answers := idempotency.New(s.pool)
	wants := want.New(s.pool, hub, s.log)
	wishes := wish.New(wish.Config{Pool: s.pool, Inventory: stock, Hub: hub, Log: s.log})
	notices, carts, addresses := notify.New(s.pool), cart.New(s.pool, stock, clock.System{}), address.New(s.pool)
	taxes := tax.New(s.pool, nil, clock.System{}, s.log)
	promotions := promotion.New(s.pool, clock.System{})
	offers := offer.New(offer.Config{Pool: s.pool, Hub: hub, Log: s.log, Pace: true})
	locator, err := s.openLocator(ctx)
	if err != nil {
		return nil, err
	}
	carriers, err := s.openCarriers(ctx, locator)
	if err != nil {
		return nil, err
	}
	parcels, err := shipping.New(shipping.Config{
		Pool: s.pool, Carriers: carriers, Locator: locator, Addresses: addresses, Labels: labels, Jobs: jobs, Hub: hub, Log: s.log, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	parcels.UseOrders(orders)
	looked := risk.New(s.pool, risk.NewVelocity(s.pool, s.config.riskLimits()), s.log)
	looked.UseOrders(jobs, orders)
	sold := checkout.New(checkout.Config{
		Pool: s.pool, Addresses: addresses, Carts: carts, Inventory: stock, Codes: codes, Orders: orders, Offers: offers, Promotion: promotions, Tax: taxes, Shipping: parcels, Payment: pay, Hub: hub,
		Risk: looked, Pace: true,
	})
	invoices := invoice.New(invoice.Config{
		Pool: s.pool, Orders: orders, Store: labels, Hub: hub, Clock: clock.System{}, Log: s.log, BaseURL: func() string { return s.publicURL }, Key: key,
	})
	files := listingfile.New(listingfile.Config{
		Pool: s.pool, Catalog: listings, Jobs: jobs, Clock: clock.System{}, Log: s.log, BaseURL: func() string { return s.publicURL }, Key: key,
	})
	if jobs.Client, err = newRiver(s, pay, orders, rates, referrals, answers, compare, shows, files, notices, carts, photos, parcels, looked); err != nil {
		return nil, err
	}

	index, err := search.NewMemory(s.pool, s.log)
	if err != nil {
		return nil, err
	}
	s.closes("searches", index.Close)
	searches := search.New(s.pool, listings, index)
	saved := savedsearch.New(s.pool, searches, hub, s.log)

	sockets, err := socket.New(socket.Config{
		AllowOrigin: func(r *http.Request, _ string) bool { return s.config.AllowedOrigins.Allows(r) },
		RemoteAddr:  func(r *http.Request) string { return httpx.Client(r.Context()).String() },
		Log:         s.log, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	sessions := identity.NewWatch(s.pool, s.log)
	viewers, err := audience.New(audience.Config{Epoch: hub.Epoch, Log: s.log, Registerer: s.registry})
	if err != nil {
		return nil, err
	}
	s.closes("audiences", func(context.Context) error { viewers.Close(); return nil })
	api := graph.NewHandler(&graph.Resolver{
		Search: searches, Saved: saved,
		Identity: users, Catalog: listings, Media: photos, Taxonomy: taxonomy.New(s.pool), Inventory: stock, Addresses: addresses, Carts: carts, Wishes: wishes, Wants: wants, Reviews: review.New(s.pool, orders, hub), Codes: codes, Flash: sales, Checkout: sold, Risk: looked, Promotions: promotions, Offers: offers, Taxes: taxes, Explain: explain.New(s.pool), Shipping: parcels, Invoices: invoices, HandOver: handover.New(s.pool, orders, hub, key), Shows: shows, ShowChats: talk, Presence: crowd, Follows: follows, Video: video.New(s.pool, shows, signer, clock.System{}), Payment: pay, Referrals: referrals, Orders: orders, Auctions: auctions,
		Books: books.New(s.pool), Reconcile: compare, AdminLog: adminlog.New(s.pool),
		Chat: chat.New(chat.Config{Pool: s.pool, Catalog: listings, Hub: hub, Clock: clock.System{}}),
		Feed: feed.New(s.pool), Notices: notices, Files: files, Answers: answers, Hub: hub, Clock: clock.System{}, Log: s.log,
	}, graph.Config{Sockets: sockets, Audience: viewers, Sessions: sessions, Limits: graph.DefaultLimits, Production: s.config.Env == production})

	mux := http.NewServeMux()
	mux.Handle("/graphql", sockets.Guard(api))
	mux.Handle(listingfile.Path, files.Handler(graph.WriteError(s.log)))
	mux.Handle(invoice.Path, invoices.Handler(graph.WriteError(s.log)))
	mux.Handle(media.PhotoPath, photos.PhotoHandler())
	mux.Handle(blob.ObjectPath, disk.Handler(photos.Receive, graph.WriteError(s.log)))
	mux.Handle(payment.WebhookPath, pay.WebhookHandler())
	mux.Handle(shipping.NewsPath, parcels.NewsHandler())
	mux.HandleFunc("GET "+payment.ReturnPath, payment.Returned)
	mux.Handle("/", ide.Handler(ide.Config{PlayMoney: s.playMoney, Accounts: demoAccounts(s)}))
	return &app{
		handler: mux,
		watch: func(ctx context.Context) error {
			var telling sync.WaitGroup
			defer telling.Wait()
			telling.Go(func() { _ = crowd.Run(ctx) }) // whose failures are its own
			telling.Go(func() { _ = index.Run(ctx) })
			telling.Go(func() { _ = listings.TakedownLoop(ctx, s.log, viewers.TakeDown) })
			return sessions.Run(ctx)
		},
		workers: []func(context.Context) error{
			func(ctx context.Context) error { return auctions.CloseLoop(ctx, s.log) },
			auctions.AftermathLoop,
			stock.ExpireLoop,
			sales.TurnLoop,
			wishes.TellLoop,
			files.SweepLoop,
			wants.MatchLoop,
			offers.ExpireLoop,
			saved.MatchLoop,
			auctions.TellLoop,
			invoices.IssueLoop,
			func(ctx context.Context) error { return runRiver(ctx, jobs.Client, photos) },
		},
		checks: []obs.Check{
			{Name: "database", Probe: s.pool.Ping},
			{Name: "redis", Probe: func(ctx context.Context) error { return redisx.Ping(ctx, s.redis) }},
		},
		drain: func(ctx context.Context) {
			api.DrainStreams()
			sockets.Drain(ctx) // first, so that clients hear a code that makes them come back
			hub.Drain(ctx)
		},
		demo: demo.Services{Identity: users, Catalog: listings, Media: photos, Shows: shows, Payment: pay, Auctions: auctions, Log: s.log},
	}, nil
}

// lateJobs lets payment enqueue jobs whose workers need payment: the client is made last.
type lateJobs struct{ *river.Client[pgx.Tx] }

// exchangeRates decides who says what currencies are worth: nobody, in production without a setting.
func exchangeRates(s *services) *fx.Service {
	switch {
	case s.config.FXRatesURL != "":
		return fx.New(s.pool, fx.NewECB(s.config.FXRatesURL), s.config.FXMaxAge)
	case s.config.Env == production:
		return nil
	}
	return fx.New(s.pool, fx.Fixed{Clock: clock.System{}}, s.config.FXMaxAge)
}

// newRiver makes a client that works jobs off where the role does, and else only enqueues them.
func newRiver(s *services, pay *payment.Service, orders *order.Service, rates *fx.Service, referrals *referral.Service, answers *idempotency.Store, compare *reconcile.Service, shows *show.Service, files *listingfile.Service, notices *notify.Service, carts *cart.Service, photos *media.Service, parcels *shipping.Service, looked *risk.Service) (*river.Client[pgx.Tx], error) {
	config := &river.Config{
		Logger: slog.New(riverLog{s.log.Handler()}), JobTimeout: jobTimeout, RescueStuckJobsAfter: rescueAfter,
	}
	if s.role.RunsJobs() {
		workers := river.NewWorkers()
		payment.Workers(workers, pay)
		order.Workers(workers, orders)
		reconcile.Workers(workers, compare, s.log)
		ledger.Workers(workers, s.pool)
		referral.Workers(workers, referrals)
		idempotency.Workers(workers, answers)
		show.Workers(workers, shows)
		notify.Workers(workers, notices)
		listingfile.Workers(workers, files)
		cart.Workers(workers, carts)
		media.Workers(workers, photos)
		shipping.Workers(workers, parcels)
		risk.Workers(workers, looked)
		config.Workers = workers
		config.PeriodicJobs = slices.Concat(payment.PeriodicJobs(), order.PeriodicJobs(), reconcile.PeriodicJobs(), ledger.PeriodicJobs(), referral.PeriodicJobs(), idempotency.PeriodicJobs(), notify.PeriodicJobs(), cart.PeriodicJobs(), media.PeriodicJobs(), shipping.PeriodicJobs(), risk.PeriodicJobs())
		if rates != nil {
			fx.Workers(workers, rates)
			config.PeriodicJobs = append(config.PeriodicJobs, fx.PeriodicJobs()...)
		}
		config.Queues = photos.Queues()
		config.Queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: jobWorkers}
	}
	return river.NewClient(riverpgxv5.New(s.pool), config)
}

// runRiver works jobs off until ctx ends, then lets those that run finish; what is cut off is rescued later.
func runRiver(ctx context.Context, client *river.Client[pgx.Tx], photos *media.Service) error {
	// First, as a client that has started has to be stopped: a server may be told to stop while it starts.
	if err := photos.Start(ctx); err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), riverPatience)
	defer cancel()
	if err := client.Stop(stopping); err == nil {
		return nil
	}
	return client.StopAndCancel(context.WithoutCancel(ctx))
}

// riverPatience is how long running jobs may take to finish when the server stops.
const riverPatience = 5 * time.Second
