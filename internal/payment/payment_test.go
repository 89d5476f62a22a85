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

// agrees compares our books with the provider's: each of its movements is one of our succeeded
// top-ups and the other way round, and clearing is the net of them all.
func (b *bundle) agrees() {
	b.t.Helper()
	var net, fees int64
	journal := b.fake.Journal()
	for _, m := range journal {
		net, fees = net+m.Net, fees+m.Fee
		if b.count("SELECT count(*) FROM top_up WHERE status = 'SUCCEEDED' AND balance_txn_id = $1 AND charge_id = $2 AND amount = $3 AND fee = $4",
			m.ID, *m.Source, m.Amount, m.Fee) != 1 {
			b.t.Errorf("the provider moved %d by %s, and no top-up says so", m.Amount, m.ID)
		}
	}
	if n := b.count("SELECT count(*) FROM top_up WHERE status = 'SUCCEEDED'"); n != len(journal) {
		b.t.Errorf("%d top-ups succeeded, the provider knows of %d", n, len(journal))
	}
	if clearing := b.sum(ledger.PSPClearing, uuid.Nil); clearing != -net {
		b.t.Errorf("clearing stands at %d, the provider's balance at %d", clearing, net)
	}
	if cost := b.sum(ledger.PSPFees, uuid.Nil); cost != -fees {
		b.t.Errorf("fees stand at %d, the provider took %d", cost, fees)
	}
	if n := b.count("SELECT count(*) FROM ledger.entry WHERE flow = 'top_up'"); n != len(journal) {
		b.t.Errorf("%d entries for %d movements", n, len(journal))
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
