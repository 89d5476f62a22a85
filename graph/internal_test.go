package graph_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// wantsInternal insists on the answer to what is our fault: it says who to ask and nothing else.
func wantsInternal(t *testing.T, a *graphtest.API, answer apitest.Answer, cause string) {
	t.Helper()
	wantsFailure(t, a, answer, "INTERNAL", cause)
}

// wantsFailure insists that an answer tells of a failure by its code and nothing else, and that the cause is in the log once, under the
// same request id.
func wantsFailure(t *testing.T, a *graphtest.API, answer apitest.Answer, code, cause string) {
	t.Helper()
	if len(answer.Errors) == 0 {
		t.Fatalf("no error: %s", answer.Data)
	}
	for _, e := range answer.Errors {
		if e.Extensions.Code != code || e.Extensions.Kind != code || e.Extensions.Retryable != (code == "UNAVAILABLE") {
			t.Errorf("got %+v", e.Extensions)
		}
		for _, secret := range []string{cause, "pool", "sql", "127.0.0.1", "souk_", "goroutine", ".go:"} {
			if strings.Contains(strings.ToLower(e.Message), secret) {
				t.Errorf("the message tells of %s: %s", secret, e.Message)
			}
		}
	}
	lines := a.Log.Drain(slog.LevelWarn)
	if len(lines) != 1 || lines[0].Level != slog.LevelError || !strings.Contains(lines[0].Attrs["error"], cause) {
		t.Fatalf("logged %+v, want one error with %q", lines, cause)
	}
	if id := answer.Errors[0].Extensions.RequestID; id == "" || lines[0].Attrs["request"] != id {
		t.Errorf("the answer has the id %q, the log %q", id, lines[0].Attrs["request"])
	}
}

func TestTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query    string
		signedIn bool
		status   int
	}{
		"a query":         {`{ listings { nodes { id } } }`, false, 200},
		"a session":       {`{ serverTime }`, true, 503},
		"a mutation":      {`mutation { signIn(input: {email: "a@souk.example", password: "x"}) { userErrors { code } } }`, false, 200},
		"beside the rest": {`{ serverTime a: listing(id: "lst_01jzzzzzzzezzzzzzzzzzzzzzz") { id } }`, false, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := graphtest.New(t)
			who := a.Nobody()
			if c.signedIn {
				who = a.Person("BUYER").Client
			}
			a.LoseDatabase()
			a.Log.Drain(slog.LevelInfo)
			answer, err := who.Do(c.query, nil)
			if err != nil || answer.Status != c.status {
				t.Fatalf("status %d, %v", answer.Status, err)
			}
			if c.status == http.StatusServiceUnavailable { // the access log has its own line for a 503
				answer.Status = http.StatusOK
				a.Log.Forget("request")
			}
			wantsFailure(t, a, answer, "UNAVAILABLE", "closed pool")
			if name == "beside the rest" && !strings.Contains(string(answer.Data), "serverTime") {
				t.Errorf("what could be answered is not: %s", answer.Data)
			}
		})
	}
}

// One cause below twenty fields is one line in the log.
func TestOneCauseIsLoggedOnce(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	for range 5 {
		b.Listing(b.seller, "One of many")
	}
	b.Exec(`ALTER TABLE photo RENAME TO lost`)
	answer, err := b.Nobody().Do(`{ listings { nodes { id photos { url } } } }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Errors) < 2 {
		t.Errorf("%d errors for many fields", len(answer.Errors))
	}
	wantsInternal(t, b.API, answer, `relation "photo" does not exist`)
}

func TestASocketMeetsALostDatabase(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Person("BUYER")
	a.LoseDatabase()
	a.Log.Drain(slog.LevelInfo)
	_, err := buyer.TrySubscribe(t, `subscription { auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz") { version } }`, nil)
	if err == nil || strings.Contains(err.Error(), "pool") {
		t.Errorf("connection_init: %v", err)
	}
	_, err = a.Nobody().Subscribe(t, `subscription { auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz") { version } }`, nil).Receive()
	if err == nil || !strings.Contains(err.Error(), "UNAVAILABLE") || strings.Contains(err.Error(), "pool") {
		t.Errorf("subscribe: %v", err)
	}
	if lines := a.Log.Drain(slog.LevelError); len(lines) != 2 {
		t.Errorf("logged %+v, want a line for each", lines)
	}
}

// clockwork is a clock that panics.
type clockwork struct{}

func (clockwork) Now() time.Time { panic("the spring broke at main.go:42") }

func TestAResolverPanics(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Clock = clockwork{} })
	answer, err := a.Nobody().Do(`{ serverTime }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(answer.Data) != "null" {
		t.Errorf("data is %s: serverTime can't be null, so nothing is left", answer.Data)
	}
	wantsInternal(t, a, answer, "the spring broke")
	if answer, err := a.Nobody().Do(`{ __typename }`, nil); err != nil || len(answer.Errors) > 0 {
		t.Errorf("the next request: %+v, %v", answer, err)
	}
}

// A body that breaks off is the client's fault.
func TestAClientHangsUp(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	answer, err := a.Nobody().Post(&breaking{bytes.NewReader([]byte(`{"query": "`))})
	if err == nil && answer.Status != http.StatusBadRequest {
		t.Errorf("got %+v", answer)
	}
	for _, line := range a.Log.Drain(slog.LevelWarn) {
		t.Errorf("logged %s %q", line.Level, line.Message)
	}
}

type breaking struct{ *bytes.Reader }

func (b *breaking) Read(p []byte) (int, error) {
	if b.Len() == 0 {
		return 0, errors.New("the cable is cut")
	}
	return b.Reader.Read(p)
}
