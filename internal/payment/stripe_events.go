package payment

import (
	"context"
	"errors"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
)

const (
	// webhookTolerance is how old a signature may be: an older one may be somebody's recording.
	webhookTolerance = 5 * time.Minute
	eventPage        = 100 // the most that Stripe gives
)

// ReadEvent implements Teller. Events of another API version are read as well: of an event we need no
// more than ids, and the object is fetched in the version that we speak.
func (s *Stripe) ReadEvent(body []byte, signature, secret string) (Event, error) {
	e, err := webhook.ConstructEventWithOptions(body, signature, secret, webhook.ConstructEventOptions{
		Tolerance: webhookTolerance, IgnoreAPIVersionMismatch: true,
	})
	switch {
	case errors.Is(err, webhook.ErrTooOld):
		return Event{}, ErrWebhookStale
	case errors.Is(err, webhook.ErrNotSigned), errors.Is(err, webhook.ErrInvalidHeader), errors.Is(err, webhook.ErrNoValidSignature):
		return Event{}, ErrWebhookSignature.Because(err)
	case err != nil:
		return Event{}, ErrWebhookMalformed.Because(err)
	}
	event := readEvent(&e)
	if !printable(event.ID) || !printable(event.Kind) || (event.ObjectID != "" && !printable(event.ObjectID)) {
		return Event{}, ErrWebhookMalformed
	}
	return event, nil
}

// Events implements Teller.
func (s *Stripe) Events(ctx context.Context, since time.Time, after string, kinds []string) ([]Event, bool, error) {
	p := &stripe.EventListParams{
		ListParams: stripe.ListParams{Context: ctx, Limit: new(int64(eventPage)), Single: true},
		Types:      stripe.StringSlice(kinds),
	}
	if !since.IsZero() {
		p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
	}
	if after != "" {
		p.StartingAfter = new(after)
	}
	list := s.api.Events.List(p)
	var page []Event
	for list.Next() {
		page = append(page, readEvent(list.Event()))
	}
	if err := list.Err(); err != nil {
		return nil, false, stripeError("list events", err)
	}
	return page, list.EventList().HasMore, nil
}

func readEvent(e *stripe.Event) Event {
	event := Event{ID: e.ID, Kind: string(e.Type), CreatedAt: time.Unix(e.Created, 0).UTC()}
	if e.Data != nil {
		event.ObjectID, _ = e.Data.Object["id"].(string)
	}
	return event
}
