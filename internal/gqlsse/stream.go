package gqlsse

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// stream is one response of events. Its handler's goroutine writes; everybody may push.
type stream struct {
	maxQueue int

	mu     sync.Mutex
	queue  [][]byte // whole events
	bytes  int
	newest []offered // behind them, one of each operation
	over   bool      // no more events; what waits is still written
	cut    bool      // the client did not keep up
	news   chan struct{}
	room   chan struct{} // closed when a queue that was too full no longer is; nil where nobody waits
	gone   chan struct{} // closed when the writing has ended
}

func newStream(maxQueue int) *stream {
	return &stream{maxQueue: maxQueue, news: make(chan struct{}, 1), gone: make(chan struct{})}
}

// event words one event; id is left out where it is empty.
func event(kind, id string, head, body, tail []byte) []byte {
	b := make([]byte, 0, len(kind)+len(id)+len(head)+len(body)+len(tail)+32)
	b = append(append(append(b, "event: "...), kind...), '\n')
	if id != "" {
		b = append(append(append(b, "id: "...), id...), '\n')
	}
	b = append(append(append(append(b, "data: "...), head...), body...), tail...)
	return append(b, "\n\n"...)
}

// push queues events. A client that lets too much wait is cut.
func (s *stream) push(events ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.cut {
		return
	}
	backlog := s.bytes
	for _, e := range events {
		s.queue = append(s.queue, e)
		s.bytes += len(e)
	}
	if backlog > 0 && s.bytes > s.maxQueue {
		s.cut, s.queue, s.bytes, s.newest = true, nil, 0, nil
	}
	s.nudge()
}

// offered is an event whose place a newer one of its operation takes.
type offered struct {
	by    *operation
	event []byte
}

// offer queues an operation's newest event, behind all that is pushed, and drops the one that it had offered before. Where
// what is offered has no room, the operation is left with none: what was overtaken is not what its client should have.
func (s *stream) offer(by *operation, event []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.cut {
		return
	}
	s.takeOffered(by)
	waits := len(event)
	for _, o := range s.newest {
		waits += len(o.event)
	}
	if waits > s.maxQueue/4 && len(s.newest) > 0 {
		return
	}
	s.newest = append(s.newest, offered{by, event})
	s.nudge()
}

// withdraw drops what an operation has offered.
func (s *stream) withdraw(by *operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeOffered(by)
}

// conclude pushes an operation's last events, behind the one that it has offered.
func (s *stream) conclude(by *operation, last ...[]byte) {
	s.mu.Lock()
	waits := s.takeOffered(by)
	s.mu.Unlock()
	s.push(append(waits, last...)...)
}

// takeOffered takes out what an operation has offered, if it waits; mu is held.
func (s *stream) takeOffered(by *operation) (events [][]byte) {
	for i, o := range s.newest {
		if o.by == by {
			s.newest = slices.Delete(s.newest, i, i+1)
			return [][]byte{o.event}
		}
	}
	return nil
}

// finish lets what waits be the last.
func (s *stream) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.nudge()
}

func (s *stream) nudge() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// ready waits until at most half of the queue is taken; false says that the client is gone, or stop is closed.
func (s *stream) ready(stop <-chan struct{}) bool {
	for {
		s.mu.Lock()
		if s.cut || s.over {
			s.mu.Unlock()
			return false
		}
		if s.bytes <= s.maxQueue/2 {
			s.mu.Unlock()
			return true
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-s.gone:
			return false
		case <-stop:
			return false
		}
	}
}

// take is what waits now; more says whether something may follow.
func (s *stream) take() (batch []byte, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.newest {
		s.queue = append(s.queue, o.event)
	}
	batch = bytes.Join(s.queue, nil)
	s.queue, s.bytes, s.newest = nil, 0, nil
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
	return batch, !s.over && !s.cut
}

// write sends the stream to its client until it is over, the client leaves, or does not keep up.
func (s *stream) write(ctx context.Context, w http.ResponseWriter, pingEvery, timeout time.Duration) {
	defer close(s.gone)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no") // proxies would keep events back
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection may serve another request
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	batch, more := []byte(":\n\n"), true // a first sign, so that the client knows that it is let in
	for {
		if len(batch) > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(timeout))
			if _, err := w.Write(batch); err != nil {
				return
			}
			if control.Flush() != nil {
				return
			}
		}
		if !more {
			return
		}
		select {
		case <-s.news:
			batch, more = s.take()
		case <-ping.C:
			batch = []byte(":\n\n")
		case <-ctx.Done():
			return
		}
	}
}

// eventID is where a client goes on from.
func eventID(epoch string, version int64) string { return epoch + ":" + strconv.FormatInt(version, 10) }
