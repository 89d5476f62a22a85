package audit

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/show"

	"github.com/souklive/souk/internal/clock"
)

// generous is a provider whose every card pays, for a fee.
type generous struct {
	payment.Vault
	payment.Teller

	intents map[string]payment.Intent
	refunds map[string]payment.SentRefund
	manual  map[string]bool
	disputed
}

func (g generous) CreateIntent(_ context.Context, r payment.IntentRequest) (payment.Intent, error) {
	intent := payment.Intent{ID: "pi_" + r.Reference, State: payment.Unconfirmed, Amount: r.Amount}
	g.intents[intent.ID], g.manual[intent.ID] = intent, r.Manual
	return intent, nil
}

func (g generous) ConfirmIntent(ctx context.Context, id, _, key string) (payment.Intent, error) {
	if !g.manual[id] {
		return g.CaptureIntent(ctx, id, key)
	}
	intent, err := g.Intent(ctx, id)
	intent.State = payment.Authorised
	g.intents[id] = intent
	return intent, err
}

func (g generous) CaptureIntent(ctx context.Context, id, _ string) (payment.Intent, error) {
	intent, err := g.Intent(ctx, id)
	intent.State = payment.Succeeded
	intent.Charge = payment.Charge{
		ID: "ch_" + id, BalanceTxnID: "txn_" + id, Amount: intent.Amount, Fee: money.New(55, intent.Amount.Currency),
	}
	g.intents[id] = intent
	return intent, err
}

func (g generous) Intent(_ context.Context, id string) (payment.Intent, error) {
	return g.intents[id], nil
}

func (g generous) CancelIntent(ctx context.Context, id, _ string) (payment.Intent, error) {
	return g.Intent(ctx, id)
}

type silent struct{}

func (silent) Publish(context.Context, ...realtime.Event) {}

func (silent) InsertTx(context.Context, pgx.Tx, river.JobArgs, *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	return &rivertype.JobInsertResult{}, nil
}

// story is a day on the market, made by the use cases themselves. names are the things that corruptions speak of.
type story struct {
	*pgtest.Database
	t       *testing.T
	payment *payment.Service
	auction *auction.Service
	orders  *order.Service
	names   map[string]string
	disputed
}

