package payment

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/stripefake"
)

const testKey = "sk_test_souk_0123456789abcdef"

// bundle is a service on a database of its own, with a Stripe of its own.
type bundle struct {
	*Service
	t    *testing.T
	data *pgtest.Database
	fake *stripefake.Server
	user uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	fake, err := stripefake.New(stripefake.Config{Key: testKey, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return setupWith(t, fake)
}

func setupWith(t *testing.T, fake *stripefake.Server) *bundle {
	t.Helper()
	data := pgtest.New(t)
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	jobs, err := river.NewClient(riverpgxv5.New(data.Pool), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	service := New(Config{
		Pool: data.Pool, Provider: NewStripe(testKey, listener.URL, nil), Jobs: jobs,
		// Jobs are due at once for a worker whose clock is right.
		Clock: clock.Fixed(time.Now().Add(-time.Hour)),
	})
	b := &bundle{Service: service, t: t, data: data, fake: fake}
	b.user = b.newUser()
	return b
}

func (b *bundle) newUser() uuid.UUID {
	b.t.Helper()
	user := id.New()
	_, err := b.data.Admin.Exec(b.t.Context(),
		`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, 'Somebody', 'BUYER', 'x')`,
		user, user.String()+"@example.com")
	if err != nil {
		b.t.Fatal(err)
	}
	return user
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// funded is a user whose wallet holds some euro cents, from a card.
func (b *bundle) funded(cents int64) uuid.UUID {
	b.t.Helper()
	user := b.newUser()
	top, err := b.TopUp(b.t.Context(), user, input("pm_card_visa", cents))
	if err != nil || top.Status != TopUpSucceeded {
		b.t.Fatalf("fund a wallet: %+v, %v", top, err)
	}
	return user
}

func input(card string, cents int64) TopUpInput {
	return TopUpInput{Amount: eur(cents), PaymentMethod: card, IdempotencyKey: uuid.NewString()}
}

func eur(cents int64) money.Amount { return money.New(cents, "EUR") }

func (b *bundle) sum(kind ledger.Kind, owner uuid.UUID) int64 {
	b.t.Helper()
	account := ledger.Account{Kind: kind, Owner: owner, Currency: "EUR"}
	if kind == ledger.PSPClearing || kind == ledger.PSPFees {
		account.Ref = providerRef
	}
	minor, err := ledger.Balance(b.t.Context(), b.data.Pool, account)
	if err != nil {
		b.t.Fatal(err)
	}
	return minor
}

// wants insists on what a user's wallet has and holds.
func (b *bundle) wants(user uuid.UUID, available, held int64) {
	b.t.Helper()
	if a, h := b.sum(ledger.Wallet, user), b.sum(ledger.WalletHeld, user); a != available || h != held {
		b.t.Errorf("the wallet has %d and %d held, want %d and %d", a, h, available, held)
	}
}

func (b *bundle) entries() int {
	b.t.Helper()
	return b.count("SELECT count(*) FROM ledger.entry")
}

func (b *bundle) count(query string, args ...any) (n int) {
	b.t.Helper()
	if err := b.data.Admin.QueryRow(b.t.Context(), query, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// agrees compares our books with the provider's: each of its movements is recorded once, with its amount, fee and
// kind, and the other way round; clearing is the net of them all. A refund that is pending has moved there, and here
// not yet.
func (b *bundle) agrees() {
	b.t.Helper()
	var net, fees int64
	booked := 0
	for _, m := range b.fake.Journal() {
		if m.Type == "refund" && b.count("SELECT count(*) FROM refund WHERE provider_id = $1 AND status = 'PROCESSING'", *m.Source) == 1 {
			continue
		}
		booked++
		net, fees = net+m.Net, fees+m.Fee
		if b.count("SELECT count(*) FROM provider_txn WHERE id = $1 AND lower(kind) = $2 AND gross = $3 AND fee = $4 AND lower(currency) = $5",
			m.ID, m.Type, m.Amount, m.Fee, m.Currency) != 1 {
			b.t.Errorf("the provider moved %d by %s, and no record says so", m.Amount, m.ID)
		}
	}
	if n := b.count("SELECT count(*) FROM provider_txn"); n != booked {
		b.t.Errorf("%d records, the provider knows of %d", n, booked)
	}
	if clearing := b.sum(ledger.PSPClearing, uuid.Nil); clearing != -net {
		b.t.Errorf("clearing stands at %d, the provider's balance at %d", clearing, net)
	}
	if cost := b.sum(ledger.PSPFees, uuid.Nil); cost != -fees {
		b.t.Errorf("fees stand at %d, the provider took %d", cost, fees)
	}
	for _, check := range []string{
		`SELECT count(*) FROM top_up t WHERE (status = 'SUCCEEDED') <> EXISTS (SELECT FROM provider_txn
		 WHERE id = t.balance_txn_id AND kind = 'CHARGE' AND gross = t.amount AND fee = t.fee AND entry_key = 'topup:' || t.id || ':credit')`,
		`SELECT count(*) FROM refund r WHERE (settled_at IS NOT NULL) <> EXISTS (SELECT FROM provider_txn
		 WHERE id = r.balance_txn_id AND kind = 'REFUND' AND gross = -r.amount AND entry_key = 'refund:' || r.id || ':settled')`,
	} {
		if n := b.count(check); n != 0 {
			b.t.Errorf("%d rows against the records: %s", n, check)
		}
	}
}

// inTx runs fn in a transaction and commits it.
func (b *bundle) inTx(fn func(ctx context.Context, tx pgx.Tx) error) error {
	return postgres.InTx(b.t.Context(), b.data.Pool, func(tx pgx.Tx) error { return fn(b.t.Context(), tx) })
}

// broken makes one step of a top-up fail until the plan is cleared.
func (b *bundle) broken(step string, fault stripefake.Fault) {
	rule := stripefake.Rule{Method: http.MethodPost, Path: "/v1/payment_intents", Fault: fault, Times: -1}
	switch step {
	case "confirm":
		rule.Path = "/v1/payment_intents/*/confirm"
	case "fetch":
		rule.Method, rule.Path = http.MethodGet, "/v1/payment_intents/*"
	}
	b.fake.Faults().Add(rule)
}

// settle resolves a top-up until it is final, within a bound.
func (b *bundle) settle(top uuid.UUID) TopUp {
	b.t.Helper()
	for range 6 {
		now, err := b.Resolve(b.t.Context(), top)
		if err != nil {
			b.t.Fatal(err)
		}
		if now.Status == TopUpSucceeded || now.Status == TopUpFailed {
			return now
		}
	}
	b.t.Fatal("the top-up is still open after six looks")
	return TopUp{}
}

// age makes a top-up older than it is.
func (b *bundle) age(top uuid.UUID, by time.Duration) {
	b.t.Helper()
	_, err := b.data.Admin.Exec(b.t.Context(), "UPDATE top_up SET created_at = created_at - make_interval(secs => $2) WHERE id = $1", top, by.Seconds())
	if err != nil {
		b.t.Fatal(err)
	}
}

func code(err error) string {
	if e := refusal(err); e != nil {
		return e.Code
	}
	return fmt.Sprint(err)
}
