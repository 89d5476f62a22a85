package risk

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/postgres"
)

// Tier is how far a buyer is trusted with paying for purchases. Bans are identity's.
type Tier string

// The tiers, each with what those before it ask for.
const (
	Normal     Tier = "NORMAL"
	Warning    Tier = "WARNING"    // staff look at what they buy
	AtRisk     Tier = "AT_RISK"    // no card pays, as what it pays may be charged back
	Restricted Tier = "RESTRICTED" // nothing is paid
)

// tierActions are what the log calls the giving of a tier.
var tierActions = map[Tier]adminlog.Kind{
	Normal: adminlog.RiskTierNormal, Warning: adminlog.RiskTierWarning, AtRisk: adminlog.RiskTierAtRisk, Restricted: adminlog.RiskTierRestricted,
}

// Standing is a user's tier, and who gave it why; nobody did where it was NORMAL from the beginning.
type Standing struct {
	UserID uuid.UUID
	Tier   Tier
	Reason *string
	SetBy  *uuid.UUID
	SetAt  *time.Time
}

func standingOf(row db.RiskTier) Standing {
	return Standing{UserID: row.UserID, Tier: Tier(row.Tier), Reason: &row.Reason, SetBy: &row.SetBy, SetAt: &row.SetAt}
}

// StandingOf is a user's tier.
func (s *Service) StandingOf(ctx context.Context, user uuid.UUID) (Standing, error) {
	return s.standing(ctx, s.pool, user)
}

func (s *Service) standing(ctx context.Context, conn db.DBTX, user uuid.UUID) (Standing, error) {
	row, err := s.q.RiskTierGet(ctx, conn, user)
	switch {
	case postgres.NoRows(err):
		return Standing{UserID: user, Tier: Normal}, nil
	case err != nil:
		return Standing{}, err
	}
	return standingOf(row), nil
}

// SetTier gives a user a tier. Who has it already keeps it as it was given, and nothing is recorded.
func (s *Service) SetTier(ctx context.Context, by, user uuid.UUID, tier Tier, reason string) (standing Standing, err error) {
	defer fault.Wrap(&err, "give %s the tier %s", user, tier)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := s.q.UserLock(ctx, tx, user); postgres.NoRows(err) {
			return identity.ErrUserNotFound
		} else if err != nil {
			return err
		}
		standing, err = s.standing(ctx, tx, user)
		if err != nil || standing.Tier == tier {
			return err
		}
		action, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: by, Kind: tierActions[tier], Subject: id.User.Encode(user), Reason: reason})
		if err != nil {
			return err
		}
		row, err := s.q.RiskTierSet(ctx, tx, db.RiskTierSetParams{UserID: user, Tier: string(tier), Reason: action.Reason, SetBy: by})
		standing = standingOf(row)
		return err
	})
	return standing, err
}
