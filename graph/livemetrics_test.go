package graph_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// live are the numbers about viewers, all series of a name added up; a histogram is its count.
func live(t *testing.T, a *graphtest.API) map[string]float64 {
	t.Helper()
	families, err := a.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetType() {
			case dto.MetricType_HISTOGRAM:
				values[f.GetName()] += float64(m.GetHistogram().GetSampleCount())
			default:
				values[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return values
}

// eventually waits for a number that follows from what was done.
func eventually(t *testing.T, a *graphtest.API, metric string, ok func(float64) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		got := live(t, a)[metric]
		if ok(got) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stays %v", metric, got)
		}
	}
}

func is(want float64) func(float64) bool { return func(got float64) bool { return got == want } }

func TestNumbersOfLiveViewers(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	lot := a.Lot(a.Person("SELLER"), nil)
	bidders := []graphtest.Person{a.Funded(2_000), a.Funded(2_000)}
	vars := apitest.Vars{"id": lot.NodeID().String()}
	var viewers []*apitest.Stream
	for range 3 {
		viewers = append(viewers, a.Nobody().Subscribe(t, lotVersions, vars))
	}
	alone := a.Nobody().Subscribe(t, `subscription($id: ID!) { auctionEvents(auctionId: $id) { version auction { order { id } } } }`, vars)
	viewers = append(viewers, alone)
	next := func(version int) {
		t.Helper()
		for _, v := range viewers {
			if got := v.Next().Int("auctionEvents.version"); got != version {
				t.Fatalf("version %d, want %d", got, version)
			}
		}
	}
	next(1)
	before := live(t, a)
	const bids = 5
	for i := range bids {
		a.Bid(bidders[i%2], lot, int64(20+20*i))
		next(i + 2)
	}
	// The last pass is counted after its viewers have it.
	eventually(t, a, "souk_audience_commit_to_write_seconds", func(n float64) bool { return n >= 1 })
	after := live(t, a)
	for metric, want := range map[string]float64{
		"souk_realtime_events_total":        bids,
		"souk_realtime_delivered_total":     2 * bids, // a group, and one who is served alone
		"souk_audience_executions_total":    bids,
		"souk_realtime_lag_seconds":         bids,
		"souk_websocket_connections":        0,
		"souk_websocket_evicted_total":      0,
		"souk_realtime_filled_total":        0,
		"souk_realtime_subscriptions":       0,
		"souk_audience_viewers":             0,
		"souk_realtime_holes_total":         0,
		"souk_websocket_queued_bytes":       0,
		"souk_websocket_queued_connections": 0,
	} {
		if got := after[metric] - before[metric]; got != want {
			t.Errorf("%s grew by %v, want %v", metric, got, want)
		}
	}
	for metric, want := range map[string]float64{
		"souk_websocket_connections": 4, "souk_audience_groups": 1, "souk_audience_viewers": 3, "souk_realtime_topics": 1,
		"souk_realtime_subscriptions": 2,
	} {
		if after[metric] != want {
			t.Errorf("%s is %v, want %v", metric, after[metric], want)
		}
	}
	for metric, least := range map[string]float64{
		"souk_websocket_messages_sent_total": 4 * bids, "souk_websocket_writes_total": 1, "souk_websocket_bytes_sent_total": 4 * bids * 50,
	} {
		if got := after[metric] - before[metric]; got < least {
			t.Errorf("%s grew by %v, want %v at least", metric, got, least)
		}
	}

	// An event that nobody was told of is found when the next one comes.
	a.Exec(`UPDATE auction SET version = version + 1 WHERE id = $1`, lot.ID)
	a.Exec(`INSERT INTO event (topic, version, kind, payload) SELECT topic, version + 1, kind, payload FROM event
		WHERE topic = $1 ORDER BY version DESC LIMIT 1`, "auction:"+lot.ID.String())
	a.Bid(bidders[bids%2], lot, 20+20*bids)
	next(bids + 2)
	next(bids + 3)
	if got := live(t, a)["souk_realtime_filled_total"]; got < 1 {
		t.Errorf("%v events filled a gap", got)
	}

	// Who does not read lets messages wait, and is given up; the others see every bid meanwhile.
	stalled := dialWire(t, a.URL, "graphql-transport-ws")
	_ = stalled.ws.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
	stalled.send(initMessage)
	const wide = `subscription($id: ID!) { auctionEvents(auctionId: $id) { version kind at serverTime epoch auction { id status price { amount currencyCode minor } } } }`
	for i := range 100 {
		stalled.send(subscribeMessage(i, wide, vars))
	}
	eventually(t, a, "souk_audience_viewers", is(3+100))
	for i := 1; live(t, a)["souk_websocket_evicted_total"] == 0 && i < 60; i++ {
		a.Bid(bidders[(bids+i)%2], lot, int64(20+20*(bids+i)))
		next(bids + 3 + i)
	}
	eventually(t, a, "souk_websocket_evicted_total", is(1))
	for _, v := range append(viewers, alone) {
		v.Cut()
	}
	for _, metric := range []string{"souk_websocket_connections", "souk_audience_viewers"} {
		eventually(t, a, metric, is(0))
	}
}

// Each number that a server tells about viewers is explained to who runs it.
func TestEveryLiveMetricIsInTheGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for metric := range live(t, graphtest.New(t)) {
		if !strings.Contains(string(guide), "`"+metric+"`") {
			t.Errorf("docs/operations.md does not name %s", metric)
		}
	}
}
