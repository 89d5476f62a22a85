package payment

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
)

// spends tries to take some cents from a user's wallet.
func (b *bundle) spends(user uuid.UUID, cents int64) error {
	b.t.Helper()
	return b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return b.PayFromWalletTx(ctx, tx, user, id.New(), eur(cents), uuid.NewString())
	})
}

// heard is the kinds of what a user was told, from the first on.
func (b *bundle) heard(user uuid.UUID) (kinds []feed.Kind) {
	b.t.Helper()
	const query = `SELECT array_agg(kind ORDER BY version) FROM event WHERE topic = $1`
	if err := b.data.Admin.QueryRow(b.t.Context(), query, string(feed.Topic(user))).Scan(&kinds); err != nil {
		b.t.Fatal(err)
	}
	return kinds
}

func TestAFrozenWallet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, admin := t.Context(), b.newUser()
	user, rival := b.funded(100_00), b.funded(100_00)
	lot := ledger.Cause{Kind: "auction", ID: id.New()}
	leading := NewHold{ID: id.New(), User: user, Amount: eur(30_00)}
	b.must(b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return b.ChangeHoldsTx(ctx, tx, HoldChange{Key: "lead", Cause: lot, Open: []NewHold{leading}})
	}))

	frozen, err := b.FreezeWallet(ctx, admin, user, "  looks stolen ")
	if err != nil || frozen.User != user || frozen.Cause != ByAdmin || frozen.Reason != "looks stolen" || frozen.LiftedAt != nil {
		t.Fatalf("%+v, %v", frozen, err)
	}
	if again, err := b.FreezeWallet(ctx, admin, user, "looks stolen, I said"); err != nil || again.ID != frozen.ID || again.Reason != frozen.Reason {
		t.Errorf("again: %+v, %v", again, err)
	}

	err = b.spends(user, 1)
	if refused := refusal(err); code(err) != "WALLET_FROZEN" || refused.Data["since"] != frozen.FrozenAt {
		t.Errorf("spends: %v, want WALLET_FROZEN since %s", err, frozen.FrozenAt)
	}
	err = b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		higher := NewHold{ID: id.New(), User: user, Amount: eur(31_00)}
		err := b.ChangeHoldsTx(ctx, tx, HoldChange{Key: "raise", Cause: lot, Open: []NewHold{higher}, Release: []uuid.UUID{leading.ID}})
		if code(err) != "WALLET_FROZEN" {
			t.Errorf("raises their own bid: %v", err)
		}
		return b.ChangeHoldsTx(ctx, tx, HoldChange{ // the transaction can be used on: another bids higher
			Key: "outbid", Cause: lot, Open: []NewHold{{ID: id.New(), User: rival, Amount: eur(40_00)}}, Release: []uuid.UUID{leading.ID},
		})
	})
	if err != nil {
		t.Errorf("outbid: %v", err)
	}
	b.wants(user, 100_00, 0)
	if top, err := b.TopUp(ctx, user, input("pm_card_visa", 5_00)); err != nil || top.Status != TopUpSucceeded {
		t.Errorf("a top-up: %+v, %v", top, err)
	}

	other, err := b.FreezeWallet(ctx, b.newUser(), user, "another admin's reason")
	if err != nil || other.ID == frozen.ID {
		t.Fatalf("%+v, %v", other, err)
	}
	lifted, err := b.UnfreezeWallet(ctx, admin, Unfreeze{Freeze: &frozen.ID, Reason: "the card came back"})
	if err != nil || len(lifted) != 1 || lifted[0].LiftedAt == nil || *lifted[0].LiftReason != "the card came back" {
		t.Errorf("%+v, %v", lifted, err)
	}
	if err := b.spends(user, 1); code(err) != "WALLET_FROZEN" {
		t.Errorf("another freeze stands: %v", err)
	}
	if lifted, err = b.UnfreezeWallet(ctx, admin, Unfreeze{User: &user, Reason: "all well"}); err != nil || len(lifted) != 1 || lifted[0].ID != other.ID {
		t.Errorf("%+v, %v", lifted, err)
	}
	b.must(b.spends(user, 1_00))
	b.wants(user, 104_00, 0)
	const record = `SELECT count(*) FROM admin_action WHERE subject = $1 AND action = $2`
	if f, u := b.count(record, id.User.Encode(user), "WALLET_FROZEN"), b.count(record, id.User.Encode(user), "WALLET_UNFROZEN"); f != 2 || u != 2 {
		t.Errorf("%d and %d records of what admins did, want 2 and 2", f, u)
	}
	all, err := b.WalletFreezes(ctx, user)
	if err != nil || len(all) != 2 || all[0].ID != other.ID || all[1].ID != frozen.ID {
		t.Errorf("%+v, %v", all, err)
	}
	want := []feed.Kind{feed.TopUpChanged, feed.WalletFrozen, feed.TopUpChanged, feed.WalletFrozen, feed.WalletUnfrozen, feed.WalletUnfrozen}
	if got := b.heard(user); !slices.Equal(got, want) {
		t.Errorf("the user was told %v, want %v", got, want)
	}
}

func TestFreezingIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, admin, user, nobody := t.Context(), b.newUser(), b.newUser(), id.New()
	frozen, err := b.FreezeWallet(ctx, admin, user, "a reason")
	b.must(err)
	_, err = b.UnfreezeWallet(ctx, admin, Unfreeze{Freeze: &frozen.ID, Reason: "lifted"})
	b.must(err)
	for name, c := range map[string]struct {
		want error
		do   func() error
	}{
		"nobody":             {ErrUserNotFound, func() error { _, err := b.FreezeWallet(ctx, admin, nobody, "a reason"); return err }},
		"without a reason":   {ErrReasonLength, func() error { _, err := b.FreezeWallet(ctx, admin, user, " \n "); return err }},
		"with a long reason": {ErrReasonLength, func() error { _, err := b.FreezeWallet(ctx, admin, user, strings.Repeat("é", 501)); return err }},
		"with a hidden one":  {ErrReasonLength, func() error { _, err := b.FreezeWallet(ctx, admin, user, "a\u202eb"); return err }},
		"lifted for nothing": {ErrReasonLength, func() error { _, err := b.UnfreezeWallet(ctx, admin, Unfreeze{User: &user}); return err }},
		"neither":            {ErrUserOrFreeze, func() error { _, err := b.UnfreezeWallet(ctx, admin, Unfreeze{Reason: "x"}); return err }},
		"both":               {ErrUserOrFreeze, func() error { _, err := b.UnfreezeWallet(ctx, admin, Unfreeze{&user, &frozen.ID, "x"}); return err }},
		"a user who is free": {ErrWalletNotFrozen, func() error { _, err := b.UnfreezeWallet(ctx, admin, Unfreeze{User: &user, Reason: "x"}); return err }},
		"a freeze twice": {ErrWalletNotFrozen, func() error {
			_, err := b.UnfreezeWallet(ctx, admin, Unfreeze{Freeze: &frozen.ID, Reason: "x"})
			return err
		}},
		"a freeze of nothing": {ErrFreezeNotFound, func() error {
			_, err := b.UnfreezeWallet(ctx, admin, Unfreeze{Freeze: &nobody, Reason: "x"})
			return err
		}},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if n := b.count("SELECT count(*) FROM ledger.freeze"); n != 1 {
		t.Errorf("%d freezes, want 1", n)
	}
	if frozen.FrozenAt.Location() != time.UTC {
		t.Error("times are in UTC")
	}
}