func tell(t *testing.T) *story {
	t.Helper()
	s := &story{Database: pgtest.New(t), t: t, names: map[string]string{}, disputed: disputed{}}
	rates := fx.New(s.Pool, fx.Fixed{Clock: clock.System{}}, time.Hour)
	s.must(rates.Refresh(t.Context()))
	s.payment = payment.New(payment.Config{
		Pool: s.Pool, Provider: generous{intents: map[string]payment.Intent{}, manual: map[string]bool{}, refunds: map[string]payment.SentRefund{}, disputed: s.disputed}, Jobs: silent{},
		Rates: rates, ExchangeMarginBP: 50,
	})
	listings := catalog.New(s.Pool, nil)
	s.orders = order.New(s.Pool, listings, s.payment, silent{}, 800)
	referrals := referral.New(referral.Config{Pool: s.Pool, BasisPoints: 100, Window: time.Hour})
	s.orders.UseReferrals(referrals)
	auctions, err := auction.New(t.Context(), auction.Config{
		Pool: s.Pool, Catalog: listings, Shows: show.New(show.Config{Pool: s.Pool, Clock: clock.System{}, Hub: silent{}}),
		Payment: s.payment, Orders: s.orders, Hub: silent{},
	})
	s.must(err)
	s.auction = auctions

	seller, amal, badr := s.user("seller"), s.user("amal"), s.user("badr")
	s.topUp(amal, "topup")
	s.topUp(badr, "topup of badr")
	s.rollUp() // one part of the story lies before the watermark, the other behind it

	s.brings(referrals, seller, badr, "matured")
	s.brings(referrals, seller, s.user("chadi"), "waiting")
	s.brings(referrals, badr, amal, "pending")

	s.lot(seller, "led", amal, badr)
	s.lot(seller, "quiet")
	s.close(s.lot(seller, "unsold"), "unsold")
	s.close(s.lot(seller, "sold", badr, amal), "paid")
	settled := s.close(s.lot(seller, "done", amal, badr, amal), "settled")
	s.must2(s.orders.Ship(t.Context(), seller, settled, "RR123"))
	s.must2(s.orders.ConfirmReceipt(t.Context(), amal, settled))

	// What badr gets for amal waits; what the seller gets for badr was due an hour ago.
	bought := s.close(s.lot(seller, "wanted", badr), "bought")
	s.must2(s.orders.Ship(t.Context(), seller, bought, "RR124"))
	s.must2(s.orders.ConfirmReceipt(t.Context(), badr, bought))
	s.exec(s.sql(`BEGIN; SET LOCAL session_replication_role = replica;
		UPDATE referral SET pending_at = pending_at - interval '2 hours', matures_at = matures_at - interval '2 hours' WHERE id = :matured;; COMMIT`))
	s.must(referrals.MatureDue(t.Context()))

	exchange, err := s.payment.Exchange(t.Context(), badr, payment.ExchangeInput{From: money.New(20_00, "EUR"), To: "TND", IdempotencyKey: "once"})
	s.must(err)
	s.names["exchange"] = exchange.ID.String()
	s.reversed(s.user("chafik"))

	carim := s.user("carim")
	s.topUp(carim, "topup of carim")
	s.withdraw(carim, 50_00, "arrived", payment.WithdrawalSucceeded)
	s.withdraw(carim, comesBack, "returned", payment.WithdrawalFailed)
	s.withdraw(carim, isRefused, "refused", payment.WithdrawalFailed)
	s.withdraw(carim, isNotSent, "under way", payment.WithdrawalProcessing)
	s.chargebacks()

	s.byCard(seller, amal)
	s.goods(seller, amal)

	s.post("label", ledger.CarrierCost, ledger.CarrierPayable)
	s.post("promised", ledger.Promotions, ledger.Bank)
	s.must(postgres.InTx(t.Context(), s.Pool, func(tx pgx.Tx) error {
		var entry int64
		s.must(tx.QueryRow(t.Context(), "SELECT id FROM ledger.entry WHERE key = 'promised'").Scan(&entry))
		_, err := ledger.ReverseTx(t.Context(), tx, entry, "taken back", ledger.Cause{Kind: "test", ID: uuid.Max})
		return err
	}))
	return s
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) must2(_ any, err error) { s.t.Helper(); s.must(err) }

func (s *story) exec(sql string, args ...any) {
	s.t.Helper()
	s.must2(s.Admin.Exec(s.t.Context(), sql, args...))
}

func (s *story) user(name string) uuid.UUID {
	s.t.Helper()
	user := id.New()
	s.exec("INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, $2, 'SELLER', '')", user, name+"@souk.test")
	s.names[name] = user.String()
	return user
}

func (s *story) topUp(user uuid.UUID, name string) {
	s.t.Helper()
	top, err := s.payment.TopUp(s.t.Context(), user, payment.TopUpInput{
		Amount: money.New(1000_00, "EUR"), PaymentMethod: "pm_card", IdempotencyKey: "once",
	})
	s.must(err)
	s.names[name] = top.ID.String()
}

// brings lets a user bring another.
func (s *story) brings(referrals *referral.Service, referrer, referee uuid.UUID, name string) {
	s.t.Helper()
	code, err := referrals.Code(s.t.Context(), referrer)
	s.must(err)
	s.must(postgres.InTx(s.t.Context(), s.Pool, func(tx pgx.Tx) error {
		_, err := referrals.JoinTx(s.t.Context(), tx, referee, code)
		return err
	}))
	var referral uuid.UUID
	s.must(s.Admin.QueryRow(s.t.Context(), "SELECT id FROM referral WHERE referee_id = $1", referee).Scan(&referral))
	s.names[name] = referral.String()
}

// reversed pays in and exchanges, and an admin takes both back: what an operator reverses breaks no invariant.
func (s *story) reversed(user uuid.UUID) {
	s.t.Helper()
	s.topUp(user, "topup taken back")
	s.must2(s.payment.Exchange(s.t.Context(), user, payment.ExchangeInput{From: money.New(20_00, "EUR"), To: "TND", IdempotencyKey: "once"}))
	for _, flow := range []ledger.Flow{ledger.FlowExchange, ledger.FlowTopUp} {
		var entry int64
		s.must(s.Admin.QueryRow(s.t.Context(), `SELECT e.id FROM ledger.entry e JOIN ledger.posting p ON p.entry_id = e.id
			JOIN ledger.account a ON a.id = p.account_id WHERE a.owner = $1 AND e.flow = $2 LIMIT 1`, user, string(flow)).Scan(&entry))
		s.must2(books.New(s.Pool).Reverse(s.t.Context(), user, books.ReverseInput{Entry: entry, Reason: "a mistake", IdempotencyKey: string(flow)}))
	}
}

