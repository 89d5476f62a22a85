package order_test

import (
	"testing"

	"github.com/souklive/souk/internal/domaintest"
)

// Whatever a server's code believes, the database keeps what a payment and a refund are about, and refuses a second payment.
func TestDatabaseGuardsPayments(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
	_, p, err := w.Pay(owed, card, 30_00)
	w.Must(err)
	sale := w.Sale(50_00)
	w.Must2(refund(w, sale, 10_00))
	before := w.Digest()
	for name, statement := range map[string]string{
		"the wallet's part": "UPDATE order_payment SET wallet_amount = wallet_amount + 1, card_amount = card_amount - 1 WHERE id = $1",
		"the card":          "UPDATE order_payment SET card_id = gen_random_uuid() WHERE id = $1",
		"the intent":        "UPDATE order_payment SET provider_id = 'pi_x' WHERE id = $1",
		"the hold":          "UPDATE order_payment SET hold_id = gen_random_uuid() WHERE id = $1",
		"the key":           "UPDATE order_payment SET idempotency_key = 'x' WHERE id = $1",
		"the way back":      "UPDATE order_payment SET status = 'PROCESSING' WHERE id = $1",
		"what has ended":    "UPDATE order_payment SET tracking = 'x' WHERE status = 'CAPTURED' AND id <> $1",
		"a deletion":        "DELETE FROM order_payment WHERE id = $1",
		"a second payment": `INSERT INTO order_payment (id, order_id, user_id, wallet_amount, card_amount, currency, status, resolved_at)
			SELECT gen_random_uuid(), order_id, user_id, wallet_amount + card_amount, 0, currency, 'CAPTURED', now() FROM order_payment WHERE id = $1`,
		"more than the total": `INSERT INTO order_payment (id, order_id, user_id, wallet_amount, card_amount, currency, status, resolved_at)
			SELECT gen_random_uuid(), order_id, user_id, wallet_amount + 1, 0, currency, 'CAPTURED', now() FROM order_payment WHERE id <> $1`,
		"a refund":             "UPDATE order_refund SET wallet_amount = wallet_amount + 1 WHERE $1::uuid IS NOT NULL",
		"a refund's deletion":  "DELETE FROM order_refund WHERE $1::uuid IS NOT NULL",
		"what was refunded":    "UPDATE orders SET refunded = 0 WHERE refunded > 0 AND $1::uuid IS NOT NULL",
		"more than there is":   "UPDATE orders SET refunded = total + 1 WHERE refunded > 0 AND $1::uuid IS NOT NULL",
		"the card of the bid":  "UPDATE orders SET card_id = NULL WHERE card_id IS NOT NULL AND $1::uuid IS NOT NULL",
		"a bid's hold or card": "INSERT INTO bid SELECT gen_random_uuid(), auction_id, number + 1, version, bidder_id, amount, NULL, 'x', placed_at, NULL FROM bid WHERE $1::uuid IS NOT NULL",
	} {
		if _, err := w.Pool.Exec(t.Context(), statement, p.ID); err == nil {
			t.Errorf("%s could be changed", name)
		}
	}
	if w.Digest() != before {
		t.Error("something changed")
	}
}
