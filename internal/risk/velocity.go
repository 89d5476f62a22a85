package risk

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
)

// Limits are where Velocity's rules begin.
type Limits struct {
	Checkouts   Limit // of a user; refused
	FailedCards Limit // of a user, where a card is to pay; refused
	CardFailed  Limit // of a card, whoever saved it; refused
	CardUsers   Limit // other users of a card; looked at
	Place       Limit // other users at a place; looked at
	Client      Limit // other users behind an address, which many may share; looked at
	Device      Limit // other users on a device; looked at
}

// DefaultLimits are those that hold where nobody says otherwise.
func DefaultLimits() Limits {
	return Limits{
		Checkouts: Limit{30, 10 * time.Minute}, FailedCards: Limit{8, time.Hour}, CardFailed: Limit{12, time.Hour}, CardUsers: Limit{3, 24 * time.Hour},
		Place: Limit{10, time.Hour}, Client: Limit{50, time.Hour}, Device: Limit{5, 24 * time.Hour},
	}
}

// Velocity judges by a user's tier, and by how often things have happened of late, over rows: so it holds at any number of servers, as of
// what was committed.
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
	shared := []struct {
		rule  Rule
		limit Limit
	}{{CardUsers, v.limits.CardUsers}, {Place, v.limits.Place}, {Client, v.limits.Client}, {Device, v.limits.Device}}
	enough, seconds := make([]int64, len(shared)), make([]float64, len(shared))
	for i, s := range shared {
		enough[i], seconds[i] = s.limit.Most, s.limit.Within.Seconds()
	}
	n, err := v.q.RiskCounts(ctx, v.pool, db.RiskCountsParams{
		UserID: a.User, CardID: a.Card, Place: hashed(a.Place), Client: a.client(), Device: hashed([]byte(a.Device)),
		CheckoutSeconds: v.limits.Checkouts.Within.Seconds(), CardSeconds: v.limits.FailedCards.Within.Seconds(),
		FailureSeconds: v.limits.CardFailed.Within.Seconds(), Enough: enough, Seconds: seconds,
	})
	if err != nil {
		return Judgement{}, err
	}
	tier := Tier(n.Tier)
	switch {
	case n.Refused:
		return Judgement{Refuse, []Rule{Staff}, 0}, nil
	case tier == Restricted:
		return Judgement{Refuse, []Rule{OfTier}, 0}, nil
	case tier == AtRisk && a.Card != nil:
		return Judgement{Refuse, []Rule{CardsOfTier}, 0}, nil
	case v.limits.Checkouts.reached(n.Checkouts):
		return Judgement{Refuse, []Rule{Checkouts}, time.Minute}, nil
	case a.Card != nil && v.limits.FailedCards.reached(n.FailedCards):
		return Judgement{Refuse, []Rule{FailedCards}, 10 * time.Minute}, nil
	case v.limits.CardFailed.reached(n.CardFailures):
		return Judgement{Refuse, []Rule{CardFailed}, 10 * time.Minute}, nil
	}
	j := Judgement{Verdict: Allow}
	if tier != Normal {
		j = Judgement{Verdict: Review, Rules: []Rule{OfTier}}
	}
	for i, s := range shared {
		if s.limit.reached(n.Users[i]) {
			j = Judgement{Verdict: Review, Rules: append(j.Rules, s.rule)}
		}
	}
	return j, nil
}