// rollUp rolls up until something moved: the transactions of other tests hold the watermark back while they run.
func (s *story) rollUp() {
	s.t.Helper()
	for range 3000 {
		moved, err := ledger.RollUp(s.t.Context(), s.Pool)
		s.must(err)
		if moved > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("some transaction has held the watermark back for half a minute")
}

// lot opens an auction; each bidder bids more than the one before.
func (s *story) lot(seller uuid.UUID, name string, bidders ...uuid.UUID) uuid.UUID {
	s.t.Helper()
	a := s.start(seller, name, auction.ByHold)
	for i, bidder := range bidders {
		s.must2(s.auction.Place(s.t.Context(), bidder, auction.PlaceInput{
			Auction: a.ID, Amount: money.New(int64(10_00+i*5_00), "EUR"), IdempotencyKey: name + strings.Repeat("!", i),
		}))
	}
	s.names[name] = a.ID.String()
	return a.ID
}

// goods tells of a "product" with a stock of 5, of which one was paid ("consumed") and one is "reserved", beside an item that exists once.
func (s *story) goods(seller, buyer uuid.UUID) {
	s.t.Helper()
	product, single, place, paid, open := id.New(), id.New(), id.New(), id.New(), id.New()
	s.exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'RETAIL', 'A product', '', 'NEW')`, product, seller)
	s.exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $1, $2, 900, 'EUR')`, product, seller)
	s.exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency) VALUES ($1, $2, 'ONE_OFF', 'A thing', '', 'GOOD', 500, 'EUR')`, single, seller)
	s.exec(`INSERT INTO location (id, seller_id, name, region) VALUES ($1, $2, 'Home', 'FR')`, place, seller)
	s.exec(`INSERT INTO stock (variant_id, location_id, seller_id) VALUES ($1, $2, $3)`, product, place, seller)
	s.exec(`INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id) VALUES ($1, $2, 0, 'RECEIVED', 5, 0, $1, $3)`,
		product, place, seller)
	s.exec(`SELECT reservation_open($1, $2, 'paid', '', 900, ARRAY[$3::uuid], ARRAY[$4::uuid], ARRAY[1])`, paid, buyer, product, place)
	s.exec(`SELECT reservation_consume($1)`, paid)
	s.exec(`SELECT reservation_open($1, $2, 'open', '', 900, ARRAY[$3::uuid, $4::uuid], ARRAY[$5::uuid, $6::uuid], ARRAY[1, 1])`,
		open, buyer, product, single, place, uuid.Nil)
	s.code(seller)
	s.names["product"], s.names["consumed"], s.names["reserved"] = product.String(), paid.String(), open.String()
}

// code tells of a product with one code that nobody has bought.
func (s *story) code(seller uuid.UUID) {
	s.t.Helper()
	product, place, batch := id.New(), id.New(), id.New()
	s.exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'DIGITAL_CODE', 'A game', '', 'NEW')`, product, seller)
	s.exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $1, $2, 900, 'EUR')`, product, seller)
	s.exec(`INSERT INTO location (id, seller_id, name, region, digital) VALUES ($1, $2, 'Codes', 'ZZ', true)`, place, seller)
	s.exec(`INSERT INTO stock (variant_id, location_id, seller_id) VALUES ($1, $2, $3)`, product, place, seller)
	s.exec(`INSERT INTO code_batch (id, seller_id, variant_id, key_id, wrapped_key, idempotency_key, request_hash)
		VALUES ($1, $2, $3, 'k', decode(repeat('00', 60), 'hex'), 'k', '')`, batch, seller, product)
	s.exec(`INSERT INTO code (id, batch_id, variant_id, fingerprint, sealed) VALUES ($1, $1, $2, sha256('one'), decode(repeat('00', 92), 'hex'))`, batch, product)
	s.exec(`INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id) VALUES ($1, $2, 0, 'RECEIVED', 1, 0, $3, $4)`,
		product, place, batch, seller)
}

// start opens an auction of a new listing.
func (s *story) start(seller uuid.UUID, name string, backing auction.Backing) auction.Auction {
	s.t.Helper()
	listing := id.New()
	s.exec("INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'ONE_OFF', $3, '', 'GOOD')", listing, seller, "a "+name+" thing")
	cents := int64(10_00)
	if backing == auction.ByCard {
		cents = 80_00
	}
	a, err := s.auction.Start(s.t.Context(), seller, auction.StartInput{
		Listing: listing, Backing: backing, StartPrice: money.New(cents, "EUR"), Duration: time.Hour,
	})
	s.must(err)
	return a
}

// close ends a lot, and answers its order if there is one.
func (s *story) close(lot uuid.UUID, name string) (order uuid.UUID) {
	s.t.Helper()
	s.exec("UPDATE auction SET ends_at = opened_at WHERE id = $1", lot)
	if closed, err := s.auction.Close(s.t.Context(), lot); err != nil || !closed {
		s.t.Fatalf("close: %t, %v", closed, err)
	}
	err := s.Admin.QueryRow(s.t.Context(), "SELECT id FROM orders WHERE auction_id = $1", lot).Scan(&order)
	if err != nil && !postgres.NoRows(err) {
		s.t.Fatal(err)
	}
	if err == nil {
		s.names[name] = order.String()
	}
	return order
}

// byCard tells of two orders that were paid partly by card: "authorised", and "carded", of which a part was refunded after
// its release. Their payments are "authorising" and "carding".
func (s *story) byCard(seller, buyer uuid.UUID) {
	s.t.Helper()
	s.exec("INSERT INTO provider_customer (user_id, provider, customer_id) VALUES ($1, 'stripe', 'cus_amal')", buyer)
	card := id.New()
	s.exec(`INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year)
		VALUES ($1, $2, 'stripe', 'pm_amal', 'visa', '4242', 1, 2040)`, card, buyer)
	owed := func(name, payment string) uuid.UUID {
		a := s.start(seller, name, auction.ByCard)
		s.must2(s.auction.Place(s.t.Context(), buyer, auction.PlaceInput{Auction: a.ID, Amount: money.New(80_00, "EUR"), Card: &card, IdempotencyKey: name}))
		o := s.close(a.ID, name)
		_, p, err := s.orders.Pay(s.t.Context(), buyer, order.PayInput{
			Order: o, Card: &card, Wallet: new(money.New(30_00, "EUR")), IdempotencyKey: name,
		})
		s.must(err)
		s.names[payment] = p.ID.String()
		return o
	}
	owed("authorised", "authorising")
	carded := owed("carded", "carding")
	s.must2(s.orders.Ship(s.t.Context(), seller, carded, "RR124"))
	s.must2(s.orders.ConfirmReceipt(s.t.Context(), buyer, carded))
	s.must2(s.orders.Refund(s.t.Context(), order.Actor{User: seller}, order.RefundInput{
		Order: carded, Amount: new(money.New(40_00, "EUR")), IdempotencyKey: "carded",
	}))
}

func (s *story) post(key string, from, to ledger.Kind) {
	s.t.Helper()
	s.must(postgres.InTx(s.t.Context(), s.Pool, func(tx pgx.Tx) error {
		_, err := ledger.PostTx(s.t.Context(), tx, ledger.Entry{
			Key: key, Flow: "test", Cause: ledger.Cause{Kind: "test", ID: uuid.Max}, Legs: []ledger.Leg{
				{Account: ledger.Account{Kind: from, Currency: "EUR"}, Amount: -7},
				{Account: ledger.Account{Kind: to, Currency: "EUR"}, Amount: 7},
			},
		})
		return err
	}))
	s.names[key] = key
}

// sql puts the story's names into a statement: :amal; is a user's id in quotes.
func (s *story) sql(statement string) string {
	var pairs []string
	for name, value := range s.names {
		pairs = append(pairs, ":"+name+";", "'"+value+"'")
	}
	return strings.NewReplacer(pairs...).Replace(statement)
}
