package graph_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// Viewers come by every protocol, to what is shared and to what is their own, and leave, in order or not: the process has as
// many goroutines of ours afterwards as before they came. They are told by a label, which goroutines inherit, so that other
// tests do not count.
func TestViewersLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	pprof.Do(t.Context(), pprof.Labels("test", t.Name()), func(ctx context.Context) {
		a := graphtest.New(t)
		lot := apitest.Vars{"id": a.Lot(a.Person("SELLER"), nil).NodeID().String()}
		buyer := a.Person("BUYER")
		before, _ := ours(t)

		streams := make([]func(), 0, 100)
		for i := range 10 {
			for _, query := range []string{
				`subscription ($id: ID!) { auctionEvents(auctionId: $id) { version } }`,
				fmt.Sprintf(`subscription ($id: ID!) { auctionEvents(auctionId: $id) { version kind_%d: kind } }`, i%5),
				`subscription ($id: ID!) { auctionEvents(auctionId: $id) { version auction { order { id } } } }`,
			} {
				for _, protocol := range []apitest.Protocol{apitest.TransportWS, apitest.LegacyWS} {
					s := buyer.SubscribeBy(t, protocol, query, lot)
					s.Next()
					streams = append(streams, func() {
						if i%2 == 0 {
							_ = s.Stop()
						}
						s.Cut()
					})
				}
				events := buyer.Listen(t, query, lot)
				if _, err := events.Receive(); err != nil {
					t.Fatal(err)
				}
				streams = append(streams, events.Cut)
			}
			streams = append(streams, openSingle(ctx, t, a.URL, lot))
		}
		if during, _ := ours(t); during < before+len(streams) {
			t.Fatalf("%d goroutines serve %d viewers, and %d nobody", during, len(streams), before)
		}
		for _, leave := range streams {
			leave()
		}
		var after int
		var stacks string
		for begun := time.Now(); time.Since(begun) < 40*time.Second; time.Sleep(50 * time.Millisecond) { // a topic lingers ten
			if after, stacks = ours(t); after <= before {
				return
			}
		}
		t.Errorf("%d goroutines are left where there were %d:\n%s", after, before, stacks)
	})
}

// openSingle is a viewer on a single connection of server-sent events; what it returns cuts it.
func openSingle(ctx context.Context, t *testing.T, url string, vars apitest.Vars) (leave func()) {
	t.Helper()
	ctx, leave = context.WithCancel(ctx)
	ask := func(method, path, body string, header http.Header) *http.Response {
		req, err := http.NewRequestWithContext(ctx, method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	reserved := ask(http.MethodPut, "/graphql", "", http.Header{})
	token, err := io.ReadAll(reserved.Body)
	_ = reserved.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	stream := ask(http.MethodGet, "/graphql?token="+string(token), "", http.Header{"Accept": {"text/event-stream"}})
	next := apitest.ReadEvents(stream.Body)
	for i := range 3 {
		body := fmt.Sprintf(`{"query":"subscription ($id: ID!) { auctionEvents(auctionId: $id) { version } }","variables":{"id":%q},
			"extensions":{"operationId":"%d"}}`, vars["id"], i)
		resp := ask(http.MethodPost, "/graphql", body, http.Header{
			"Content-Type": {"application/json"}, "X-GraphQL-Event-Stream-Token": {string(token)},
		})
		_ = resp.Body.Close()
		if event, err := next(); err != nil || !strings.HasPrefix(event, "next") {
			t.Fatalf("status %d, %s, %v", resp.StatusCode, event, err)
		}
	}
	return leave
}

var goroutineCount = regexp.MustCompile(`^\d+`)

// ours counts the goroutines of this test that are somewhere in our own code, and gives their stacks.
func ours(t *testing.T) (n int, stacks string) {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	_, groups, _ := strings.Cut(profile.String(), "\n") // behind the total
	for group := range strings.SplitSeq(groups, "\n\n") {
		if !strings.Contains(group, t.Name()+`"`) || !strings.Contains(group, "souklive/souk/") {
			continue
		}
		count, err := strconv.Atoi(goroutineCount.FindString(group))
		if err != nil {
			t.Fatalf("%v in\n%s", err, group)
		}
		n += count
		kept.WriteString(group + "\n\n")
	}
	return n, kept.String()
}
