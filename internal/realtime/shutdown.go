package realtime

import (
	"context"
	"time"
)

// Drain refuses new viewers, ends those that are here with ErrDraining, and waits until they have
// left and the last wake-ups are sent, or ctx ends. Publish keeps working.
func (h *Hub) Drain(ctx context.Context) {
	h.mu.Lock()
	h.draining = true
	topics, listeners := h.all(), h.allListeners()
	h.checkEmpty()
	h.mu.Unlock()
	for _, t := range topics {
		t.end(ErrDraining)
	}
	for _, l := range listeners {
		l.end(ErrDraining)
	}
	select {
	case <-h.empty:
	case <-ctx.Done():
	}
	h.outbox.flush(ctx)
}

// Close drains for at most a second, then stops all the hub's goroutines and waits for them. It may be
// called more than once.
func (h *Hub) Close() {
	h.mu.Lock()
	first := !h.closed
	h.closed = true
	h.mu.Unlock()
	if first {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		h.Drain(ctx)
		h.cancel()
		h.mu.Lock()
		for _, t := range h.topics {
			if t.idle != nil {
				t.idle.Stop()
			}
		}
		h.mu.Unlock()
	}
	h.working.Wait()
}

// all lists the topics; mu is held.
func (h *Hub) all() []*topic {
	topics := make([]*topic, 0, len(h.topics))
	for _, t := range h.topics {
		topics = append(topics, t)
	}
	return topics
}

// changeEpoch starts over after the database was replaced under the running server: no version of
// the old history means anything.
func (h *Hub) changeEpoch(epoch string) {
	h.mu.Lock()
	old := h.Epoch()
	if old == epoch {
		h.mu.Unlock()
		return
	}
	topics := h.all()
	for _, t := range topics {
		h.remove(t)
	}
	h.followEpoch(old, epoch)
	h.epoch.Store(&epoch)
	h.mu.Unlock()
	h.log.Error("the database has another history than before; all viewers start over", "old", old, "new", epoch)
	for _, t := range topics {
		t.end(ErrEpochChanged)
	}
}
