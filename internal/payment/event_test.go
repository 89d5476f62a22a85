package payment

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/stripefake"
)

// While the provider cannot be asked, an event stays open, and the next attempt ends it.
func TestEventWaitsForTheProvider(t *testing.T) {
	t.Parallel()
	b := listening(t)
	b.broken("confirm", stripefake.CutAfter)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 20_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.broken("fetch", stripefake.ErrorBefore)
	b.hears("payment_intent.succeeded", 1)
	b.handles()
	if status, reason := b.eventStatus("payment_intent.succeeded"); status != eventReceived || reason == "" {
		t.Errorf("the event is %s: %s", status, reason)
	}
	b.fake.Faults().Clear()
	b.handles()
	if status, reason := b.eventStatus("payment_intent.succeeded"); status != eventDone {
		t.Errorf("the event is %s: %s", status, reason)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// The list is read again where reading it was cut, and the place is kept only when all was read.
func TestEventListFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.returnURL = func() string { return comeBackTo }
	top := b.waits()
	b.authenticates(top.NextActionURL(), "succeed")
	for _, kind := range []stripefake.Fault{stripefake.CutBefore, stripefake.ErrorBefore, stripefake.RateLimit} {
		b.fake.Faults().Add(stripefake.Rule{Method: http.MethodGet, Path: "/v1/events", Fault: kind, Times: -1})
		if err := b.readEvents(t.Context()); err == nil {
			t.Errorf("%s: no error", kind)
		}
		if b.fake.Faults().Fired()[kind] == 0 {
			t.Errorf("%s never fired", kind)
		}
		b.fake.Faults().Clear()
	}
	if n := b.count("SELECT count(*) FROM provider_cursor") + b.count("SELECT count(*) FROM provider_event"); n != 0 {
		t.Errorf("%d rows came of lists that failed", n)
	}
	if err := b.sweepProvider(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

// More events than a page holds are read to the last.
func TestEventListOfManyPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const tops = eventPage + 5
	for i := range tops {
		if _, err := b.provider.CreateCustomer(t.Context(), "nobody", uuid.NewString()); err != nil {
			t.Fatal(err)
		}
		intent, err := b.provider.CreateIntent(t.Context(), IntentRequest{Key: strconv.Itoa(i), Amount: eur(5_00), PaymentMethod: "pm_card_visa", Reference: "another shop's"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.provider.ConfirmIntent(t.Context(), intent.ID, "", "confirm "+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := b.readEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.count("SELECT count(*) FROM provider_event WHERE kind = 'payment_intent.succeeded'"); n != tops {
		t.Errorf("%d of %d events were read", n, tops)
	}
}

// The look that follows from an event fails: the event is not done, although the top-up was open in another way before.
func TestEventWhoseLookFails(t *testing.T) {
	t.Parallel()
	b := listening(t)
	top := b.waits()
	b.hears("payment_intent.requires_action", 1)
	b.handles()
	b.authenticates(top.NextActionURL(), "succeed")
	b.hears("payment_intent.succeeded", 1)
	b.broken("fetch", stripefake.CutAfter)
	b.handles()
	if status, why := b.eventStatus("payment_intent.succeeded"); status != eventReceived {
		t.Errorf("the event is %s (%s) after a look that failed", status, why)
	}
	b.fake.Faults().Clear()
	b.handles()
	if status, _ := b.eventStatus("payment_intent.succeeded"); status != eventDone {
		t.Errorf("the event is %s after a look that did not fail", status)
	}
	b.wants(b.user, 20_00, 0)
}

// The same of the saving of a card, whoever gave it to the provider: it waited for its holder, or for its client.
func TestEventOfASetupWhoseLookFails(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]struct {
		method string
		ends   func(b *bundle, s CardSetup)
	}{
		"its holder is asked": {cardWith3DS, func(b *bundle, s CardSetup) { b.authenticates(s.NextActionURL(), "succeed") }},
		"its client has it":   {"", func(b *bundle, s CardSetup) { b.confirms(s.ProviderID, "pm_card_visa") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := listening(t)
			begun, err := b.StartCardSetup(t.Context(), b.user, begin.method)
			b.must(err)
			begin.ends(b, begun)
			b.hears("setup_intent.succeeded", 1)
			b.fake.Faults().Add(stripefake.Rule{Method: http.MethodGet, Path: "/v1/setup_intents/*", Fault: stripefake.CutAfter, Times: -1})
			b.handles()
			if status, why := b.eventStatus("setup_intent.succeeded"); status != eventReceived {
				t.Errorf("the event is %s (%s) after a look that failed", status, why)
			}
			b.fake.Faults().Clear()
			b.handles()
			status, _ := b.eventStatus("setup_intent.succeeded")
			if done, err := b.CardSetupOf(t.Context(), b.user, begun.ID); status != eventDone || err != nil || done.Card == nil {
				t.Errorf("the event is %s after a look that did not fail, and the setup %+v, %v", status, done, err)
			}
		})
	}
}

// What the provider does not know may be known to another account of ours: it is tried again, ever less often, and never given up.
func TestEventOfAnUnknownObject(t *testing.T) {
	t.Parallel()
	b := listening(t)
	exec := func(sql string, args ...any) {
		_, err := b.data.Admin.Exec(t.Context(), sql, args...)
		b.must(err)
	}
	for kind, object := range map[string]string{"charge.dispute.created": "dp_of_nobody", "refund.updated": "re_of_nobody"} {
		exec(`INSERT INTO provider_event (id, provider, kind, object_id, created_at, status, received_at)
			VALUES ($1, 'stripe', $2, $1, now(), 'RECEIVED', now() - interval '2 minutes')`, object, kind)
	}
	tried := func() int {
		b.must(b.handleOpenEvents(t.Context(), time.Minute))
		return b.count("SELECT sum(attempts) FROM provider_event")
	}
	if n := tried(); n != 2 {
		t.Errorf("tried %d times", n)
	}
	if n := b.count("SELECT count(*) FROM provider_event WHERE status = 'FAILED' AND error LIKE '%404%'"); n != 2 {
		t.Errorf("%d failed", n)
	}
	exec("UPDATE provider_event SET attempts = 20")
	if n := tried(); n != 40 {
		t.Errorf("tried %d times when it had been tried for long", n-40)
	}
	exec("UPDATE provider_event SET received_at = received_at - interval '1 hour'")
	if n := tried(); n != 42 {
		t.Errorf("tried %d times when it was due again", n-40)
	}
	b.agrees()
}
