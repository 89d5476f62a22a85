package order_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/stripefake"
)

// sent is an order over 100 euros that was paid and sent: cents of it by card, the rest from the wallet.
func sent(w *domaintest.CardWorld, cents int64, method string) order.Order {
	owed, card := w.Owed(100_00, 100_00-cents, method)
	in := order.PayInput{Order: owed.ID, IdempotencyKey: uuid.NewString()}
	if cents > 0 {
		in.Card, in.Wallet = &card, new(domaintest.EUR(100_00-cents))
	}
	_, _, err := w.Orders.Pay(w.Ctx(), owed.BuyerID, in)
	w.Must(err)
	o, err := w.Orders.Ship(w.Ctx(), owed.SellerID, owed.ID, "")
	w.Must(err)
	return o
}

// refund gives cents back, all that is left where they are 0.
func refund(w *domaintest.CardWorld, o order.Order, cents int64) (order.Order, error) {
	in := order.RefundInput{Order: o.ID, Reason: "A dent.", IdempotencyKey: uuid.NewString()}
	if cents != 0 {
		in.Amount = new(domaintest.EUR(cents))
	}
	return w.Orders.Refund(w.Ctx(), order.Actor{User: o.SellerID}, in)
}

// toCard is what the provider has given back to cards.
func toCard(w *domaintest.CardWorld) (cents int64) {
	for _, m := range w.Stripe.Journal() {
		if m.Amount < 0 {
			cents -= m.Amount
		}
	}
	return cents
}

// Before the release, in any steps and from any sources: each has its share of what was refunded so far, and in the end exactly
// what it paid. The fee and the earnings are of what is left, and the same for every source.
func TestRefundBeforeRelease(t *testing.T) {
	t.Parallel()
	for _, card := range []int64{0, 33_33, 99_50, 100_00} {
		t.Run(strconv.FormatInt(card, 10), func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			o := sent(w, card, "pm_card_visa")
			gone := int64(0)
			for _, step := range []int64{1, 9_99, 40_00, 50_00} {
				gone += step
				got, err := refund(w, o, step)
				if err != nil {
					t.Fatal(err)
				}
				left := 100_00 - gone
				fee := 8_50 * left / 100_00
				onCard := card - card*left/100_00
				if got.Refunded != domaintest.EUR(gone) || got.PlatformFee().Minor != fee || got.Earnings().Minor != left-fee {
					t.Errorf("%d refunded: %+v", gone, got)
				}
				if c := toCard(w); c != onCard {
					t.Errorf("%d refunded: %d to the card, want %d", gone, c, onCard)
				}
				w.WantWallet(o.BuyerID, gone-onCard, 0)
				if escrow := w.Balance(ledger.Escrow, o.ID); escrow != left {
					t.Errorf("%d refunded: escrow holds %d", gone, escrow)
				}
				if final := left == 0; (got.Payment == order.Refunded) != final || got.Fulfilment != order.Sent {
					t.Errorf("%d refunded: %+v", gone, got)
				}
				w.Audited()
			}
			w.WantWallet(o.BuyerID, 100_00-card, 0)
			if _, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
				t.Errorf("received: %v", err)
			}
		})
	}
}

// What is left after a refund is what the release divides.
func TestReleaseAfterRefund(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sent(w, 60_00, "pm_card_visa")
	_, err := refund(w, o, 33_33)
	w.Must(err)
	done, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
	if err != nil || done.Payment != order.Settled || done.PlatformFee().Minor != 5_66 {
		t.Errorf("received: %+v, %v", done, err)
	}
	if earned := w.Earned(o.SellerID); earned != 66_67-5_66 {
		t.Errorf("the seller has %d", earned)
	}
	w.WantEvents(o.ID, "CREATED AUTHORISED PAID SENT REFUNDED RECEIVED")
	w.Audited()
}

