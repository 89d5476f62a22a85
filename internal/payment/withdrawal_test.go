package payment

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/stripefake"
)

func withdrawal(cents int64) WithdrawInput {
	return WithdrawInput{Amount: eur(cents), IdempotencyKey: uuid.NewString()}
}

// withdraws takes money out and insists on the status.
func (b *bundle) withdraws(cents int64, want WithdrawalStatus) Withdrawal {
	b.t.Helper()
	w, err := b.Withdraw(b.t.Context(), b.user, withdrawal(cents))
	if err != nil || w.Status() != want {
		b.t.Fatalf("got %+v (%s), %v, want %s", w, w.Status(), err, want)
	}
	return w
}

// receives puts money into the user's wallet that no card has paid in.
func (b *bundle) receives(user uuid.UUID, cents int64) {
	b.t.Helper()
	err := b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return post(ctx, tx, ledger.Entry{
			Key: "gift:" + uuid.NewString(), Flow: ledger.FlowReferral, Cause: ledger.Cause{Kind: "test", ID: user},
			Legs: []ledger.Leg{of(ledger.Wallet, user, "EUR", cents), of(ledger.ReferralCost, uuid.Nil, "EUR", -cents)},
		})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// refundable is what cards have paid in for the user and can be given back.
func (b *bundle) refundable(user uuid.UUID) int64 {
	b.t.Helper()
	all, err := b.Refundable(b.t.Context(), []uuid.UUID{user})
	if err != nil {
		b.t.Fatal(err)
	}
	return all[user]["EUR"].Minor
}

// The newest top-up goes first, each to its own card, and no more than is left of it.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	b := setup(t)
	oldest, newest := b.paid("pm_card_visa", 20_00), b.paid("pm_card_mastercard", 30_00)
	if left := b.refundable(b.user); left != 50_00 {
		t.Errorf("%d can be withdrawn", left)
	}
	first := b.withdraws(12_00, WithdrawalSucceeded)
	second := b.withdraws(25_00, WithdrawalSucceeded)
	for i, test := range []struct {
		part   Refund
		top    TopUp
		amount int64
	}{{first.Refunds[0], newest, 12_00}, {second.Refunds[0], newest, 18_00}, {second.Refunds[1], oldest, 7_00}} {
		if n := b.count(`SELECT count(*) FROM refund r JOIN top_up t ON t.id = r.source_id AND t.provider_id = r.intent_id
			WHERE r.id = $1 AND t.id = $2 AND r.amount = $3 AND r.cause_kind = 'WITHDRAWAL'`, test.part.ID, test.top.ID, test.amount); n != 1 {
			t.Errorf("part %d is %+v", i, test.part)
		}
	}
	if len(first.Refunds) != 1 || len(second.Refunds) != 2 {
		t.Errorf("parts: %+v, %+v", first.Refunds, second.Refunds)
	}
	b.wants(b.user, 13_00, 0)
	b.wantsThere(3, 37_00)
	b.withdraws(13_00, WithdrawalSucceeded)
	b.wants(b.user, 0, 0)
	b.agrees()
	if left := b.refundable(b.user); left != 0 {
		t.Errorf("%d can be withdrawn", left)
	}
	if n := b.told(feed.WithdrawalChanged); n != 4 {
		t.Errorf("told %d times", n)
	}
	if w, err := b.WithdrawalOf(t.Context(), b.user, second.ID); err != nil || w.Amount != eur(25_00) || len(w.Refunds) != 2 {
		t.Errorf("got %+v, %v", w, err)
	}
	if _, err := b.WithdrawalOf(t.Context(), b.newUser(), second.ID); !errors.Is(err, ErrWithdrawalNotFound) {
		t.Errorf("a stranger: %v", err)
	}
}

// Money of a saved card goes back as well as money of one that is not, in the wallet's own currency.
func TestWithdrawOtherCurrencies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.paid("pm_card_visa", 20_00)
	for _, amount := range []money.Amount{money.New(9_000, "TND"), money.New(900, "JPY")} {
		in := input("pm_card_visa", 0)
		in.Amount = amount
		if top, err := b.TopUp(t.Context(), b.user, in); err != nil || top.Status != TopUpSucceeded {
			t.Fatalf("got %+v, %v", top, err)
		}
		w, err := b.Withdraw(t.Context(), b.user, WithdrawInput{Amount: amount, IdempotencyKey: uuid.NewString()})
		if err != nil || w.Status() != WithdrawalSucceeded || w.Refunds[0].Amount != amount {
			t.Errorf("got %+v, %v", w, err)
		}
	}
	b.wants(b.user, 20_00, 0)
}

func TestWithdrawRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.paid("pm_card_visa", 20_00)
	b.receives(b.user, 30_00)
	rich := b.newUser()
	b.receives(rich, 10_00)
	digest := func() []int {
		return []int{b.entries(), b.count("SELECT count(*) FROM withdrawal"), b.count("SELECT count(*) FROM refund"), b.count("SELECT count(*) FROM river_job")}
	}
	before := digest()
	for _, test := range []struct {
		name  string
		user  uuid.UUID
		in    WithdrawInput
		code  string
		datum string
		want  any
	}{
		{"nothing", b.user, withdrawal(0), "WITHDRAWAL_TOO_SMALL", "minimum", eur(1)},
		{"less than nothing", b.user, withdrawal(-5), "WITHDRAWAL_TOO_SMALL", "minimum", eur(1)},
		{"a part of what cards take", b.user, WithdrawInput{money.New(11, "TND"), "k"}, "AMOUNT_TOO_PRECISE", "step", money.New(10, "TND")},
		{"no currency of a wallet", b.user, WithdrawInput{money.New(11, "CHF"), "k"}, "CURRENCY_UNSUPPORTED", "", nil},
		{"no key", b.user, WithdrawInput{eur(1_00), ""}, "IDEMPOTENCY_KEY_INVALID", "", nil},
		{"more than there is", b.user, withdrawal(50_01), "INSUFFICIENT_FUNDS", "available", eur(50_00)},
		{"more than a card paid in", b.user, withdrawal(20_01), "WITHDRAWAL_NOT_FUNDED_BY_CARD", "withdrawable", eur(20_00)},
		{"another currency", b.user, WithdrawInput{money.New(1_00, "USD"), "k"}, "INSUFFICIENT_FUNDS", "available", money.New(0, "USD")},
		{"by no card", rich, withdrawal(1), "WITHDRAWAL_NOT_FUNDED_BY_CARD", "withdrawable", eur(0)},
		{"by nobody", b.newUser(), withdrawal(1), "INSUFFICIENT_FUNDS", "available", eur(0)},
	} {
		_, err := b.Withdraw(t.Context(), test.user, test.in)
		if code(err) != test.code || (test.datum != "" && refusal(err).Data[test.datum] != test.want) {
			t.Errorf("%s: %v, %+v", test.name, err, refusal(err))
		}
	}
	if after := digest(); !slices.Equal(after, before) {
		t.Errorf("the refused left %v, before %v", after, before)
	}
	// What is spent is no longer there, although cards have paid it in.
	err := b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return b.PayFromWalletTx(ctx, tx, b.user, uuid.New(), eur(45_00), uuid.NewString())
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Withdraw(t.Context(), b.user, withdrawal(6_00)); code(err) != "INSUFFICIENT_FUNDS" || refusal(err).Data["available"] != eur(5_00) {
		t.Errorf("got %v", err)
	}
	b.withdraws(5_00, WithdrawalSucceeded)
}

func TestWithdrawAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.paid("pm_card_pendingRefund", 20_00)
	in := withdrawal(20_00)
	first, err := b.Withdraw(t.Context(), b.user, in)
	if err != nil || first.Status() != WithdrawalProcessing {
		t.Fatalf("got %+v, %v", first, err)
	}
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.pushes(first.Refunds[0].ID, RefundSucceeded)
	again, err := b.Withdraw(t.Context(), b.user, in)
	if err != nil || again.ID != first.ID || again.Status() != WithdrawalSucceeded {
		t.Errorf("got %+v, %v", again, err)
	}
	in.Amount = eur(1_00)
	if _, err := b.Withdraw(t.Context(), b.user, in); code(err) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("got %v", err)
	}
	b.wantsThere(1, 20_00)
}

