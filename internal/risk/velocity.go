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
		UserID: a.User, CardID: a.Card, Place: hashed(a.Place), Client: a.client(), Device: hashed([]byte(a.Device)),
		CheckoutSeconds: v.limits.Checkouts.Within.Seconds(), CardSeconds: v.limits.FailedCards.Within.Seconds(),
		FailureSeconds: v.limits.CardFailed.Within.Seconds(), CardUserSeconds: v.limits.CardUsers.Within.Seconds(),
		PlaceSeconds: v.limits.Place.Within.Seconds(), ClientSeconds: v.limits.Client.Within.Seconds(), DeviceSeconds: v.limits.Device.Within.Seconds(),
	})
	if err != nil {
		return Judgement{}, err
	}
	switch {
	case n.Refused:
		return Judgement{Refuse, []Rule{Staff}, 0}, nil
	case v.limits.Checkouts.reached(n.Checkouts):
		return Judgement{Refuse, []Rule{Checkouts}, time.Minute}, nil
	case a.Card != nil && v.limits.FailedCards.reached(n.FailedCards):
		return Judgement{Refuse, []Rule{FailedCards}, 10 * time.Minute}, nil
	case v.limits.CardFailed.reached(n.CardFailures):
		return Judgement{Refuse, []Rule{CardFailed}, 10 * time.Minute}, nil
	}
	j := Judgement{Verdict: Allow}
	for _, shared := range []struct {
		rule  Rule
		limit Limit
		users int64
	}{{CardUsers, v.limits.CardUsers, n.CardUsers}, {Place, v.limits.Place, n.PlaceUsers}, {Client, v.limits.Client, n.ClientUsers}, {Device, v.limits.Device, n.DeviceUsers}} {
		if shared.limit.reached(shared.users) {
			j = Judgement{Verdict: Review, Rules: append(j.Rules, shared.rule)}
		}
	}
	return j, nil
}
