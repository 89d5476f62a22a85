package audit

import (
	"context"
	"slices"
	"testing"
)

// corruption is damage that only someone with the database in their hands can do: no trigger, no foreign key.
type corruption struct {
	name       string
	statements []string
	fails      []string // exactly these checks, by name
}

func corruptions() []corruption {
	const amalsWallet = "account_id = (SELECT id FROM ledger.account WHERE kind = 'wallet' AND owner = :amal;)"
	const anyRate = "ALTER TABLE exchange DROP CONSTRAINT exchange_at_rate"
	entry := func(key string) string { return "entry_id = (SELECT id FROM ledger.entry WHERE key = :" + key + ";)" }
	one := func(name, statement string, fails ...string) corruption {
		return corruption{name, []string{statement}, fails}
	}
	savedCard := func(user string) string {
		return `INSERT INTO card (id, user_id, provider, method_id, brand, last4, exp_month, exp_year)
			VALUES (gen_random_uuid(), :` + user + `;, 'stripe', 'pm_saved', 'visa', '4242', 1, 2030)`
	}
	return []corruption{
		one("a listing that is cheaper than its variants", "UPDATE listing SET price = 1 WHERE id = :product;", "listing_price"),
		one("a price that nobody was told", "UPDATE variant SET price = price + 1 WHERE id = :product;", "listing_price"),
		one("stock from nowhere", "UPDATE stock SET on_hand = on_hand + 1", "code_stock", "stock_movements"),
		one("a movement that is gone", "DELETE FROM stock_movement WHERE number = 1", "stock_movements"),
		one("a movement of the past is changed", "UPDATE stock_movement SET on_hand = on_hand + 1 WHERE number = 1", "stock_movements"),
		one("a reservation of nothing", "UPDATE stock SET reserved = 0", "stock_reserved"),
		one("a stock that nobody has reserved", "UPDATE reservation SET status = 'RELEASED', ended_at = now() WHERE id = :reserved;", "reservation_listing", "stock_reserved"),
		one("an item that somebody else has", "UPDATE listing SET status = 'ACTIVE', reserved_by = NULL, reserved_until = NULL WHERE reserved_by IS NOT NULL", "reservation_listing"),
		one("something sold that nobody paid", "UPDATE reservation SET status = 'RELEASED' WHERE id = :consumed;", "reservation_sold"),
		one("something paid that was not taken", "DELETE FROM reservation_line WHERE reservation_id = :consumed;", "reservation_sold"),
		one("an invoice that nobody wants", "DELETE FROM invoice_due", "invoice_of_order"),
		one("a number that was never issued", "INSERT INTO invoice_series (seller_id, kind, year, last, last_at) VALUES (:seller;, 'INVOICE', 2020, 1, now())", "invoice_numbers"),
		one("stars that nobody gave", "INSERT INTO rating (subject, subject_id, fives) VALUES ('SELLER', :amal;, 1)", "review_ratings"),
		one("a code from nowhere", "INSERT INTO code (id, batch_id, variant_id, fingerprint, sealed) SELECT gen_random_uuid(), batch_id, variant_id, sha256('new'), sealed FROM code", "code_stock"),
		one("a code that is gone", "DELETE FROM code", "code_stock"),
		one("codes on another shelf", "UPDATE location SET digital = false WHERE digital", "code_stock"),
		one("a code that nobody reserved", "UPDATE code SET order_id = (SELECT id FROM orders ORDER BY id LIMIT 1), sold_at = now()", "code_sold", "code_stock"),
		one("a payment of a reservation without orders", "INSERT INTO reservation_payment (reservation_id, user_id, idempotency_key, request_hash, total, currency) VALUES (:consumed;, :amal;, 'k', '', 900, 'EUR')", "reservation_paid"),
		one("an order of a reservation that nobody paid", "UPDATE orders SET reservation_id = :consumed; WHERE id = (SELECT id FROM orders ORDER BY id LIMIT 1)", "reservation_paid"),
		one("a recorded amount is changed", "UPDATE ledger.posting SET amount = amount + 1 WHERE amount > 0 AND "+entry("label"), "entry_sums_to_zero"),
		one("an entry without postings", "INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id) VALUES ('x', sha256(''), 'test', 'test', :amal;)", "entry_has_legs"),
		one("postings come later than their entry", "UPDATE ledger.posting SET xid = pg_current_xact_id() WHERE "+entry("label"), "entry_closed"),
		{"a balanced pair is appended", []string{
			`INSERT INTO ledger.posting (entry_id, account_id, currency, amount)
			 SELECT e.id, a.id, 'EUR', CASE a.kind WHEN 'bank' THEN 5 ELSE -5 END
			 FROM ledger.entry e, ledger.account a WHERE e.key = :label; AND a.kind IN ('bank', 'promotions')`,
		}, []string{"entry_closed"}},
		one("a reversal takes back more", "UPDATE ledger.posting SET amount = amount * 2 WHERE entry_id = (SELECT id FROM ledger.entry WHERE key = 'taken back')", "entry_reversed_exactly"),
		{"an entry is reversed twice", []string{
			"ALTER TABLE ledger.entry DROP CONSTRAINT entry_reverses_key",
			`INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id, reverses)
			 SELECT 'again', request_hash, flow, cause_kind, cause_id, reverses FROM ledger.entry WHERE key = 'taken back'`,
			`INSERT INTO ledger.posting (entry_id, account_id, currency, amount)
			 SELECT e.id, p.account_id, p.currency, p.amount FROM ledger.entry e, ledger.posting p
			 WHERE e.key = 'again' AND p.entry_id = (SELECT id FROM ledger.entry WHERE key = 'taken back')`,
		}, []string{"entry_reversed_exactly"}},
		one("an entry is in a currency that its accounts do not have", "UPDATE ledger.posting SET currency = 'USD' WHERE "+entry("label"), "account_currency"),
		one("a recorded posting is numbered", "UPDATE ledger.posting SET seq = 1, balance = amount WHERE "+entry("label"), "account_mode"),
		one("a guarded account without a projection", "DELETE FROM ledger.balance WHERE "+amalsWallet, "account_mode"),
		one("a recorded account without a rollup", "DELETE FROM ledger.rollup WHERE account_id = (SELECT id FROM ledger.account WHERE kind = 'carrier_cost')", "account_mode"),
		{"a number is left out", []string{
			"UPDATE ledger.posting p SET seq = seq + 1 WHERE " + amalsWallet + " AND seq = (SELECT max(seq) FROM ledger.posting o WHERE o.account_id = p.account_id)",
			"UPDATE ledger.balance SET seq = seq + 1 WHERE " + amalsWallet,
		}, []string{"account_numbers_gapless"}},
		one("a balance on the way is changed", "UPDATE ledger.posting SET balance = balance + 1 WHERE seq = 1 AND "+amalsWallet, "account_running_balance"),
		one("a wallet gets money from nowhere", "UPDATE ledger.balance SET balance = balance + 1 WHERE "+amalsWallet, "account_projection"),
		one("a projection forgets its last number", "UPDATE ledger.balance SET seq = seq - 1 WHERE "+amalsWallet, "account_projection"),
		one("a rollup is changed", "UPDATE ledger.rollup SET balance = balance + 1 WHERE through > '0'", "account_rollup"),
		one("a watermark is ahead of its sum", "UPDATE ledger.rollup SET through = pg_current_xact_id() WHERE through = '0'", "account_rollup"),
		one("a watermark is in the future", "UPDATE ledger.rollup SET through = '9000000000000000000', balance = (SELECT sum(amount) FROM ledger.posting p WHERE p.account_id = rollup.account_id)", "account_rollup"),
		one("a floor was broken", "UPDATE ledger.account SET floor = 999999 WHERE kind = 'wallet' AND owner = :amal;", "account_limits"),
		one("a ceiling is broken", "UPDATE ledger.account SET ceiling = 1 WHERE kind = 'seller_pending'", "account_limits"),
		one("a hold without money", "INSERT INTO hold (id, user_id, amount, currency, cause_kind, cause_id) VALUES (gen_random_uuid(), :amal;, 1, 'EUR', 'checkout', :amal;)", "hold_sum"),
		one("money held without a hold", "UPDATE hold SET status = 'RELEASED', resolved_at = opened_at WHERE status = 'OPEN'", "hold_sum", "auction_hold", "order_payment_hold"),
		one("a provider's record of another amount", "UPDATE provider_txn SET gross = gross + 1 WHERE entry_key = 'topup:' || :topup; || ':credit'", "clearing_recorded"),
		one("a provider's record that nobody booked", "INSERT INTO provider_txn (provider, id, kind, currency, gross, fee, entry_key) VALUES ('stripe', 'txn_x', 'REFUND', 'EUR', -5, 0, 'x')", "clearing_recorded"),
		one("a clearing posting without a record", "DELETE FROM provider_txn WHERE entry_key = 'topup:' || :topup; || ':credit'", "clearing_recorded"),
		one("a top-up that was never posted", `INSERT INTO top_up (id, user_id, amount, currency, payment_method, idempotency_key, request_hash, status, fee, provider_id, charge_id, balance_txn_id, resolved_at)
			VALUES (gen_random_uuid(), :amal;, 500, 'EUR', 'pm', 'k', sha256(''), 'SUCCEEDED', 20, 'p', 'c', 'b', now())`, "topup_posted"),
		one("a top-up of another amount", "UPDATE top_up SET amount = amount + 1 WHERE id = :topup;", "topup_of_clearing", "topup_posted"),
		one("a top-up credited to another", "UPDATE top_up SET user_id = :seller; WHERE id = :topup;", "topup_posted"),
		one("a failed top-up with money", "UPDATE top_up SET status = 'FAILED', fee = NULL, failure_code = 'card_declined' WHERE id = :topup;", "topup_of_clearing"),
		one("money of a top-up that nobody knows", "DELETE FROM top_up WHERE id = :topup;", "topup_of_clearing"),
		{"a top-up by another's card", []string{
			savedCard("badr"), "UPDATE top_up SET card_id = (SELECT id FROM card WHERE method_id = 'pm_saved'), payment_method = 'pm_saved' WHERE id = :topup;",
		}, []string{"card_of_user"}},
		{"a top-up by another method than its card", []string{
			savedCard("amal"), "UPDATE top_up SET card_id = (SELECT id FROM card WHERE method_id = 'pm_saved') WHERE id = :topup;",
		}, []string{"card_of_user"}},
		{"a setup that saved another's card", []string{
			savedCard("badr"), `INSERT INTO card_setup (id, user_id, status, provider_id, card_id, resolved_at)
			SELECT gen_random_uuid(), :amal;, 'SUCCEEDED', 'seti', id, now() FROM card WHERE method_id = 'pm_saved'`,
		}, []string{"card_of_user"}},
		{"a top-up by a card that nobody knows", []string{
			"UPDATE top_up SET card_id = gen_random_uuid() WHERE id = :topup;",
		}, []string{"card_of_user"}},
		one("an exchange of another user", "UPDATE exchange SET user_id = :amal; WHERE id = :exchange;", "exchange_posted"),
		one("an exchange that nobody knows", "DELETE FROM exchange WHERE id = :exchange;", "exchange_posted"),
		one("an exchange of another amount, at the rate", "UPDATE exchange SET from_amount = from_amount * 2, to_amount = div(from_amount * 2 * rate::numeric * 9950 * 1000, 1000000) WHERE id = :exchange;", "exchange_posted"),
		{"an exchange at another rate", []string{anyRate, "UPDATE exchange SET rate = '9.9' WHERE id = :exchange;"}, []string{"exchange_posted"}},
		{"an exchange without its margin", []string{anyRate, "UPDATE exchange SET margin_bp = 0 WHERE id = :exchange;"}, []string{"exchange_posted"}},
		one("an exchange that was never posted", `INSERT INTO exchange (id, user_id, from_currency, from_amount, from_digits, to_currency, to_amount, to_digits, rate, margin_bp, source, as_of, idempotency_key, request_hash)
			SELECT gen_random_uuid(), user_id, from_currency, from_amount, from_digits, to_currency, to_amount, to_digits, rate, margin_bp, source, as_of, 'again', request_hash FROM exchange`, "exchange_posted"),
		one("an exchange for an order that was not paid so", "UPDATE exchange SET order_id = :paid; WHERE id = :exchange;", "exchange_posted"),
		one("an exchange under another key", "UPDATE ledger.entry SET key = 'exchange:x' WHERE cause_id = :exchange;", "exchange_posted"),
		one("a refund that has arrived and is still on its way", "UPDATE refund SET status = 'PROCESSING', settled_at = NULL, balance_txn_id = NULL WHERE id = :refund arrived;",
			"refund_in_flight", "refund_posted"),
		one("money on its way for no refund", "DELETE FROM refund WHERE id = :refund under way;", "refund_in_flight", "withdrawal_parts"),
		one("a refund that arrived and was never posted", "UPDATE refund SET status = 'SUCCEEDED', provider_id = 're', balance_txn_id = 'txn', settled_at = now() WHERE id = :refund under way;",
			"refund_in_flight", "refund_posted"),
		one("a refund that failed and was never posted", "UPDATE refund SET status = 'FAILED', failure_code = 'x', failed_at = now() WHERE id = :refund under way;",
			"refund_in_flight", "refund_posted"),
		one("a refund that has come back and does not say so", "UPDATE refund SET status = 'SUCCEEDED', failure_code = NULL, failure_txn_id = NULL, failed_at = NULL WHERE id = :refund returned;", "refund_posted"),
		one("a refund of another amount", "UPDATE refund SET amount = amount + 1 WHERE id = :refund arrived;", "refund_posted", "withdrawal_parts"),
		one("a refund whose money came back to another", "UPDATE refund SET user_id = :badr; WHERE id = :refund returned;", "refund_posted", "refund_within_charge"),
		one("a refund by another record of the provider", "UPDATE refund SET balance_txn_id = 'txn_other' WHERE id = :refund arrived;", "refund_posted"),
		one("a provider's record of another kind", "UPDATE provider_txn SET kind = 'CHARGEBACK' WHERE entry_key = 'refund:' || :refund returned; || ':returned'", "refund_posted"),
		one("a refund of another's charge", "UPDATE refund SET source_id = :topup of badr; WHERE id = :refund arrived;", "refund_within_charge"),
		one("a refund by another payment", "UPDATE refund SET intent_id = 'pi_other' WHERE id = :refund arrived;", "refund_within_charge"),
		one("more is refunded than was charged", "UPDATE top_up SET amount = 50 WHERE id = :topup of carim;", "refund_within_charge", "topup_of_clearing", "topup_posted"),
		one("a withdrawal of another amount", "UPDATE withdrawal SET amount = amount + 1 WHERE id = :arrived;", "withdrawal_parts"),
		one("a withdrawal that nobody knows", "DELETE FROM withdrawal WHERE id = :refused;", "withdrawal_parts"),
		one("a part of no withdrawal", "UPDATE refund SET cause_id = gen_random_uuid() WHERE id = :refund returned;", "withdrawal_parts"),
		one("a commission of another amount", "UPDATE referral SET amount = amount + 1 WHERE id = :pending;", "referral_pending", "referral_posted"),
		one("a commission of another user", "UPDATE referral SET referrer_id = :chadi; WHERE id = :pending;", "referral_pending", "referral_posted"),
		one("a commission that nobody is owed", "DELETE FROM referral WHERE id = :pending;", "referral_pending", "referral_posted"),
		one("a commission that was never set aside", "UPDATE referral SET status = 'PENDING', order_id = :paid;, amount = 1, currency = 'EUR', pending_at = now(), matures_at = now() + interval '1 hour' WHERE id = :waiting;",
			"referral_order", "referral_pending", "referral_posted"),
		one("a commission that was never paid", "UPDATE referral SET status = 'MATURED', resolved_at = matures_at WHERE id = :pending;", "referral_pending", "referral_posted"),
		one("a cancelled commission that was paid", "UPDATE referral SET status = 'CANCELLED' WHERE id = :matured;", "referral_posted"),
		one("a commission under another key", "UPDATE ledger.entry SET key = 'referral:x' WHERE cause_id = :matured; AND flow = 'maturity'", "referral_posted"),
		one("a commission paid too early", "UPDATE referral SET matures_at = now() + interval '1 hour' WHERE id = :matured;", "referral_matured"),
		one("a commission for another's purchase", "UPDATE referral SET order_id = :paid; WHERE id = :matured;", "referral_order"),
		one("a commission above the platform's fee", "UPDATE orders SET fee = 0 WHERE id = :bought;", "order_lines", "order_settled", "referral_order"),
		one("a return that says its seller has paid", `INSERT INTO order_claim (id, order_id, reason, body, status, ended_at, bearer, label_cost, label_charge, label_currency)
			VALUES (gen_random_uuid(), :bought;, 'DAMAGED', 'x', 'RESOLVED', now(), 'SELLER', 5, 5, 'EUR')`, "return_charged"),
		one("an order that says it is complained of", "UPDATE orders SET claim = 'OPEN' WHERE id = :bought;", "order_claims"),
		one("an order that has matured and whose earnings wait", "UPDATE orders SET matured_at = now() WHERE id = :bought;", "order_matured"),
		one("a commission for an order that was not completed", "ALTER TABLE orders DROP CONSTRAINT orders_settled_at; UPDATE orders SET settled_at = NULL WHERE id = :bought;", "referral_order"),
		one("a chargeback's money that nobody decided on", "UPDATE chargeback SET status = 'LOST', covered = 0, decided_at = now() WHERE id = :open;", "chargeback_account", "chargeback_posted"),
		one("a chargeback's money without a chargeback", "DELETE FROM chargeback WHERE id = :open;", "chargeback_account"),
		one("a lost chargeback that took less", "UPDATE chargeback SET covered = covered - 1 WHERE id = :lost;", "chargeback_posted"),
		one("a loss that nobody bore", "UPDATE chargeback SET covered = 1 WHERE id = :borne;", "chargeback_posted"),
		one("a chargeback by another record", "UPDATE chargeback SET withdrawn_txn_id = 'txn_x' WHERE id = :open;", "chargeback_posted"),
		one("a chargeback that came back twice", "UPDATE ledger.entry SET cause_kind = 'chargeback', cause_id = :won; WHERE key = :label;", "chargeback_posted"),
		one("a chargeback that a seller paid", "UPDATE ledger.entry SET flow = 'chargeback_lost' WHERE flow = 'release'", "chargeback_seller"),
		one("an order that no bank disputes", "UPDATE orders SET disputed = true WHERE id = :paid;", "order_chargeback"),
		one("an order that no bank took from", "UPDATE orders SET charged_back = 1 WHERE id = :paid;", "order_chargeback", "order_escrow"),
		one("a charged back top-up that can be spent", "UPDATE ledger.freeze SET lifted_at = now(), lifted_kind = 'test', lifted_by = owner, lift_reason = 'x' WHERE cause_id = :open;", "chargeback_freeze"),
		one("an unpaid order with money in escrow", "UPDATE orders SET payment = 'PENDING' WHERE id = :paid;", "order_escrow", "order_payment_state"),
		one("an escrow without an order", "UPDATE ledger.account SET owner = gen_random_uuid() WHERE kind = 'escrow' AND owner = :paid;", "order_escrow", "order_payment_posted"),
		one("an escrow gets money from nowhere", "UPDATE ledger.balance SET balance = balance + 1 WHERE account_id = (SELECT id FROM ledger.account WHERE kind = 'escrow' AND owner = :settled;)",
			"account_projection", "order_escrow", "order_escrow_flow"),
		one("an order that nobody paid", "DELETE FROM order_payment WHERE order_id = :paid;", "order_payment_state", "order_payment_posted"),
		one("an order that is authorised by nothing", "UPDATE order_payment SET status = 'VOIDING' WHERE id = :authorising;", "order_payment_state", "order_payment_hold"),
		one("a payment of another amount", "UPDATE order_payment SET wallet_amount = wallet_amount - 1 WHERE id = :carding;",
			"order_payment_state", "order_payment_posted", "order_payment_hold"),
		one("a payment of another charge", "UPDATE order_payment SET balance_txn_id = 'txn_x' WHERE id = :carding;", "order_payment_posted"),
		one("a payment that was never posted", "UPDATE ledger.entry SET key = 'x' WHERE key = 'order_payment:' || :carding; || ':capture'", "order_payment_posted", "clearing_recorded"),
		one("a payment by another's card", "UPDATE order_payment SET payment_method = 'pm_x' WHERE id = :carding;", "card_of_user"),
		one("a bid by a card that nobody knows", "UPDATE bid SET card_id = gen_random_uuid() WHERE card_id IS NOT NULL", "card_of_user"),
		one("a bid on no lot", "UPDATE bid SET auction_id = gen_random_uuid() WHERE auction_id = :led;", "bid_known"),
		one("a bid by nobody", "UPDATE bid SET bidder_id = gen_random_uuid() WHERE auction_id = :led;", "bid_known"),
		one("a bid after which nobody led", "UPDATE bid SET leader_id = gen_random_uuid() WHERE auction_id = :led;", "bid_known"),
		one("a hold that no payment has", "DELETE FROM order_payment WHERE id = :authorising;", "order_payment_hold", "order_payment_state"),
		one("more refunded than its refunds", "UPDATE orders SET refunded = refunded + 1 WHERE id = :carded;", "order_refund_source", "order_settled"),
		one("a refund to another source", "UPDATE order_refund SET wallet_amount = wallet_amount + 1, card_amount = card_amount - 1 WHERE order_id = :carded;",
			"order_refund_source", "order_refund_posted"),
		one("a refund that nobody sends", "DELETE FROM refund WHERE cause_id = :carded;", "order_refund_source", "refund_posted"),
		one("a refund that others bear", "UPDATE order_refund SET fee_returned = fee_returned + 1, seller_returned = seller_returned - 1", "order_refund_posted"),
		one("a refund that was never posted", "UPDATE ledger.entry SET flow = 'test' WHERE flow = 'return'", "order_refund_posted"),
		one("a fee that was not taken", "UPDATE orders SET fee = fee + 1 WHERE id = :settled;", "order_lines", "order_settled"),
		one("a tax that nobody was charged", "UPDATE orders SET tax = 1 WHERE id = :settled;", "order_lines", "order_settled"),
		one("a promotion that gave nothing", "UPDATE orders SET subsidy = 1, campaign_id = gen_random_uuid() WHERE id = :paid;", "order_lines", "order_escrow", "order_subsidy"),
		one("a charge of the seller's that is the platform's", "UPDATE order_charge SET counterparty = 'SELLER' WHERE order_id = :paid;", "order_lines"),
		one("a promotion that was used by nobody", `INSERT INTO promotion (id, seller_id, title, kind, amount, currency, minimum, stackable, seller_ids, listing_ids, category_ids, starts_at, uses, created_by, idempotency_key, request_hash)
			VALUES (gen_random_uuid(), :seller;, 'x', 'AMOUNT', 1, 'EUR', 0, false, '{}', '{}', '{}', now(), 1, :seller;, 'k', '')`, "promotion_uses"),
		one("a price that no order was made at", `INSERT INTO price_offer (id, buyer_id, seller_id, listing_id, variant_id, title, quantity, currency, unit_price, status, moved_by, version, expires_at, order_id)
			VALUES (gen_random_uuid(), :amal;, :seller;, :product;, :product;, 'x', 1, 'EUR', 1, 'USED', 'BUYER', 3, now(), :paid;)`, "offer_used"),
		one("a label that nobody booked", `INSERT INTO shipment (id, order_id, seller_id, carrier, product, reference, grams, ship_from, ship_to, losses, carrier_number, cost, currency)
			VALUES (gen_random_uuid(), :paid;, :amal;, 'X_Y', 'X', 'AAAAAAAAAAAAAAA', 1, '{}', '{}', '[]', '1', 1, 'EUR')`, "shipment_label"),
		one("an order of nothing", "DELETE FROM order_line WHERE order_id = :paid;", "order_lines", "auction_order"),
		one("an order of something dearer", "UPDATE order_line SET quantity = 2 WHERE order_id = :paid;", "order_lines", "auction_order"),
		one("goods that no order gave back", "UPDATE stock_movement SET kind = 'RETURNED' WHERE kind = 'RECEIVED'", "order_goods"),
		one("the money of a sale went to another", "UPDATE orders SET seller_id = :badr; WHERE id = :settled;", "order_settled", "auction_order"),
		one("a leader with a hold of another amount", "UPDATE auction SET leader_maximum = leader_maximum + 1 WHERE id = :led;", "auction_hold"),
		one("a leader without a hold", "UPDATE auction SET leader_id = :badr;, bid_count = 1, bid_seq = 1, price = start_price, leader_maximum = start_price WHERE id = :quiet;", "auction_hold"),
		one("a hold that outlives its lot", "UPDATE auction SET status = 'UNSOLD', closed_at = opened_at WHERE id = :led;", "auction_hold"),
		one("a hold on no lot", "UPDATE hold SET cause_id = gen_random_uuid() WHERE status = 'OPEN' AND cause_kind = 'auction'", "auction_hold"),
		one("a sold lot without its order", "UPDATE orders SET auction_id = NULL WHERE id = :paid;", "auction_order"),
		one("an order over another price", "UPDATE auction SET price = price + 1, leader_maximum = leader_maximum + 1 WHERE id = :sold;", "auction_order"),
		one("a lot that is sold and offered all the same", `INSERT INTO second_chance (id, auction_id, rank, bidder_id, bid_id, amount, currency, offered_at, expires_at)
			SELECT gen_random_uuid(), auction_id, 1, bidder_id, id, amount, 'EUR', now(), now() + interval '1 day' FROM bid WHERE auction_id = :sold; LIMIT 1`, "auction_order"),
		one("an order for an unsold lot", "UPDATE auction SET status = 'UNSOLD' WHERE id = :sold;", "auction_order"),
	}
}

