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
)

// presets are what rapid does where nobody says: some long runs, and a seed that is known before anything
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

// enoughRuns play every scene there is.
const enoughRuns = 6

// TestMoneyFollowsTheModel drives random flows with everything going wrong that can. Each run begins with some scenes, so that all together
// meet each kind of thing; what follows them is drawn.
func TestMoneyFollowsTheModel(t *testing.T) {
	t.Parallel()
	play := &stage{t: t, scenes: scenes(), shares: enoughRuns, seen: new(tally)}
	t.Logf("replay with: RAPID_SEED=%s make test PKG=./internal/moneytest", flag.Lookup("rapid.seed").Value)
	rapid.Check(t, play.run)
	t.Logf("%d runs met:\n%s", play.runs, play.seen)
}

// run is one random market, from its opening until nothing is left in doubt.
func (s *stage) run(run *rapid.T) {
	w, leave := s.enter(run)
	parts := s.parts
	if len(parts) == 0 {
		parts = drawParts(run)
	}
	m := newMachine(run, w, parts)
	for _, scene := range s.turn() {
		m.plays(scene)
	}
	run.Repeat(map[string]func(*rapid.T){"": m.agree, "step": m.step})
	m.goHome()
	m.finish()
	m.mature() // or it would in another run, whose model knows nothing of it
	m.agree(run)
	m.played(s.turn())
	s.seen.sum(m.seen)
	leave()
}
