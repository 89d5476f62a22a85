package domaintest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/cart"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/follow"
	"github.com/souklive/souk/internal/fx"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/promotion"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/tax"
)

// FeeBasisPoints is what the world's platform keeps of a sale.
const FeeBasisPoints = 850

// ExchangeMarginBP is what the world's platform keeps of an exchange.
const ExchangeMarginBP = 50

// What the world's platform pays for a new user's first order, and how long after it.
const (
	ReferralBP   = 100
	ReturnWindow = 14 * 24 * time.Hour
)

// World is every domain over one database that is the test's own. Unless NewPaying made it, it has no payment
// provider: wallets are filled by Fund.
type World struct {
	T     testing.TB
	Pool  *pgxpool.Pool // as a server
	Admin *pgxpool.Pool // as the schema's owner
	Told  *Told

	// Broken is set by a test that makes lots wrong by hand: they are not replayed at its end.
	Broken bool

	Identity   *identity.Service
	Media      *media.Service
	Catalog    *catalog.Service
	Inventory  *inventory.Service
	Codes      *code.Service
	Shows      *show.Service
	ShowChat   *showchat.Service
	Follows    *follow.Service
	Rates      *fx.Service
	Payment    *payment.Service
	Referrals  *referral.Service
	Orders     *order.Service
	Addresses  *address.Service
	Carts      *cart.Service
	Offers     *offer.Service
	Promotions *promotion.Service
	Taxes      *tax.Service
	Shipping   *shipping.Service
	Checkout   *checkout.Service
	Auctions   *auction.Service
	Chat       *chat.Service

	pays func(*payment.Config) // what payment has besides: a provider, jobs
}

// New makes a world.
func New(t testing.TB) *World {
	t.Helper()
	return NewWithFee(t, FeeBasisPoints)
}

// NewWithFee makes a world whose platform keeps another share.
func NewWithFee(t testing.TB, basisPoints int64) *World {
	t.Helper()
	return newWorld(t, basisPoints, func(*payment.Config) {})
}

// NewPaying makes a world whose payment has what the caller adds: a provider, jobs.
func NewPaying(t testing.TB, add func(*payment.Config)) *World {
	t.Helper()
	return newWorld(t, FeeBasisPoints, add)
}

func newWorld(t testing.TB, basisPoints int64, change func(*payment.Config)) *World {
	t.Helper()
	data := pgtest.New(t)
	w := &World{T: t, Pool: data.Pool, Admin: data.Admin, Told: &Told{}, pays: change}
	w.Rates = fx.New(w.Pool, fx.Fixed{Clock: clock.System{}}, 36*time.Hour)
	w.Must(w.Rates.Refresh(w.Ctx()))
	w.wire(basisPoints)
	w.watchLocks()
	t.Cleanup(func() {
		if !t.Failed() && !w.Broken {
			w.Replayed()
		}
	})
	return w
}