// Many withdrawals at once take what is there once, whether it is the wallet or the card that runs short.
func TestWithdrawAtOnce(t *testing.T) {
	t.Parallel()
	for name, gift := range map[string]int64{"the wallet runs short": 0, "the card runs short": 1000_00} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.paid("pm_card_visa", 10_00)
			b.paid("pm_card_visa", 15_00)
			if gift > 0 {
				b.receives(b.user, gift)
			}
			same := withdrawal(7_00)
			var (
				group sync.WaitGroup
				mu    sync.Mutex
				ids   = map[uuid.UUID]bool{}
			)
			for i := range 12 {
				in := withdrawal(7_00)
				if i%3 == 0 {
					in = same
				}
				group.Go(func() {
					w, err := b.Withdraw(t.Context(), b.user, in)
					if err != nil {
						if c := code(err); c != "INSUFFICIENT_FUNDS" && c != "WITHDRAWAL_NOT_FUNDED_BY_CARD" {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					defer mu.Unlock()
					ids[w.ID] = true
				})
			}
			group.Wait()
			for refund := range b.openRefunds() {
				b.pushes(refund, RefundSucceeded)
			}
			if len(ids) != 3 {
				t.Errorf("%d withdrawals of 7.00 out of 25.00", len(ids))
			}
			b.wants(b.user, 4_00+gift, 0)
			_, there := b.refundsThere()
			if there != 21_00 {
				t.Errorf("the provider gave back %d", there)
			}
			b.agrees()
		})
	}
}