// After the release the platform and the seller give back their shares; what the seller does not have they owe, and pay from
// their next sale.
func TestRefundAfterRelease(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sent(w, 70_00, "pm_card_visa")
	_, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
	w.Must(err)
	fees := func() int64 {
		return w.Int(`SELECT coalesce(sum(p.amount), 0)::bigint FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id WHERE a.kind = 'platform_fees'`)
	}
	wants := func(platform, available, debt, wallet, card int64) {
		t.Helper()
		got := [...]int64{fees(), w.Earned(o.SellerID), w.Balance(ledger.SellerDebt, o.SellerID), w.Balance(ledger.Wallet, o.BuyerID), toCard(w)}
		if got != [...]int64{platform, available, -debt, wallet, card} {
			t.Errorf("platform, seller, debt, wallet, card: %v, want %d, %d, -%d, %d, %d", got, platform, available, debt, wallet, card)
		}
		w.Audited()
	}
	wants(8_50, 91_50, 0, 0, 0)
	got, err := refund(w, o, 40_00)
	if err != nil || got.Payment != order.Settled || got.Refunded.Minor != 40_00 {
		t.Errorf("refunded: %+v, %v", got, err)
	}
	wants(5_10, 54_90, 0, 12_00, 28_00)
	paysOut(w, o.SellerID, 50_00)
	if got, err = refund(w, o, 0); err != nil || got.Payment != order.Refunded || got.Fulfilment != order.Received {
		t.Errorf("refunded: %+v, %v", got, err)
	}
	wants(0, 0, 50_00, 30_00, 70_00)
}

// paysOut takes earnings away from a seller, as a payout does, once their return windows are over.
func paysOut(w *domaintest.CardWorld, seller uuid.UUID, cents int64) {
	matures(w.World, seller)
	w.Must(postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) error {
		_, err := ledger.PostTx(w.Ctx(), tx, ledger.Entry{
			Key: "payout:" + uuid.NewString(), Flow: "test", Cause: ledger.Cause{Kind: "test", ID: seller}, Legs: []ledger.Leg{
				{Account: ledger.Account{Kind: ledger.SellerAvailable, Owner: seller, Currency: "EUR"}, Amount: -cents},
				{Account: ledger.Account{Kind: ledger.Bank, Currency: "EUR"}, Amount: cents},
			},
		})
		return err
	}))
}

// A seller who owes pays that first of what the next sale earns.
func TestDebtIsPaidFirst(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	first, buyer := w.Sale(100_00), w.Buyer(200_00)
	settles := func(o order.Order) {
		t.Helper()
		w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, ""))
		w.Must2(w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
	}
	wants := func(available, debt int64) {
		t.Helper()
		if a, d := w.Earned(first.SellerID), -w.Balance(ledger.SellerDebt, first.SellerID); a != available || d != debt {
			t.Errorf("the seller has %d and owes %d, want %d and %d", a, d, available, debt)
		}
		w.Audited()
	}
	settles(first)
	paysOut(&domaintest.CardWorld{World: w}, first.SellerID, 91_50)
	_, err := w.Orders.Refund(t.Context(), order.Actor{User: first.SellerID}, order.RefundInput{Order: first.ID, IdempotencyKey: "k"})
	w.Must(err)
	wants(0, 91_50)
	settles(w.SaleBy(first.SellerID, buyer, 50_00))
	wants(0, 91_50-45_75)
	settles(w.SaleBy(first.SellerID, buyer, 100_00))
	wants(45_75, 0)
}

