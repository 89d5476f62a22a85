package order_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

func TestFromPaidToSettled(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(100_01)
	if sale.Payment != order.Paid || sale.Fulfilment != order.FulfilmentPending || sale.Version != 2 || sale.PaidAt == nil || sale.SentAt != nil {
		t.Errorf("won: %+v", sale)
	}
	if fee := sale.Fee.Minor; fee != 8_50 || sale.Earnings().Minor != 91_51 {
		t.Errorf("fee %d, earnings %v", fee, sale.Earnings())
	}
	if escrow := w.Balance(ledger.Escrow, sale.ID); escrow != 100_01 {
		t.Errorf("while paid, escrow holds %d", escrow)
	}
	sent, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, "  ABC 123 ")
	if err != nil || sent.Fulfilment != order.Sent || sent.Tracking != "ABC 123" || sent.SentAt == nil || sent.ReceivedAt != nil {
		t.Errorf("sent: %+v, %v", sent, err)
	}
	if escrow := w.Balance(ledger.Escrow, sale.ID); escrow != 100_01 {
		t.Errorf("while sent, escrow holds %d", escrow)
	}
	done, err := w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID)
	if err != nil || done.Payment != order.Settled || done.Fulfilment != order.Received || done.ReceivedAt == nil || done.Tracking != "ABC 123" {
		t.Errorf("received: %+v, %v", done, err)
	}
	if escrow, earned := w.Balance(ledger.Escrow, sale.ID), w.Earned(sale.SellerID); escrow != 0 || earned != 91_51 {
		t.Errorf("after all, escrow holds %d, the seller has %d", escrow, earned)
	}
	var kinds []string
	for _, e := range w.Events(order.Topic(sale.ID)) {
		kinds = append(kinds, e.Kind)
		if o, err := order.FromEvent(e); err != nil || o.Version != e.Version || o.ID != sale.ID {
			t.Errorf("%s: %+v, %v", e.Kind, o, err)
		}
	}
	if fmt.Sprint(kinds) != "[CREATED PAID SENT RECEIVED]" {
		t.Errorf("%v", kinds)
	}
	w.Audited()
}

// Fees: of odd cents, of nothing, of all, of too little to have one.
func TestFees(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ basisPoints, total, fee int64 }{
		{850, 1, 0}, {850, 5, 0}, {850, 6, 1}, {850, 59, 5}, {850, 33_33, 2_83}, {850, 99_99, 8_50},
		{0, 100_01, 0}, {0, 1, 0}, {10_000, 77, 77}, {1, 49_99, 0}, {1, 50_00, 1},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.basisPoints, c.total), func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithFee(t, c.basisPoints)
			sale := w.Sale(c.total)
			_, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, "")
			w.Must(err)
			done, err := w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID)
			w.Must(err)
			earned := w.Earned(sale.SellerID)
			kept := w.Int(`SELECT coalesce(sum(p.amount), 0)::bigint FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'platform_fees'`)
			if done.Fee.Minor != c.fee || kept != c.fee || earned != c.total-c.fee || done.Earnings().Minor != earned {
				t.Errorf("fee %d, kept %d, earned %d", done.Fee.Minor, kept, earned)
			}
			w.Audited()
		})
	}
}

func TestWrongPartyAndWrongState(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(50_00)
	stranger := w.Buyer(0)
	before, told := w.Digest(), w.Told.Count()
	ship := func(who, o uuid.UUID) error {
		_, err := w.Orders.Ship(t.Context(), who, o, "x")
		return err
	}
	confirm := func(who, o uuid.UUID) error {
		_, err := w.Orders.ConfirmReceipt(t.Context(), who, o)
		return err
	}
	for name, c := range map[string]struct{ err, want error }{
		"the buyer ships":             {ship(sale.BuyerID, sale.ID), order.ErrMove},
		"a stranger ships":            {ship(stranger, sale.ID), order.ErrNotFound},
		"no such order ships":         {ship(sale.SellerID, id.New()), order.ErrNotFound},
		"the seller confirms":         {confirm(sale.SellerID, sale.ID), order.ErrMove},
		"a stranger confirms":         {confirm(stranger, sale.ID), order.ErrNotFound},
		"the buyer confirms too soon": {confirm(sale.BuyerID, sale.ID), order.ErrMove},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	for name, tracking := range map[string]string{
		"too long": strings.Repeat("é", 101), "with NUL": "a\x00b", "with a line": "a\nb", "not UTF-8": "a\xffb",
	} {
		if _, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, tracking); !errors.Is(err, order.ErrTrackingLength) {
			t.Errorf("tracking %s: %v", name, err)
		}
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("a refusal left something")
	}
	if _, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, strings.Repeat("é", 100)); err != nil {
		t.Errorf("the longest tracking: %v", err)
	}
	w.Must(confirm(sale.BuyerID, sale.ID))
	if err := ship(sale.SellerID, sale.ID); !errors.Is(err, order.ErrMove) {
		t.Errorf("shipping what was received: %v", err)
	}
}

func TestTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(50_00)
	first, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, "A")
	w.Must(err)
	before := w.Digest()
	again, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, "B")
	if err != nil || again.Version != first.Version || again.Tracking != "A" || w.Digest() != before {
		t.Errorf("shipped again: %+v, %v", again, err)
	}
	_, err = w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID)
	w.Must(err)
	before = w.Digest()
	if _, err := w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID); err != nil || w.Digest() != before {
		t.Errorf("confirmed again: %v", err)
	}
	w.Events(order.Topic(sale.ID))
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for range 5 {
		sale := w.Sale(77_77)
		entries := w.Int(`SELECT count(*) FROM ledger.entry`)
		shipped := 0
		errs := domaintest.AtOnce(10, func(i int) error { // some confirm before it is sent: refused, or in
			if i%2 == 0 {
				_, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, strconv.Itoa(i))
				return err
			}
			_, err := w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID)
			return err
		})
		for i, err := range errs {
			if err != nil && !errors.Is(err, order.ErrMove) {
				t.Errorf("call %d: %v", i, err)
			}
			if err == nil && i%2 == 0 {
				shipped++
			}
		}
		if shipped == 0 {
			t.Error("nobody shipped")
		}
		for _, err := range domaintest.AtOnce(6, func(int) error {
			_, err := w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID)
			return err
		}) {
			w.Must(err)
		}
		if n := len(w.Events(order.Topic(sale.ID))); n != 4 {
			t.Errorf("%d events", n)
		}
		if n := w.Int(`SELECT count(*) FROM ledger.entry`) - entries; n != 1 {
			t.Errorf("%d entries", n)
		}
	}
	w.Audited()
}

// Only the two parties see an order, each on their own side.
func TestOnlyPartiesSeeIt(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(50_00)
	stranger := w.Buyer(0)
	for who, want := range map[uuid.UUID]error{sale.BuyerID: nil, sale.SellerID: nil, stranger: order.ErrNotFound} {
		if o, err := w.Orders.Get(t.Context(), who, sale.ID); !errors.Is(err, want) || (err == nil && o.ID != sale.ID) {
			t.Errorf("get: %v, %v", o.ID, err)
		}
		if _, err := w.Orders.Snapshot(who, sale.ID)(t.Context()); !errors.Is(err, want) {
			t.Errorf("snapshot: %v", err)
		}
		found, err := w.Orders.ByAuction(t.Context(), who, []uuid.UUID{*sale.AuctionID})
		if err != nil || (len(found) == 1) != (want == nil) {
			t.Errorf("by lot: %d, %v", len(found), err)
		}
	}
	for who, sides := range map[uuid.UUID]string{sale.BuyerID: "1 0", sale.SellerID: "0 1", stranger: "0 0"} {
		bought, err := w.Orders.List(t.Context(), who, order.AsBuyer, page.Args{})
		w.Must(err)
		sold, err := w.Orders.List(t.Context(), who, order.AsSeller, page.Args{})
		w.Must(err)
		if got := fmt.Sprint(len(bought.Nodes), len(sold.Nodes)); got != sides {
			t.Errorf("bought and sold %s, want %s", got, sides)
		}
	}
	if party, ok := sale.PartyOf(stranger); ok || party != "" {
		t.Errorf("a stranger is %s", party)
	}
}

// A cursor of purchases is none of sales.
func TestCursorsOfSides(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(50_00)
	p, err := w.Orders.List(t.Context(), sale.BuyerID, order.AsBuyer, page.Args{})
	w.Must(err)
	args := page.Args{After: p.PageInfo().EndCursor}
	if p, err := w.Orders.List(t.Context(), sale.BuyerID, order.AsBuyer, args); err != nil || len(p.Nodes) != 0 {
		t.Errorf("the next page: %+v, %v", p.Nodes, err)
	}
	if _, err := w.Orders.List(t.Context(), sale.BuyerID, order.AsSeller, args); !errors.Is(err, page.ErrCursor) {
		t.Errorf("the other list took it: %v", err)
	}
}

