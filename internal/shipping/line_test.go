package shipping_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/souklive/souk/internal/shipping"
)

func ask(t *testing.T, l *shipping.Line, url string) (shipping.Answer, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return l.Do(t.Context(), "ask", r)
}

func outcome(t *testing.T, err error) shipping.Outcome {
	t.Helper()
	if _, ok := errors.AsType[*shipping.CarrierError](err); !ok {
		t.Fatalf("%v is no error of a carrier", err)
	}
	return shipping.OutcomeOf(err)
}

func TestWhatIsKnownAfterACallFailed(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	l := shipping.NewLine("X", shipping.LineConfig{Patience: time.Minute})
	hasty := shipping.NewLine("X", shipping.LineConfig{Patience: 3 * time.Second})
	if _, err := ask(t, l, nobody); outcome(t, err) != shipping.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/large":
			_, _ = w.Write(make([]byte, 5<<20))
		case "/moved":
			http.Redirect(w, r, nobody, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	for path, line := range map[string]*shipping.Line{"/slow": hasty, "/cut": l, "/large": l} {
		if _, err := ask(t, line, server.URL+path); outcome(t, err) != shipping.Unknown {
			t.Errorf("%s: %v", path, err)
		}
	}
	if answer, err := ask(t, l, server.URL+"/moved"); err != nil || answer.Status != http.StatusTemporaryRedirect {
		t.Errorf("what the carrier was told is told to another: %v, %v", answer.Status, err)
	}
}

func TestACarrierThatIsDownIsLeftAlone(t *testing.T) {
	t.Parallel()
	var asked, broken atomic.Int32
	broken.Store(1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if broken.Load() == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(server.Close)
	const rest = 300 * time.Millisecond
	l := shipping.NewLine("X", shipping.LineConfig{Rest: rest})
	for range 5 {
		if answer, err := ask(t, l, server.URL); err != nil || answer.Status != http.StatusBadGateway {
			t.Fatal(answer.Status, err)
		}
	}
	if !l.Down() {
		t.Fatal("after five failures the carrier is still asked")
	}
	began := time.Now()
	_, err := ask(t, l, server.URL)
	if time.Since(began) < rest && (outcome(t, err) != shipping.Unavailable || !errors.Is(err, circuitbreaker.ErrOpen) || asked.Load() != 5) {
		t.Errorf("%d requests, %v", asked.Load(), err)
	}
	broken.Store(0)
	for deadline := time.Now().Add(10 * time.Second); l.Down(); time.Sleep(rest / 4) {
		if time.Now().After(deadline) {
			t.Fatal("the carrier is never asked again")
		}
		_, _ = ask(t, l, server.URL)
	}
	if _, err := ask(t, l, server.URL); err != nil {
		t.Errorf("it is back: %v", err)
	}
}

// Who hangs up says nothing about the carrier.
func TestHangingUpIsNoFailureOfTheCarrier(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	l := shipping.NewLine("X", shipping.LineConfig{Rest: time.Hour})
	for range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err := l.Do(ctx, "ask", r); err == nil {
			t.Fatal("an answer from nowhere")
		}
	}
	if l.Down() {
		t.Error("six clients that hung up took the carrier down")
	}
}
