package order_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// carried is what a shipment's tracking does: it tells an order within a transaction of its own, and publishes after it.
func carried(w *domaintest.World, o uuid.UUID, say func(context.Context, pgx.Tx, uuid.UUID) ([]realtime.Event, error)) order.Order {
	w.T.Helper()
	var told []realtime.Event
	w.Must(postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) (err error) {
		told, err = say(w.Ctx(), tx, o)
		return err
	}))
	w.Told.Publish(w.Ctx(), told...)
	return stands(w, o)
}

// stands is an order as it is now.
func stands(w *domaintest.World, o uuid.UUID) order.Order {
	w.T.Helper()
	var buyer uuid.UUID
	w.Must(w.Pool.QueryRow(w.Ctx(), "SELECT buyer_id FROM orders WHERE id = $1", o).Scan(&buyer))
	now, err := w.Orders.Get(w.Ctx(), buyer, o)
	w.Must(err)
	return now
}

// late brings the time by which an order is completed to now.
func late(w *domaintest.World, o uuid.UUID) {
	w.T.Helper()
	w.Exec("UPDATE orders SET complete_by = clock_timestamp() WHERE id = $1", o)
}

func TestDeliveredAndCompletedByTime(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale := w.Sale(100_01)
	sent, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, "RR1")
	w.Must(err)
	if in := sent.CompleteBy.Sub(*sent.SentAt).Round(time.Minute); in != order.DefaultPeriods().AfterSending {
		t.Errorf("sent, it is completed after %s", in)
	}
	if o := carried(w, sale.ID, w.Orders.EnRouteTx); o.Fulfilment != order.EnRoute || o.EnRouteAt == nil || o.Tracking != "RR1" {
		t.Errorf("en route: %+v", o)
	}
	o := carried(w, sale.ID, w.Orders.DeliveredTx)
	if o.Payment != order.Paid || o.Fulfilment != order.Received || o.DeliveredAt == nil || o.ReceivedAt == nil || o.SettledAt != nil {
		t.Errorf("delivered: %+v", o)
	}
	if in := o.CompleteBy.Sub(*o.ReceivedAt).Round(time.Minute); in != order.DefaultPeriods().AfterDelivery {
		t.Errorf("delivered, it is completed after %s", in)
	}
	if escrow := w.Balance(ledger.Escrow, sale.ID); escrow != 100_01 {
		t.Errorf("delivered, escrow holds %d", escrow)
	}
	w.Audited()
	w.Must(w.Orders.CompleteDue(t.Context()))
	if o := stands(w, sale.ID); o.Payment != order.Paid {
		t.Errorf("completed before its time: %+v", o)
	}
	late(w, sale.ID)
	for range 2 {
		w.Must(w.Orders.CompleteDue(t.Context()))
	}
	if o := stands(w, sale.ID); o.Payment != order.Settled || o.SettledAt == nil || o.CompleteBy != nil {
		t.Errorf("completed: %+v", o)
	}
	if escrow := w.Balance(ledger.Escrow, sale.ID); escrow != 0 {
		t.Errorf("completed, escrow holds %d", escrow)
	}
	w.WantEvents(sale.ID, "CREATED PAID SENT EN_ROUTE DELIVERED COMPLETED")
	w.Audited()
}

// Whatever a carrier says, in any order and however often, an order goes on and never back.
func TestWhatCarriersSayInAnyOrder(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	say := map[byte]func(context.Context, pgx.Tx, uuid.UUID) ([]realtime.Event, error){'e': w.Orders.EnRouteTx, 'd': w.Orders.DeliveredTx}
	for words, want := range map[string]string{
		"see":  "CREATED PAID SENT EN_ROUTE",
		"sde":  "CREATED PAID SENT DELIVERED",
		"sdd":  "CREATED PAID SENT DELIVERED",
		"eds":  "CREATED PAID SENT EN_ROUTE DELIVERED", // the carrier had it before its seller said so
		"ds":   "CREATED PAID SENT DELIVERED",
		"sred": "CREATED PAID SENT RECEIVED", // its buyer was faster
		"sedr": "CREATED PAID SENT EN_ROUTE DELIVERED COMPLETED",
		"ced":  "CREATED PAID CANCELLED",
	} {
		sale := w.Sale(10_00)
		for _, c := range []byte(words) {
			switch c {
			case 's':
				w.Must2(w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, ""))
			case 'r':
				w.Must2(w.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID))
			case 'c':
				w.Must2(w.Orders.Cancel(t.Context(), order.Actor{User: sale.SellerID}, sale.ID, ""))
			default:
				carried(w, sale.ID, say[c])
			}
		}
		w.WantEvents(sale.ID, want)
	}
	w.Audited()
}

