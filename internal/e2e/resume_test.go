package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// A viewer's connection is cut over and over while people bid. By version and epoch the viewer goes on each time,
// and has every version exactly once; over server-sent events as well, and as older clients do it.
func TestViewerIsCut(t *testing.T) {
	t.Parallel()
	const bids = 120
	site := newSite(t)
	srv := site.start()
	hana, bilal, chloe := srv.signUp("Hana", "SELLER"), srv.signUp("Bilal", "BUYER"), srv.signUp("Chloé", "BUYER")
	bilal.topUp(t, 10_000)
	chloe.topUp(t, 10_000)
	lot := hana.openLot(t, 600, 0)

	connect := map[string]func(*diary) cuttable{
		"graphql-transport-ws": func(d *diary) cuttable { return srv.client().Subscribe(t, watch, d.resume()) },
		"graphql-ws":           func(d *diary) cuttable { return srv.client().SubscribeBy(t, apitest.LegacyWS, watch, d.resume()) },
		"server-sent events":   func(d *diary) cuttable { return srv.client().Listen(t, watch, d.resume()) },
	}
	diaries := map[string]*diary{}
	streams := map[string]cuttable{}
	for name, to := range connect {
		diaries[name] = &diary{auction: lot}
		streams[name] = to(diaries[name])
		if err := diaries[name].read(streams[name], diaries[name].reached(1)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var placed []bid
	bidding := make(chan error, 1)
	go func() {
		bidding <- duel(t.Context(), lot, bilal, chloe, bids, func(b bid) { placed = append(placed, b) })
	}()
	behind := func(d *diary) bool { return d.version < bids+1 }
	cuts := 0
	for round := 1; slices.ContainsFunc(slices.Collect(maps.Values(diaries)), behind); round++ {
		for name, d := range diaries {
			// Sometimes in the middle of a burst, sometimes when everything was seen.
			if err := d.read(streams[name], d.reached(min(d.version+1+round%7, bids+1))); err != nil {
				t.Fatalf("%s, after version %d: %v", name, d.version, err)
			}
			streams[name].Cut()
			streams[name] = connect[name](d)
			cuts++
		}
	}
	if err := <-bidding; err != nil {
		t.Fatal(err)
	}
	for name, d := range diaries {
		site.checkBids(lot, d, []*bidder{{person: bilal, acknowledged: placed}})
		if len(d.bids) != bids {
			t.Errorf("by %s %d of %d bids were seen", name, len(d.bids), bids)
		}
		streams[name].Cut()
	}
	t.Logf("%d cuts", cuts)
	startsOver(t, srv, lot, bids+1)
	site.checkLedger()
}

// startsOver shows what a viewer gets who can't be continued: a snapshot that says so.
func startsOver(t *testing.T, srv *server, lot string, version int) {
	t.Helper()
	for name, vars := range map[string]apitest.Vars{
		"another database's epoch":      {"auction": lot, "afterVersion": 3, "epoch": "00000000-0000-4000-8000-000000000000"},
		"a version that is yet to come": {"auction": lot, "afterVersion": version + 100},
	} {
		stream := srv.client().Subscribe(t, watch, vars)
		event := stream.Next().At("auctionEvents")
		if event.Str("kind") != "SNAPSHOT" || event.Int("version") != version {
			t.Errorf("%s: %s", name, event.Raw())
		}
		stream.Cut()
	}
}

type cuttable interface {
	stream
	Cut()
}
