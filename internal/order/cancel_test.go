package order_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

// An order that is owed is cancelled by any side; one that is authorised by its seller or an admin. The wallet has its part
// back, and the card is let go.
func TestCancelUnpaid(t *testing.T) {
	t.Parallel()
	for _, who := range []order.Party{order.AsBuyer, order.AsSeller, order.AsAdmin} {
		for _, paid := range []string{"", "pm_card_visa", asks} {
			t.Run(fmt.Sprintf("%s after %q", who, paid), func(t *testing.T) {
				t.Parallel()
				w := domaintest.NewWithCards(t)
				owed, card := w.Owed(100_00, 30_00, "pm_card_visa_debit")
				if paid != "" {
					card = w.Card(owed.BuyerID, paid)
					_, _, err := w.Pay(owed, card, 30_00)
					w.Must(err)
				}
				actor := map[order.Party]order.Actor{
					order.AsBuyer: {User: owed.BuyerID}, order.AsSeller: {User: owed.SellerID},
					order.AsAdmin: {User: w.User(identity.Admin), Admin: true},
				}[who]
				o, err := w.Orders.Cancel(t.Context(), actor, owed.ID, " Broken. ")
				if who == order.AsBuyer && paid == "pm_card_visa" {
					if domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
						t.Errorf("the buyer of an authorised order: %v", err)
					}
					return
				}
				if err != nil || o.Payment != order.Voided || o.Fulfilment != order.Cancelled || o.Reason != "Broken." || o.CancelledAt == nil {
					t.Fatalf("cancelled: %+v, %v", o, err)
				}
				w.WantWallet(owed.BuyerID, 30_00, 0)
				w.Audited()
				if l, err := w.Catalog.Get(t.Context(), owed.ListingID); err != nil || l.Status != catalog.Active {
					t.Errorf("the listing is %s, %v, want it for sale again", l.Status, err)
				}
				before := w.Digest()
				if again, err := w.Orders.Cancel(t.Context(), actor, owed.ID, "Another reason."); err != nil || again.Version != o.Version || w.Digest() != before {
					t.Errorf("again: %+v, %v", again, err)
				}
				if _, _, err := w.Pay(owed, card, 0); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
					t.Errorf("paid: %v", err)
				}
				if _, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, ""); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
					t.Errorf("shipped: %v", err)
				}
				if len(w.Stripe.Journal()) != 0 {
					t.Error("the provider moved money")
				}
				w.Must2(w.Auctions.Start(t.Context(), owed.SellerID, auction.StartInput{
					Listing: owed.ListingID, Backing: auction.ByCard, StartPrice: domaintest.EUR(90_00), Duration: time.Hour,
				}))
			})
		}
	}
}

// Letting the card go is broken in each way, and so is what began the payment: in the end nothing is taken.
func TestCancelSurvivesEachFault(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"cancel", "fetch", "confirm", "create"} {
		for _, fault := range []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.RateLimit} {
			t.Run(step+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				w := domaintest.NewWithCards(t)
				owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
				begins := step == "confirm" || step == "create"
				if begins {
					w.Broken(step, fault)
				}
				_, p, err := w.Pay(owed, card, 30_00)
				w.Must(err)
				if !begins {
					w.Broken(step, fault)
				}
				o, err := w.Orders.Cancel(t.Context(), order.Actor{User: owed.SellerID}, owed.ID, "")
				if err != nil || o.Fulfilment != order.Cancelled || (o.Payment == order.Voided) != begins {
					t.Fatalf("cancelled: %+v, %v", o, err)
				}
				w.WantWallet(owed.BuyerID, 30_00, 0)
				w.Audited()
				w.Mended(fault)
				if p := w.Advance(p.ID); p.Status != payment.OrderVoided {
					t.Errorf("became %+v", p)
				}
				if o, err := w.Orders.Get(t.Context(), owed.BuyerID, owed.ID); err != nil || o.Payment != order.Voided {
					t.Errorf("in the end: %+v, %v", o, err)
				}
				w.WantWallet(owed.BuyerID, 30_00, 0)
				if len(w.Stripe.Journal()) != 0 {
					t.Error("the provider moved money")
				}
				w.Audited()
			})
		}
	}
}

func TestCancelRefusals(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 0, "pm_card_visa")
	sale := w.Sale(20_00)
	w.Must2(w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, ""))
	admin := order.Actor{User: w.User(identity.Admin), Admin: true}
	before := w.Digest()
	for name, c := range map[string]struct {
		who    order.Actor
		order  order.Order
		reason string
		code   string
	}{
		"a stranger":       {order.Actor{User: sale.BuyerID}, owed, "", "ORDER_NOT_FOUND"},
		"a long reason":    {order.Actor{User: owed.BuyerID}, owed, strings.Repeat("é", 501), "REASON_LENGTH"},
		"a turning reason": {order.Actor{User: owed.BuyerID}, owed, "a\u202eb", "REASON_LENGTH"},
		"the buyer, sent":  {order.Actor{User: sale.BuyerID}, sale, "", "ORDER_ACTION_NOT_AVAILABLE"},
		"the seller, sent": {order.Actor{User: sale.SellerID}, sale, "", "ORDER_ACTION_NOT_AVAILABLE"},
		"an admin, sent":   {admin, sale, "", "ORDER_ACTION_NOT_AVAILABLE"},
	} {
		if _, err := w.Orders.Cancel(t.Context(), c.who, c.order.ID, c.reason); domaintest.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if w.Digest() != before {
		t.Error("a refusal left something")
	}
	if _, p, err := w.Pay(owed, card, 0); err != nil || p.Status != payment.OrderAuthorised {
		t.Errorf("after all: %+v, %v", p, err)
	}
	w.Audited()
}