// Whatever a server's code believes, the database refuses every other move, and a change of what is fixed.
func TestDatabaseGuardsOrders(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(10_00)
	// scene puts the order into a state, as only the schema's owner can; it fails for what is no state.
	scene := func(payment, fulfilment string) error {
		w.Exec(`ALTER TABLE orders DISABLE TRIGGER order_guard_moves`)
		defer w.Exec(`ALTER TABLE orders ENABLE TRIGGER order_guard_moves`)
		_, err := w.Admin.Exec(t.Context(), `UPDATE orders SET payment = $2, fulfilment = $3, refunded = CASE $2 WHEN 'REFUNDED' THEN total ELSE 0 END,
			cancelled_at = CASE $3 WHEN 'CANCELLED' THEN now() END WHERE id = $1`, sale.ID, payment, fulfilment)
		return err
	}
	// Each machine's moves are tried beside every state of the other.
	payments := []string{"PENDING", "AUTHORISED", "PAID", "SETTLED", "REFUNDED", "VOIDED", "SENT", ""}
	fulfilments := []string{"PENDING", "SENT", "RECEIVED", "CANCELLED", "PAID", ""}
	legal := map[string]bool{}
	try := func(machine, payment, fulfilment, from, to string) {
		if from == to || scene(payment, fulfilment) != nil {
			return // no state of this machine, or none beside the other's
		}
		if _, err := w.Pool.Exec(t.Context(), `UPDATE orders SET `+machine+` = $2`+beside(to)+` WHERE id = $1`, sale.ID, to); err == nil {
			legal[machine+" "+from+"-"+to] = true
		}
	}
	for _, p := range payments {
		for _, f := range fulfilments {
			for _, to := range payments {
				try("payment", p, f, p, to)
			}
			for _, to := range fulfilments {
				try("fulfilment", p, f, f, to)
			}
		}
	}
	want := []string{
		"fulfilment PENDING-CANCELLED", "fulfilment PENDING-SENT", "fulfilment SENT-RECEIVED",
		"payment AUTHORISED-PAID", "payment AUTHORISED-PENDING", "payment AUTHORISED-VOIDED", "payment PAID-REFUNDED",
		"payment PAID-SETTLED", "payment PENDING-AUTHORISED", "payment PENDING-PAID", "payment PENDING-VOIDED", "payment SETTLED-REFUNDED",
	}
	if got := slices.Sorted(maps.Keys(legal)); !slices.Equal(got, want) {
		t.Errorf("the database lets through %v", got)
	}
}

// beside is what else changes with a move, as the database wants it.
func beside(to string) string {
	switch to {
	case "REFUNDED":
		return ", refunded = total"
	case "CANCELLED":
		return ", cancelled_at = now()"
	}
	return ""
}

func TestDatabaseKeepsWhatIsFixed(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale, other := w.Sale(10_00), w.Sale(20_00)
	before := w.Digest()
	for name, statement := range map[string]string{
		"buyer":      `UPDATE orders SET buyer_id = (SELECT buyer_id FROM orders WHERE id = $2) WHERE id = $1`,
		"seller":     `UPDATE orders SET seller_id = (SELECT seller_id FROM orders WHERE id = $2) WHERE id = $1`,
		"goods":      `UPDATE orders SET listing_id = (SELECT listing_id FROM orders WHERE id = $2) WHERE id = $1`,
		"lot":        `UPDATE orders SET auction_id = CASE id WHEN $2 THEN NULL END WHERE id = $1`,
		"id":         `UPDATE orders SET id = CASE id WHEN $2 THEN $1 ELSE gen_random_uuid() END WHERE id = $1`,
		"total":      `UPDATE orders SET total = total + 1 WHERE id IN ($1, $2)`,
		"fee":        `UPDATE orders SET fee = 0 WHERE id IN ($1, $2)`,
		"currency":   `UPDATE orders SET currency = 'USD' WHERE id IN ($1, $2)`,
		"deletion":   `DELETE FROM orders WHERE id IN ($1, $2)`,
		"the rules":  `INSERT INTO order_move SELECT 'PAYMENT', 'SETTLED', 'PAID' WHERE $1::uuid <> $2::uuid`,
		"the rules'": `DELETE FROM order_move WHERE $1::uuid <> $2::uuid`,
		"a beginning": `INSERT INTO orders (id, buyer_id, seller_id, listing_id, total, fee, currency, payment)
			SELECT gen_random_uuid(), buyer_id, seller_id, listing_id, total, fee, currency, 'PAID' FROM orders WHERE id IN ($1, $2)`,
	} {
		if _, err := w.Pool.Exec(t.Context(), statement, sale.ID, other.ID); err == nil {
			t.Errorf("%s could be changed", name)
		}
	}
	if w.Digest() != before {
		t.Error("something changed")
	}
}
