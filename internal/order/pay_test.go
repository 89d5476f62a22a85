package order_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

func TestAuthoriseAndShip(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 50_00, "pm_card_visa")
	if owed.Payment != order.PaymentPending || owed.CardID == nil || *owed.CardID != card || owed.Version != 1 {
		t.Fatalf("won: %+v", owed)
	}
	w.WantWallet(owed.BuyerID, 50_00, 0)
	o, p, err := w.Pay(owed, card, 30_00)
	if err != nil || o.Payment != order.Authorised || o.AuthorisedAt == nil || p.Status != payment.OrderAuthorised {
		t.Fatalf("paid: %+v, %+v, %v", o, p, err)
	}
	w.WantWallet(owed.BuyerID, 20_00, 30_00)
	if n := len(w.Stripe.Journal()); n != 0 {
		t.Errorf("%d movements at the provider before anything is sent", n)
	}
	w.Audited()
	sent, err := w.Orders.Ship(t.Context(), owed.SellerID, owed.ID, "RR1")
	if err != nil || sent.Payment != order.Paid || sent.Fulfilment != order.Sent || sent.Tracking != "RR1" {
		t.Fatalf("sent: %+v, %v", sent, err)
	}
	w.WantWallet(owed.BuyerID, 20_00, 0)
	if escrow := w.Balance(ledger.Escrow, owed.ID); escrow != 100_00 {
		t.Errorf("escrow holds %d", escrow)
	}
	if journal := w.Stripe.Journal(); len(journal) != 1 || journal[0].Amount != 70_00 {
		t.Errorf("the provider moved %+v", journal)
	}
	done, err := w.Orders.ConfirmReceipt(t.Context(), owed.BuyerID, owed.ID)
	if err != nil || done.Payment != order.Settled {
		t.Fatalf("received: %+v, %v", done, err)
	}
	w.WantEvents(owed.ID, "CREATED AUTHORISED PAID SENT RECEIVED")
	w.Audited()
}

func TestPayFromWalletAlone(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, _ := w.Owed(40_00, 50_00, "pm_card_visa")
	in := order.PayInput{Order: owed.ID, IdempotencyKey: "once"}
	for range 2 { // the second is the same key: the same answer
		o, p, err := w.Orders.Pay(t.Context(), owed.BuyerID, in)
		if err != nil || o.Payment != order.Paid || p.Status != payment.OrderCaptured || p.WalletAmount != domaintest.EUR(40_00) {
			t.Fatalf("paid: %+v, %+v, %v", o, p, err)
		}
	}
	w.WantWallet(owed.BuyerID, 10_00, 0)
	w.WantEvents(owed.ID, "CREATED PAID")
	w.Audited()
}

// Whatever the issuer says no with, the order is owed as before, the wallet has its part back, and another card pays.
func TestDeclined(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	for method, want := range map[string]string{
		"pm_card_visa_chargeDeclined":                      "CARD_DECLINED generic_decline",
		"pm_card_visa_chargeDeclinedInsufficientFunds":     "CARD_DECLINED insufficient_funds",
		"pm_card_visa_chargeDeclinedLostCard":              "CARD_DECLINED generic_decline",
		"pm_card_visa_chargeDeclinedStolenCard":            "CARD_DECLINED generic_decline",
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": "CARD_DECLINED card_velocity_exceeded",
		"pm_card_visa_chargeDeclinedFraudulent":            "CARD_DECLINED generic_decline",
		"pm_card_radarBlock":                               "CARD_DECLINED generic_decline",
		"pm_card_chargeCustomerFail":                       "CARD_DECLINED generic_decline",
		"pm_card_chargeDeclinedExpiredCard":                "CARD_EXPIRED",
		"pm_card_chargeDeclinedIncorrectCvc":               "CARD_CVC_INCORRECT",
		"pm_card_chargeDeclinedProcessingError":            "CARD_PROCESSING_ERROR",
		"pm_nobody_knows":                                  "PAYMENT_METHOD_UNKNOWN",
	} {
		owed, card := w.Owed(100_00, 30_00, method)
		in := order.PayInput{Order: owed.ID, Card: &card, Wallet: new(domaintest.EUR(30_00)), IdempotencyKey: "once"}
		for range 2 {
			o, p, err := w.Orders.Pay(t.Context(), owed.BuyerID, in)
			if got := domaintest.Declined(err); got != want || o.Payment != order.PaymentPending || p.Status != payment.OrderFailed {
				t.Errorf("%s: %q, want %q: %+v, %+v", method, got, want, o, p)
			}
		}
		w.WantWallet(owed.BuyerID, 30_00, 0)
	}
	w.Audited()
	owed, bad := w.Owed(100_00, 0, "pm_card_mastercard_debit")
	if _, _, err := w.Pay(owed, bad, 0); err != nil {
		t.Fatal(err)
	}
	w.Audited()
}

