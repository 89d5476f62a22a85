package order_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

// The capture is broken in each way: the seller hears that nothing is sent yet, and then the job finds out. The card
// is charged once.
func TestShipSurvivesEachFault(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"capture", "fetch"} {
		for _, fault := range []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.RateLimit} {
			t.Run(step+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				w := domaintest.NewWithCards(t)
				owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
				_, p, err := w.Pay(owed, card, 30_00)
				w.Must(err)
				w.Broken(step, fault)
				o, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1")
				if err != nil || o.Payment != order.Authorised || o.Fulfilment != order.FulfilmentPending {
					t.Fatalf("shipped: %+v, %v", o, err)
				}
				if _, err := w.Orders.Cancel(t.Context(), order.Actor{User: owed.SellerID}, owed.ID, ""); domaintest.Code(err) != "CAPTURE_IN_PROGRESS" {
					t.Errorf("cancelled meanwhile: %v", err)
				}
				w.WantWallet(owed.BuyerID, 0, 30_00)
				w.Audited()
				w.Mended(fault)
				if p := w.Advance(p.ID); p.Status != payment.OrderCaptured {
					t.Fatalf("became %+v", p)
				}
				o, err = w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR2")
				if err != nil || o.Payment != order.Paid || o.Fulfilment != order.Sent || o.Tracking != "RR1" {
					t.Errorf("in the end: %+v, %v", o, err)
				}
				if journal := w.Stripe.Journal(); len(journal) != 1 || journal[0].Amount != 70_00 {
					t.Errorf("the provider moved %+v", journal)
				}
				w.WantWallet(owed.BuyerID, 0, 0)
				w.WantEvents(owed.ID, "CREATED AUTHORISED PAID SENT")
				w.Audited()
			})
		}
	}
}

// An authorisation lives seven days. Whoever finds that it is gone, the order is owed as before, the wallet has its part
// back, and the buyer pays again.
func TestAuthorisationExpires(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"webhook", "job", "shipping"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			w.Listens()
			owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
			_, p, err := w.Pay(owed, card, 30_00)
			w.Must(err)
			w.Must(w.Stripe.Advance(7*24*time.Hour + time.Second))
			switch by {
			case "webhook":
				w.Hears("payment_intent.canceled")
			case "job":
				w.Advance(p.ID)
			case "shipping":
				if _, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1"); domaintest.Code(err) != "CAPTURE_FAILED" {
					t.Errorf("shipped: %v", err)
				}
			}
			w.WantWallet(owed.BuyerID, 30_00, 0)
			if p = w.PaymentOf(owed); p.Status != payment.OrderFailed || domaintest.Code(p.Refusal()) != "AUTHORISATION_EXPIRED" {
				t.Errorf("became %+v: %v", p, p.Refusal())
			}
			w.WantEvents(owed.ID, "CREATED AUTHORISED UNPAID")
			w.Audited()
			if o, _, err := w.Pay(owed, card, 0); err != nil || o.Payment != order.Authorised {
				t.Errorf("paid again: %+v, %v", o, err)
			}
			if o, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR2"); err != nil || o.Fulfilment != order.Sent {
				t.Errorf("shipped in the end: %+v, %v", o, err)
			}
			w.Audited()
		})
	}
}

// What the provider authorised and will not capture is let go, so that the buyer can pay in another way.
func TestCaptureIsRefused(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t, func(p payment.Provider) payment.Provider { return refusing{p} })
	owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
	_, p, err := w.Pay(owed, card, 30_00)
	w.Must(err)
	if _, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1"); domaintest.Code(err) != "CAPTURE_FAILED" {
		t.Errorf("shipped: %v", err)
	}
	if p = w.Advance(p.ID); p.Status != payment.OrderFailed {
		t.Errorf("became %+v", p)
	}
	w.WantWallet(owed.BuyerID, 30_00, 0)
	w.WantEvents(owed.ID, "CREATED AUTHORISED UNPAID")
	w.Audited()
}

// refusing is a provider that captures nothing.
type refusing struct{ payment.Provider }

func (refusing) CaptureIntent(context.Context, string, string) (payment.Intent, error) {
	return payment.Intent{}, &payment.ProviderError{Op: "capture", Outcome: payment.Rejected, Code: "charge_not_capturable"}
}

// What somebody captures at the provider's own desk is the buyer's money in escrow all the same: the order is PAID, and to
// be sent.
func TestCapturedByHand(t *testing.T) {
	t.Parallel()
	var provider payment.Provider
	w := domaintest.NewWithCards(t, func(p payment.Provider) payment.Provider {
		provider = p
		return p
	})
	w.Listens()
	owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
	_, p, err := w.Pay(owed, card, 30_00)
	w.Must(err)
	var intent string
	w.Must(w.Admin.QueryRow(t.Context(), "SELECT provider_id FROM order_payment WHERE id = $1", p.ID).Scan(&intent))
	w.Must2(provider.CaptureIntent(t.Context(), intent, "by hand"))
	w.Hears("payment_intent.succeeded")
	o, err := w.Orders.Get(t.Context(), owed.BuyerID, owed.ID)
	if err != nil || o.Payment != order.Paid || o.Fulfilment != order.FulfilmentPending {
		t.Errorf("became %+v, %v", o, err)
	}
	w.Audited()
	if o, err = w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1"); err != nil || o.Fulfilment != order.Sent {
		t.Errorf("shipped: %+v, %v", o, err)
	}
	w.WantEvents(owed.ID, "CREATED AUTHORISED PAID SENT")
	w.Audited()
}

