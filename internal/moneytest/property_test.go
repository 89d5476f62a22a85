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
		"rapid.checks": "40", "rapid.steps": "40", "rapid.nofailfile": "true", "rapid.shrinktime": "20s",
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

// wanted is what the runs have to meet, all together: otherwise they prove less than they seem to.
func wanted() []string {
	all := []string{
		"top-up SUCCEEDED", "top-up FAILED", "top-up REQUIRES_ACTION", "top-up PROCESSING", "top-up retried", "looked", "resolvers at once",
		"3-D Secure succeed", "3-D Secure fail",
		"lot opened", "bid taken", "bid retried", "bids at once", "lot closed", "shipped", "received",
		"withdrawn", "withdrawals at once", "refund left", "refund sent back", "refund pushed at once",
		"exchanged", "exchange retried", "frozen", "unfrozen",
		"refused WITHDRAWAL_NOT_FUNDED_BY_CARD", "refused WALLET_FROZEN", "refused EXCHANGE_TOO_SMALL",
		"jobs lost", "a day passed", "resolved while the answer was late", "webhooks while the answer was late",
		"mishap duplicate", "mishap reorder", "mishap late", "mishap drop",
		"refused INSUFFICIENT_FUNDS", "refused BID_TOO_LOW", "refused BID_ON_OWN_LOT", "refused ALREADY_LEADING", "refused AUCTION_CLOSED",
		"refused IDEMPOTENCY_KEY_REUSED", "refused ORDER_ACTION_NOT_AVAILABLE",
	}
	for _, fault := range stripefake.Faults() {
		all = append(all, "fault "+string(fault))
	}
	return all
}

// TestMoneyFollowsTheModel drives random flows with everything going wrong that can.
func TestMoneyFollowsTheModel(t *testing.T) {
	t.Parallel()
	t.Logf("replay with: RAPID_SEED=%s make test PKG=./internal/moneytest", flag.Lookup("rapid.seed").Value)
	play := &stage{t: t, seen: new(tally)}
	rapid.Check(t, play.run)
	t.Logf("%d runs met:\n%s", play.runs, play.seen)
	if t.Failed() || play.runs < 40 {
		return // too few runs to meet everything
	}
	for _, what := range play.seen.missing(wanted()) {
		t.Errorf("no run has met: %s", what)
	}
}

// run is one random market, from its opening until nothing is left in doubt.
func (s *stage) run(run *rapid.T) {
	w, leave := s.enter(run)
	m := newMachine(run, w, s.seen)
	run.Repeat(map[string]func(*rapid.T){"": m.agree, "step": m.step})
	m.finish()
	leave()
}
