package moneytest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/stripefake"
)

// presets are what rapid does where nobody says: some half a minute of long runs, and a seed that is known before anything
// fails. The seed replays a run, so that no file has to.
func presets() map[string]string {
	return map[string]string{
		"rapid.checks": strconv.Itoa(enoughRuns), "rapid.steps": "80", "rapid.nofailfile": "true", "rapid.shrinktime": "20s",
		"rapid.seed": strconv.FormatUint(uint64(rand.Uint32()), 10),
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range presets() {
		variable := strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
		if f := flag.Lookup(name); f.Value.String() != f.DefValue || os.Getenv(variable) != "" {
			continue // somebody has chosen
		}
		if err := flag.Set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// wanted is what the runs have to meet, all together, and the part in which it mostly happens: otherwise they prove less than
// they seem to.
func wanted() map[part][]string {
	all := map[part][]string{
		toppingUp: {
			"top-up SUCCEEDED", "top-up FAILED", "top-up REQUIRES_ACTION", "top-up PROCESSING", "top-up retried", "looked", "resolvers at once",
			"3-D Secure succeed", "3-D Secure fail", "resolved while the answer was late", "webhooks while the answer was late",
		},
		hearing: {"mishap duplicate", "mishap reorder", "mishap late", "mishap drop"},
		bidding: {
			"lot opened", "bid taken", "bid retried", "bids at once", "lot closed", "shipped",
			"refused BID_TOO_LOW", "refused BID_ON_OWN_LOT", "refused ALREADY_LEADING", "refused AUCTION_CLOSED",
		},
		paying: {
			"bid by card", "paid by wallet", "paid in another way", "payment retried", "payments at once", "payment AUTHORISED", "payment FAILED",
			"3-D Secure of an order succeed", "looked at a payment", "resolvers of a payment at once",
			"refused PAYMENT_SPLIT_INVALID", "refused PAYMENT_IN_PROGRESS", "refused INSUFFICIENT_FUNDS", "refused IDEMPOTENCY_KEY_REUSED",
		},
		selling: {
			"payment CAPTURED", "payment VOIDED", "captured, in part by wallet", "an authorisation expired", "shipped, the payment CAPTURED",
			"cancelled by buyer", "cancelled by seller", "cancelled by admin", "cancelled again", "cancelled when it was AUTHORISED",
			"cancelled when it was paid", "cancelled before it could be shipped", "shipped before it could be cancelled", "a card was let go",
			"received", "refunded by seller", "refunded by admin", "refund retried", "refunds at once",
			"refunded in full before the release, to the card", "refunded in part before the release, to the card",
			"refunded in full after the release, to the card", "refunded in part after the release, to the card",
			"a seller owes", "a debt is paid", "earnings have matured", "each source as before: never paid", "each source as before: refunded",
			"refused REFUND_TOO_LARGE", "refused AMOUNT_TOO_PRECISE", "refused ORDER_ACTION_NOT_AVAILABLE",
		},
		checkingOut: {
			"a cart is quoted", "a cart is paid by wallet", "a cart is paid by card", "a cart is paid by both", "a cart is paid in another currency", "a cart of several orders",
			"a confirmation is retried", "refused QUOTE_CONFIRMED", "a reservation is paid",
		},
		disputing: {
			"disputed", "evidence submitted", "a loss is covered", "a loss is covered in part", "a loss is the platform's", "an order is charged back",
			"chargeback of a top-up WON", "chargeback of a top-up LOST", "chargeback of a top-up CLOSED", "chargeback of a top-up UNDER_REVIEW",
			"chargeback of an order, before the release WON", "chargeback of an order, before the release LOST",
			"chargeback of an order, after the release WON", "chargeback of an order, after the release LOST",
			"a refund of what is disputed is refused", "refused WALLET_FREEZE_HELD", "refused ORDER_DISPUTED",
		},
		bringing: {
			"signed up by a code", "refused REFERRAL_CODE_UNKNOWN", "a commission is pending", "a commission has matured", "a commission is taken back",
			"a commission has matured, and stays", "matured, N at once", "two first purchases at once",
		},
		withdrawing: {
			"withdrawn", "withdrawals at once", "refund left", "refund sent back", "refund pushed at once", "refused WITHDRAWAL_NOT_FUNDED_BY_CARD",
		},
		minding: {"exchanged", "exchange retried", "frozen", "unfrozen", "refused WALLET_FROZEN", "refused EXCHANGE_TOO_SMALL"},
		waiting: {"jobs lost", "a day passed"},
	}
	for _, fault := range stripefake.Faults() {
		all[toppingUp] = append(all[toppingUp], "fault "+string(fault))
	}
	return all
}

const (
	enoughRuns = 14 // to meet almost everything
	moreRuns   = 4  // at a time, for what is missing then
)

// TestMoneyFollowsTheModel drives random flows with everything going wrong that can. What so many runs have not met is looked
// for in some more.
//
//nolint:paralleltest // it sets rapid's flags
func TestMoneyFollowsTheModel(t *testing.T) {
	play := &stage{t: t, seen: new(tally)}
	for _, name := range []string{"rapid.seed", "rapid.checks"} {
		t.Cleanup(keep(t, name))
	}
	var missing []string
	for range 15 {
		t.Logf("replay with: RAPID_SEED=%s make test PKG=./internal/moneytest", flag.Lookup("rapid.seed").Value)
		rapid.Check(t, play.run)
		if play.parts, missing = play.seen.missing(wanted()); t.Failed() || play.runs < enoughRuns || len(missing) == 0 {
			break
		}
		t.Logf("not met in %d runs: %v", play.runs, missing)
		lookFurther(t)
	}
	t.Logf("%d runs met:\n%s", play.runs, play.seen)
	if t.Failed() || play.runs < enoughRuns {
		return // too few runs to meet everything
	}
	for _, what := range missing {
		t.Errorf("no run has met: %s", what)
	}
}

// lookFurther has rapid draw other runs, and fewer.
func lookFurther(t *testing.T) {
	t.Helper()
	seed, err := strconv.ParseUint(flag.Lookup("rapid.seed").Value.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	set(t, "rapid.seed", strconv.FormatUint(seed+1_000_000, 10))
	set(t, "rapid.checks", strconv.Itoa(moreRuns))
}

// keep remembers a flag's value.
func keep(t *testing.T, name string) (restore func()) {
	t.Helper()
	value := flag.Lookup(name).Value.String()
	return func() { set(t, name, value) }
}

func set(t *testing.T, name, value string) {
	t.Helper()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// run is one random market, from its opening until nothing is left in doubt.
func (s *stage) run(run *rapid.T) {
	w, leave := s.enter(run)
	parts := s.parts
	if len(parts) == 0 {
		parts = drawParts(run)
	}
	m := newMachine(run, w, s.seen, parts)
	run.Repeat(map[string]func(*rapid.T){"": m.agree, "step": m.step})
	m.goHome()
	m.finish()
	m.mature() // or it would in another run, whose model knows nothing of it
	m.agree(run)
	leave()
}
