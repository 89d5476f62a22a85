package moneytest

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
)

// mailbag is Stripe's events on their way, in the run's own hands.
type mailbag struct {
	last      string // the newest that was ever in it
	waiting   []event
	delivered []event
}

// collect puts what Stripe has told since into the bag, and gives all that waits there.
func (m *machine) collect() []event {
	if fresh := m.events(m.post.last); len(fresh) > 0 {
		m.post.waiting = append(m.post.waiting, fresh...)
		m.post.last = fresh[len(fresh)-1].ID
	}
	return m.post.waiting
}

func (m *machine) webhookActions() []action {
	deliver := action{"webhook", func() bool { return len(m.collect()) > 0 }, m.webhook}
	again := action{"an old webhook", some(&m.post.delivered, each[event]), m.oldWebhook}
	return []action{deliver, deliver, deliver, again}
}

// webhook delivers one of the events that wait: in turn or not, once, twice or never.
func (m *machine) webhook() {
	at := draw(m, rapid.IntRange(0, len(m.post.waiting)-1), "event")
	e := m.post.waiting[at]
	m.post.waiting = slices.Delete(m.post.waiting, at, at+1)
	if at > 0 {
		m.seen.add("mishap reorder")
	}
	switch draw(m, rapid.SampledFrom([]string{"once", "once", "duplicate", "drop"}), "delivery") {
	case "drop":
		m.seen.add("mishap drop")
		return
	case "duplicate":
		m.hand(e)
		m.seen.add("mishap duplicate")
	}
	m.hand(e)
	m.post.delivered = append(m.post.delivered, e)
}

// oldWebhook is one that was delivered long ago and comes again.
func (m *machine) oldWebhook() {
	m.hand(anyOf(m, m.post.delivered, "event"))
	m.seen.add("mishap late")
}

// hand delivers an event and has two workers handle it, as may be when a job was lost.
func (m *machine) hand(e event) {
	m.deliver(e)
	for _, err := range domaintest.AtOnce(2, func(int) error { return m.Payment.HandleEvent(m.Ctx(), e.ID) }) {
		if err != nil && !strings.Contains(err.Error(), "still open") {
			m.t.Fatalf("event %s: %v", e.body, err)
		}
	}
}
