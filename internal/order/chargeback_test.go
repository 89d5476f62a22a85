package order_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

// disputes has a sent order's card payment charged back: all of the card's part where cents is 0.
func disputes(w *domaintest.CardWorld, o order.Order, cents int64, inquiry bool) string {
	w.T.Helper()
	var charge string
	w.Must(w.Admin.QueryRow(w.Ctx(), "SELECT charge_id FROM order_payment WHERE order_id = $1 AND status = 'CAPTURED'", o.ID).Scan(&charge))
	d, err := w.Stripe.OpenDispute(charge, "product_not_received", cents, inquiry)
	w.Must(err)
	looks(w, d.ID)
	return d.ID
}

// looks has an event about a dispute handled, and the same one again.
func looks(w *domaintest.CardWorld, dispute string) {
	w.T.Helper()
	for range 2 {
		event := "evt_" + uuid.NewString()
		w.Exec(`INSERT INTO provider_event (id, provider, kind, object_id, created_at, status)
			VALUES ($1, 'stripe', 'charge.dispute.updated', $2, now(), 'RECEIVED')`, event, dispute)
		w.Must(w.Payment.HandleEvent(w.Ctx(), event))
	}
}

func decides(w *domaintest.CardWorld, dispute, outcome string) {
	w.T.Helper()
	w.Must(w.Stripe.DecideDispute(dispute, outcome))
	looks(w, dispute)
}

// sold is an order of 100 that was paid by card but for so many cents of the wallet, and sent.
func sold(w *domaintest.CardWorld, method string, wallet int64) order.Order {
	w.T.Helper()
	owed, card := w.Owed(100_00, 100_00, method)
	_, _, err := w.Pay(owed, card, wallet)
	w.Must(err)
	sent, err := w.Orders.Ship(w.Ctx(), owed.SellerID, owed.ID, "RR1")
	w.Must(err)
	return sent
}

// now is the order as it is.
func now(w *domaintest.CardWorld, o order.Order) order.Order {
	w.T.Helper()
	o, err := w.Orders.Get(w.Ctx(), o.BuyerID, o.ID)
	w.Must(err)
	return o
}

// refusesAll insists that nothing is done with an order's money.
func refusesAll(w *domaintest.CardWorld, o order.Order) {
	w.T.Helper()
	o = now(w, o)
	if !o.Disputed || len(o.AvailableActions(order.AsBuyer)) != 0 || len(o.AvailableActions(order.AsSeller)) != 0 {
		w.T.Errorf("disputed is %t, actions %v and %v", o.Disputed, o.AvailableActions(order.AsBuyer), o.AvailableActions(order.AsSeller))
	}
	if o.Payment == order.Paid {
		if _, err := w.Orders.ConfirmReceipt(w.Ctx(), o.BuyerID, o.ID); !errors.Is(err, order.ErrDisputed) {
			w.T.Errorf("received: %v, want ErrDisputed", err)
		}
	}
	in := order.RefundInput{Order: o.ID, Reason: "a dent", IdempotencyKey: uuid.NewString()}
	if _, err := w.Orders.Refund(w.Ctx(), order.Actor{User: o.SellerID}, in); !errors.Is(err, order.ErrDisputed) {
		w.T.Errorf("refunded: %v, want ErrDisputed", err)
	}
}

// cleared compares the provider's journal with our clearing account, and audits all books.
func cleared(w *domaintest.CardWorld) {
	w.T.Helper()
	var net int64
	for _, m := range w.Stripe.Journal() {
		net += m.Net
	}
	if clearing := w.Int("SELECT coalesce(sum(p.amount), 0) FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'psp_clearing'"); clearing != -net {
		w.T.Errorf("clearing stands at %d, the provider's balance at %d", clearing, net)
	}
	w.Audited()
}

func loss(w *domaintest.CardWorld) int64 { return w.Balance(ledger.ChargebackLoss, uuid.Nil) }

