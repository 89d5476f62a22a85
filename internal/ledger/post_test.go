package ledger_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/pgtest"
)

func TestPostMovesMoney(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := id.New()
	clearing := ledger.Account{Kind: ledger.PSPClearing, Ref: "stripe", Currency: eur}
	posted := mustPost(t, database.Pool, ledger.Entry{Key: "top-up", Flow: ledger.FlowTopUp, Cause: cause, Legs: []ledger.Leg{
		{Account: clearing, Amount: -1000},
		{Account: wallet(user), Amount: 1000},
		{Account: platform(ledger.PSPFees), Amount: -30},
		{Account: clearing, Amount: 30},
	}})
	if posted.Replayed || posted.EntryID <= 0 {
		t.Errorf("posted %+v", posted)
	}
	wantBalance(t, database.Pool, clearing, -970)
	wantBalance(t, database.Pool, wallet(user), 1000)
	wantBalance(t, database.Pool, platform(ledger.PSPFees), -30)
	wantBalance(t, database.Pool, ledger.Account{Kind: ledger.PSPClearing, Ref: "paystack", Currency: eur}, 0)
	wantBalance(t, database.Pool, ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: "USD"}, 0)
	wantSound(t, database)
}

func TestSameKeySameContentIsAReplay(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	hold := move("hold", 40, wallet(user), held(user))
	first := mustPost(t, database.Pool, hold)

	same := map[string][]ledger.Leg{
		"equal":          hold.Legs,
		"in other order": {hold.Legs[1], hold.Legs[0]},
		"in two parts":   {hold.Legs[1], {Account: wallet(user), Amount: -10}, {Account: wallet(user), Amount: -30}},
		"with a leg of nothing": {hold.Legs[0], hold.Legs[1],
			{Account: platform(ledger.Bank), Amount: 7}, {Account: platform(ledger.Bank), Amount: -7}},
	}
	for name, legs := range same {
		again := hold
		again.Legs = legs
		if posted := mustPost(t, database.Pool, again); !posted.Replayed || posted.EntryID != first.EntryID {
			t.Errorf("%s: posted %+v, want a replay of entry %d", name, posted, first.EntryID)
		}
	}
	wantBalance(t, database.Pool, wallet(user), 60)
	wantBalance(t, database.Pool, held(user), 40)
}

func TestSameKeyOtherContentIsRefused(t *testing.T) {
	t.Parallel()
	sameKeyOtherContentIsRefused(t, pgtest.New(t))
}

func sameKeyOtherContentIsRefused(t reporter, database *pgtest.Database) {
	user := fund(t, database.Pool, 100)
	first := move("hold", 40, wallet(user), held(user))
	mustPost(t, database.Pool, first)
	before := fingerprint(t, database.Pool)

	for name, change := range map[string]func(*ledger.Entry){
		"amount":     func(e *ledger.Entry) { e.Legs = move("", 41, wallet(user), held(user)).Legs },
		"direction":  func(e *ledger.Entry) { e.Legs = move("", 40, held(user), wallet(user)).Legs },
		"owner":      func(e *ledger.Entry) { e.Legs = move("", 40, wallet(user), held(id.New())).Legs },
		"kind":       func(e *ledger.Entry) { e.Legs = move("", 40, wallet(user), platform(ledger.Bank)).Legs },
		"flow":       func(e *ledger.Entry) { e.Flow = ledger.FlowPurchase },
		"cause kind": func(e *ledger.Entry) { e.Cause.Kind = "other" },
		"cause":      func(e *ledger.Entry) { e.Cause.ID = uuid.Max },
		"ref": func(e *ledger.Entry) {
			to := held(user)
			to.Ref = "second"
			e.Legs = move("", 40, wallet(user), to).Legs
		},
		"currency": func(e *ledger.Entry) {
			from, to := wallet(user), held(user)
			from.Currency, to.Currency = "USD", "USD"
			e.Legs = move("", 40, from, to).Legs
		},
	} {
		other := first
		change(&other)
		if _, err := post(t.Context(), database.Pool, other); !errors.Is(err, ledger.ErrKeyReused) {
			t.Errorf("other %s: %v, want IDEMPOTENCY_KEY_REUSED", name, err)
		}
	}
	if after := fingerprint(t, database.Pool); after != before {
		t.Errorf("the refused entries left a trace:\n%s\n%s", before, after)
	}
}

func TestRefusedEntriesLeaveNoTrace(t *testing.T) {
	t.Parallel()
	refusedEntriesLeaveNoTrace(t, pgtest.New(t))
}

