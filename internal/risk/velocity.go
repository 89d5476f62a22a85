package risk

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
)

// Limit is so many within a time.
type Limit struct {
	Most   int64
	Within time.Duration
}

// reached says that there are so many.
func (l Limit) reached(n int64) bool { return n >= l.Most }

// Limits are where Velocity's rules begin.
type Limits struct {
	Checkouts   Limit // of a user; refused
	FailedCards Limit // of a user, where a card is to pay; refused
	Place       Limit // other users at a place; looked at
	Client      Limit // other users behind an address, which many may share; looked at
}

// DefaultLimits are those that hold where nobody says otherwise.
func DefaultLimits() Limits {
	return Limits{
		Checkouts: Limit{30, 10 * time.Minute}, FailedCards: Limit{8, time.Hour}, Place: Limit{10, time.Hour}, Client: Limit{50, time.Hour},
	}
}

// Velocity judges by how often things have happened of late, over rows: so it holds at any number of servers, as of what was committed.
type Velocity struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	limits Limits
}

var _ Rules = (*Velocity)(nil)

// NewVelocity makes the rules.
func NewVelocity(pool *pgxpool.Pool, limits Limits) *Velocity {
	return &Velocity{pool: pool, q: db.New(), limits: limits}
}

// Judge implements Rules.
func (v *Velocity) Judge(ctx context.Context, a Attempt) (Judgement, error) {
	n, err := v.q.RiskCounts(ctx, v.pool, db.RiskCountsParams{
		UserID: a.User, Place: a.place(), Client: a.client(),
		CheckoutSeconds: v.limits.Checkouts.Within.Seconds(), CardSeconds: v.limits.FailedCards.Within.Seconds(),
		PlaceSeconds: v.limits.Place.Within.Seconds(), ClientSeconds: v.limits.Client.Within.Seconds(),
	})
	if err != nil {
		return Judgement{}, err
	}
	switch {
	case v.limits.Checkouts.reached(n.Checkouts):
		return Judgement{Refuse, []Rule{Checkouts}, time.Minute}, nil
	case a.Card != nil && v.limits.FailedCards.reached(n.FailedCards):
		return Judgement{Refuse, []Rule{FailedCards}, 10 * time.Minute}, nil
	}
	j := Judgement{Verdict: Allow}
	if v.limits.Place.reached(n.PlaceUsers) {
		j = Judgement{Verdict: Review, Rules: append(j.Rules, Place)}
	}
	if v.limits.Client.reached(n.ClientUsers) {
		j = Judgement{Verdict: Review, Rules: append(j.Rules, Client)}
	}
	return j, nil
}
