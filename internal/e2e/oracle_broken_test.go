package e2e

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// The oracle is worth what it catches. These builds are broken on purpose (internal/audience/broken.go), each in a way that
// nobody would notice by looking: it has to see each, and to call it by its name. Nothing else goes wrong meanwhile, and of
// the same build in working order it has nothing to say.
func TestOracleCatchesABrokenBuild(t *testing.T) {
	t.Parallel()
	readSources(t)
	broken := filepath.Join(t.TempDir(), "souk-broken")
	if err := compile(broken, "-tags", "souk_broken"); err != nil { // without the race detector, which would see one of them
		t.Fatal(err)
	}
	for how, classes := range map[string][]string{
		"":      nil,
		"drop":  {"hole"},
		"swap":  {"hole", "order"},
		"reuse": {"hole", "repetition"},
	} {
		t.Run("broken by "+how, func(t *testing.T) {
			t.Parallel()
			w := brokenWorld(t, broken, how)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			writing, stopWriting := context.WithCancel(ctx)
			defer stopWriting()
			w.write(writing)
			watching := w.watch(ctx)
			// One in ten thousand events is dropped. A viewer who leaves before the next event does not miss it, so that not
			// each is seen; of twenty some are for sure.
			enough := 200_000
			if how == "" {
				enough = 5_000
			}
			caught := func() bool {
				for _, class := range classes {
					if w.violated(class) == 0 {
						return false
					}
				}
				return len(classes) > 0
			}
			for !caught() && w.counted("events read") < enough && ctx.Err() == nil {
				pause(ctx, 50*time.Millisecond)
			}
			stopWriting()
			if how == "" {
				w.end(ctx)
			} else {
				w.writing.Wait()
				cancel() // who missed a topic's end would wait for it in vain
			}
			watching.Wait()
			w.hangUp()
			w.checkCaught(how, classes, enough)
		})
	}
}

// checkCaught compares what the oracle has seen with what is broken.
func (w *oracle) checkCaught(how string, classes []string, enough int) {
	w.t.Helper()
	if how == "" {
		w.report()
		if read := w.counted("events read"); read < enough {
			w.t.Errorf("only %d events were read", read)
		}
		return
	}
	for _, class := range classes {
		if w.violated(class) == 0 {
			w.t.Errorf("%d events were read, and no violation of class %q was seen: %v", w.counted("events read"), class, w.violations)
			return
		}
		w.t.Logf("seen after %d events: %s", w.counted("events read"), w.violations[class][0])
	}
	if how == "drop" && w.violated("order")+w.violated("contents")+w.violated("repetition") > 0 {
		w.t.Errorf("a dropped event was called something else: %v", w.violations)
	}
}

// brokenWorld has one server of a broken build.
func brokenWorld(t *testing.T, program, how string) *oracle {
	t.Helper()
	site := newSite(t)
	site.program = program
	site.settings["BROKEN_AUDIENCE"] = how
	site.settings["SOUK_TRUSTED_PROXIES"] = "127.0.0.0/8"
	truth, err := newTruth(t.Context(), site.db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(truth.pool.Close)
	return newOracle(t, 1, oracleConfig{
		viewers: 80, lots: 3, lotFor: 40 * time.Second, pace: 20 * time.Millisecond, fidget: 8 * time.Second, stall: 500 * time.Millisecond,
	}, newTally(), truth, site.start())
}
