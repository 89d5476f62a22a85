package ledger_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pgtest"
)

func TestWallets(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	fund(t, database.Pool, 555) // another's
	yen := ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: "JPY"}
	mustPost(t, database.Pool, move("yen", 7, ledger.Account{Kind: ledger.Bank, Currency: "JPY"}, yen))
	mustPost(t, database.Pool, move("hold", 40, wallet(user), held(user)))

	got, err := ledger.Wallets(t.Context(), database.Pool, user)
	want := []ledger.WalletBalance{
		{Owner: user, Currency: eur, Available: money.New(60, eur), Held: money.New(40, eur)},
		{Owner: user, Currency: "JPY", Available: money.New(7, "JPY"), Held: money.New(0, "JPY")},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := ledger.Wallets(t.Context(), database.Pool, id.New()); err != nil || len(got) != 0 {
		t.Errorf("a new user has %v, %v", got, err)
	}
}

func TestOwned(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	seller := fund(t, database.Pool, 100)
	mustPost(t, database.Pool, move("earn", 40, wallet(seller), ledger.Account{Kind: ledger.SellerPending, Owner: seller, Currency: eur}))
	got, err := ledger.Owned(t.Context(), database.Pool, seller, ledger.SellerPending, ledger.SellerAvailable)
	want := []ledger.OwnedBalance{{Kind: ledger.SellerPending, Balance: money.New(40, eur)}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestStatementPages(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	user := fund(t, database.Pool, 100)
	for i := range 4 {
		mustPost(t, database.Pool, move(fmt.Sprint("hold ", i), int64(i+1), wallet(user), held(user)))
	}
	var lines []ledger.Line
	for before := int64(0); ; {
		page, err := ledger.Statement(ctx, database.Pool, wallet(user), before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > 2 {
			t.Fatalf("a page of %d", len(page))
		}
		if len(page) == 0 {
			break
		}
		lines = append(lines, page...)
		before = page[len(page)-1].Number
	}
	if len(lines) != 5 {
		t.Fatalf("%d lines, want 5", len(lines))
	}
	for i, line := range lines {
		if line.Number != int64(5-i) || line.Flow != ledger.FlowHold || line.Cause != cause || line.Entry == 0 || line.At.IsZero() {
			t.Errorf("line %d is %+v", i, line)
		}
		if i+1 < len(lines) && line.Balance.Minor != lines[i+1].Balance.Minor+line.Amount.Minor {
			t.Errorf("line %d: %v after %v makes %v", i, line.Amount, lines[i+1].Balance, line.Balance)
		}
	}
	if first := lines[0]; first.Amount.Minor != -4 || first.Balance.Minor != 90 {
		t.Errorf("the newest line is %+v", first)
	}
}

func TestRollupRefusesTransactionIDsThatWentBack(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	fund(t, database.Pool, 100)
	// As after a restore from a dump into a younger cluster.
	if _, err := database.Admin.Exec(ctx, "UPDATE ledger.rollup SET through = '1000000000000'"); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.RollUp(ctx, database.Pool); sqlState(err) != "SL010" {
		t.Errorf("rolled up: %v, want SL010", err)
	}
}