func TestAnOrdersChargebackIsWon(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithWatchedCards(t)
	o := sold(w, "pm_card_visa", 30_00)
	dispute := disputes(w, o, 0, false)
	refusesAll(w, o)
	cleared(w)
	decides(w, dispute, "won")
	if o = now(w, o); o.Disputed || o.ChargedBack.Minor != 0 || o.Payment != order.Paid {
		t.Errorf("%+v", o)
	}
	_, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
	w.Must(err)
	if got := w.Earned(o.SellerID); got != o.Total.Minor-o.Fee.Minor {
		t.Errorf("the seller got %d", got)
	}
	w.WantEvents(o.ID, "CREATED AUTHORISED PAID SENT CHARGEBACK_CHANGED CHARGEBACK_CHANGED RECEIVED") //nolint:dupword // it changes twice
	cleared(w)
}

// The card's part is gone with the bank's decision; the wallet's goes on.
func TestAnOrdersChargebackIsLostBeforeTheRelease(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wallet, disputed int64
		back             int64
		then             func(w *domaintest.CardWorld, o order.Order) error
		end              order.Payment
		seller, buyer    int64 // what they have of it in the end; the buyer began with 100
	}{
		"all by card": {0, 0, 100_00, nil, order.ChargedBack, 0, 100_00},
		"the wallet's part is released": {30_00, 0, 70_00, func(w *domaintest.CardWorld, o order.Order) error {
			_, err := w.Orders.ConfirmReceipt(w.Ctx(), o.BuyerID, o.ID)
			return err
		}, order.Settled, 27_45, 70_00},
		"the wallet's part is refunded": {30_00, 0, 70_00, func(w *domaintest.CardWorld, o order.Order) error {
			_, err := w.Orders.Refund(w.Ctx(), order.Actor{User: o.SellerID}, order.RefundInput{Order: o.ID, Reason: "gone", IdempotencyKey: "k"})
			return err
		}, order.Refunded, 0, 100_00},
		"a part of the card's": {30_00, 20_00, 20_00, func(w *domaintest.CardWorld, o order.Order) error {
			_, err := w.Orders.Refund(w.Ctx(), order.Actor{User: o.SellerID}, order.RefundInput{Order: o.ID, Reason: "gone", IdempotencyKey: "k"})
			return err
		}, order.Refunded, 0, 150_00},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			o := sold(w, "pm_card_visa", c.wallet)
			dispute := disputes(w, o, c.disputed, false)
			refusesAll(w, o)
			decides(w, dispute, "lost")
			if o = now(w, o); o.Disputed || o.ChargedBack.Minor != c.back || loss(w) != 0 {
				t.Errorf("disputed %t, charged back %s, a loss of %d", o.Disputed, o.ChargedBack, loss(w))
			}
			if escrow := w.Balance(ledger.Escrow, o.ID); escrow != 100_00-c.back {
				t.Errorf("escrow holds %d", escrow)
			}
			cleared(w)
			if c.then != nil {
				w.Must(c.then(w, o))
			}
			if o = now(w, o); o.Payment != c.end {
				t.Errorf("the order is %s, want %s", o.Payment, c.end)
			}
			w.WantWallet(o.BuyerID, c.buyer, 0)
			if got := w.Earned(o.SellerID); got != c.seller {
				t.Errorf("the seller has %d, want %d", got, c.seller)
			}
			cleared(w)
		})
	}
}

// Once the seller has it, the platform bears it, and nobody refunds it a second time.
func TestAnOrdersChargebackIsLostAfterTheRelease(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sold(w, "pm_card_visa", 30_00)
	_, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
	w.Must(err)
	earned := w.Earned(o.SellerID)
	dispute := disputes(w, o, 0, false)
	refusesAll(w, o)
	decides(w, dispute, "lost")
	if o = now(w, o); o.Payment != order.Settled || o.ChargedBack.Minor != 0 {
		t.Errorf("%+v", o)
	}
	if loss(w) != -70_00 || w.Earned(o.SellerID) != earned {
		t.Errorf("a loss of %d, the seller has %d", loss(w), w.Earned(o.SellerID))
	}
	refusesAll(w, o)
	cleared(w)
}

