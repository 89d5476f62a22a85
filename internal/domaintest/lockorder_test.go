package domaintest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/postgres"
)

// Whoever takes feeds in another order than that of their users, or after the ledger, or goods after them, is refused; whoever keeps the order, or takes again what they have, is not.
func TestLocksAreWatched(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	users := []uuid.UUID{w.User(identity.Seller), w.User(identity.Buyer), w.User(identity.Buyer)}
	slices.SortFunc(users, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	feeds := func(of ...int) func(pgx.Tx) error {
		return func(tx pgx.Tx) error {
			var some []uuid.UUID
			for _, i := range of {
				some = append(some, users[i])
			}
			return feed.LockTx(w.Ctx(), tx, some)
		}
	}
	posts := func(tx pgx.Tx) error {
		_, err := ledger.PostTx(w.Ctx(), tx, ledger.Entry{Key: uuid.NewString(), Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "test", ID: uuid.New()}, Legs: []ledger.Leg{
			{Account: ledger.Account{Kind: ledger.Wallet, Owner: users[0], Currency: domaintest.EUR(1).Currency}, Amount: 100},
			{Account: ledger.Account{Kind: ledger.Bank, Currency: domaintest.EUR(1).Currency}, Amount: -100},
		}})
		return err
	}
	for name, c := range map[string]struct {
		steps   []func(pgx.Tx) error
		refused string
	}{
		"together, in whatever order they are named": {[]func(pgx.Tx) error{feeds(2, 0, 1), posts}, ""},
		"one after the other, and again":             {[]func(pgx.Tx) error{feeds(0), feeds(1), feeds(0, 2), posts, feeds(1)}, ""},
		"a lesser one later":                         {[]func(pgx.Tx) error{feeds(1), feeds(0)}, "greater id"},
		"after the ledger":                           {[]func(pgx.Tx) error{posts, feeds(0)}, "after a balance"},
	} {
		err := postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) error {
			for _, step := range c.steps {
				if err := step(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
