package audit_test

import (
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/souklive/souk/db/migrations"
	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

// oldOrders are the steps by which an order came to each of the states that there were before orders had lines.
func oldOrders() map[string][]string {
	return map[string][]string{
		"owed":       {},
		"authorised": {`payment = 'AUTHORISED', authorised_at = now()`},
		"paid":       {`payment = 'PAID', paid_at = now()`},
		"sent":       {`payment = 'PAID', paid_at = now()`, `fulfilment = 'SENT', sent_at = now()`},
		"settled": {`payment = 'PAID', paid_at = now()`, `fulfilment = 'SENT', sent_at = now()`,
			`payment = 'SETTLED', fulfilment = 'RECEIVED', received_at = now() - interval '40 days'`},
		"refunded after it was settled": {`payment = 'PAID', paid_at = now()`, `fulfilment = 'SENT', sent_at = now()`,
			`payment = 'SETTLED', fulfilment = 'RECEIVED', received_at = now() - interval '40 days'`, `payment = 'REFUNDED', refunded = total`},
		"refunded in part, sent":               {`payment = 'PAID', paid_at = now()`, `fulfilment = 'SENT', sent_at = now()`, `refunded = 1`},
		"refunded before it went":              {`payment = 'PAID', paid_at = now()`, `payment = 'REFUNDED', refunded = total, fulfilment = 'CANCELLED', cancelled_at = now()`},
		"cancelled unpaid":                     {`payment = 'VOIDED', fulfilment = 'CANCELLED', cancelled_at = now()`},
		"cancelled, its card yet to be let go": {`payment = 'AUTHORISED', authorised_at = now()`, `fulfilment = 'CANCELLED', cancelled_at = now()`},
		"charged back":                         {`payment = 'PAID', paid_at = now()`, `fulfilment = 'SENT', sent_at = now()`, `payment = 'CHARGED_BACK', charged_back = total`},
	}
}

// Orders of every state, from before there were checkouts, are brought to this version: each has its line and its fee, and the times that follow from its state.
func TestOldOrdersAreBroughtUp(t *testing.T) {
	t.Parallel()
	const before, each = 90, 40
	database := pgtest.New(t)
	for _, statement := range []string{"DROP SCHEMA IF EXISTS ledger CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO PUBLIC"} {
		if _, err := database.Admin.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	db := stdlib.OpenDBFromPool(database.Admin)
	t.Cleanup(func() { _ = db.Close() })
	old, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files, goose.WithDisableGlobalRegistry(true))
	if err == nil {
		_, err = old.UpTo(t.Context(), before)
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := database.Admin.Exec(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	buyer, seller, listing := uuid.New(), uuid.New(), uuid.New()
	for _, user := range []uuid.UUID{buyer, seller} {
		run(`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, 'Somebody', 'SELLER', 'x')`, user, user.String()+"@souk.example")
	}
	run(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'ONE_OFF', 'A thing', '', 'GOOD')`, listing, seller)
	for name, steps := range oldOrders() {
		for i := range each {
			o := uuid.New()
			run(`INSERT INTO orders (id, buyer_id, seller_id, listing_id, total, fee, currency, cancel_reason, pay_by) VALUES ($1, $2, $3, $4, $5, $6, 'EUR', $7, now())`,
				o, buyer, seller, listing, 10_00+i, 85, name)
			for _, step := range steps {
				run(`UPDATE orders SET version = version + 1, `+step+` WHERE id = $1`, o)
			}
		}
	}
	if err := postgres.Migrate(t.Context(), database.AdminURL, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	count := func(what string, want int, query string) {
		t.Helper()
		var n int
		if err := database.Admin.QueryRow(t.Context(), query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, want %d (%v)", what, n, want, err)
		}
	}
	all := len(oldOrders()) * each
	count("orders", all, `SELECT count(*) FROM orders`)
	count("with a line over their total and a title", all, `SELECT count(*) FROM orders o JOIN order_line l ON l.order_id = o.id AND l.number = 1 AND l.quantity = 1 AND l.unit_price = o.total AND l.title = 'A thing' AND l.variant_id IS NULL`)
	count("with their fee as a charge of their seller's", all, `SELECT count(*) FROM orders o JOIN order_charge c ON c.order_id = o.id AND c.kind = 'PLATFORM_FEE' AND c.bearer = 'SELLER' AND c.counterparty = 'PLATFORM' AND c.amount = o.fee`)
	count("completed as they were received", 2*each, `SELECT count(*) FROM orders WHERE settled_at = received_at AND mature_by = settled_at AND matured_at = settled_at`)
	count("that nobody has been paid for", all-2*each, `SELECT count(*) FROM orders WHERE num_nonnulls(settled_at, mature_by, matured_at) = 0`)
	count("on their way, to be completed three weeks from now", 2*each, `SELECT count(*) FROM orders WHERE complete_by > now() + interval '20 days' AND payment = 'PAID' AND fulfilment = 'SENT'`)
	count("with a time to be completed by, of any state", 2*each, `SELECT count(*) FROM orders WHERE complete_by IS NOT NULL AND payment = 'PAID'`)
	count("with a claim", 0, `SELECT count(*) FROM orders WHERE claim IS NOT NULL`)
	_, err = audit.Run(t.Context(), database.Pool, audit.Options{Only: []string{"order_lines", "order_claims"}}, func(r audit.Result) {
		if !r.OK() {
			t.Errorf("audit %s: %d rows: %v", r.Name, r.Count, r.Findings)
		}
	})
	if err != nil {
		t.Error(err)
	}
	// And they go on: what was sent is delivered and settled, as it would have been.
	run(`UPDATE orders SET fulfilment = 'EN_ROUTE', en_route_at = now() WHERE cancel_reason = 'sent'`)
	run(`UPDATE orders SET fulfilment = 'RECEIVED', received_at = now() WHERE cancel_reason = 'sent'`)
	run(`UPDATE orders SET payment = 'SETTLED' WHERE cancel_reason = 'sent'`)
	count("settled by now", each, `SELECT count(*) FROM orders WHERE cancel_reason = 'sent' AND settled_at > now() - interval '1 hour'`)
}
