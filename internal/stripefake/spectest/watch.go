package spectest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// exchange is one request and its answer.
type exchange struct {
	method, url   string
	header        http.Header
	request, body []byte
	status        int
}

// Watch passes requests on to a handler that answers as Stripe does, and when the test ends, fails it
// for each request and answer that does not agree with the official description. Paths other than
// Stripe's (/v1/…) are let through unseen.
func Watch(tb testing.TB, next http.Handler) http.Handler {
	tb.Helper()
	w := &watcher{next: next}
	tb.Cleanup(func() {
		o, err := start()
		if err != nil {
			tb.Fatalf("the official description of Stripe's API: %v", err)
		}
		for _, problem := range w.problems(o) {
			tb.Error(problem)
		}
	})
	return w
}

type watcher struct {
	next http.Handler

	mu   sync.Mutex
	seen []exchange
}

// ServeHTTP keeps what passes. A connection that the handler cuts by a panic is not kept: nobody has
// got an answer.
func (w *watcher) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		w.next.ServeHTTP(out, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	e := exchange{method: r.Method, url: r.URL.String(), header: r.Header.Clone(), request: body}
	answer := &recorder{ResponseWriter: out, status: http.StatusOK}
	w.next.ServeHTTP(answer, r)
	e.status, e.body = answer.status, answer.body.Bytes()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, e)
}

// recorder copies an answer on its way out.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (w *watcher) problems(o *official) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := make(map[string]bool)
	var problems []string
	add := func(e exchange, what string) {
		path, _, _ := strings.Cut(e.url, "?")
		line := fmt.Sprintf("%s %s, answered %d: %s", e.method, path, e.status, what)
		if !told[line] {
			told[line] = true
			problems = append(problems, line)
		}
	}
	for _, e := range w.seen {
		path, _, _ := strings.Cut(e.url, "?")
		for _, p := range o.answer(e.method, path, e.status, e.body) {
			add(e, p)
		}
		if e.status >= 300 { // the request was wrong on purpose, or bad luck
			continue
		}
		if err := o.accepts(e); err != nil {
			add(e, "stripe-mock: "+err.Error())
		}
	}
	return problems
}

// accepts sends a request to the mock as it was sent to us.
func (o *official) accepts(e exchange) error {
	r, err := http.NewRequest(e.method, "http://stripe-mock"+e.url, bytes.NewReader(e.request)) //nolint:noctx // the client has a time-out
	if err != nil {
		return err
	}
	for _, name := range []string{"Content-Type", "Stripe-Version", "Idempotency-Key"} {
		if v := e.header.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	r.Header.Set("Authorization", "Bearer sk_test_123") // the form of key that it insists on
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 == 2 {
		_, err := io.Copy(io.Discard, answer.Body)
		return err
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<12))
	return fmt.Errorf("status %d: %s", answer.StatusCode, text)
}