// However an order was paid, in whatever steps it is refunded and wherever among them it is received: in the end everybody has
// what they began with, and the books hold after each step.
func TestRefundsInAnySteps(t *testing.T) {
	t.Parallel()
	const seed = 11
	random := rand.New(rand.NewPCG(seed, seed))
	w := domaintest.NewWithCards(t)
	for i := range 8 {
		byCard := []int64{0, 100_00, 50 + random.Int64N(99_00)}[random.IntN(3)]
		o := sent(w, byCard, fmt.Sprintf("pm_card_%s", []string{"visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay", "us"}[i]))
		before, steps := toCard(w), []string{}
		for left, received := int64(100_00), false; left > 0; {
			if !received && random.IntN(4) == 0 {
				steps, received = append(steps, "received"), true
				w.Must2(w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
				if random.IntN(2) == 0 {
					paysOut(w, o.SellerID, w.Earned(o.SellerID))
				}
			}
			step := min(left, 1+random.Int64N(60_00))
			steps, left = append(steps, strconv.FormatInt(step, 10)), left-step
			w.Must2(refund(w, o, step))
			w.Audited()
		}
		if c := toCard(w) - before; c != byCard || w.Balance(ledger.Wallet, o.BuyerID) != 100_00-byCard {
			t.Errorf("seed %d: of %d by card, %v: %d to the card, %d in the wallet", seed, byCard, steps, c, w.Balance(ledger.Wallet, o.BuyerID))
		}
	}
}

// A commission ends with the order that it is for, and only with all of it.
func TestCommissionEndsWithItsOrder(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	referrer, buyer := w.Buyer(0), w.Buyer(100_00)
	code, err := w.Referrals.Code(t.Context(), referrer)
	w.Must(err)
	w.Must(postgres.InTx(t.Context(), w.Pool, func(tx pgx.Tx) error {
		_, err := w.Referrals.JoinTx(t.Context(), tx, buyer, code)
		return err
	}))
	sale := w.SaleTo(buyer, 100_00)
	seller := order.Actor{User: sale.SellerID}
	w.Must2(w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, ""))
	w.Must2(w.Orders.ConfirmReceipt(t.Context(), buyer, sale.ID))
	pending := w.Balance(ledger.ReferralPending, referrer)
	for _, step := range []struct{ refund, left int64 }{{60_00, pending}, {40_00, 0}} {
		_, err := w.Orders.Refund(t.Context(), seller, order.RefundInput{
			Order: sale.ID, Amount: new(domaintest.EUR(step.refund)), IdempotencyKey: uuid.NewString(),
		})
		w.Must(err)
		if got := w.Balance(ledger.ReferralPending, referrer); got != step.left || pending == 0 {
			t.Errorf("after %d more: %d is pending, want %d", step.refund, got, step.left)
		}
		w.Audited()
	}
}

// A paid order that is cancelled, or refunded in full before it is sent, goes back to its sources and is not sent.
func TestNothingIsSentAfterAFullRefund(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"cancelled", "refunded", "cancelled after a part"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := domaintest.New(t)
			sale := w.Sale(80_00)
			seller := order.Actor{User: sale.SellerID}
			events := "CREATED PAID CANCELLED"
			var got order.Order
			var err error
			switch how {
			case "refunded":
				got, err = w.Orders.Refund(t.Context(), seller, order.RefundInput{Order: sale.ID, Reason: "Broken.", IdempotencyKey: "k"})
				events = "CREATED PAID REFUNDED"
			case "cancelled after a part":
				_, err = w.Orders.Refund(t.Context(), seller, order.RefundInput{Order: sale.ID, Amount: new(domaintest.EUR(5_00)), IdempotencyKey: "k"})
				w.Must(err)
				events = "CREATED PAID REFUNDED CANCELLED"
				fallthrough
			default:
				got, err = w.Orders.Cancel(t.Context(), seller, sale.ID, "Broken.")
			}
			if err != nil || got.Payment != order.Refunded || got.Fulfilment != order.Cancelled || got.Reason != "Broken." || got.Earnings().Minor != 0 {
				t.Errorf("got %+v, %v", got, err)
			}
			w.WantWallet(sale.BuyerID, 80_00, 0)
			w.WantEvents(sale.ID, events)
			if _, err := w.Orders.Ship(t.Context(), sale.SellerID, sale.ID, ""); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
				t.Errorf("shipped: %v", err)
			}
			w.Audited()
		})
	}
}

