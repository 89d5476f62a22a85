package order_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
)

// charged is a world where orders are made with whatever charges, and one campaign has money to give.
type charged struct {
	*domaintest.CardWorld
	seller, campaign uuid.UUID
}

const budget = 10_000_00

func setupCharged(t *testing.T) charged {
	t.Helper()
	w := charged{CardWorld: domaintest.NewWithCards(t), campaign: id.New()}
	w.seller = w.User(identity.Seller)
	w.funds(w.campaign, budget)
	return w
}

// funds gives a campaign a budget.
func (w charged) funds(campaign uuid.UUID, cents int64) {
	w.T.Helper()
	w.Must(postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) error {
		_, err := ledger.PostTx(w.Ctx(), tx, ledger.Entry{
			Key: "test:" + uuid.NewString(), Flow: ledger.FlowPromotion, Cause: ledger.Cause{Kind: "test", ID: campaign}, Legs: []ledger.Leg{
				{Account: ledger.Account{Kind: ledger.Promotions, Currency: "EUR"}, Amount: -cents},
				{Account: ledger.Account{Kind: ledger.PromoBudget, Owner: campaign, Currency: "EUR"}, Amount: cents},
			},
		})
		return err
	}))
}

// sells makes the order of a sale, and begins to pay it: all but so many cents by card.
func (w charged) sells(buyer uuid.UUID, card *uuid.UUID, wallet int64, lines []int64, charges ...order.Charge) (o order.Order, err error) {
	w.T.Helper()
	sale := order.Sale{ID: id.New(), Seller: w.seller, Charges: charges}
	for _, cents := range lines {
		listing := w.Listing(w.seller)
		w.Exec("UPDATE listing SET status = 'RESERVED' WHERE id = $1", listing)
		w.Exec("UPDATE listing SET status = 'SOLD' WHERE id = $1", listing)
		sale.Lines = append(sale.Lines, order.Line{Listing: listing, Variant: &listing, Quantity: 1, UnitPrice: domaintest.EUR(cents)})
	}
	var begun payment.OrderPayment
	err = postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) error {
		made, _, err := w.Orders.CreateTx(w.Ctx(), tx, order.Purchase{Buyer: buyer, Sales: []order.Sale{sale}})
		if err != nil {
			return err
		}
		begin := order.Beginning{Order: made[0], Wallet: domaintest.EUR(wallet), Card: card}
		if card == nil {
			begin.Wallet = made[0].Total
		}
		if _, err := w.Orders.MarkTx(w.Ctx(), tx, &begin); err != nil {
			return err
		}
		begun, err = w.Orders.BeginTx(w.Ctx(), tx, begin)
		return err
	})
	if err != nil {
		return order.Order{}, err
	}
	if card != nil {
		w.Must2(w.Payment.AdvanceOrderPayment(w.Ctx(), begun.ID))
	}
	return w.Orders.Get(w.Ctx(), buyer, sale.ID)
}

func charge(kind order.ChargeKind, bearer order.Party, with order.Counterparty, cents int64) order.Charge {
	return order.Charge{Kind: kind, Bearer: bearer, Counterparty: with, Amount: domaintest.EUR(cents)}
}

// promotion takes cents off, from a campaign.
func promotion(campaign uuid.UUID, with order.Counterparty, cents int64) order.Charge {
	c := charge(order.Promotion, order.AsBuyer, with, -cents)
	c.Promotion = &campaign
	return c
}

// got is what an order's entries have given to kinds of account, together.
func (w charged) got(o order.Order, kinds ...string) int64 {
	return w.Int(`SELECT coalesce(sum(p.amount), 0)::bigint FROM ledger.entry e JOIN ledger.posting p ON p.entry_id = e.id JOIN ledger.account a ON a.id = p.account_id
		WHERE e.cause_kind = 'order' AND e.cause_id = $1 AND a.kind = ANY ($2)`, o.ID, kinds)
}

