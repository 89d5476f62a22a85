package payment

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// change is a HoldChange for an auction, with a key of its own.
func change(open []NewHold, release ...uuid.UUID) HoldChange {
	return HoldChange{Key: "hold:" + uuid.NewString(), Cause: ledger.Cause{Kind: "auction", ID: id.New()}, Open: open, Release: release}
}

func hold(user uuid.UUID, cents int64) NewHold {
	return NewHold{ID: id.New(), User: user, Amount: eur(cents)}
}

func (b *bundle) change(c HoldChange) error {
	return b.inTx(func(ctx context.Context, tx pgx.Tx) error { return b.ChangeHoldsTx(ctx, tx, c) })
}

// heldIsOpen insists that what a user's wallet holds is the sum of their open holds.
func (b *bundle) heldIsOpen(users ...uuid.UUID) {
	b.t.Helper()
	for _, user := range users {
		open := b.count("SELECT coalesce(sum(amount), 0) FROM hold WHERE user_id = $1 AND status = 'OPEN'", user)
		if held := b.sum(ledger.WalletHeld, user); held != int64(open) {
			b.t.Errorf("%d held, %d in open holds", held, open)
		}
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	amal, badr := b.funded(100_00), b.funded(100_00)
	before := b.entries()

	first := hold(amal, 40_00)
	if err := b.change(change([]NewHold{first})); err != nil {
		t.Fatal(err)
	}
	b.wants(amal, 60_00, 40_00)
	second := hold(badr, 45_00) // outbids: one entry for both wallets
	if err := b.change(change([]NewHold{second}, first.ID)); err != nil {
		t.Fatal(err)
	}
	b.wants(amal, 100_00, 0)
	b.wants(badr, 55_00, 45_00)
	third := hold(badr, 50_00) // raises their own
	if err := b.change(change([]NewHold{third}, second.ID)); err != nil {
		t.Fatal(err)
	}
	b.wants(badr, 50_00, 50_00)
	if n := b.entries() - before; n != 3 {
		t.Errorf("%d entries for 3 changes", n)
	}
	b.heldIsOpen(amal, badr)

	order := id.New()
	consume := func(cents int64) error {
		return b.inTx(func(ctx context.Context, tx pgx.Tx) error {
			return b.ConsumeHoldTx(ctx, tx, third.ID, order, eur(cents), "consume:"+order.String())
		})
	}
	if err := consume(50_01); err == nil {
		t.Error("more was consumed than is held")
	}
	b.wants(badr, 50_00, 50_00)
	if err := consume(42_00); err != nil {
		t.Fatal(err)
	}
	b.wants(badr, 58_00, 0)
	if escrow := b.sum(ledger.Escrow, order); escrow != 42_00 {
		t.Errorf("escrow holds %d", escrow)
	}
	b.heldIsOpen(amal, badr)
}

func TestHoldsThatNetToNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.funded(100_00)
	first := hold(user, 40_00)
	if err := b.change(change([]NewHold{first})); err != nil {
		t.Fatal(err)
	}
	before := b.entries()
	same := hold(user, 40_00)
	if err := b.change(change([]NewHold{same}, first.ID)); err != nil {
		t.Fatal(err)
	}
	if err := b.change(HoldChange{Key: "nothing", Cause: ledger.Cause{Kind: "auction", ID: id.New()}}); err != nil {
		t.Fatal(err)
	}
	if b.entries() != before {
		t.Error("nothing moved, and an entry says otherwise")
	}
	b.wants(user, 60_00, 40_00)
	b.heldIsOpen(user)
}

func TestHoldRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, other := b.funded(50_00), b.funded(50_00)
	open, gone := hold(user, 10_00), hold(user, 5_00)
	if err := b.change(change([]NewHold{open, gone})); err != nil {
		t.Fatal(err)
	}
	if err := b.change(change(nil, gone.ID)); err != nil {
		t.Fatal(err)
	}
	before := b.entries()
	for name, test := range map[string]struct {
		change HoldChange
		code   string
	}{
		"too much":              {change([]NewHold{hold(user, 40_01)}), "INSUFFICIENT_FUNDS"},
		"too much in two":       {change([]NewHold{hold(user, 20_01), hold(user, 20_00)}), "INSUFFICIENT_FUNDS"},
		"one of two is short":   {change([]NewHold{hold(other, 1_00), hold(user, 40_01)}), "INSUFFICIENT_FUNDS"},
		"still too much":        {change([]NewHold{hold(user, 50_01)}, open.ID), "INSUFFICIENT_FUNDS"},
		"other currency":        {change([]NewHold{{ID: id.New(), User: user, Amount: money.New(1, "USD")}}), "INSUFFICIENT_FUNDS"},
		"zero":                  {change([]NewHold{hold(user, 0)}), "AMOUNT_NOT_POSITIVE"},
		"negative":              {change([]NewHold{hold(user, -1)}), "AMOUNT_NOT_POSITIVE"},
		"released before":       {change(nil, gone.ID), "HOLD_RESOLVED"},
		"one released before":   {change([]NewHold{hold(other, 1_00)}, open.ID, gone.ID), "HOLD_RESOLVED"},
		"unknown":               {change(nil, id.New()), "HOLD_NOT_FOUND"},
		"named twice":           {change(nil, open.ID, open.ID), "HOLD_NOT_FOUND"},
		"id used before":        {change([]NewHold{{ID: open.ID, User: user, Amount: eur(1)}}), "HOLD_EXISTS"},
		"a sum beyond int64":    {change([]NewHold{hold(user, 1<<62), hold(user, 1<<62)}), "AMOUNT_OUT_OF_RANGE"},
		"beyond int64 and back": {change([]NewHold{hold(user, 1<<62), hold(user, 1<<62), hold(user, 1<<62), hold(user, 1<<62)}), "AMOUNT_OUT_OF_RANGE"},
	} {
		err := b.inTx(func(ctx context.Context, tx pgx.Tx) error {
			err := b.ChangeHoldsTx(ctx, tx, test.change)
			if code(err) != test.code {
				t.Errorf("%s: got %v, want %s", name, err, test.code)
			}
			_, err = tx.Exec(ctx, "SELECT 1") // the caller's transaction can be used on, and committed
			return err
		})
		if err != nil {
			t.Errorf("%s: the transaction afterwards: %v", name, err)
		}
	}
	if b.entries() != before {
		t.Error("a refusal left an entry")
	}
	b.wants(user, 40_00, 10_00)
	b.wants(other, 50_00, 0)
	b.heldIsOpen(user, other)
}

func TestInsufficientFundsSaysWhoAndHowMuch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, other := b.funded(30_00), b.funded(90_00)
	err := b.change(change([]NewHold{hold(other, 1_00), hold(user, 31_00)}))
	var short *ShortError
	if e := refusal(err); e == nil || e.Data["available"] != eur(30_00) || !errors.As(err, &short) || short.User != user {
		t.Errorf("got %v with %+v, %+v", err, refusal(err), short)
	}
	err = b.change(change([]NewHold{hold(b.newUser(), 1_00)})) // never had a wallet
	if e := refusal(err); e == nil || e.Code != "INSUFFICIENT_FUNDS" || e.Data["available"] != eur(0) {
		t.Errorf("an empty wallet: %v with %+v", err, refusal(err))
	}
}

// TestHoldsRace lets many bidders' requests loose on one wallet: it never goes below zero, and what
// was granted is what is held.
func TestHoldsRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.funded(100_00)
	var granted atomic.Int64
	var group sync.WaitGroup
	for range 25 {
		group.Go(func() {
			switch err := b.change(change([]NewHold{hold(user, 15_00)})); {
			case err == nil:
				granted.Add(1)
			case code(err) != "INSUFFICIENT_FUNDS":
				t.Error(err)
			}
		})
	}
	group.Wait()
	if granted.Load() != 6 {
		t.Errorf("%d holds of 15 were granted on 100", granted.Load())
	}
	b.wants(user, 10_00, 90_00)
	b.heldIsOpen(user)
}

// TestReleaseRace: one hold, many who want to resolve it, in both ways.
func TestReleaseRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.funded(100_00)
	h := hold(user, 80_00)
	if err := b.change(change([]NewHold{h})); err != nil {
		t.Fatal(err)
	}
	order := id.New()
	var won atomic.Int64
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			err := b.inTx(func(ctx context.Context, tx pgx.Tx) error {
				if i%2 == 0 {
					return b.ConsumeHoldTx(ctx, tx, h.ID, order, h.Amount, uuid.NewString())
				}
				return b.ChangeHoldsTx(ctx, tx, change(nil, h.ID))
			})
			if err == nil {
				won.Add(1)
			} else if code(err) != "HOLD_RESOLVED" {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d resolved one hold", won.Load())
	}
	if all := b.sum(ledger.Wallet, user) + b.sum(ledger.Escrow, order); all != 100_00 || b.sum(ledger.WalletHeld, user) != 0 {
		t.Errorf("the money is %d of 100", all)
	}
}

// TestCrossedHolds: two users outbid each other on many lots at once, in both orders of locking.
func TestCrossedHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	amal, badr := b.funded(500_00), b.funded(500_00)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			from, to := amal, badr
			if i%2 == 0 {
				from, to = badr, amal
			}
			first := hold(from, 10_00)
			if err := b.change(change([]NewHold{first})); err != nil {
				t.Error(err)
			}
			second := hold(to, 11_00)
			if err := b.change(change([]NewHold{second}, first.ID)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	b.wants(amal, 500_00-110_00, 110_00)
	b.wants(badr, 500_00-110_00, 110_00)
	b.heldIsOpen(amal, badr)
}

