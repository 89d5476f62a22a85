package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pgtest"
)

// model is what the books should say: no SQL, no locks, a map.
type model struct {
	balances map[ledger.Account]int64
	entries  map[string]map[ledger.Account]int64 // by key
	ids      map[string]int64
	reversed map[string]bool
}

func (m *model) post(key string, legs map[ledger.Account]int64) error {
	if len(legs) < 2 {
		return ledger.ErrMalformed
	}
	if known, ok := m.entries[key]; ok {
		if !maps.Equal(known, legs) {
			return ledger.ErrKeyReused
		}
		return nil
	}
	sums := map[money.Currency]int64{}
	for account, amount := range legs {
		sums[account.Currency] += amount
	}
	for _, sum := range sums {
		if sum != 0 {
			return ledger.ErrMalformed
		}
	}
	// Of several limits in the way, the database may name either.
	var below, above bool
	for account, amount := range legs {
		after := m.balances[account] + amount
		below = below || account.Kind != ledger.SellerDebt && account.Owner != uuid.Nil && after < 0
		above = above || account.Kind == ledger.SellerDebt && after > 0
	}
	switch {
	case below && above:
		return errLimit
	case below:
		return ledger.ErrInsufficientFunds
	case above:
		return ledger.ErrCeiling
	}
	for account, amount := range legs {
		m.balances[account] += amount
	}
	m.entries[key] = legs
	return nil
}

var errLimit = errors.New("either limit")

func agrees(got, want error) bool {
	if errors.Is(want, errLimit) {
		return errors.Is(got, ledger.ErrInsufficientFunds) || errors.Is(got, ledger.ErrCeiling)
	}
	if want == nil {
		return got == nil
	}
	return errors.Is(got, want)
}

// Random entries, replays, reused keys, reversals and roll-ups end with the balances of the model; what is
// refused leaves nothing. rapid prints the seed that replays a failure.
func TestTheBooksFollowTheModel(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		m := &model{
			balances: map[ledger.Account]int64{}, entries: map[string]map[ledger.Account]int64{},
			ids: map[string]int64{}, reversed: map[string]bool{},
		}
		story := uuid.NewString() // each run has accounts of its own in the one database
		accounts := storyAccounts(story)
		r.Repeat(map[string]func(*rapid.T){
			"":       func(r *rapid.T) { compareBalances(t, r, database, accounts[:1], m) },
			"post":   func(r *rapid.T) { postRandom(t, r, database, accounts, story, m) },
			"replay": func(r *rapid.T) { replayOne(t, r, database, m) },
			"reverse": func(r *rapid.T) {
				reverseOne(t, r, database, story, m)
			},
			"roll up": func(r *rapid.T) {
				if _, err := ledger.RollUp(t.Context(), database.Pool); err != nil {
					r.Fatal(err)
				}
			},
		})
		compareBalances(t, r, database, accounts, m)
	})
	wantSound(t, database)
}

func storyAccounts(story string) (accounts []ledger.Account) {
	one, two := uuid.New(), uuid.New()
	for _, currency := range []money.Currency{"EUR", "JPY"} {
		accounts = append(accounts,
			ledger.Account{Kind: ledger.Wallet, Owner: one, Currency: currency},
			ledger.Account{Kind: ledger.WalletHeld, Owner: one, Currency: currency},
			ledger.Account{Kind: ledger.Wallet, Owner: two, Currency: currency},
			ledger.Account{Kind: ledger.SellerDebt, Owner: two, Currency: currency},
			ledger.Account{Kind: ledger.Bank, Ref: story, Currency: currency},
			ledger.Account{Kind: ledger.FX, Ref: story, Currency: currency})
	}
	return accounts
}