func TestRefundRefusals(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sent(w, 60_00, "pm_card_visa")
	_, err := refund(w, o, 30_00)
	w.Must(err)
	owed, card := w.Owed(20_00, 0, "pm_card_mastercard")
	held, heldCard := w.Owed(20_00, 0, "pm_card_amex")
	_, _, err = w.Pay(held, heldCard, 0)
	w.Must(err)
	dinars := w.OwedBy(owed.BuyerID, card, money.New(20_000, "TND"))
	_, _, err = w.Pay(dinars, card, 0)
	w.Must(err)
	w.Must2(w.Orders.Ship(t.Context(), dinars.SellerID, dinars.ID, ""))
	before, told := w.Digest(), w.Told.Count()
	eur := func(cents int64) *money.Amount { return new(domaintest.EUR(cents)) }
	for name, c := range map[string]struct {
		who    uuid.UUID
		order  uuid.UUID
		amount *money.Amount
		key    string
		reason string
		code   string
	}{
		"the buyer":        {o.BuyerID, o.ID, nil, "k", "", "ORDER_ACTION_NOT_AVAILABLE"},
		"a stranger":       {held.SellerID, o.ID, nil, "k", "", "ORDER_NOT_FOUND"},
		"nothing":          {o.SellerID, o.ID, eur(0), "k", "", "AMOUNT_NOT_POSITIVE"},
		"less":             {o.SellerID, o.ID, eur(-1), "k", "", "AMOUNT_NOT_POSITIVE"},
		"too much":         {o.SellerID, o.ID, eur(70_01), "k", "", "REFUND_TOO_LARGE 70.00 EUR"},
		"far too much":     {o.SellerID, o.ID, eur(1<<63 - 1), "k", "", "REFUND_TOO_LARGE 70.00 EUR"},
		"another currency": {o.SellerID, o.ID, new(money.New(1_00, "USD")), "k", "", "CURRENCY_MISMATCH"},
		"a millime":        {dinars.SellerID, dinars.ID, new(money.New(1_001, "TND")), "k", "", "AMOUNT_TOO_PRECISE"},
		"no key":           {o.SellerID, o.ID, nil, "", "", "IDEMPOTENCY_KEY_INVALID"},
		"a long reason":    {o.SellerID, o.ID, nil, "k", strings.Repeat("x", 501), "REASON_LENGTH"},
		"what is owed":     {owed.SellerID, owed.ID, nil, "k", "", "ORDER_ACTION_NOT_AVAILABLE"},
		"what is held":     {held.SellerID, held.ID, nil, "k", "", "ORDER_ACTION_NOT_AVAILABLE"},
	} {
		_, err := w.Orders.Refund(t.Context(), order.Actor{User: c.who}, order.RefundInput{Order: c.order, Amount: c.amount, Reason: c.reason, IdempotencyKey: c.key})
		got := domaintest.Code(err)
		if f, ok := fault.As(err); ok && f.Data["maximum"] != nil {
			got += " " + f.Data["maximum"].(money.Amount).String()
		}
		if got != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("a refusal left something")
	}
	if _, err := refund(w, o, 70_00); err != nil {
		t.Errorf("after all: %v", err)
	}
	if _, err := refund(w, o, 0); domaintest.Code(err) != "ORDER_ACTION_NOT_AVAILABLE" {
		t.Errorf("beyond all: %v", err)
	}
	w.Audited()
}