func TestEscrow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, test := range []struct{ total, fee int64 }{{40_00, 4_00}, {40_00, 0}, {40_00, 40_00}} {
		buyer, seller, order := b.funded(50_00), b.newUser(), id.New()
		fees := b.sum(ledger.PlatformFees, uuid.Nil)
		pay := func(cents int64, key string) error {
			return b.inTx(func(ctx context.Context, tx pgx.Tx) error {
				return b.PayFromWalletTx(ctx, tx, buyer, order, eur(cents), key)
			})
		}
		release := func(total, fee money.Amount, key string) error {
			return b.inTx(func(ctx context.Context, tx pgx.Tx) error {
				parts := Parts{Fee: fee, Seller: money.New(total.Minor-fee.Minor, total.Currency)}
				return b.ReleaseEscrowTx(ctx, tx, Release{Order: order, Seller: seller, Parts: parts, Key: key})
			})
		}
		if err := pay(50_01, uuid.NewString()); code(err) != "INSUFFICIENT_FUNDS" {
			t.Errorf("too dear: %v", err)
		}
		if err := pay(0, uuid.NewString()); code(err) != "AMOUNT_NOT_POSITIVE" {
			t.Errorf("free: %v", err)
		}
		key := uuid.NewString()
		for range 2 { // the same key pays once
			if err := pay(test.total, key); err != nil {
				t.Fatal(err)
			}
		}
		b.wants(buyer, 50_00-test.total, 0)
		for name, bad := range map[string]error{
			"fee above":     release(eur(test.total), eur(test.total+1), uuid.NewString()),
			"fee below":     release(eur(test.total), eur(-1), uuid.NewString()),
			"nothing":       release(eur(0), eur(0), uuid.NewString()),
			"more than all": release(eur(test.total+1), eur(test.fee), uuid.NewString()),
		} {
			if bad == nil || code(bad) == "INSUFFICIENT_FUNDS" { // which is about a wallet
				t.Errorf("%s: %v", name, bad)
			}
		}
		if escrow := b.sum(ledger.Escrow, order); escrow != test.total {
			t.Fatalf("escrow holds %d, want %d", escrow, test.total)
		}
		key = uuid.NewString()
		for range 2 {
			if err := release(eur(test.total), eur(test.fee), key); err != nil {
				t.Fatal(err)
			}
		}
		if escrow := b.sum(ledger.Escrow, order); escrow != 0 {
			t.Errorf("escrow keeps %d", escrow)
		}
		if got := b.sum(ledger.PlatformFees, uuid.Nil) - fees; got != test.fee {
			t.Errorf("the platform got %d, want %d", got, test.fee)
		}
		funds, err := b.SellerBalance(t.Context(), seller)
		if err != nil {
			t.Fatal(err)
		}
		if net := test.total - test.fee; net == 0 && len(funds) != 0 || net > 0 && (len(funds) != 1 || funds[0].Pending != eur(net) || funds[0].Available != eur(0)) {
			t.Errorf("the seller has %+v, want %d", funds, net)
		}
	}
}

func TestWallets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.funded(100_00)
	in := TopUpInput{Amount: money.New(5_000, "JPY"), PaymentMethod: "pm_card_visa", IdempotencyKey: "yen"}
	if _, err := b.TopUp(t.Context(), user, in); err != nil {
		t.Fatal(err)
	}
	if err := b.change(change([]NewHold{hold(user, 30_00)})); err != nil {
		t.Fatal(err)
	}
	wallets, err := b.Wallets(t.Context(), user)
	want := []ledger.WalletBalance{
		{Owner: user, Currency: "EUR", Available: eur(70_00), Held: eur(30_00)},
		{Owner: user, Currency: "JPY", Available: money.New(5_000, "JPY"), Held: money.New(0, "JPY")},
	}
	if err != nil || !slices.Equal(wallets, want) {
		t.Fatalf("got %+v, %v", wallets, err)
	}
}

func TestHoldRowsAreFixed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.funded(100_00)
	h := hold(user, 30_00)
	if err := b.change(change([]NewHold{h})); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"UPDATE hold SET amount = 1 WHERE id = $1",
		"UPDATE hold SET status = 'RELEASED' WHERE id = $1", // without the time
	} {
		if _, err := b.data.Pool.Exec(t.Context(), statement, h.ID); err == nil {
			t.Errorf("%s went through", statement)
		}
	}
}
