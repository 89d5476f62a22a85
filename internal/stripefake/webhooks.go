package stripefake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Endpoint is where events are sent, signed with its secret.
type Endpoint struct {
	URL    string
	Secret string
}

const (
	deliveryTimeout  = 10 * time.Second
	deliveryAttempts = 10
	maxRetryDelay    = time.Minute
	maxQueue         = 10_000 // deliveries that wait; what is more is left to the list of events
	reorderPatience  = time.Second
)

// delivery is one event on its way to one endpoint.
type delivery struct {
	event   string // its id
	kind    string
	body    []byte
	at      time.Time
	attempt int
	drop    bool
	copied  bool // the second of two: it does not count as the event's delivery
}

// hook delivers events to one endpoint, one after the other. It works by the machine's clock, as a
// network does, and not by the fake's.
type hook struct {
	Endpoint
	server *Server
	client *http.Client
	retry  time.Duration

	mu    sync.Mutex
	queue []delivery
	held  []delivery // to come after the next event
	wake  chan struct{}
}

// Notify sends every event from now on to an endpoint, and those that an earlier run could not
// deliver. Deliveries end with Close.
func (s *Server) Notify(e Endpoint) {
	h := &hook{Endpoint: e, server: s, retry: s.retry, wake: make(chan struct{}, 1), client: &http.Client{
		Timeout: deliveryTimeout,
		// A redirect is no delivery.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, h)
	for _, id := range s.store.byKind["event"] {
		if event, ok := lookup[*Event](s.store, id); ok && event.PendingWebhooks > 0 {
			h.send(event)
		}
	}
	s.running.Go(func() { h.run(s.closing) })
}

// Deliveries is the plan of what goes wrong with webhooks.
func (s *Server) Deliveries() *DeliveryPlan { return s.deliveries }

// Redeliver sends an event to every endpoint once more, however old it is, and whatever the plan.
func (s *Server) Redeliver(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	event, ok := lookup[*Event](s.store, id)
	if !ok {
		return fmt.Errorf("stripefake: no such event: %s", id)
	}
	for _, h := range s.hooks {
		h.push(delivery{event: event.ID, kind: event.Type, body: mustMarshal(event), copied: event.PendingWebhooks == 0})
	}
	return nil
}

// send queues an event, with what the plan has for it.
func (h *hook) send(event *Event) {
	d := delivery{event: event.ID, kind: event.Type, body: mustMarshal(event), at: time.Now()}
	again := d
	again.copied = true
	switch rule := h.server.deliveries.decide(event.Type); rule.Mishap {
	case Drop:
		d.drop = true
		h.push(d)
	case Duplicate:
		h.push(d, again)
	case Late:
		d.at = d.at.Add(rule.Wait)
		h.push(d)
	case Reorder:
		h.hold(d)
	default:
		h.push(d)
	}
}

// hold keeps a delivery back until another has overtaken it, or until there was long enough none.
func (h *hook) hold(d delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.at = d.at.Add(reorderPatience)
	h.held = append(h.held, d)
	h.rouse()
}

func (h *hook) push(deliveries ...delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.held { // overtaken by these
		d.at = time.Time{}
		deliveries = append(deliveries, d)
	}
	h.held = nil
	for _, d := range deliveries {
		if len(h.queue) >= maxQueue {
			h.server.log.Warn("the Stripe fake's queue of webhooks is full", "event", d.event)
			return
		}
		h.queue = append(h.queue, d)
	}
	h.rouse()
}

func (h *hook) rouse() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// next takes the first delivery that is due, or says how long there is nothing to do.
func (h *hook) next() (d delivery, wait time.Duration, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	wait = time.Hour
	for _, list := range []*[]delivery{&h.queue, &h.held} {
		for i, d := range *list {
			if left := d.at.Sub(now); left > 0 {
				wait = min(wait, left)
				continue
			}
			*list = append((*list)[:i], (*list)[i+1:]...)
			return d, 0, true
		}
	}
	return delivery{}, wait, false
}

func (h *hook) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		d, wait, ok := h.next()
		if ok {
			h.attempt(ctx, d)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-timer.C:
		}
	}
}

func (h *hook) attempt(ctx context.Context, d delivery) {
	if !d.drop {
		if err := h.post(ctx, d); err != nil {
			h.again(ctx, d, err)
			return
		}
	}
	if !d.copied {
		h.server.delivered(d.event)
	}
}

func (h *hook) again(ctx context.Context, d delivery, err error) {
	d.attempt++
	if ctx.Err() != nil {
		return
	}
	if d.attempt >= deliveryAttempts {
		h.server.log.Warn("the Stripe fake gave up on a webhook", "event", d.event, "type", d.kind, "error", err)
		return
	}
	h.server.log.Debug("a webhook was not taken", "event", d.event, "type", d.kind, "attempt", d.attempt, "error", err)
	d.at = time.Now().Add(min(h.retry<<(d.attempt-1), maxRetryDelay))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue = append(h.queue, d)
}

func (h *hook) post(ctx context.Context, d delivery) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (souk stripe-fake)")
	r.Header.Set("Stripe-Signature", Sign(d.body, h.Secret, time.Now()))
	answer, err := h.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// Sign is the Stripe-Signature of a webhook's body at a time.
func Sign(body []byte, secret string, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(t + "."))
	_, _ = mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// delivered counts an event as told to one endpoint fewer, for good.
func (s *Server) delivered(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	event, ok := lookup[*Event](s.store, id)
	if !ok || event.PendingWebhooks == 0 {
		return
	}
	event.PendingWebhooks--
	c := &call{Server: s}
	c.save(event)
	if err := c.commit(0, nil, false); err != nil {
		s.log.Error("the Stripe fake could not write its state", "error", err)
	}
}
