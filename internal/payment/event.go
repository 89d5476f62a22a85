package payment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

// The statuses of an event in the inbox.
const (
	eventReceived = "RECEIVED"
	eventDone     = "DONE"
	eventIgnored  = "IGNORED" // nothing of ours, for a reason that the row keeps
	eventFailed   = "FAILED"  // the last attempt failed; there will be others
)

// errStillOpen says that an event's object has not come to where the event says; it is looked at again.
var errStillOpen = errors.New("its object is still open")

// eventHandler looks at an object that an event named, and does what follows from how it is now: so that
// the order, the number and the age of events do not matter. It says why where that is nothing.
type eventHandler func(ctx context.Context, objectID string) (ignored string, err error)

// eventHandlers is every kind of event that we act on. Stripe filters by 20 of them at most.
func (s *Service) eventHandlers() map[string]eventHandler {
	return map[string]eventHandler{
		"payment_intent.succeeded":                 s.intentChanged,
		"payment_intent.payment_failed":            s.intentChanged,
		"payment_intent.canceled":                  s.intentChanged,
		"payment_intent.requires_action":           s.intentChanged,
		"payment_intent.amount_capturable_updated": s.intentChanged,
		"setup_intent.succeeded":                   s.setupChanged,
		"setup_intent.setup_failed":                s.setupChanged,
		"setup_intent.canceled":                    s.setupChanged,
		"setup_intent.requires_action":             s.setupChanged,
		"payment_method.detached":                  s.refreshCard,
		"payment_method.updated":                   s.refreshCard,
		"payment_method.automatically_updated":     s.refreshCard,
		"refund.updated":                           s.refundChanged,
		"refund.failed":                            s.refundChanged,
		"charge.refund.updated":                    s.refundChanged, // the older name of both
		"charge.dispute.created":                   s.disputeChanged,
		"charge.dispute.updated":                   s.disputeChanged,
		"charge.dispute.closed":                    s.disputeChanged,
		"charge.dispute.funds_withdrawn":           s.disputeChanged,
		"charge.dispute.funds_reinstated":          s.disputeChanged,
	}
}

// take keeps an event, once, together with the job that acts on it.
func (s *Service) take(ctx context.Context, e Event) (fresh bool, err error) {
	defer fault.Wrap(&err, "keep event %s", e.ID)
	row := db.ProviderEventInsertParams{
		ID: e.ID, Provider: providerRef, Kind: e.Kind, ObjectID: e.ObjectID, CreatedAt: e.CreatedAt, Status: eventReceived,
	}
	if s.eventHandlers()[e.Kind] == nil {
		row.Status, row.Error = eventIgnored, optional("nothing follows from this kind")
	}
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		n, err := s.q.ProviderEventInsert(ctx, tx, row)
		if fresh = n == 1; err != nil || !fresh || row.Status == eventIgnored {
			return err
		}
		_, err = s.jobs.InsertTx(ctx, tx, EventHandle{ID: e.ID}, nil)
		return err
	})
	return fresh, err
}

// HandleEvent acts on an event of the inbox. It may be repeated, and run beside itself.
func (s *Service) HandleEvent(ctx context.Context, event string) (err error) {
	defer fault.Wrap(&err, "handle event %s", event)
	row, err := s.q.ProviderEventGet(ctx, s.pool, event)
	if err != nil || row.Status == eventDone || row.Status == eventIgnored {
		return err
	}
	handle := s.eventHandlers()[row.Kind]
	if handle == nil { // kept by a server of another version
		return s.q.ProviderEventEnd(ctx, s.pool, eventIgnored, optional("nothing follows from this kind"), event)
	}
	ignored, err := handle(ctx, row.ObjectID)
	status, note := eventDone, ""
	switch {
	case errors.Is(err, errStillOpen):
		status, note = eventReceived, err.Error()
	case err != nil:
		status, note = eventFailed, err.Error()
	case ignored != "":
		status, note = eventIgnored, ignored
	}
	return errors.Join(err, s.q.ProviderEventEnd(ctx, s.pool, status, optional(note), event))
}

// intentChanged resolves the top-up, or the order's payment, that an intent is for.
func (s *Service) intentChanged(ctx context.Context, intentID string) (ignored string, err error) {
	topUp, err := s.q.TopUpOfProvider(ctx, s.pool, intentID)
	if errors.Is(err, pgx.ErrNoRows) {
		return s.orderIntentChanged(ctx, intentID)
	}
	if err != nil {
		return "", err
	}
	top, err := s.resolve(ctx, topUp)
	if errors.Is(err, errUnheard) || err == nil && top.Status == Processing {
		err = errStillOpen
	}
	return "", err
}

func (s *Service) orderIntentChanged(ctx context.Context, intentID string) (ignored string, err error) {
	payment, err := s.q.OrderPaymentOfProvider(ctx, s.pool, intentID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "no top-up and no order payment is " + intentID, nil
	}
	if err != nil {
		return "", err
	}
	p, err := s.resolveOrderPayment(ctx, payment)
	if errors.Is(err, errUnheard) || err == nil && (p.Status == OrderProcessing || p.Status == OrderCapturing || p.Status == OrderVoiding) {
		err = errStillOpen
	}
	return "", err
}

// setupChanged advances the saving of a card.
func (s *Service) setupChanged(ctx context.Context, providerID string) (ignored string, err error) {
	setup, err := s.q.SetupOfProvider(ctx, s.pool, providerID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "no saving of a card is " + providerID, nil
	}
	if err != nil {
		return "", err
	}
	row, err := s.resolveSetup(ctx, setup)
	if errors.Is(err, errUnheard) || err == nil && row.Status == string(Processing) && row.PaymentMethod != nil {
		err = errStillOpen
	}
	return "", err
}

// readEvents takes in what the provider's list has and no webhook brought: since the newest event of the
// last reading, and a little before, because the list is not in perfect order.
func (s *Service) readEvents(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "read the provider's events")
	since, err := s.q.ProviderCursorGet(ctx, s.pool, providerRef)
	if errors.Is(err, pgx.ErrNoRows) {
		since, err = time.Time{}, nil
	}
	if err != nil {
		return err
	}
	newest := since
	if !since.IsZero() {
		since = since.Add(-eventOverlap)
	}
	kinds := slices.Sorted(maps.Keys(s.eventHandlers()))
	for after, more := "", true; more && ctx.Err() == nil; {
		var page []Event
		if page, more, err = s.provider.Events(ctx, since, after, kinds); err != nil {
			return err
		}
		for _, e := range page {
			fresh, err := s.take(ctx, e)
			if err != nil {
				return err
			}
			if fresh {
				s.log.InfoContext(ctx, "found an event that no webhook has brought", "event", e.ID, "kind", e.Kind)
			}
			if after = e.ID; e.CreatedAt.After(newest) {
				newest = e.CreatedAt
			}
		}
		more = more && len(page) > 0
	}
	if ctx.Err() != nil || newest.IsZero() {
		return ctx.Err()
	}
	if err := s.q.ProviderCursorSet(ctx, s.pool, providerRef, newest); err != nil {
		return fmt.Errorf("keep the place: %w", err)
	}
	return nil
}