// Another is one more server on the world's database, with connections and services of its own. What both tell is in one Told.
// t may be a test within the world's, whose end it does not outlive.
func (w *World) Another(t testing.TB) *World {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(t.Context(), w.Pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	other := &World{T: t, Pool: pool, Admin: w.Admin, Told: w.Told, Rates: w.Rates, pays: w.pays}
	other.wire(FeeBasisPoints)
	return other
}

// wire ties the domains over the world's pool.
func (w *World) wire(basisPoints int64) {
	w.T.Helper()
	w.Media = w.MediaIn(w.T.TempDir())
	w.Identity = identity.New(w.Pool)
	w.Catalog = catalog.New(w.Pool, w.Media)
	w.Inventory = w.InventoryAt(clock.System{}, 0)
	w.Codes = w.CodesUnder("one:" + strings.Repeat("1", 64))
	w.Follows = follow.New(w.Pool)
	w.Shows = w.ShowsAt(clock.System{})
	w.ShowChat = showchat.New(showchat.Config{Pool: w.Pool, Hub: w.Told, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	w.T.Cleanup(func() { w.Must(w.ShowChat.Close(context.Background())) })
	config := payment.Config{Pool: w.Pool, Hub: w.Told, Rates: w.Rates, ExchangeMarginBP: ExchangeMarginBP}
	w.pays(&config)
	w.Payment = payment.New(config)
	w.Orders = order.New(w.Pool, w.Catalog, w.Payment, w.Told, basisPoints)
	w.Carts, w.Addresses = cart.New(w.Pool, w.Inventory, clock.System{}), address.New(w.Pool)
	w.Taxes = tax.New(w.Pool, nil, clock.System{}, slog.New(slog.DiscardHandler))
	w.Offers = offer.New(offer.Config{Pool: w.Pool, Hub: w.Told, Log: slog.New(slog.DiscardHandler)})
	w.Promotions = promotion.New(w.Pool, clock.System{})
	w.Shipping = w.ShippingBy()
	w.Checkout = checkout.New(checkout.Config{
		Pool: w.Pool, Addresses: w.Addresses, Carts: w.Carts, Inventory: w.Inventory, Codes: w.Codes, Orders: w.Orders, Offers: w.Offers, Promotion: w.Promotions, Tax: w.Taxes, Shipping: w.Shipping, Payment: w.Payment, Hub: w.Told,
	})
	w.Referrals = referral.New(referral.Config{Pool: w.Pool, Hub: w.Told, BasisPoints: ReferralBP, Window: ReturnWindow})
	w.Identity.UseReferrals(w.Referrals)
	w.Orders.UseReferrals(w.Referrals)
	w.Chat = chat.New(chat.Config{Pool: w.Pool, Catalog: w.Catalog, Hub: w.Told, Clock: clock.System{}})
	var err error
	w.Auctions, err = auction.New(w.Ctx(), auction.Config{
		Pool: w.Pool, Catalog: w.Catalog, Shows: w.Shows, Payment: w.Payment, Orders: w.Orders, Hub: w.Told,
	})
	w.Must(err)
}

// MediaIn is the world's photos, kept in a directory. Nobody works its jobs off but the test.
func (w *World) MediaIn(dir string) *media.Service {
	w.T.Helper()
	base := func() string { return "http://souk.example" }
	disk, err := blob.NewDisk(dir, base, []byte("test key"), clock.System{})
	w.Must(err)
	jobs, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{})
	w.Must(err)
	return media.New(media.Config{Pool: w.Pool, Disk: disk, BaseURL: base, Jobs: jobs, Log: slog.New(slog.DiscardHandler)})
}

// InventoryAt is the world's inventory by another clock, and with another time to pay.
func (w *World) InventoryAt(c clock.Clock, ttl time.Duration) *inventory.Service {
	return inventory.New(inventory.Config{
		Pool: w.Pool, Catalog: w.Catalog, Hub: w.Told, Clock: c, Log: slog.New(slog.DiscardHandler), TTL: ttl,
	})
}

// CodesUnder is the world's codes with other keys, and the same for hashes.
func (w *World) CodesUnder(keys string) *code.Service {
	w.T.Helper()
	parsed, err := code.ParseKeys(keys, strings.Repeat("2", 64))
	w.Must(err)
	return code.New(w.Pool, parsed, w.Catalog, w.Inventory)
}

// ShippingBy is the world's shipping, by some carriers.
func (w *World) ShippingBy(carriers ...shipping.Carrier) *shipping.Service {
	w.T.Helper()
	s, err := shipping.New(shipping.Config{Pool: w.Pool, Carriers: carriers, Addresses: w.Addresses, Hub: w.Told, Log: slog.New(slog.DiscardHandler)})
	w.Must(err)
	return s
}

// ShowsAt is the world's shows by another clock.
func (w *World) ShowsAt(c clock.Clock) *show.Service {
	w.T.Helper()
	jobs, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{})
	w.Must(err)
	return show.New(show.Config{Pool: w.Pool, Clock: c, Hub: w.Told, Media: w.Media, Follows: w.Follows, Jobs: jobs})
}

// Ctx is the test's context.
func (w *World) Ctx() context.Context { return w.T.Context() }

// Must ends the test where err is set.
func (w *World) Must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Must2 is Must for a call whose answer does not matter.
func (w *World) Must2(_ any, err error) {
	w.T.Helper()
	w.Must(err)
}

// Exec runs a statement as the schema's owner.
func (w *World) Exec(sql string, args ...any) {
	w.T.Helper()
	_, err := w.Admin.Exec(w.Ctx(), sql, args...)
	w.Must(err)
}

// Int reads one number as the schema's owner.
func (w *World) Int(sql string, args ...any) (n int64) {
	w.T.Helper()
	w.Must(w.Admin.QueryRow(w.Ctx(), sql, args...).Scan(&n))
	return n
}

// User makes somebody, without the work of hashing a password.
func (w *World) User(role identity.Role) uuid.UUID {
	w.T.Helper()
	user := id.New()
	w.Exec(`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, 'Somebody', $3, 'x')`,
		user, user.String()+"@souk.example", string(role))
	return user
}

// Fund puts money into a user's wallet.
func (w *World) Fund(user uuid.UUID, amount money.Amount) {
	w.T.Helper()
	c := amount.Currency
	w.Must(postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) error {
		_, err := ledger.PostTx(w.Ctx(), tx, ledger.Entry{
			Key: "test:" + uuid.NewString(), Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "test", ID: user},
			Legs: []ledger.Leg{
				{Account: ledger.Account{Kind: ledger.Bank, Currency: c}, Amount: -amount.Minor},
				{Account: ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: c}, Amount: amount.Minor},
			},
		})
		return err
	}))
}