// What a carrier says while the card is still being charged is not forgotten.
func TestDeliveredWhileTheCardIsCharged(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(40_00, 0, "pm_card_visa")
	if o, _, err := w.Pay(owed, card, 0); err != nil || o.Payment != order.Authorised {
		t.Fatal(o, err)
	}
	carried(w.World, owed.ID, w.Orders.EnRouteTx)
	if o := carried(w.World, owed.ID, w.Orders.DeliveredTx); o.Payment != order.Authorised || o.Fulfilment != order.FulfilmentPending || o.DeliveredAt == nil {
		t.Errorf("told too early: %+v", o)
	}
	if o, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1"); err != nil || o.Payment != order.Paid || o.Fulfilment != order.Received {
		t.Errorf("charged: %+v, %v", o, err)
	}
	w.WantEvents(owed.ID, "CREATED AUTHORISED EN_ROUTE DELIVERED PAID SENT DELIVERED")
	w.Audited()
}

// An order whose money is not free is not completed by time, and one that was given back never.
func TestWhatTimeDoesNotComplete(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	disputed, refunded := w.Sale(10_00), w.Sale(20_00)
	for _, o := range []order.Order{disputed, refunded} {
		w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
		carried(w, o.ID, w.Orders.DeliveredTx)
		late(w, o.ID)
	}
	w.Exec("UPDATE orders SET disputed = true WHERE id = $1", disputed.ID)
	w.Must2(w.Orders.Refund(t.Context(), order.Actor{User: refunded.SellerID}, order.RefundInput{Order: refunded.ID, IdempotencyKey: "back"}))
	w.Must(w.Orders.CompleteDue(t.Context()))
	for _, o := range []order.Order{disputed, refunded} {
		if now := stands(w, o.ID); now.Payment == order.Settled {
			t.Errorf("completed: %+v", now)
		}
		if done, err := w.Orders.Complete(t.Context(), o.ID); done || err != nil {
			t.Errorf("completed %v, %v", done, err)
		}
	}
	w.Exec("UPDATE orders SET disputed = false WHERE id = $1", disputed.ID)
	w.Must(w.Orders.CompleteDue(t.Context()))
	if now := stands(w, disputed.ID); now.Payment != order.Settled {
		t.Errorf("free again: %+v", now)
	}
	w.Audited()
}

// Two servers' jobs, the buyer and a refund at the same moment: the order's lock decides, and the money goes once.
func TestCompletedAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	other := w.Another(t)
	for i := range 10 {
		sale := w.Sale(10_00)
		w.Must2(w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, ""))
		carried(w, sale.ID, w.Orders.DeliveredTx)
		late(w, sale.ID)
		errs := domaintest.AtOnce(4, func(k int) (err error) {
			switch k {
			case 0:
				return w.Orders.CompleteDue(t.Context())
			case 1:
				return other.Orders.CompleteDue(t.Context())
			case 2:
				_, err = other.Orders.ConfirmReceipt(t.Context(), sale.BuyerID, sale.ID)
			default:
				_, err = w.Orders.Refund(t.Context(), order.Actor{User: sale.SellerID}, order.RefundInput{Order: sale.ID, IdempotencyKey: strconv.Itoa(i)})
			}
			return err
		})
		if errs[0] != nil || errs[1] != nil || errs[3] != nil || (errs[2] != nil && domaintest.Code(errs[2]) != "ORDER_ACTION_NOT_AVAILABLE") {
			t.Fatal(errs)
		}
		if now := stands(w, sale.ID); now.Payment != order.Refunded {
			t.Errorf("%+v", now)
		}
		w.WantWallet(sale.BuyerID, 10_00, 0)
	}
	w.Audited()
}

// The time by which an order is completed is that of the day on which it was sent.
func TestPeriodsAreKept(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	w.Orders.UsePeriods(order.Periods{AfterDelivery: time.Hour, AfterSending: 5 * time.Hour})
	sale := w.Sale(10_00)
	o, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, "")
	w.Must(err)
	w.Orders.UsePeriods(order.Periods{AfterDelivery: time.Minute, AfterSending: time.Minute})
	o = carried(w, o.ID, w.Orders.EnRouteTx)
	if in := o.CompleteBy.Sub(*o.SentAt).Round(time.Minute); in != 5*time.Hour {
		t.Errorf("completed after %s", in)
	}
}