func postRandom(t *testing.T, r *rapid.T, database *pgtest.Database, accounts []ledger.Account, story string, m *model) {
	entry := ledger.Entry{
		Key:  fmt.Sprintf("%s:%d", story, rapid.IntRange(0, 30).Draw(r, "key")),
		Flow: ledger.FlowHold, Cause: cause,
	}
	amount := rapid.Int64Range(-50, 50)
	sums := map[money.Currency]int64{}
	for range rapid.IntRange(1, 5).Draw(r, "legs") {
		leg := ledger.Leg{Account: rapid.SampledFrom(accounts).Draw(r, "account"), Amount: amount.Draw(r, "amount")}
		entry.Legs = append(entry.Legs, leg)
		sums[leg.Account.Currency] += leg.Amount
	}
	if rapid.IntRange(0, 9).Draw(r, "balanced") > 0 { // nine in ten
		for _, currency := range slices.Sorted(maps.Keys(sums)) {
			bank := ledger.Account{Kind: ledger.Bank, Ref: story, Currency: currency}
			entry.Legs = append(entry.Legs, ledger.Leg{Account: bank, Amount: -sums[currency]})
		}
	}
	before := fingerprint(t, database.Pool)
	want := m.post(entry.Key, merged(entry.Legs))
	posted, err := post(t.Context(), database.Pool, entry)
	if !agrees(err, want) {
		r.Fatalf("post %+v: %v, want %v", entry, err, want)
	}
	if err == nil {
		m.ids[entry.Key] = posted.EntryID
	} else if after := fingerprint(t, database.Pool); after != before {
		r.Fatalf("refused %v, and a trace is left", err)
	}
}

func merged(legs []ledger.Leg) map[ledger.Account]int64 {
	sums := map[ledger.Account]int64{}
	for _, leg := range legs {
		sums[leg.Account] += leg.Amount
	}
	maps.DeleteFunc(sums, func(_ ledger.Account, sum int64) bool { return sum == 0 })
	return sums
}

func replayOne(t *testing.T, r *rapid.T, database *pgtest.Database, m *model) {
	if len(m.ids) == 0 {
		r.Skip()
	}
	key := rapid.SampledFrom(slices.Sorted(maps.Keys(m.ids))).Draw(r, "key")
	entry := ledger.Entry{Key: key, Flow: ledger.FlowHold, Cause: cause}
	for account, amount := range m.entries[key] {
		entry.Legs = append(entry.Legs, ledger.Leg{Account: account, Amount: amount})
	}
	posted, err := post(t.Context(), database.Pool, entry)
	if err != nil || !posted.Replayed || posted.EntryID != m.ids[key] {
		r.Fatalf("replay of %s: %+v, %v; want entry %d", key, posted, err, m.ids[key])
	}
}

func reverseOne(t *testing.T, r *rapid.T, database *pgtest.Database, story string, m *model) {
	if len(m.ids) == 0 {
		r.Skip()
	}
	key := rapid.SampledFrom(slices.Sorted(maps.Keys(m.ids))).Draw(r, "key")
	negated := map[ledger.Account]int64{}
	for account, amount := range m.entries[key] {
		negated[account] = -amount
	}
	undo := fmt.Sprintf("%s:undo:%d", story, m.ids[key])
	want := error(nil)
	if !m.reversed[key] {
		want = m.post(undo, negated)
	}
	posted, err := reverse(t.Context(), database.Pool, m.ids[key], undo)
	if !agrees(err, want) || (err == nil && posted.Replayed != m.reversed[key]) {
		r.Fatalf("reverse %s: %+v, %v; want %v", key, posted, err, want)
	}
	m.reversed[key] = m.reversed[key] || err == nil
}

func compareBalances(t *testing.T, r *rapid.T, database *pgtest.Database, accounts []ledger.Account, m *model) {
	for _, account := range accounts {
		got, err := ledger.Balance(t.Context(), database.Pool, account)
		if err != nil || got != m.balances[account] {
			r.Fatalf("balance of %+v is %d, %v; want %d", account, got, err, m.balances[account])
		}
	}
}