// What the ledger posts of an order is what its charges say, to the cent.
func TestChargesArePosted(t *testing.T) {
	t.Parallel()
	w := setupCharged(t)
	buyer := w.Buyer(500_00)
	o, err := w.sells(buyer, nil, 0, []int64{60_00, 40_01},
		charge(order.PlatformFee, order.AsSeller, order.WithPlatform, 8_50), charge(order.Shipping, order.AsBuyer, "", 5_99),
		charge(order.Shipping, order.AsBuyer, order.WithSeller, 3_00), charge(order.Shipping, order.AsSeller, order.WithPlatform, 1_00),
		charge(order.Tax, order.AsBuyer, order.WithPlatform, 7_07), charge(order.Tax, order.AsSeller, order.WithPlatform, 2_02),
		promotion(id.New(), order.WithSeller, 10_00), promotion(w.campaign, order.WithPlatform, 20_00))
	w.Must(err)
	const total = 60_00 + 40_01 + 5_99 + 3_00 + 7_07 - 10_00 - 20_00
	if o.Total.Minor != total || o.Payment != order.Paid {
		t.Errorf("%+v", o)
	}
	w.WantWallet(buyer, 500_00-total, 0)
	if escrow, left := w.Balance(ledger.Escrow, o.ID), w.Balance(ledger.PromoBudget, w.campaign); escrow != total+20_00 || left != budget-20_00 {
		t.Errorf("escrow holds %d, the campaign %d", escrow, left)
	}
	w.Audited()
	w.Must2(w.Orders.Ship(t.Context(), w.seller, o.ID, ""))
	o, err = w.Orders.ConfirmReceipt(t.Context(), buyer, o.ID)
	w.Must(err)
	const seller = total + 20_00 - 8_50 - 6_99 - 9_09
	for kind, want := range map[string]int64{"platform_fees": 8_50, "shipping_income": 6_99, "tax_payable": 9_09, "seller_pending": seller, "promo_budget": -20_00, "escrow": 0} {
		if got := w.got(o, kind); got != want {
			t.Errorf("%s has %d, want %d", kind, got, want)
		}
	}
	if o.Earnings().Minor != seller || o.PlatformFee().Minor != 8_50 {
		t.Errorf("earnings %s, fee %s", o.Earnings(), o.PlatformFee())
	}
	w.Audited()
}

// A campaign that has not enough left stops the order, and leaves nothing.
func TestACampaignIsSpent(t *testing.T) {
	t.Parallel()
	w := setupCharged(t)
	buyer, small := w.Buyer(500_00), id.New()
	w.funds(small, 7_00)
	first, err := w.sells(buyer, nil, 0, []int64{50_00}, promotion(small, order.WithPlatform, 5_00))
	w.Must(err)
	rows := func() int64 {
		return w.Int("SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM order_payment) + (SELECT count(*) FROM ledger.posting) + (SELECT count(*) FROM event)")
	}
	before := rows()
	for name, charges := range map[string][]order.Charge{
		"COUPON_USED_UP":       {promotion(small, order.WithPlatform, 2_01)},
		"CHARGES_EXCEED_PRICE": {charge(order.Shipping, order.AsSeller, order.WithPlatform, 50_01)},
		"AMOUNT_OUT_OF_RANGE":  {charge(order.Tax, order.AsBuyer, order.WithPlatform, 1<<63-1)},
		"CURRENCY_MISMATCH":    {{Kind: order.Tax, Bearer: order.AsBuyer, Amount: money.New(1, "USD")}},
	} {
		if _, err := w.sells(buyer, nil, 0, []int64{50_00}, charges...); domaintest.Code(err) != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
	if rows() != before {
		t.Error("a refusal left something")
	}
	_, err = w.Orders.Cancel(t.Context(), order.Actor{User: w.seller}, first.ID, "gone")
	w.Must(err)
	if left := w.Balance(ledger.PromoBudget, small); left != 7_00 {
		t.Errorf("after the cancellation the campaign has %d", left)
	}
	w.Audited()
}

// Random sales with all kinds of charge, by any sources, refunded in any steps, before and after the release, cancelled, charged back and given back:
// after each step the books hold; what is received whole is posted as its charges are, and what is given back whole leaves nobody with anything.
func TestChargesInAnySteps(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			chargesInAnySteps(t, seed)
		})
	}
}