// Buyer is a user with euro cents in the wallet.
func (w *World) Buyer(cents int64) uuid.UUID {
	w.T.Helper()
	user := w.User(identity.Buyer)
	if cents > 0 {
		w.Fund(user, EUR(cents))
	}
	return user
}

// Listing is something of a seller's on the market, without a photo.
func (w *World) Listing(seller uuid.UUID) uuid.UUID {
	w.T.Helper()
	listing := id.New()
	w.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'ONE_OFF', 'A thing', '', 'GOOD')`,
		listing, seller)
	return listing
}

// Lot is an open auction, without a show, of a new seller's new listing: from 10.00 EUR, for an hour, with
// sudden death.
func (w *World) Lot() auction.Auction {
	w.T.Helper()
	seller := w.User(identity.Seller)
	a, err := w.Auctions.Start(w.Ctx(), seller, auction.StartInput{
		Listing: w.Listing(seller), StartPrice: EUR(10_00), Duration: time.Hour,
	})
	w.Must(err)
	return a
}

// Bid places a bid with a fresh key.
func (w *World) Bid(lot, bidder uuid.UUID, cents int64) (auction.Placed, error) {
	return w.Auctions.Place(w.Ctx(), bidder, auction.PlaceInput{Auction: lot, Amount: EUR(cents), IdempotencyKey: uuid.NewString()})
}

// MustBid places a bid that has to be taken.
func (w *World) MustBid(lot, bidder uuid.UUID, cents int64) auction.Placed {
	w.T.Helper()
	placed, err := w.Bid(lot, bidder, cents)
	w.Must(err)
	return placed
}

// End brings a lot's end to now, without closing it.
func (w *World) End(lot uuid.UUID) {
	w.T.Helper()
	w.Exec(`WITH ended AS (UPDATE auction SET ends_at = clock_timestamp() WHERE id = $1 RETURNING *)
		INSERT INTO auction_end (auction_id, version, seq, ends_at, latest_end) SELECT id, version, bid_seq, ends_at, latest_end FROM ended`, lot)
}

// Close ends a lot and closes it.
func (w *World) Close(lot uuid.UUID) auction.Auction {
	w.T.Helper()
	w.End(lot)
	closed, err := w.Auctions.Close(w.Ctx(), lot)
	w.Must(err)
	if !closed {
		w.T.Fatalf("the lot %s did not close", lot)
	}
	a, err := w.Auctions.Get(w.Ctx(), lot)
	w.Must(err)
	return a
}

// Sale is the paid order of a lot that a new buyer won at a price.
func (w *World) Sale(cents int64) order.Order {
	w.T.Helper()
	return w.SaleTo(w.Buyer(cents), cents)
}

// SaleTo is the paid order of a lot that a buyer won at a price.
func (w *World) SaleTo(buyer uuid.UUID, cents int64) order.Order {
	w.T.Helper()
	return w.SaleBy(w.User(identity.Seller), buyer, cents)
}

// SaleBy is the paid order of a seller's lot that a buyer won at a price.
func (w *World) SaleBy(seller, buyer uuid.UUID, cents int64) order.Order {
	w.T.Helper()
	a, err := w.Auctions.Start(w.Ctx(), seller, auction.StartInput{
		Listing: w.Listing(seller), StartPrice: EUR(cents), Duration: time.Hour,
	})
	w.Must(err)
	w.MustBid(a.ID, buyer, cents)
	w.Close(a.ID)
	return w.OrderOf(a.ID, buyer)
}

// OrderOf is the order of a sold lot, as one of its parties sees it.
func (w *World) OrderOf(lot, party uuid.UUID) order.Order {
	w.T.Helper()
	orders, err := w.Orders.ByAuction(w.Ctx(), party, []uuid.UUID{lot})
	w.Must(err)
	o, ok := orders[lot]
	if !ok {
		w.T.Fatalf("the lot %s has no order of %s", lot, party)
	}
	return o
}

// Balance is what an account in euros holds, in cents.
func (w *World) Balance(kind ledger.Kind, owner uuid.UUID) int64 {
	w.T.Helper()
	minor, err := ledger.Balance(w.Ctx(), w.Pool, ledger.Account{Kind: kind, Owner: owner, Currency: "EUR"})
	w.Must(err)
	return minor
}

// Earned is what a seller has of euros, in cents: what waits for its orders to mature, and what is theirs.
func (w *World) Earned(seller uuid.UUID) int64 {
	w.T.Helper()
	return w.Balance(ledger.SellerPending, seller) + w.Balance(ledger.SellerAvailable, seller)
}

// WantWallet insists on what a user's wallet has and holds.
func (w *World) WantWallet(user uuid.UUID, available, held int64) {
	w.T.Helper()
	if a, h := w.Balance(ledger.Wallet, user), w.Balance(ledger.WalletHeld, user); a != available || h != held {
		w.T.Errorf("the wallet has %d and %d held, want %d and %d", a, h, available, held)
	}
}

// Audited insists that the books are in order.
func (w *World) Audited() {
	w.T.Helper()
	_, err := audit.Run(w.Ctx(), w.Pool, audit.Options{}, func(r audit.Result) {
		if !r.OK() {
			w.T.Errorf("audit %s: %d rows: %v", r.Name, r.Count, r.Findings)
		}
	})
	w.Must(err)
}

// Replayed insists that each lot's stored bids, judged again, give what was stored. Every test ends with it.
func (w *World) Replayed() {
	w.T.Helper()
	err := w.Auctions.ReplayAll(context.WithoutCancel(w.Ctx()), func(r auction.Replayed) {
		for _, d := range r.Differences {
			w.T.Errorf("lot %s: %s", r.Auction, d)
		}
	})
	if err != nil {
		w.T.Errorf("replay: %v", err)
	}
}

// tables are those that a refusal must leave as they were.
func tables() []string {
	return []string{
		"app_user", "session", "photo", "listing", "listing_photo", "listing_move", "variant", "price_change", "location", "stock", "stock_movement", "reservation", "reservation_line", "cart", "cart_line", "wish", "availability_wait", "wish_change", "want", "want_offer", "want_change", "listing_offers", "price_offer", "price_offer_step", "saved_search", "saved_search_hit", "saved_search_change", "review", "rating", "review_report", "admin_action", "conversation", "message", "show", "show_chat", "show_message", "show_member", "show_moderation", "orders", "order_move", "order_claim", "order_restock",
		"auction", "bid", "bid_cancellation", "auction_end", "lot_told", "hold", "order_payment", "order_refund", "invoice", "invoice_series", "invoice_due", "promotion", "promotion_use", "tax_registration", "fx_rate", "exchange",
		"referral_code", "referral", "user_feed", "notification", "event", "ledger.account", "ledger.entry", "ledger.posting", "ledger.balance",
	}
}

// Digest changes whenever a row of any domain does.
func (w *World) Digest() (digest string) {
	w.T.Helper()
	parts := tables()
	for i, table := range parts {
		parts[i] = fmt.Sprintf("coalesce((SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM %s t), '-')", table)
	}
	w.Must(w.Admin.QueryRow(w.Ctx(), "SELECT "+strings.Join(parts, " || ")).Scan(&digest))
	return digest
}

// AtOnce runs n calls that start together, and gives their errors in order.
func AtOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	gate := make(chan struct{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			<-gate
			errs[i] = call(i)
		})
	}
	close(gate)
	wait.Wait()
	return errs
}

// Code is a refusal's code, "" for none, and the whole text of what is no refusal.
func Code(err error) string {
	if err == nil {
		return ""
	}
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	return "unknown: " + err.Error()
}

// Codes counts the answers of calls by their code.
func Codes(errs []error) map[string]int {
	codes := make(map[string]int)
	for _, err := range errs {
		codes[Code(err)]++
	}
	return codes
}

// EUR is euro cents.
func EUR(cents int64) money.Amount { return money.New(cents, "EUR") }