// openRefunds is the refunds that are on their way.
func (b *bundle) openRefunds() map[uuid.UUID]bool {
	b.t.Helper()
	ids, err := b.q.RefundsOpen(b.t.Context(), b.pool, uuid.Nil, -3600, 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	all := make(map[uuid.UUID]bool, len(ids))
	for _, each := range ids {
		all[each] = true
	}
	return all
}

// A part whose card does not take it comes back into the wallet, and can be withdrawn again.
func TestWithdrawPartly(t *testing.T) {
	t.Parallel()
	b := listening(t)
	b.paid("pm_card_visa", 10_00)
	b.paid("pm_card_refundFail", 10_00)
	w := b.withdraws(15_00, WithdrawalSucceeded)
	b.wants(b.user, 5_00, 0)
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.hears("refund.failed", 1)
	b.handles()
	now, err := b.WithdrawalOf(t.Context(), b.user, w.ID)
	if err != nil || now.Status() != WithdrawalPartial {
		t.Fatalf("got %+v (%s), %v", now, now.Status(), err)
	}
	b.wants(b.user, 15_00, 0)
	if left := b.refundable(b.user); left != 15_00 {
		t.Errorf("%d can be withdrawn", left)
	}
	b.agrees()

	whole := b.withdraws(3_00, WithdrawalSucceeded) // by the same card, all of it
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.hears("refund.failed", 2)
	b.handles()
	if now, err := b.WithdrawalOf(t.Context(), b.user, whole.ID); err != nil || now.Status() != WithdrawalFailed {
		t.Fatalf("got %+v (%s), %v", now, now.Status(), err)
	}
	b.wants(b.user, 15_00, 0)
	b.agrees()
}

// A provider that is away leaves the money on its way; the sweep sends it when it is back.
func TestWithdrawWhileTheProviderIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.paid("pm_card_visa", 10_00)
	b.fake.Faults().Add(stripefake.Rule{Path: "/v1/refunds", Fault: stripefake.CutBefore, Times: -1})
	w := b.withdraws(10_00, WithdrawalProcessing)
	if b.fake.Faults().Fired()[stripefake.CutBefore] == 0 {
		t.Fatal("the provider was not away")
	}
	b.wants(b.user, 0, 0)
	if left := b.refundable(b.user); left != 0 {
		t.Errorf("%d can be withdrawn", left)
	}
	b.fake.Faults().Clear()
	b.ages(w.Refunds[0].ID, 30*time.Hour)
	if err := b.sweepRefunds(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	b.pushes(w.Refunds[0].ID, RefundSucceeded)
	b.wantsThere(1, 10_00)
	b.agrees()
}

// A withdrawal goes back to a hundred top-ups at most, of which the request itself sends ten.
func TestWithdrawFromManyTopUps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const many = withdrawalParts + 5
	for range many {
		b.paid("pm_card_visa", 1_00)
	}
	if left := b.refundable(b.user); left != withdrawalParts*1_00 {
		t.Errorf("%d can be withdrawn", left)
	}
	if _, err := b.Withdraw(t.Context(), b.user, withdrawal(many*1_00)); code(err) != "WITHDRAWAL_NOT_FUNDED_BY_CARD" {
		t.Errorf("got %v", err)
	}
	w := b.withdraws(withdrawalParts*1_00, WithdrawalProcessing)
	b.wantsThere(withdrawalPush, withdrawalPush*1_00)
	if err := b.sweepRefunds(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	if now, err := b.WithdrawalOf(t.Context(), b.user, w.ID); err != nil || now.Status() != WithdrawalSucceeded {
		t.Errorf("got %s, %v", now.Status(), err)
	}
	b.withdraws(5_00, WithdrawalSucceeded)
	b.wantsThere(many, many*1_00)
	b.agrees()
}

// A server that dies after the commit has sent nothing; who asks again with the key does not send it either, the
// job and the sweep do.
func TestWithdrawLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.paid("pm_card_visa", 10_00)
	in := withdrawal(4_00)
	row, parts, err := b.openWithdrawal(t.Context(), b.user, in)
	if err != nil || len(parts) != 1 {
		t.Fatalf("got %v, %v", parts, err)
	}
	again, err := b.Withdraw(t.Context(), b.user, in)
	if err != nil || again.ID != row.ID || again.Status() != WithdrawalProcessing {
		t.Errorf("got %+v, %v", again, err)
	}
	b.wantsThere(0, 0)
	if n := b.count("SELECT count(*) FROM river_job WHERE kind = 'refund_resolve' AND args->>'id' = $1", parts[0].String()); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if err := b.sweepRefunds(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	b.pushes(parts[0], RefundSucceeded)
	b.wantsThere(1, 4_00)
	b.agrees()
}

// TestWithdrawStorm runs withdrawals through a provider that fails in every way at random.
func TestWithdrawStorm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.provider = NewStripe(testKey, b.listen(), &http.Client{Timeout: 5 * time.Second})
	for range 4 {
		b.paid("pm_card_visa", 100_00)
	}
	rates := make(map[stripefake.Fault]float64)
	for _, each := range stripefake.Faults() {
		rates[each] = 0.1
	}
	b.fake.Faults().Rates(rates, 2*time.Millisecond)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			for range 12 {
				if _, err := b.Withdraw(t.Context(), b.user, withdrawal(6_00)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for range 6 { // the faults go on: what stays open is looked at again
		for refund := range b.openRefunds() {
			b.ages(refund, refundDecided)
		}
		if err := b.sweepRefunds(t.Context(), -time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for _, each := range stripefake.Faults() {
		if b.fake.Faults().Fired()[each] == 0 {
			t.Errorf("%s never fired", each)
		}
	}
	b.fake.Faults().Clear()
	for refund := range b.openRefunds() {
		b.ages(refund, refundDecided)
		b.pushes(refund, RefundSucceeded)
	}
	_, cents := b.refundsThere()
	if cents != 360_00 {
		t.Errorf("the provider gave back %d", cents)
	}
	b.wants(b.user, 40_00, 0)
	b.agrees()
}

// Nothing leaves a frozen wallet, and what a card sends back still comes in.
func TestWithdrawFromAFrozenWallet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.paid("pm_card_refundFail", 20_00)
	before := b.withdraws(5_00, WithdrawalSucceeded)
	if _, err := b.FreezeWallet(t.Context(), b.newUser(), b.user, "a chargeback"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Withdraw(t.Context(), b.user, withdrawal(5_00)); code(err) != "WALLET_FROZEN" {
		t.Errorf("got %v", err)
	}
	if n := b.count("SELECT count(*) FROM withdrawal") + b.count("SELECT count(*) FROM refund"); n != 2 {
		t.Errorf("the refused left something: %d", n)
	}
	if err := b.fake.Advance(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	b.pushes(before.Refunds[0].ID, RefundFailed)
	b.wants(b.user, 20_00, 0)
	b.agrees()
}
