package payment

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/postgres"
)

func (b *bundle) swap(open NewHold, release *NewHold) error {
	return b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		steps, err := b.SwapHold(ctx, HoldSwap{
			Key: "swap:" + open.ID.String(), Cause: ledger.Cause{Kind: "auction", ID: id.New()}, Open: open, Release: release,
		})
		if err != nil {
			return err
		}
		return postgres.Together(ctx, tx, steps...)
	})
}

func TestSwapHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	amal, badr := b.funded(100_00), b.funded(100_00)
	before := b.entries()
	first, second, third := hold(amal, 40_00), hold(badr, 45_00), hold(badr, 100_00)
	for _, step := range []struct {
		open    NewHold
		release *NewHold
	}{{first, nil}, {second, &first}, {third, &second}} {
		if err := b.swap(step.open, step.release); err != nil {
			t.Fatal(err)
		}
		b.heldIsOpen(amal, badr)
	}
	b.wants(amal, 100_00, 0)
	b.wants(badr, 0, 100_00) // what is let go counts
	if n := b.entries() - before; n != 3 {
		t.Errorf("%d entries for 3 swaps", n)
	}
}

// A hold that is not open as the caller tells it stays as it is, and nothing takes its place.
func TestSwapHoldRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	amal, badr := b.funded(100_00), b.funded(100_00)
	gone, open := hold(amal, 10_00), hold(amal, 40_00)
	for _, held := range []NewHold{gone, open} {
		if err := b.swap(held, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.change(change(nil, gone.ID)); err != nil {
		t.Fatal(err)
	}
	other, less, unknown := open, open, hold(amal, 40_00)
	other.User, less.Amount = badr, eur(39_99)
	before := b.entries()
	for name, told := range map[string]*NewHold{"released": &gone, "another's": &other, "of less": &less, "unknown": &unknown} {
		if err := b.swap(hold(badr, 50_00), told); !errors.Is(err, ErrHoldResolved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.swap(hold(badr, 100_01), &open); !errors.Is(err, ErrInsufficientFunds) {
		t.Errorf("more than there is: %v", err)
	}
	if b.entries() != before {
		t.Error("something was posted")
	}
	b.wants(amal, 60_00, 40_00)
	b.wants(badr, 100_00, 0)
	b.heldIsOpen(amal, badr)
}