func refusedEntriesLeaveNoTrace(t reporter, database *pgtest.Database) {
	rich := fund(t, database.Pool, math.MaxInt64)
	user := fund(t, database.Pool, 100)
	before := fingerprint(t, database.Pool)

	legs := func(amounts ...int64) (legs []ledger.Leg) {
		for _, amount := range amounts {
			legs = append(legs, ledger.Leg{Account: wallet(id.New()), Amount: amount})
		}
		return legs
	}
	dollars := wallet(user)
	dollars.Currency = "USD"
	for name, c := range map[string]struct {
		legs []ledger.Leg
		want *fault.Error
	}{
		"more than there is":        {move("", 101, wallet(user), held(user)).Legs, ledger.ErrInsufficientFunds},
		"from an unknown account":   {move("", 1, wallet(id.New()), held(user)).Legs, ledger.ErrInsufficientFunds},
		"above a ceiling":           {move("", 1, wallet(user), ledger.Account{Kind: ledger.SellerDebt, Owner: user, Currency: eur}).Legs, ledger.ErrCeiling},
		"no sum of zero":            {legs(1, 2), ledger.ErrMalformed},
		"zero over two currencies":  {[]ledger.Leg{{wallet(user), -5}, {dollars, 5}}, ledger.ErrMalformed},
		"no legs":                   {nil, ledger.ErrMalformed},
		"one leg":                   {legs(1), ledger.ErrMalformed},
		"nothing, twice":            {legs(0, 0), ledger.ErrMalformed},
		"1001 legs":                 {append(legs(make1000(1)...), ledger.Leg{Account: platform(ledger.Bank), Amount: -1000}), ledger.ErrMalformed},
		"unknown kind":              {move("", 1, platform("piggy_bank"), wallet(user)).Legs, ledger.ErrMalformed},
		"a wallet of nobody":        {move("", 1, platform(ledger.Bank), wallet(uuid.Nil)).Legs, ledger.ErrMalformed},
		"somebody's platform fees":  {move("", 1, wallet(user), ledger.Account{Kind: ledger.PlatformFees, Owner: user, Currency: eur}).Legs, ledger.ErrMalformed},
		"a balance beyond int64":    {move("", 1, platform(ledger.Bank), wallet(rich)).Legs, ledger.ErrOutOfRange},
		"a leg's sum beyond int64":  {append(legs(1), ledger.Leg{wallet(user), math.MaxInt64}, ledger.Leg{wallet(user), 1}), ledger.ErrOutOfRange},
		"a leg's sum beyond -int64": {append(legs(1), ledger.Leg{wallet(user), math.MinInt64}, ledger.Leg{wallet(user), -1}), ledger.ErrOutOfRange},
	} {
		entry := ledger.Entry{Key: "refused", Flow: ledger.FlowHold, Cause: cause, Legs: c.legs}
		if _, err := post(t.Context(), database.Pool, entry); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want.Code)
		}
		if after := fingerprint(t, database.Pool); after != before {
			t.Fatalf("%s left a trace:\n%s\n%s", name, before, after)
		}
	}
	wantSound(t, database)
}

func make1000(amount int64) []int64 {
	amounts := make([]int64, 1000)
	for i := range amounts {
		amounts[i] = amount
	}
	return amounts
}

func TestAThousandLegsAreAllowed(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	entry := ledger.Entry{Key: "wide", Flow: ledger.FlowHold, Cause: cause, Legs: []ledger.Leg{{platform(ledger.Bank), -999}}}
	for range 999 {
		entry.Legs = append(entry.Legs, ledger.Leg{Account: wallet(id.New()), Amount: 1})
	}
	mustPost(t, database.Pool, entry)
	wantBalance(t, database.Pool, platform(ledger.Bank), -999)
	wantSound(t, database)
}

func TestLimitNamesTheAccountToTheCallerAlone(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	_, err := post(t.Context(), database.Pool, move("hold", 250, wallet(user), held(user)))
	var limit *ledger.Limit
	if !errors.As(err, &limit) || limit.Account != wallet(user) || limit.Balance != 100 || limit.Amount != -250 {
		t.Errorf("the cause is %+v", limit)
	}
	refusal, ok := fault.As(err)
	if !ok || refusal.Kind != fault.Precondition {
		t.Fatalf("%v is no precondition", err)
	}
	if len(refusal.Data) > 0 || strings.Contains(refusal.Message, user.String()) {
		t.Errorf("what the client sees names an account: %q %v", refusal.Message, refusal.Data)
	}
}

func TestAKeyHasOneTo200Characters(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	user := fund(t, database.Pool, 100)
	for length, want := range map[int]bool{0: false, 1: true, 200: true, 201: false} {
		_, err := post(t.Context(), database.Pool, move(strings.Repeat("k", length), 1, wallet(user), held(user)))
		if (err == nil) != want {
			t.Errorf("a key of %d characters: %v", length, err)
		}
	}
}

func TestACeilingLetsDebtGrowAndBePaid(t *testing.T) {
	t.Parallel()
	aCeilingLetsDebtGrowAndBePaid(t, pgtest.New(t))
}

func aCeilingLetsDebtGrowAndBePaid(t reporter, database *pgtest.Database) {
	seller := fund(t, database.Pool, 100)
	debt := ledger.Account{Kind: ledger.SellerDebt, Owner: seller, Currency: eur}
	mustPost(t, database.Pool, move("grow", 70, debt, wallet(seller)))
	mustPost(t, database.Pool, move("pay", 70, wallet(seller), debt))
	_, err := post(t.Context(), database.Pool, move("too much", 1, wallet(seller), debt))
	if !errors.Is(err, ledger.ErrCeiling) {
		t.Errorf("paying more than the debt: %v", err)
	}
	wantBalance(t, database.Pool, debt, 0)
	wantSound(t, database)
}