// A card that is removed after it was authorised is charged all the same.
func TestCardIsRemovedBeforeShipping(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 0, "pm_card_visa")
	_, _, err := w.Pay(owed, card, 0)
	w.Must(err)
	w.Must2(w.Payment.RemoveCard(t.Context(), owed.BuyerID, card))
	if o, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, ""); err != nil || o.Payment != order.Paid {
		t.Errorf("shipped: %+v, %v", o, err)
	}
	w.Audited()
}

// A frozen wallet pays no order and no part of one; what it has set aside before is captured, and a refund comes into it.
func TestFrozenWallet(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 100_00, "pm_card_visa")
	held := w.OwedBy(owed.BuyerID, card, domaintest.EUR(50_00))
	_, _, err := w.Pay(held, card, 20_00)
	w.Must(err)
	w.Must2(w.Payment.FreezeWallet(t.Context(), w.User(identity.Admin), owed.BuyerID, "A complaint."))
	before := w.Digest()
	for _, in := range []order.PayInput{
		{Order: owed.ID, IdempotencyKey: "a"},
		{Order: owed.ID, Card: &card, Wallet: new(domaintest.EUR(10_00)), IdempotencyKey: "b"},
	} {
		if _, _, err := w.Orders.Pay(t.Context(), owed.BuyerID, in); domaintest.Code(err) != "WALLET_FROZEN" {
			t.Errorf("paid: %v", err)
		}
	}
	if w.Digest() != before {
		t.Error("a refusal left something")
	}
	if _, p, err := w.Pay(owed, card, 0); err != nil || p.Status != payment.OrderAuthorised {
		t.Errorf("by card alone: %+v, %v", p, err)
	}
	w.Must2(w.Orders.Ship(t.Context(), held.SellerID, held.ID, ""))
	w.Must2(refund(w, held, 0))
	w.WantWallet(owed.BuyerID, 100_00, 0)
	w.Audited()
}

// A wallet and a card in each currency, at the least that a card takes: the card gets no less, the wallet the rest.
func TestShipInEachCurrency(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	buyer := w.Buyer(0)
	card := w.Card(buyer, "pm_card_visa")
	for currency, least := range map[money.Currency]int64{"EUR": 50, "GBP": 30, "JPY": 50, "MAD": 5_00, "TND": 1_600, "USD": 50} {
		total := money.New(least+7_003, currency)
		w.Fund(buyer, total)
		owed := w.OwedBy(buyer, card, total)
		if _, _, err := w.Pay(owed, card, 7_004); domaintest.Code(err) != "CARD_AMOUNT_TOO_SMALL" {
			t.Errorf("%s: less than the least: %v", currency, err)
		}
		if _, _, err := w.Pay(owed, card, 6_999); (domaintest.Code(err) == "AMOUNT_TOO_PRECISE") != (currency == "TND") {
			t.Errorf("%s: an odd part: %v", currency, err)
		} else if err == nil {
			w.Must2(w.Orders.Cancel(t.Context(), order.Actor{User: owed.SellerID}, owed.ID, ""))
			owed = w.OwedBy(buyer, card, total)
		}
		_, p, err := w.Pay(owed, card, 7_003)
		if err != nil || p.CardAmount != money.New(least, currency) {
			t.Errorf("%s: %+v, %v", currency, p, err)
			continue
		}
		if o, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, ""); err != nil || o.Fulfilment != order.Sent {
			t.Errorf("%s: shipped: %+v, %v", currency, o, err)
		}
		w.Must2(w.Orders.ConfirmReceipt(t.Context(), buyer, owed.ID))
	}
	w.Audited()
}

// The platform's fee and the seller's earnings do not depend on where the money came from.
func TestFeesOfEachSource(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	buyer := w.Buyer(2_000_00)
	card := w.Card(buyer, "pm_card_visa")
	for _, total := range []int64{1_00, 33_33, 99_99, 100_01, 123_45} {
		held := w.SaleTo(buyer, total)
		wallet, byCard, both := w.OwedBy(buyer, card, domaintest.EUR(total)), w.OwedBy(buyer, card, domaintest.EUR(total)), w.OwedBy(buyer, card, domaintest.EUR(total))
		_, _, err := w.Orders.Pay(t.Context(), buyer, order.PayInput{Order: wallet.ID, IdempotencyKey: uuid.NewString()})
		w.Must(err)
		for o, part := range map[order.Order]int64{byCard: 0, both: total - 50} {
			_, _, err := w.Pay(o, card, part)
			w.Must(err)
		}
		var got []string
		for _, o := range []order.Order{held, wallet, byCard, both} {
			w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
			done, err := w.Orders.ConfirmReceipt(t.Context(), buyer, o.ID)
			w.Must(err)
			got = append(got, fmt.Sprint(done.Fee.Minor, done.Earnings().Minor, w.Earned(o.SellerID)))
		}
		for _, each := range got {
			if each != got[0] {
				t.Errorf("of %d: %v", total, got)
			}
		}
	}
	w.Audited()
}

// However many ship at once, with jobs and webhooks beside them, the card is charged once.
func TestShipAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 30_00, "pm_card_visa")
	_, p, err := w.Pay(owed, card, 30_00)
	w.Must(err)
	for _, err := range domaintest.AtOnce(8, func(i int) error {
		if i%2 == 0 {
			_, err := w.Payment.AdvanceOrderPayment(t.Context(), p.ID)
			return err
		}
		_, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1")
		return err
	}) {
		w.Must(err)
	}
	if o, err := w.Orders.Get(t.Context(), owed.BuyerID, owed.ID); err != nil || o.Payment != order.Paid || o.Fulfilment != order.Sent {
		t.Errorf("in the end: %+v, %v", o, err)
	}
	if n := len(w.Stripe.Journal()); n != 1 {
		t.Errorf("the provider moved %d times", n)
	}
	w.WantEvents(owed.ID, "CREATED AUTHORISED PAID SENT")
	w.Audited()
}