// A key stands for one refund of one order; an admin refunds orders of others.
func TestRefundKeys(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	sale, other := w.Sale(100_00), w.Sale(100_00)
	admin := order.Actor{User: w.User(identity.Admin), Admin: true}
	in := order.RefundInput{Order: sale.ID, Amount: new(domaintest.EUR(30_00)), Reason: "A dent.", IdempotencyKey: "once"}
	_, err := w.Orders.Refund(t.Context(), admin, in)
	w.Must(err)
	if n := w.Int("SELECT count(*) FROM admin_action WHERE action = 'ORDER_REFUNDED' AND reason = 'A dent.'"); n != 1 {
		t.Errorf("%d records of it", n)
	}
	before := w.Digest()
	silent := order.RefundInput{Order: other.ID, IdempotencyKey: "silent"}
	if _, err := w.Orders.Refund(t.Context(), admin, silent); domaintest.Code(err) != "REASON_LENGTH" {
		t.Errorf("without a reason: %v", err)
	}
	if o, err := w.Orders.Refund(t.Context(), admin, in); err != nil || o.Refunded.Minor != 30_00 {
		t.Errorf("again: %+v, %v", o, err)
	}
	for name, change := range map[string]func(*order.RefundInput){
		"another order":  func(in *order.RefundInput) { in.Order = other.ID },
		"another amount": func(in *order.RefundInput) { in.Amount = new(domaintest.EUR(30_01)) },
		"all":            func(in *order.RefundInput) { in.Amount = nil },
		"another reason": func(in *order.RefundInput) { in.Reason = "x" },
	} {
		again := in
		change(&again)
		if _, err := w.Orders.Refund(t.Context(), admin, again); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Digest() != before {
		t.Error("a used key left something")
	}
	if o, err := w.Orders.Refund(t.Context(), order.Actor{User: sale.SellerID}, in); err != nil || o.Refunded.Minor != 60_00 {
		t.Errorf("the seller's same key: %+v, %v", o, err)
	}
	w.Audited()
}

// However many refund at once, before and after the release and against it, never more than was paid goes back.
func TestRefundAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	for i, method := range []string{"pm_card_visa", "pm_card_mastercard", "pm_card_amex"} {
		o := sent(w, 45_00, method)
		if i == 1 {
			w.Must2(w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID))
			paysOut(w, o.SellerID, 80_00)
		}
		back := toCard(w)
		errs := domaintest.AtOnce(10, func(n int) error {
			if i == 2 && n == 0 {
				_, err := w.Orders.ConfirmReceipt(t.Context(), o.BuyerID, o.ID)
				return err
			}
			_, err := refund(w, o, 16_67)
			return err
		})
		taken := 0
		for n, err := range errs {
			switch {
			case err == nil && (i != 2 || n != 0):
				taken++
			case err != nil && !errors.Is(err, order.ErrRefundTooLarge) && !errors.Is(err, order.ErrMove):
				t.Error(err)
			}
		}
		now, err := w.Orders.Get(t.Context(), o.BuyerID, o.ID)
		w.Must(err)
		if taken != 5 || now.Refunded.Minor != 5*16_67 {
			t.Errorf("%d were taken: %v: %+v", taken, domaintest.Codes(errs), now)
		}
		if _, err := refund(w, o, 0); err != nil {
			t.Errorf("the rest: %v", err)
		}
		w.WantWallet(o.BuyerID, 55_00, 0)
		if c := toCard(w) - back; c != 45_00 {
			t.Errorf("%d to the card", c)
		}
		w.Audited()
	}
}

// The provider is slow, refuses or fails with a refund: the order is refunded all the same, and the card's part comes to
// the card, or to the wallet where the card does not take it.
func TestRefundSurvivesTheProvider(t *testing.T) {
	t.Parallel()
	for _, fault := range []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.RateLimit} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			w := domaintest.NewWithCards(t)
			o := sent(w, 60_00, "pm_card_visa")
			w.Stripe.Faults().Add(stripefake.Rule{Method: "POST", Path: "/v1/refunds", Fault: fault, Times: 2})
			got, err := refund(w, o, 0)
			if err != nil || got.Payment != order.Refunded {
				t.Fatalf("refunded: %+v, %v", got, err)
			}
			w.WantWallet(o.BuyerID, 40_00, 0)
			w.Audited()
			w.Mended(fault)
			refunds, err := w.Payment.RefundsOf(t.Context(), payment.RefundOfOrder, o.ID)
			if err != nil || len(refunds) != 1 {
				t.Fatalf("%+v, %v", refunds, err)
			}
			w.Exec("UPDATE refund SET attempt_at = attempt_at - interval '10 minutes' WHERE status = 'PROCESSING'")
			for range 3 {
				w.Must2(w.Payment.PushRefund(t.Context(), refunds[0].ID))
			}
			if c := toCard(w); c != 60_00 {
				t.Errorf("%d to the card", c)
			}
			w.Audited()
		})
	}
}

func TestCardDoesNotTakeTheRefund(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	o := sent(w, 60_00, "pm_card_refundFail")
	_, err := refund(w, o, 0)
	w.Must(err)
	w.WantWallet(o.BuyerID, 40_00, 0)
	w.Audited()
	w.Must(w.Stripe.Advance(6_000_000_000))
	refunds, err := w.Payment.RefundsOf(t.Context(), payment.RefundOfOrder, o.ID)
	w.Must(err)
	if r, err := w.Payment.PushRefund(t.Context(), refunds[0].ID); err != nil || r.Status != payment.RefundFailed {
		t.Errorf("became %+v, %v", r, err)
	}
	w.WantWallet(o.BuyerID, 100_00, 0)
	w.Audited()
}