// A bank may take back that a chargeback was lost, before or after what the parties did then. The seller has the goods' price where
// the buyer has the goods, and the buyer where they have nothing.
func TestAnOrdersLossIsTakenBack(t *testing.T) {
	t.Parallel()
	refunds := func(w *domaintest.CardWorld, o order.Order) {
		w.Must2(w.Orders.Refund(w.Ctx(), order.Actor{User: o.SellerID}, order.RefundInput{Order: o.ID, Reason: "gone", IdempotencyKey: "k"}))
	}
	nothing := func(*domaintest.CardWorld, order.Order) {}
	for name, c := range map[string]struct {
		wallet              int64
		unsent              bool
		before, lost, again func(w *domaintest.CardWorld, o order.Order) // what is done before the dispute, once it is lost, and in the end
		end                 order.Payment
		seller, buyer       int64 // what they have in the end; the buyer began with 100
	}{
		"all by card":                    {0, false, nothing, nothing, receives, order.Settled, 91_50, 100_00},
		"a part is left":                 {30_00, false, nothing, nothing, receives, order.Settled, 91_50, 70_00},
		"a part is left, and refunded":   {30_00, false, nothing, nothing, refunds, order.Refunded, 0, 170_00},
		"the wallet's part was released": {30_00, false, nothing, receives, nothing, order.Settled, 91_50, 70_00},
		"the wallet's part was refunded": {30_00, false, nothing, refunds, nothing, order.Refunded, 0, 170_00},
		"after the release":              {30_00, false, receives, nothing, nothing, order.Settled, 91_50, 70_00},
		"refunded after the release":     {30_00, false, receives, nothing, refunds, order.Refunded, 0, 170_00},
		"not sent, and not any more":     {0, true, nothing, nothing, nothing, order.Refunded, 0, 200_00},
		"not sent yet":                   {30_00, true, nothing, nothing, nothing, order.Paid, 0, 70_00},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			var o order.Order
			if c.unsent {
				o = takenByHand(w, c.wallet)
			} else {
				o = sold(w, "pm_card_visa", c.wallet)
			}
			c.before(w, o)
			dispute := disputes(w, o, 0, false)
			decides(w, dispute, "lost")
			c.lost(w, o)
			cleared(w)
			decides(w, dispute, "won")
			if loss(w) != 0 || now(w, o).ChargedBack.Minor != 0 || now(w, o).Disputed {
				t.Errorf("a loss of %d, and %+v", loss(w), now(w, o))
			}
			cleared(w)
			c.again(w, now(w, o))
			if o = now(w, o); o.Payment != c.end {
				t.Errorf("the order is %s, want %s", o.Payment, c.end)
			}
			w.WantWallet(o.BuyerID, c.buyer, 0)
			if got := w.Earned(o.SellerID); got != c.seller {
				t.Errorf("the seller has %d, want %d", got, c.seller)
			}
			cleared(w)
		})
	}
}

// takenByHand is an order of 100 whose card somebody has charged in the provider's dashboard: it is paid and not sent.
func takenByHand(w *domaintest.CardWorld, wallet int64) order.Order {
	w.T.Helper()
	owed, card := w.Owed(100_00, 100_00, "pm_card_visa")
	_, p, err := w.Pay(owed, card, wallet)
	w.Must(err)
	w.CaptureByHand(p.ID, 0)
	w.Advance(p.ID)
	return now(w, owed)
}

// What refunds have taken out of the card's part is not taken again.
func TestAnOrdersChargebackAfterARefund(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sold(w, "pm_card_visa", 40_00)
	_, err := w.Orders.Refund(t.Context(), order.Actor{User: o.SellerID},
		order.RefundInput{Order: o.ID, Amount: new(domaintest.EUR(50_00)), Reason: "a dent", IdempotencyKey: "k"})
	w.Must(err)
	dispute := disputes(w, o, 0, false) // the provider knows that 30 of 60 are refunded
	decides(w, dispute, "lost")
	if o = now(w, o); o.ChargedBack.Minor != 30_00 || o.Left().Minor != 20_00 || loss(w) != 0 {
		t.Errorf("charged back %s, left %s, a loss of %d", o.ChargedBack, o.Left(), loss(w))
	}
	_, err = w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
	w.Must(err)
	cleared(w)
}

