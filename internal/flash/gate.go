package flash

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/pace"
)

// Gate looks at who wants to join a waiting room, and keeps out what is no person. It is asked before each attempt.
type Gate interface {
	Admit(ctx context.Context, user uuid.UUID) error
}

// AgeGate asks for accounts of some age, and for patience: ten attempts at once, and one in three seconds after that.
type AgeGate struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	clock clock.Clock
	age   time.Duration
	pace  *pace.Limiter[uuid.UUID]
}

// NewAgeGate makes a gate for accounts of at least that age.
func NewAgeGate(pool *pgxpool.Pool, c clock.Clock, age time.Duration) *AgeGate {
	return &AgeGate{pool: pool, q: db.New(), clock: c, age: age, pace: pace.New[uuid.UUID](3*time.Second, 10, c)}
}

// Admit implements Gate.
func (g *AgeGate) Admit(ctx context.Context, user uuid.UUID) error {
	if wait, ok := g.pace.Take(user); !ok {
		return ErrTooFast.With("wait", wait)
	}
	if g.age == 0 {
		return nil
	}
	since, err := g.q.FlashUserSince(ctx, g.pool, user)
	if err == nil && g.clock.Now().Sub(since) < g.age {
		err = ErrTooNew
	}
	return err
}