// TestCorruptionIsFound damages the books in every way that a check exists for: exactly the checks that speak of
// it fail, each with a row that names what is wrong.
func TestCorruptionIsFound(t *testing.T) {
	t.Parallel()
	s := tell(t)
	uncovered := map[string]bool{}
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range checks {
		uncovered[check.Name] = true
	}
	for _, c := range corruptions() {
		t.Run(c.name, func(t *testing.T) {
			failing := s.corrupted(t, c.statements)
			slices.Sort(c.fails)
			if !slices.Equal(failing, c.fails) {
				t.Errorf("these fail: %v, want %v", failing, c.fails)
			}
		})
		for _, name := range c.fails {
			delete(uncovered, name)
		}
	}
	for name := range uncovered {
		t.Errorf("nothing here breaks %s: it might never fail", name)
	}
}

// corrupted does the damage, runs all checks, and takes the damage back.
func (s *story) corrupted(t *testing.T, statements []string) (failing []string) {
	t.Helper()
	ctx := t.Context()
	tx, err := s.Admin.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	for _, statement := range append([]string{"SET LOCAL session_replication_role = replica"}, statements...) {
		tag, err := tx.Exec(ctx, s.sql(statement))
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if (tag.Insert() || tag.Update() || tag.Delete()) && tag.RowsAffected() == 0 {
			t.Fatalf("nothing is damaged: %s", statement)
		}
	}
	_, err = runAll(ctx, tx, Options{}, func(r Result) {
		if r.OK() {
			return
		}
		failing = append(failing, r.Name)
		if f := r.Findings[0]; f.Subject == "" || f.Detail == "" {
			t.Errorf("%s says %q, %q", r.Name, f.Subject, f.Detail)
		}
		t.Log(r.Name, r.Findings)
	})
	if err != nil {
		t.Fatal(err)
	}
	return failing
}