func TestPayRefusals(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 40_00, "pm_card_visa")
	sale := w.Sale(10_00)
	removed := w.Card(owed.BuyerID, "pm_card_mastercard")
	_, err := w.Payment.RemoveCard(t.Context(), owed.BuyerID, removed)
	w.Must(err)
	theirs := w.Card(sale.BuyerID, "pm_card_amex")
	before, told := w.Digest(), w.Told.Count()
	eur := func(cents int64) *money.Amount { return new(domaintest.EUR(cents)) }
	for name, c := range map[string]struct {
		who    uuid.UUID
		card   *uuid.UUID
		wallet *money.Amount
		key    string
		code   string
	}{
		"a stranger":             {sale.BuyerID, &theirs, nil, "k", "ORDER_NOT_FOUND"},
		"the seller":             {owed.SellerID, nil, nil, "k", "ORDER_ACTION_NOT_AVAILABLE"},
		"no key":                 {owed.BuyerID, &card, nil, "", "IDEMPOTENCY_KEY_INVALID"},
		"another's card":         {owed.BuyerID, &theirs, nil, "k", "CARD_NOT_FOUND"},
		"a removed card":         {owed.BuyerID, &removed, nil, "k", "CARD_NOT_FOUND"},
		"no such card":           {owed.BuyerID, new(uuid.New()), nil, "k", "CARD_NOT_FOUND"},
		"more than all":          {owed.BuyerID, &card, eur(100_01), "k", "PAYMENT_SPLIT_INVALID"},
		"less than nothing":      {owed.BuyerID, &card, eur(-1), "k", "PAYMENT_SPLIT_INVALID"},
		"nothing for the card":   {owed.BuyerID, &card, eur(100_00), "k", "PAYMENT_SPLIT_INVALID"},
		"too little of the card": {owed.BuyerID, &card, eur(99_51), "k", "CARD_AMOUNT_TOO_SMALL"},
		"another currency":       {owed.BuyerID, &card, new(money.New(10_00, "USD")), "k", "CURRENCY_MISMATCH"},
		"a part without a card":  {owed.BuyerID, nil, eur(30_00), "k", "CARD_REQUIRED"},
		"a poor wallet":          {owed.BuyerID, nil, nil, "k", "INSUFFICIENT_FUNDS"},
		"a poor wallet's part":   {owed.BuyerID, &card, eur(40_01), "k", "INSUFFICIENT_FUNDS"},
	} {
		_, _, err := w.Orders.Pay(t.Context(), c.who, order.PayInput{Order: owed.ID, Card: c.card, Wallet: c.wallet, IdempotencyKey: c.key})
		if got := domaintest.Code(err); got != c.code {
			t.Errorf("%s: %s, want %s", name, got, c.code)
		}
	}
	if _, _, err := w.Orders.Pay(t.Context(), sale.BuyerID, order.PayInput{Order: sale.ID, IdempotencyKey: "k"}); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("a paid order: %v", err)
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("a refusal left something")
	}
	if _, p, err := w.Pay(owed, card, 40_00); err != nil || p.Status != payment.OrderAuthorised {
		t.Errorf("after all: %+v, %v", p, err)
	}
	if _, _, err := w.Pay(owed, card, 0); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("an authorised order: %v", err)
	}
	w.Audited()
}

// A key stands for one payment of one order, in one way.
func TestPayKeys(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	owed, card := w.Owed(100_00, 100_00, "pm_card_visa")
	other := w.OwedBy(owed.BuyerID, card, domaintest.EUR(20_00))
	in := order.PayInput{Order: owed.ID, Card: &card, IdempotencyKey: "once"}
	_, first, err := w.Orders.Pay(t.Context(), owed.BuyerID, in)
	w.Must(err)
	before := w.Digest()
	if _, p, err := w.Orders.Pay(t.Context(), owed.BuyerID, in); err != nil || p.ID != first.ID {
		t.Errorf("again: %+v, %v", p, err)
	}
	for name, in := range map[string]order.PayInput{
		"another order": {Order: other.ID, Card: &card, IdempotencyKey: "once"},
		"another part":  {Order: owed.ID, Card: &card, Wallet: new(domaintest.EUR(1_00)), IdempotencyKey: "once"},
		"no card":       {Order: owed.ID, IdempotencyKey: "once"},
	} {
		if _, _, err := w.Orders.Pay(t.Context(), owed.BuyerID, in); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Digest() != before {
		t.Error("a used key left something")
	}
	w.Audited()
}

// However many pay at once, with keys of their own and from whatever source, one does.
func TestPayAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	for range 3 {
		owed, card := w.Owed(60_00, 200_00, "pm_card_"+[]string{"visa", "mastercard", "amex"}[w.Int("SELECT count(*) FROM card")])
		errs := domaintest.AtOnce(8, func(i int) error {
			in := order.PayInput{Order: owed.ID, IdempotencyKey: uuid.NewString()}
			if i%2 == 0 {
				in.Card, in.Wallet = &card, new(domaintest.EUR(25_00))
			}
			_, _, err := w.Orders.Pay(t.Context(), owed.BuyerID, in)
			return err
		})
		codes := domaintest.Codes(errs)
		if codes[""] != 1 || codes["PAYMENT_IN_PROGRESS"]+codes["ORDER_ACTION_NOT_AVAILABLE"] != 7 {
			t.Errorf("%v", codes)
		}
		if n := w.Int("SELECT count(*) FROM order_payment WHERE order_id = $1", owed.ID); n != 1 {
			t.Errorf("%d payments", n)
		}
	}
	w.Audited()
}
