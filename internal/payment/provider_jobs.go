package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
)

const (
	eventOverlap = 10 * time.Minute
	eventAge     = 2 * time.Minute // what is open longer than this has lost its job, or failed
)

// EventHandle acts on one event of the inbox.
type EventHandle struct {
	ID string `json:"id"`
}

// Kind implements river.JobArgs.
func (EventHandle) Kind() string { return "provider_event_handle" }

type eventWorker struct {
	river.WorkerDefaults[EventHandle]
	service *Service
}

// Work handles the event, and comes back later while its object is open.
func (w *eventWorker) Work(ctx context.Context, job *river.Job[EventHandle]) error {
	err := w.service.HandleEvent(ctx, job.Args.ID)
	switch {
	case errors.Is(err, errStillOpen):
		return river.JobSnooze(lookAgain(time.Since(job.CreatedAt)))
	case errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(err)
	}
	return err
}

// CardDetach takes a removed card off the provider.
type CardDetach struct {
	ID uuid.UUID `json:"id"`
}

// Kind implements river.JobArgs.
func (CardDetach) Kind() string { return "card_detach" }

type detachWorker struct {
	river.WorkerDefaults[CardDetach]
	service *Service
}

// Work detaches the card.
func (w *detachWorker) Work(ctx context.Context, job *river.Job[CardDetach]) error {
	return w.service.detach(ctx, job.Args.ID, job.Attempt)
}

// ProviderSweep finds what no webhook and no job brought to its end.
type ProviderSweep struct{}

// Kind implements river.JobArgs.
func (ProviderSweep) Kind() string { return "provider_sweep" }

type providerSweepWorker struct {
	river.WorkerDefaults[ProviderSweep]
	service *Service
}

// Timeout implements river.Worker.
func (w *providerSweepWorker) Timeout(*river.Job[ProviderSweep]) time.Duration { return sweepLimit }

// Work does all parts, whatever becomes of each.
func (w *providerSweepWorker) Work(ctx context.Context, _ *river.Job[ProviderSweep]) error {
	return w.service.sweepProvider(ctx, eventAge)
}

func (s *Service) sweepProvider(ctx context.Context, olderThan time.Duration) error {
	return errors.Join(
		s.readEvents(ctx),
		s.handleOpenEvents(ctx, olderThan),
		s.endAbandonedSetups(ctx),
		s.detachRemoved(ctx, olderThan),
	)
}

// handleOpenEvents handles one batch; those that fail again stand behind the others next time.
func (s *Service) handleOpenEvents(ctx context.Context, olderThan time.Duration) error {
	ids, err := s.q.ProviderEventsOpen(ctx, s.pool, olderThan.Seconds(), sweepBatch)
	if err != nil {
		return fmt.Errorf("sweep events: %w", err)
	}
	for _, event := range ids {
		if err := s.HandleEvent(ctx, event); err != nil && !errors.Is(err, errStillOpen) {
			s.log.ErrorContext(ctx, "an event of the provider could not be handled", "event", event, "error", err)
		}
	}
	return ctx.Err()
}

// endAbandonedSetups cancels what nobody finished in a day.
func (s *Service) endAbandonedSetups(ctx context.Context) error {
	for last := uuid.Nil; ; {
		ids, err := s.q.SetupsAbandoned(ctx, s.pool, last, keyLife.Seconds(), sweepBatch)
		if err != nil {
			return fmt.Errorf("sweep setups: %w", err)
		}
		for _, last = range ids {
			_, err := s.resolveSetup(ctx, last)
			if err := unlessUnheard(err); err != nil {
				s.log.ErrorContext(ctx, "the saving of a card could not be ended", "setup", last, "error", err)
			}
		}
		if len(ids) < sweepBatch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// resolveSetup advances a setup by its id, as resolve does a top-up.
func (s *Service) resolveSetup(ctx context.Context, setup uuid.UUID) (db.CardSetup, error) {
	found, err := s.q.SetupWithAge(ctx, s.pool, setup)
	if err != nil {
		return db.CardSetup{}, err
	}
	row, _, err := s.advanceSetup(ctx, found.CardSetup, time.Duration(found.AgeSeconds)*time.Second)
	return row, err
}

// detachRemoved detaches one batch of removed cards. The key changes with the hour, so that one that
// answers 500 does so for no longer.
func (s *Service) detachRemoved(ctx context.Context, olderThan time.Duration) error {
	ids, err := s.q.CardsToDetach(ctx, s.pool, olderThan.Seconds(), sweepBatch)
	if err != nil {
		return fmt.Errorf("sweep removed cards: %w", err)
	}
	for _, card := range ids {
		if err := s.detach(ctx, card, int(s.clock.Now().Unix()/3600)); err != nil {
			s.log.ErrorContext(ctx, "a removed card could not be detached", "card", card, "error", err)
		}
	}
	return ctx.Err()
}
