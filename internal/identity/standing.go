package identity

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// Tier is how well the platform knows a user. What asks for one, a lot for instance, takes those above it too.
type Tier string

// The tiers, each above the one before.
const (
	Unverified Tier = "UNVERIFIED"
	Verified   Tier = "VERIFIED"
	Trusted    Tier = "TRUSTED"
)

// The refusals of what a user is known by.
var (
	ErrBirthDate    = fault.New(fault.Invalid, "BIRTH_DATE_INVALID", "A birth date is a day like 1990-12-31, not before 1900 and not in the future.").At("birthDate")
	ErrBirthDateSet = fault.New(fault.Conflict, "BIRTH_DATE_SET", "Your birth date is known already. Support corrects it.").At("birthDate")
)

// SetBirthDate keeps a user's birth date, by ISO 8601, once and for ever: an age that its user may change is no age. The same again is no error.
func (s *Service) SetBirthDate(ctx context.Context, user uuid.UUID, day string) (_ User, err error) {
	date, err := time.Parse(time.DateOnly, day)
	if err != nil || date.Year() < 1900 {
		return User{}, ErrBirthDate
	}
	defer fault.Wrap(&err, "keep the birth date of %s", user)
	row, err := s.q.UserBirthDateSet(ctx, s.pool, date, user)
	if err == nil {
		return userOf(row), nil
	}
	if !postgres.NoRows(err) {
		return User{}, err
	}
	rows, err := s.q.UsersByID(ctx, s.pool, []uuid.UUID{user})
	switch {
	case err != nil:
		return User{}, err
	case len(rows) == 0 || rows[0].BirthDate == nil: // it was the date that was refused
		return User{}, ErrBirthDate
	case !rows[0].BirthDate.Equal(date):
		return User{}, ErrBirthDateSet
	}
	return userOf(rows[0]), nil
}

// tierActions are what the log calls the giving of a tier.
var tierActions = map[Tier]adminlog.Kind{Unverified: adminlog.UserUnverified, Verified: adminlog.UserVerified, Trusted: adminlog.UserTrusted}

// SetTier says how well staff know a user. Who has the tier already keeps it, and nothing is recorded.
func (s *Service) SetTier(ctx context.Context, by User, user uuid.UUID, tier Tier, reason string) (_ User, err error) {
	defer fault.Wrap(&err, "give %s the tier %s", user, tier)
	var row db.AppUser
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err = s.q.UserLock(ctx, tx, user)
		switch {
		case postgres.NoRows(err):
			return ErrUserNotFound
		case err != nil || row.Tier == string(tier):
			return err
		}
		if _, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{
			Actor: by.ID, Kind: tierActions[tier], Subject: id.User.Encode(user), Reason: reason,
		}); err != nil {
			return err
		}
		row, err = s.q.UserTierSet(ctx, tx, string(tier), user)
		return err
	})
	return userOf(row), err
}
