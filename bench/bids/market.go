//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

const (
	poolSize = 20   // connections, as a server has by default; for every side
	people   = 2000 // who may bid
	wallet   = 1_000_000_000_00
	cent     = 1 // the step of every price here, so that a lot has room for millions of bids
)

// market is people with money and sessions, and the services of a server, without their API.
type market struct {
	pool     *pgxpool.Pool
	hub      *realtime.Hub
	catalog  *catalog.Service
	shows    *show.Service
	payment  *payment.Service
	orders   *order.Service
	auctions *auction.Service

	seller  uuid.UUID
	bidders []uuid.UUID
	tokens  []string // of their sessions
}

// prepare makes the schema and all that every part needs.
func (b *bench) prepare(ctx context.Context) (err error) {
	if err := postgres.Migrate(ctx, b.Database.AdminURL(rig.DatabaseName), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	for _, statement := range []string{naiveSchema, fmt.Sprintf("UPDATE increment SET step = %d", cent)} {
		if _, err := b.Admin.Exec(ctx, statement); err != nil {
			return err
		}
	}
	b.market = &market{}
	if b.market.pool, err = postgres.Open(ctx, b.Database.ServerURL(rig.DatabaseName), poolSize); err != nil {
		return err
	}
	b.Defer(func(context.Context) error { b.market.pool.Close(); return nil })
	b.Say("%d people with a wallet each", people)
	if err := b.market.settle(ctx, b.Admin); err != nil {
		return err
	}
	b.naive = &naive{pool: b.market.pool, bidders: b.market.bidders}
	return b.wire(ctx)
}

// settle makes the people, their sessions and their money.
func (m *market) settle(ctx context.Context, admin *pgxpool.Pool) error {
	m.seller = id.New()
	if err := signUp(ctx, admin, m.seller, identity.Seller, rand.Text()); err != nil {
		return err
	}
	for range people {
		user, token := id.New(), "souk_"+rand.Text()
		if err := signUp(ctx, admin, user, identity.Buyer, token); err != nil {
			return err
		}
		m.bidders, m.tokens = append(m.bidders, user), append(m.tokens, token)
	}
	const together = 200
	for from := 0; from < people; from += together {
		if err := postgres.InTx(ctx, m.pool, func(tx pgx.Tx) error {
			for _, user := range m.bidders[from : from+together] {
				if err := fund(ctx, tx, user); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	_, err := admin.Exec(ctx, "ANALYZE") // as a database that has been used is
	return err
}

// signUp makes somebody with an open session, without the work of hashing a password.
func signUp(ctx context.Context, admin *pgxpool.Pool, user uuid.UUID, role identity.Role, token string) error {
	if _, err := admin.Exec(ctx, `INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, 'Somebody', $3, 'none')`,
		user, user.String()+"@souk.example", string(role)); err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(token))
	_, err := admin.Exec(ctx, `INSERT INTO session (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 day')`,
		id.New(), user, digest[:])
	return err
}

// fund gives somebody money, of which they have held some before.
func fund(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	of := func(kind ledger.Kind) ledger.Account { return ledger.Account{Kind: kind, Owner: user, Currency: "EUR"} }
	for _, e := range []struct {
		flow     ledger.Flow
		from, to ledger.Account
		amount   int64
	}{
		{ledger.FlowTopUp, ledger.Account{Kind: ledger.Bank, Currency: "EUR"}, of(ledger.Wallet), wallet},
		{ledger.FlowHold, of(ledger.Wallet), of(ledger.WalletHeld), cent},
		{ledger.FlowHold, of(ledger.WalletHeld), of(ledger.Wallet), cent},
	} {
		if _, err := ledger.PostTx(ctx, tx, ledger.Entry{
			Key: "bench:" + id.New().String(), Flow: e.flow, Cause: ledger.Cause{Kind: "bench", ID: user},
			Legs: []ledger.Leg{{Account: e.from, Amount: -e.amount}, {Account: e.to, Amount: e.amount}},
		}); err != nil {
			return err
		}
	}
	return nil
}

// wire ties the services as server/wiring.go does.
func (b *bench) wire(ctx context.Context) (err error) {
	m := b.market
	if m.hub, err = realtime.NewHub(realtime.Config{Pool: m.pool, Redis: b.Redis, Log: rig.Warnings()}); err != nil {
		return err
	}
	b.Defer(func(context.Context) error { m.hub.Close(); return nil })
	m.catalog, m.shows = catalog.New(m.pool, nil), show.New(show.Config{Pool: m.pool, Clock: clock.System{}, Hub: m.hub})
	m.payment = payment.New(payment.Config{Pool: m.pool, Hub: m.hub, Log: rig.Warnings()})
	m.orders = order.New(m.pool, m.catalog, m.payment, m.hub, 0)
	m.auctions, err = auction.New(ctx, auction.Config{
		Pool: m.pool, Catalog: m.catalog, Shows: m.shows, Payment: m.payment, Orders: m.orders, Hub: m.hub,
	})
	return err
}

// lot is an open one, for a day.
type lot struct {
	id    uuid.UUID
	asked atomic.Int64 // the amount that was bid last, taken or on its way
	line  sync.Mutex   // of those who send one
}

func (m *market) lots(ctx context.Context, count int) ([]*lot, error) {
	lots := make([]*lot, count)
	for i := range lots {
		listing := id.New()
		if _, err := m.pool.Exec(ctx, `INSERT INTO listing (id, seller_id, kind, title, description, condition)
			VALUES ($1, $2, 'ONE_OFF', 'A thing', '', 'GOOD')`, listing, m.seller); err != nil {
			return nil, err
		}
		a, err := m.auctions.Start(ctx, m.seller, auction.StartInput{Listing: listing, StartPrice: money.New(cent, "EUR"), Duration: 24 * time.Hour})
		if err != nil {
			return nil, err
		}
		lots[i] = &lot{id: a.ID}
	}
	return lots, nil
}

// engine is auction.Place on so many lots.
func (m *market) engine(lots int) side {
	return side{"engine", func(ctx context.Context) (bidding, error) {
		all, err := m.lots(ctx, lots)
		return func(ctx context.Context, bidder int) (bool, error) {
			return m.place(ctx, all[bidder%lots], bidder)
		}, err
	}}
}

func (m *market) place(ctx context.Context, l *lot, bidder int) (bool, error) {
	amount := l.asked.Add(cent)
	_, err := m.auctions.Place(ctx, m.bidders[bidder], auction.PlaceInput{
		Auction: l.id, Amount: money.New(amount, "EUR"), IdempotencyKey: l.key(amount),
	})
	if f, refused := fault.As(err); refused && overtaken(f.Code) {
		return false, nil
	}
	return err == nil, err
}

// key is a bid's own.
func (l *lot) key(amount int64) string { return l.id.String() + strconv.FormatInt(amount, 10) }

// overtaken says that a refusal comes from others having been quicker, or from oneself; any other is a fault of the benchmark.
func overtaken(code string) bool { return code == "BID_TOO_LOW" || code == "ALREADY_LEADING" }