func chargesInAnySteps(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, seed))
	w := setupCharged(t)
	for i, method := range []string{"visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay", "us"} {
		var history []string
		did := func(format string, args ...any) {
			history = append(history, fmt.Sprintf(format, args...))
			if w.Audited(); t.Failed() {
				t.Fatalf("seed %d, sale %d: %v", seed, i, history)
			}
		}
		buyer, charges := w.Buyer(300_00), w.anyCharges(random)
		card, wallet := new(w.Card(buyer, "pm_card_"+method)), 50+random.Int64N(30_00)
		if random.IntN(4) == 0 {
			card, wallet = nil, 0
		}
		o, err := w.sells(buyer, card, wallet, []int64{30_00 + random.Int64N(90_00), 1 + random.Int64N(99)}, charges...)
		w.Must(err)
		did("%v made %s of %v, %d from the wallet", o.Payment, o.Total, charges, wallet)
		if random.IntN(5) == 0 {
			o, err = w.Orders.Cancel(t.Context(), order.Actor{User: w.seller}, o.ID, "gone")
			w.Must(err)
			did("cancelled, %s", o.Payment)
			w.wantsNothing(o, 300_00)
			continue
		}
		o, err = w.Orders.Ship(t.Context(), w.seller, o.ID, "")
		w.Must(err)
		did("sent, %s", o.Payment)
		if card != nil && random.IntN(3) == 0 {
			w.chargedBack(o, did)
			continue
		}
		part, received := random.IntN(3) > 0, random.IntN(2) == 0
		if part {
			_, err = refund(w.CardWorld, o, 1+random.Int64N(o.Total.Minor-1))
			w.Must(err)
			did("refunded in part")
		}
		if received {
			o, err = w.Orders.ConfirmReceipt(t.Context(), buyer, o.ID)
			w.Must(err)
			did("received")
			if !part {
				w.wantsCharges(o, charges)
			}
			if random.IntN(2) == 0 {
				paysOut(w.CardWorld, w.seller, w.Earned(w.seller))
			}
			if left := now(w.CardWorld, o).Left().Minor; left > 1 {
				_, err = refund(w.CardWorld, o, 1+random.Int64N(left-1))
				w.Must(err)
				did("refunded in part after it was received")
			}
		}
		o, err = refund(w.CardWorld, o, 0)
		w.Must(err)
		did("refunded")
		w.wantsNothing(o, 300_00)
	}
}

// anyCharges are some that a sale of 30 or more can bear.
func (w charged) anyCharges(random *rand.Rand) []order.Charge {
	some := func() int64 { return random.Int64N(6_00) }
	parties, sides := []order.Party{order.AsBuyer, order.AsSeller}, []order.Counterparty{order.WithPlatform, order.WithSeller}
	charges := []order.Charge{charge(order.PlatformFee, order.AsSeller, order.WithPlatform, some())}
	if random.IntN(3) > 0 {
		charges = append(charges, charge(order.Shipping, order.AsBuyer, sides[random.IntN(2)], some()))
	}
	if random.IntN(3) > 0 {
		charges = append(charges, charge(order.Tax, parties[random.IntN(2)], order.WithPlatform, some()))
	}
	if random.IntN(2) > 0 {
		charges = append(charges, promotion(id.New(), order.WithSeller, 1+some()))
	}
	if random.IntN(3) > 0 {
		charges = append(charges, promotion(w.campaign, order.WithPlatform, 1+some()))
	}
	return charges
}

// wantsCharges insists that a received order's entries say what its charges do.
func (w charged) wantsCharges(o order.Order, charges []order.Charge) {
	w.T.Helper()
	seller, want := o.Total.Minor, map[string]int64{}
	for _, c := range charges {
		kind := map[order.ChargeKind]string{order.PlatformFee: "platform_fees", order.Tax: "tax_payable", order.Shipping: "shipping_income", order.Promotion: "promo_budget"}[c.Kind]
		if c.Side() == order.WithPlatform {
			want[kind] += c.Amount.Minor
			seller -= c.Amount.Minor
		}
	}
	for kind, cents := range want {
		if got := w.got(o, kind); got != cents {
			w.T.Errorf("%s has %d, its charges say %d", kind, got, cents)
		}
	}
	if got := w.got(o, "seller_pending", "seller_available", "seller_debt"); got != seller {
		w.T.Errorf("the seller has %d, the charges leave %d", got, seller)
	}
}

// wantsNothing insists that an order that was given back has left everybody with what they had.
func (w charged) wantsNothing(o order.Order, wallet int64) {
	w.T.Helper()
	card := w.PaymentOf(o).CardAmount.Minor
	if o.Payment != order.Refunded && o.Payment != order.Voided {
		w.T.Errorf("the order is %s", o.Payment)
	}
	if o.Payment == order.Voided {
		card = 0
	}
	w.WantWallet(o.BuyerID, wallet, 0)
	for _, kinds := range [][]string{{"platform_fees"}, {"tax_payable"}, {"shipping_income"}, {"seller_pending", "seller_available", "seller_debt"}, {"promo_budget"}, {"promotions"}, {"escrow"}} {
		if got := w.got(o, kinds...); got != 0 {
			w.T.Errorf("%v has %d", kinds, got)
		}
	}
	if back := w.Int("SELECT coalesce(sum(amount), 0)::bigint FROM refund WHERE cause_id = $1", o.ID); back != card {
		w.T.Errorf("%d of %d go back to the card", back, card)
	}
}

