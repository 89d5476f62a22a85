package main

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/pgtest"
)

// The commands on orders: an order of nothing is found, and told; with its lines all agrees.
func TestOrderCommands(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}
	order, listing, seller, buyer := id.New(), id.New(), id.New(), id.New()
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := database.Admin.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO app_user (id, email, name, password_hash, role) VALUES ($1, 'seller@souk.example', 'S', '', 'SELLER'), ($2, 'buyer@souk.example', 'B', '', 'BUYER')`, seller, buyer)
	exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'ONE_OFF', 'A brass pot', '', 'GOOD')`, listing, seller)
	exec(`INSERT INTO orders (id, buyer_id, seller_id, listing_id, total, fee, currency) VALUES ($1, $2, $3, $4, 1000, 80, 'EUR')`, order, buyer, seller, listing)

	code, stdout, stderr := call(t, environ, "order", "check")
	if code != exitFailure || !strings.Contains(stdout, "order_lines, rows: 1") || strings.Contains(stdout, "agree.") {
		t.Errorf("an order of nothing: exit %d\n%s%s", code, stdout, stderr)
	}
	exec(`INSERT INTO order_line (order_id, number, listing_id, variant_id, title, options, quantity, unit_price) VALUES ($1, 1, $2, $2, 'A brass pot', '{}', 2, 500)`, order, listing)
	exec(`INSERT INTO order_charge (order_id, number, kind, bearer, amount) VALUES ($1, 1, 'PLATFORM_FEE', 'SELLER', 80)`, order)
	code, stdout, stderr = call(t, environ, "order", "check")
	checks, err := audit.OfOrders()
	if err != nil || code != 0 || strings.Count(stdout, "ok    ") != len(checks) || !strings.HasSuffix(stdout, "Orders, goods, codes and money agree.\n") {
		t.Errorf("with its line: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, environ, "order", "explain", id.Order.Encode(order))
	if code != 0 || !strings.Contains(stdout, "ORDER       made over 1000 EUR with a fee of 80: 2 × A brass pot at 500\n") {
		t.Errorf("explained: exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, environ, "order", "explain", "--json", id.Order.Encode(order))
	if code != 0 || !strings.Contains(stdout, `"part":"ORDER","what":"made over 1000 EUR`) {
		t.Errorf("--json: exit %d\n%s", code, stdout)
	}
	code, stdout, stderr = call(t, environ, "order", "explain", id.Order.Encode(id.New()))
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "ORDER_NOT_FOUND") {
		t.Errorf("of none: exit %d\n%s%s", code, stdout, stderr)
	}
}
