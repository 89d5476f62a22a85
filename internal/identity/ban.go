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

// Ban is why a user may not sign in.
type Ban struct {
	User   User
	Reason string // for staff
	At     time.Time
}

// Ban ends all sessions of a user, with what they hold open, and refuses new ones until Unban. Who is banned already
// stays so: that ban is answered. What is under way, such as a leading bid or an order, goes on.
func (s *Service) Ban(ctx context.Context, by User, user uuid.UUID, reason string) (ban Ban, err error) {
	defer fault.Wrap(&err, "ban %s", user)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.lockForBanTx(ctx, tx, by, user)
		if err != nil {
			return err
		}
		if row.BannedAt != nil {
			ban = banOf(row)
			return nil
		}
		if reason, err = recordBanTx(ctx, tx, by, user, adminlog.UserBanned, reason); err != nil {
			return err
		}
		if row, err = s.q.UserBan(ctx, tx, reason, user); err != nil {
			return err
		}
		ban = banOf(row)
		return s.q.UserSessionsRevoke(ctx, tx, user)
	})
	return ban, err
}

// Unban lets a user sign in again. The old sessions stay ended.
func (s *Service) Unban(ctx context.Context, by User, user uuid.UUID, reason string) (_ User, err error) {
	defer fault.Wrap(&err, "let %s back in", user)
	var row db.AppUser
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if row, err = s.lockForBanTx(ctx, tx, by, user); err != nil {
			return err
		}
		if row.BannedAt == nil {
			return ErrNotBanned
		}
		if _, err := recordBanTx(ctx, tx, by, user, adminlog.UserUnbanned, reason); err != nil {
			return err
		}
		return s.q.UserUnban(ctx, tx, user)
	})
	return userOf(row), err
}

// BanOf is a user's ban; nil where they are not banned.
func (s *Service) BanOf(ctx context.Context, user uuid.UUID) (*Ban, error) {
	rows, err := s.q.UsersByID(ctx, s.pool, []uuid.UUID{user})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrUserNotFound
	}
	if rows[0].BannedAt == nil {
		return nil, nil
	}
	ban := banOf(rows[0])
	return &ban, nil
}

// lockForBanTx locks a user whom somebody wants to ban or to let back in, and says whether they may.
func (s *Service) lockForBanTx(ctx context.Context, tx pgx.Tx, by User, user uuid.UUID) (db.AppUser, error) {
	row, err := s.q.UserLock(ctx, tx, user)
	switch {
	case postgres.NoRows(err):
		return row, ErrUserNotFound
	case err != nil:
		return row, err
	case row.ID == by.ID:
		return row, ErrBanSelf
	case Role(row.Role).May([]Role{Support}) && by.Role != Admin:
		return row, ErrBanStaff
	}
	return row, nil
}

// recordBanTx keeps what was done, and answers the reason as it is kept.
func recordBanTx(ctx context.Context, tx pgx.Tx, by User, user uuid.UUID, kind adminlog.Kind, reason string) (string, error) {
	action, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{
		Actor: by.ID, Kind: kind, Subject: id.User.Encode(user), Reason: reason,
	})
	return action.Reason, err
}

func banOf(row db.AppUser) Ban {
	return Ban{User: userOf(row), Reason: *row.BanReason, At: *row.BannedAt}
}