// chargedBack has the bank take a sent order's card payment, and put it back; then its buyer receives it.
func (w charged) chargedBack(o order.Order, did func(string, ...any)) {
	w.T.Helper()
	dispute := disputes(w.CardWorld, o, 0, false)
	decides(w.CardWorld, dispute, "lost")
	did("charged back")
	if o = now(w.CardWorld, o); o.Payment == order.ChargedBack && w.got(o, "promotions", "promo_budget") != 0 {
		w.T.Errorf("the promotion has given %d to what was charged back", w.got(o, "promotions", "promo_budget"))
	}
	decides(w.CardWorld, dispute, "won")
	did("given back, %s", now(w.CardWorld, o).Payment)
	o, err := w.Orders.ConfirmReceipt(w.Ctx(), o.BuyerID, o.ID)
	w.Must(err)
	did("received")
	if got := w.got(o, "promotions", "promo_budget"); got != -o.Subsidy.Minor {
		w.T.Errorf("the promotion has given %d of %s", got, o.Subsidy)
	}
}

// A part that was charged back and released without it is released as the bank gives it back.
func TestASubsidyComesBackAfterTheRelease(t *testing.T) {
	t.Parallel()
	w := setupCharged(t)
	buyer := w.Buyer(100_00)
	card := w.Card(buyer, "pm_card_visa")
	o, err := w.sells(buyer, &card, 33_33, []int64{100_00}, charge(order.PlatformFee, order.AsSeller, "", 8_50), charge(order.Tax, order.AsSeller, "", 13_37), promotion(w.campaign, order.WithPlatform, 9_99))
	w.Must(err)
	w.Must2(w.Orders.Ship(t.Context(), w.seller, o.ID, ""))
	dispute := disputes(w.CardWorld, o, 0, false)
	decides(w.CardWorld, dispute, "lost")
	w.Must2(w.Orders.ConfirmReceipt(t.Context(), buyer, o.ID))
	w.Audited()
	if got := w.got(o, "promo_budget", "promotions"); got >= 0 || got <= -9_99 {
		t.Errorf("the promotion has given %d to a part", got)
	}
	decides(w.CardWorld, dispute, "won")
	w.Audited()
	for kind, want := range map[string]int64{"platform_fees": 8_50, "tax_payable": 13_37, "seller_pending": 100_00 - 8_50 - 13_37, "escrow": 0} {
		if got := w.got(o, kind); kind != "escrow" && got != want {
			t.Errorf("%s has %d, want %d", kind, got, want)
		}
	}
	if got := w.got(o, "promo_budget", "promotions"); got != -9_99 {
		t.Errorf("the promotion has given %d", got)
	}
}

// The audit's calculation and ours are one.
func TestPartsAreTheAudits(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		most := rapid.SampledFrom([]int64{9, 1 << 20, 1 << 60}).Draw(r, "most")
		total, subsidy := rapid.Int64Range(0, most).Draw(r, "total"), rapid.Int64Range(0, most).Draw(r, "subsidy")
		if total == 0 { // then the platform gives nothing either
			subsidy = 0
		}
		rest := total + subsidy
		taken := func(name string) int64 {
			part := rapid.Int64Range(0, rest).Draw(r, name)
			rest -= part
			return part
		}
		fee, tax, shipping := taken("fee"), taken("tax"), taken("shipping")
		gone := rapid.Int64Range(0, total).Draw(r, "gone")
		c := money.Currency("EUR")
		want := payment.Terms{
			Total: money.New(total, c), Subsidy: money.New(subsidy, c), Fee: money.New(fee, c), Tax: money.New(tax, c), Shipping: money.New(shipping, c),
		}.Of(money.New(total-gone, c))
		var got [5]int64
		w.Must(w.Admin.QueryRow(w.Ctx(), `SELECT p.* FROM order_parts(jsonb_populate_record(NULL::orders, jsonb_build_object('total', $1::bigint, 'subsidy', $2::bigint, 'fee', $3::bigint,
			'tax', $4::bigint, 'shipping', $5::bigint, 'refunded', $6::bigint, 'charged_back', 0))) p`, total, subsidy, fee, tax, shipping, gone).Scan(&got[0], &got[1], &got[2], &got[3], &got[4]))
		if got != [5]int64{want.Subsidy.Minor, want.Fee.Minor, want.Tax.Minor, want.Shipping.Minor, want.Seller.Minor} {
			r.Fatalf("%v, want %+v", got, want)
		}
	})
}
