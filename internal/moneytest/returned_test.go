package moneytest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/payment"
)

// returned insists that an order which came to nothing has left each source exactly as it was: the wallet by the postings of
// whatever was done for this order, the card by Stripe's own journal. What a card's bank does not take is in the wallet instead (becomes says when that may be).
// It does not look at how refunds are divided: nothing may be missing, whichever way they went.
func (m *machine) returned() {
	moved := m.onCards()
	for _, s := range m.sales {
		switch {
		case s.paid == nil && s.cancelled:
			m.seen.add("each source as before: never paid")
		case s.paid != nil && s.back == s.total.Minor:
			m.seen.add("each source as before: refunded")
		default:
			continue
		}
		var card, unwanted int64
		for _, source := range m.texts(`SELECT charge_id FROM order_payment WHERE order_id = $1 AND charge_id IS NOT NULL
			UNION ALL SELECT provider_id FROM refund WHERE cause_kind = 'ORDER' AND cause_id = $1 AND provider_id IS NOT NULL`, s.id) {
			card += moved[source]
		}
		for _, r := range m.refunds {
			if s.paid != nil && r.of == &s.paid.charge && r.status == payment.RefundFailed {
				unwanted += r.amount.Minor
			}
		}
		wallet := m.Int(`SELECT coalesce(sum(p.amount), 0)::bigint
			FROM ledger.entry e JOIN ledger.posting p ON p.entry_id = e.id JOIN ledger.account a ON a.id = p.account_id
			WHERE a.kind IN ('wallet', 'wallet_held') AND a.owner = $2
			  AND (e.cause_kind = 'order' AND e.cause_id = $1
			    OR e.cause_kind = 'refund' AND e.cause_id IN (SELECT id FROM refund WHERE cause_kind = 'ORDER' AND cause_id = $1))`, s.id, s.buyer)
		if card != unwanted || wallet != unwanted {
			m.t.Fatalf("of an order that came to nothing we have %d of the card's, and the wallet has %d more than before; the card did not take %d: %+v",
				card, wallet, unwanted, *s)
		}
	}
	m.letGo()
}

// onCards is what Stripe's journal has of each charge and of each refund.
func (m *machine) onCards() map[string]int64 {
	moved := make(map[string]int64)
	for _, txn := range m.fake.Journal() {
		if txn.Source != nil {
			moved[*txn.Source] += txn.Amount
		}
	}
	return moved
}

// letGo insists that no card keeps money aside for a payment that was given up.
func (m *machine) letGo() {
	for _, p := range m.tried(func(p *try) bool { return p.status == payment.OrderVoided }) {
		for _, intent := range m.texts(`SELECT provider_id FROM order_payment WHERE id = $1 AND provider_id IS NOT NULL`, p.id) {
			var now struct{ Status string }
			if m.stripe(http.MethodGet, "/v1/payment_intents/"+intent, "", &now); now.Status != "canceled" {
				m.t.Fatalf("a payment was given up, and Stripe has it as %s: %+v", now.Status, *p)
			}
			m.seen.add("a card was let go")
		}
	}
}

// stripe asks Stripe itself, and not by way of the product.
func (w *world) stripe(method, path, form string, answer any) {
	w.T.Helper()
	r := httptest.NewRequestWithContext(w.Ctx(), method, path, strings.NewReader(form))
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	recorded := httptest.NewRecorder()
	w.fake.ServeHTTP(recorded, r)
	if recorded.Code != http.StatusOK {
		w.T.Fatalf("%s %s answers %d: %s", method, path, recorded.Code, recorded.Body)
	}
	w.Must(json.Unmarshal(recorded.Body.Bytes(), answer))
}

// texts reads a column of texts.
func (w *world) texts(query string, args ...any) []string {
	w.T.Helper()
	rows, err := w.Admin.Query(w.Ctx(), query, args...)
	w.Must(err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.Must(err)
	return texts
}

// statuses reads the statuses of the buyers' rows of a kind.
func (m *machine) statuses(query string) map[uuid.UUID]string {
	rows, err := m.Admin.Query(m.Ctx(), query, m.buyers)
	m.Must(err)
	defer rows.Close()
	found := make(map[uuid.UUID]string)
	for rows.Next() {
		var (
			id     uuid.UUID
			status string
		)
		m.Must(rows.Scan(&id, &status))
		found[id] = status
	}
	m.Must(rows.Err())
	return found
}
