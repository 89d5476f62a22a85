package gqlsse

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slowClient is a response whose writes wait until its client reads.
type slowClient struct {
	reads   chan struct{} // closed once it does
	writing chan struct{} // closed once something is written

	mu      sync.Mutex
	begun   sync.Once
	written strings.Builder
}

func newSlowClient() *slowClient {
	return &slowClient{reads: make(chan struct{}), writing: make(chan struct{})}
}

func (*slowClient) Header() http.Header              { return http.Header{} }
func (*slowClient) WriteHeader(int)                  {}
func (*slowClient) Flush()                           {}
func (*slowClient) SetWriteDeadline(time.Time) error { return nil }

func (c *slowClient) Write(b []byte) (int, error) {
	c.begun.Do(func() { close(c.writing) })
	<-c.reads
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written.Write(b)
}

// streamed is what its client gets of a stream: act is done while it does not read.
func streamed(t *testing.T, maxQueue int, act func(*stream)) string {
	t.Helper()
	client, s := newSlowClient(), newStream(maxQueue)
	var writing sync.WaitGroup
	writing.Go(func() { s.write(t.Context(), client, time.Hour, time.Hour) })
	<-client.writing
	act(s)
	s.finish()
	close(client.reads)
	writing.Wait()
	return strings.TrimPrefix(client.written.String(), ":\n\n")
}

// on is an operation of a single connection's stream.
func on(s *stream, id string) *operation {
	op := &operation{
		h: New(Config{Epoch: func() string { return "e" }}), stream: s, id: id,
		head: fmt.Appendf(nil, `{"id":%q,"payload":`, id), tail: []byte("}"), ended: func() {},
	}
	op.ctx, op.cancel = context.WithCancel(context.Background())
	return op
}

func answer(n int) []byte { return fmt.Append(nil, n) }

// Of a droppable operation a client that did not read gets the newest answer, behind all that is critical, and each operation has
// its own.
func TestAStalledStreamGetsTheNewest(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	got := streamed(t, 1<<20, func(s *stream) {
		critical, one, two := on(s, "critical"), on(s, "one"), on(s, "two")
		for n := range 1000 {
			one.Offer(answer(n))
			critical.Next(int64(n), [][]byte{answer(n)})
			fmt.Fprintf(&want, "event: next\ndata: {\"id\":\"critical\",\"payload\":%d}\n\n", n)
			two.Offer(answer(-n))
		}
		if len(s.newest) != 2 {
			t.Errorf("%d droppable answers wait", len(s.newest))
		}
	})
	want.WriteString("event: next\ndata: {\"id\":\"one\",\"payload\":999}\n\nevent: next\ndata: {\"id\":\"two\",\"payload\":-999}\n\n")
	if got != want.String() {
		t.Errorf("got %d bytes that end with %q", len(got), got[max(0, len(got)-200):])
	}
}

// The newest answer comes before its operation's end, and not at all once its client has stopped the operation.
func TestTheNewestAndTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(*operation)
		want string
	}{
		"complete": {func(o *operation) { o.End(nil) },
			"event: next\ndata: {\"id\":\"a\",\"payload\":7}\n\nevent: complete\ndata: {\"id\":\"a\"}\n\n"},
		"failed": {func(o *operation) { o.End(gqlerror.List{{Message: "no"}}) },
			"event: next\ndata: {\"id\":\"a\",\"payload\":7}\n\n" +
				"event: next\ndata: {\"id\":\"a\",\"payload\":{\"errors\":[{\"message\":\"no\"}],\"data\":null}}\n\n" +
				"event: complete\ndata: {\"id\":\"a\"}\n\n"},
		"stopped": {func(o *operation) { o.stop() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := streamed(t, 1<<20, func(s *stream) {
				op := on(s, "a")
				op.Offer(answer(7))
				c.act(op)
				op.Offer(answer(8))
			})
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What is offered is bounded in bytes, and never cuts a client; an operation that has no room is left without a stale answer.
func TestOfferedAnswersAreBounded(t *testing.T) {
	t.Parallel()
	const maxQueue = 4000
	got := streamed(t, maxQueue, func(s *stream) {
		late := on(s, "late")
		late.Offer(answer(1))
		for n := range 100 {
			on(s, fmt.Sprint("op", n)).Offer([]byte(strings.Repeat("1", 100)))
		}
		late.Offer([]byte(strings.Repeat("2", maxQueue)))
		if bytes := len(s.newest) * 100; bytes > maxQueue/4 || bytes < maxQueue/8 {
			t.Errorf("%d droppable answers wait", len(s.newest))
		}
	})
	if strings.Contains(got, "late") || !strings.Contains(got, `"op0"`) {
		t.Errorf("got %q", got)
	}
	if got := streamed(t, maxQueue, func(s *stream) { on(s, "large").Offer([]byte(strings.Repeat("3", maxQueue))) }); len(got) < maxQueue {
		t.Errorf("an answer that is alone was dropped: %q", got)
	}
}
