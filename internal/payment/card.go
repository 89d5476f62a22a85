package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// maxCards is how many saved cards a user may have.
const maxCards = 20

// Card is a saved card: what may be shown of it.
type Card struct {
	ID        uuid.UUID
	User      uuid.UUID
	Brand     string // visa, mastercard …
	Last4     string
	ExpMonth  int
	ExpYear   int
	CreatedAt time.Time
	RemovedAt *time.Time
}

func cardFrom(row db.Card) Card {
	return Card{
		ID: row.ID, User: row.UserID, Brand: row.Brand, Last4: row.Last4, ExpMonth: int(row.ExpMonth), ExpYear: int(row.ExpYear),
		CreatedAt: row.CreatedAt, RemovedAt: row.RemovedAt,
	}
}

// Cards are a user's saved cards, the newest first.
func (s *Service) Cards(ctx context.Context, user uuid.UUID) ([]Card, error) {
	rows, err := s.q.CardsOfUser(ctx, s.pool, user, 2*maxCards) // setups at once may pass the bound
	if err != nil {
		return nil, fmt.Errorf("read cards: %w", err)
	}
	cards := make([]Card, len(rows))
	for i, row := range rows {
		cards[i] = cardFrom(row)
	}
	return cards, nil
}

// CardsByID reads, for a loader, those of some cards that are the user's own, removed ones included.
func (s *Service) CardsByID(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Card, error) {
	rows, err := s.q.CardsOfUserByID(ctx, s.pool, user, ids)
	cards := make(map[uuid.UUID]Card, len(rows))
	for _, row := range rows {
		cards[row.ID] = cardFrom(row)
	}
	return cards, err
}

// CardOf is one of the user's own cards, removed ones included.
func (s *Service) CardOf(ctx context.Context, user, card uuid.UUID) (Card, error) {
	row, err := s.q.CardOfUser(ctx, s.pool, card, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return Card{}, ErrCardNotFound
	}
	if err != nil {
		return Card{}, fmt.Errorf("read a card: %w", err)
	}
	return cardFrom(row), nil
}

// RemoveCard takes a card off its user at once, and off the provider by a job. A card that was removed
// before is answered as it is.
func (s *Service) RemoveCard(ctx context.Context, user, card uuid.UUID) (removed Card, err error) {
	defer fault.Wrap(&err, "remove a card")
	if removed, err = s.CardOf(ctx, user, card); err != nil || removed.RemovedAt != nil {
		return removed, err
	}
	if err := s.removeCard(ctx, user, card, false); err != nil {
		return Card{}, err
	}
	return s.CardOf(ctx, user, card)
}

// removeCard removes a card once, and tells its user. One that the provider has detached by itself needs
// no job for that.
func (s *Service) removeCard(ctx context.Context, user, card uuid.UUID, detached bool) error {
	var told []realtime.Event
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		_, err := s.q.CardRemove(ctx, tx, card, user)
		if errors.Is(err, pgx.ErrNoRows) { // somebody else was faster
			return nil
		}
		if err != nil {
			return err
		}
		if detached {
			err = s.q.CardDetached(ctx, tx, card)
		} else {
			_, err = s.jobs.InsertTx(ctx, tx, CardDetach{ID: card}, nil)
		}
		if err != nil {
			return err
		}
		event, err := feed.AppendTx(ctx, tx, user, feed.CardRemoved, id.Card.ID(card))
		told = append(told, event)
		return err
	})
	if err != nil {
		return err
	}
	s.publish(ctx, told)
	return nil
}

// detach takes a removed card off the provider. It may be repeated: the attempt keeps the key of a
// request that failed from answering for ever.
func (s *Service) detach(ctx context.Context, card uuid.UUID, attempt int) (err error) {
	defer fault.Wrap(&err, "detach card %s", card)
	row, err := s.q.CardGet(ctx, s.pool, card)
	if err != nil || row.RemovedAt == nil || row.DetachedAt != nil {
		return err
	}
	err = s.provider.DetachMethod(ctx, row.MethodID, fmt.Sprintf("card:%s:detach:%d", card, attempt))
	if err != nil && asProviderError(err).Outcome == Rejected { // it may be detached already
		method, lookErr := s.provider.Method(ctx, row.MethodID)
		if lookErr == nil && method.Customer == "" {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return s.q.CardDetached(ctx, s.pool, card)
}

// refreshCard looks at a card that the provider has changed: a renewed one has another date, and one
// that was detached over there is gone.
func (s *Service) refreshCard(ctx context.Context, methodID string) (ignored string, err error) {
	row, err := s.q.CardOfMethod(ctx, s.pool, providerRef, methodID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "no card is " + methodID, nil
	}
	if err != nil || row.RemovedAt != nil {
		return "", err
	}
	method, err := s.provider.Method(ctx, methodID)
	if err != nil {
		return "", err
	}
	if method.Customer == "" {
		return "", s.removeCard(ctx, row.UserID, row.ID, true)
	}
	return "", s.q.CardRefresh(ctx, s.pool, db.CardRefreshParams{
		ID: row.ID, Brand: method.Brand, Last4: method.Last4, ExpMonth: int16(method.ExpMonth), ExpYear: int16(method.ExpYear), Fingerprint: optional(method.Fingerprint),
	})
}