// Cancelling, paying and shipping at once: whichever wins, the order ends in one state, and the money with it.
func TestCancelRaces(t *testing.T) {
	t.Parallel()
	for name, rival := range map[string]func(*domaintest.CardWorld, order.Order) error{
		"shipping": func(w *domaintest.CardWorld, o order.Order) error {
			_, err := w.Orders.Ship(w.Ctx(), o.SellerID, o.ID, "RR1")
			return err
		},
		"paying": func(w *domaintest.CardWorld, o order.Order) error {
			_, _, err := w.Pay(o, *o.CardID, 30_00)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			for i := range 4 {
				owed, card := w.Owed(100_00, 30_00, []string{"pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_discover"}[i])
				if name == "shipping" {
					_, _, err := w.Pay(owed, card, 30_00)
					w.Must(err)
				}
				errs := domaintest.AtOnce(6, func(i int) error {
					if i%2 == 0 {
						return rival(w, owed)
					}
					_, err := w.Orders.Cancel(t.Context(), order.Actor{User: owed.SellerID}, owed.ID, "")
					return err
				})
				for _, err := range errs {
					switch domaintest.Code(err) {
					case "", "ORDER_ACTION_NOT_AVAILABLE", "CAPTURE_IN_PROGRESS", "PAYMENT_IN_PROGRESS":
					default:
						t.Error(err)
					}
				}
				if w.Int("SELECT count(*) FROM order_payment WHERE order_id = $1", owed.ID) > 0 {
					w.Advance(w.PaymentOf(owed).ID)
				}
				o, err := w.Orders.Get(t.Context(), owed.BuyerID, owed.ID)
				w.Must(err)
				switch string(o.Payment) + " " + string(o.Fulfilment) {
				case "VOIDED CANCELLED":
					w.WantWallet(owed.BuyerID, 30_00, 0)
				case "PAID SENT":
					w.WantWallet(owed.BuyerID, 0, 0)
				default:
					t.Errorf("ended as %+v after %v", o, domaintest.Codes(errs))
				}
				w.Audited()
			}
		})
	}
}

// What was to be let go is captured by somebody, in the provider's dashboard: the card has its money back, once, and the order is
// VOIDED all the same. It is found by the look of the job, of the sweep or of whoever comes first. They may have taken less than
// was authorised.
func TestTakenWhileItIsLetGo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ captured, back int64 }{"all of it": {0, 70_00}, "a part": {25_00, 25_00}, "a cent less": {69_99, 69_99}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takenWhileItIsLetGo(domaintest.NewWithCards(t), c.captured, c.back)
		})
	}
}

func takenWhileItIsLetGo(w *domaintest.CardWorld, captured, back int64) {
	t := w.T
	t.Helper()
	owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
	_, p, err := w.Pay(owed, card, 30_00)
	w.Must(err)
	w.Broken("cancel", stripefake.CutBefore)
	o, err := w.Orders.Cancel(t.Context(), order.Actor{User: owed.SellerID}, owed.ID, "Broken.")
	if err != nil || o.Payment != order.Authorised || o.Fulfilment != order.Cancelled {
		t.Fatalf("cancelled: %+v, %v", o, err)
	}
	w.Mended(stripefake.CutBefore)
	w.CaptureByHand(p.ID, captured)
	if errs := domaintest.AtOnce(8, func(int) error { _, err := w.Payment.AdvanceOrderPayment(t.Context(), p.ID); return err }); domaintest.Codes(errs)[""] != 8 {
		t.Errorf("%v", errs)
	}
	w.Audited() // while it is on its way back
	errs := domaintest.AtOnce(8, func(int) error { _, err := w.Payment.PushRefund(t.Context(), p.ID); return err })
	if domaintest.Codes(errs)[""] != 8 {
		t.Errorf("%v", errs)
	}
	if sent, err := w.Payment.RefundOf(t.Context(), owed.BuyerID, p.ID); err != nil || sent.Status != payment.RefundSucceeded || sent.Amount != domaintest.EUR(back) {
		t.Errorf("refunded: %+v, %v", sent, err)
	}
	if o, err = w.Orders.Get(t.Context(), owed.BuyerID, owed.ID); err != nil || o.Payment != order.Voided || o.Fulfilment != order.Cancelled {
		t.Errorf("the order: %+v, %v", o, err)
	}
	w.WantWallet(owed.BuyerID, 30_00, 0)
	var moved int64
	for _, m := range w.Stripe.Journal() {
		moved += m.Amount
	}
	if len(w.Stripe.Journal()) != 2 || moved != 0 {
		t.Errorf("the card was moved by %+v", w.Stripe.Journal())
	}
	w.Audited()
}