// An inquiry blocks nothing.
func TestAnInquiryAboutAnOrder(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sold(w, "pm_card_visa", 0)
	dispute := disputes(w, o, 0, true)
	if now(w, o).Disputed {
		t.Error("the order is disputed")
	}
	_, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
	w.Must(err)
	decides(w, dispute, "needs_response")
	refusesAll(w, o)
	cleared(w)
}

// The bank decides while the buyer confirms: one is first, and the books hold either way.
func TestAChargebackBesideTheRelease(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	for _, method := range []string{"pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_discover"} {
		o := sold(w, method, 30_00)
		var charge string
		w.Must(w.Admin.QueryRow(w.Ctx(), "SELECT charge_id FROM order_payment WHERE order_id = $1 AND status = 'CAPTURED'", o.ID).Scan(&charge))
		d, err := w.Stripe.OpenDispute(charge, "fraudulent", 0, false)
		w.Must(err)
		w.Must(w.Stripe.DecideDispute(d.ID, "lost"))
		before := loss(w)
		errs := domaintest.AtOnce(2, func(i int) error {
			if i == 0 {
				_, err := w.Orders.ConfirmReceipt(w.Ctx(), o.BuyerID, o.ID)
				return err
			}
			looks(w, d.ID)
			return nil
		})
		if o = now(w, o); errs[0] != nil || o.Payment != order.Settled {
			t.Errorf("%s, %v", o.Payment, errs)
		}
		if borne := before - loss(w); borne+o.ChargedBack.Minor != 70_00 || (borne != 0 && o.ChargedBack.Minor != 0) {
			t.Errorf("the platform bears %d, escrow %s", borne, o.ChargedBack)
		}
	}
	cleared(w)
}

// The event comes before the answer to the capture: the dispute waits for it.
func TestADisputeBeforeTheCaptureIsRecorded(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(50_00, 0, "pm_card_visa")
	_, p, err := w.Pay(owed, card, 0)
	w.Must(err)
	w.Broken("capture", stripefake.CutAfter)
	_, err = w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1")
	w.Must(err)
	w.Broken("fetch", stripefake.CutBefore)
	journal := w.Stripe.Journal()
	if len(journal) != 1 || w.PaymentOf(owed).Status != payment.OrderCapturing {
		t.Fatalf("%+v, %s", journal, w.PaymentOf(owed).Status)
	}
	d, err := w.Stripe.OpenDispute(*journal[0].Source, "fraudulent", 0, false)
	w.Must(err)
	w.Exec(`INSERT INTO provider_event (id, provider, kind, object_id, created_at, status)
		VALUES ('evt_1', 'stripe', 'charge.dispute.created', $1, now(), 'RECEIVED')`, d.ID)
	if err := w.Payment.HandleEvent(t.Context(), "evt_1"); err == nil {
		t.Error("handled before its payment")
	}
	w.Mended(stripefake.CutAfter)
	w.Must(w.Payment.HandleEvent(t.Context(), "evt_1"))
	if o := now(w, owed); !o.Disputed || o.Payment != order.Paid || o.Fulfilment != order.Sent {
		t.Errorf("%+v", o)
	}
	if w.PaymentOf(owed).ID != p.ID {
		t.Error("another payment")
	}
	decides(w, d.ID, "lost")
	if o := now(w, owed); o.Payment != order.ChargedBack {
		t.Errorf("%+v", o)
	}
	if w.Int("SELECT count(*) FROM event WHERE topic = 'support:desk'") != 2 {
		t.Error("support was not told twice")
	}
	cleared(w)
}
