package identity

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

// Role is the authority of a user. A seller is a buyer as well; staff neither buy nor sell.
type Role string

// The roles.
const (
	Buyer   Role = "BUYER"
	Seller  Role = "SELLER"
	Support Role = "SUPPORT"
	Admin   Role = "ADMIN"
)

// User is a registered person.
type User struct {
	ID        uuid.UUID
	Email     string // for the user and for staff, never for others
	Name      string
	Role      Role
	BirthDate *time.Time // for the user alone; nil where it is not known
	Tier      Tier
	CreatedAt time.Time
}

// NodeID is the id that clients see.
func (u User) NodeID() id.ID { return id.User.ID(u.ID) }

func userOf(row db.AppUser) User {
	return User{ID: row.ID, Email: row.Email, Name: row.Name, Role: Role(row.Role), BirthDate: row.BirthDate, Tier: Tier(row.Tier), CreatedAt: row.CreatedAt}
}

// Service holds the use cases of this package.
type Service struct {
	pool      *pgxpool.Pool
	q         *db.Queries
	hasher    *hasher
	referrals Referrals
	sessions  *batch.Queue[struct{}, string, Session] // by token
}

// Referrals hears of a new user who names a code, in the transaction that makes them; where it refuses, there is no new
// user. What it answers is called after the commit.
type Referrals interface {
	JoinTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, code string) (told func(context.Context), err error)
}

// New makes the service over a pool.
func New(pool *pgxpool.Pool) *Service {
	s := &Service{pool: pool, q: db.New(), hasher: newHasher()}
	s.sessions = batch.New(batch.Config[struct{}, string, Session]{Run: s.ofTokens})
	return s
}

// UseReferrals says who hears of referral codes; to be called before anybody signs up.
func (s *Service) UseReferrals(r Referrals) { s.referrals = r }

// SignUpInput describes a new account.
type SignUpInput struct {
	Email    string
	Password string
	Name     string
	Role     Role // Buyer or Seller: staff accounts are not made by signing up

	ReferralCode *string // of the user who brought them; nil where nobody did
}

// SignUp registers a buyer or seller and opens a first session.
func (s *Service) SignUp(ctx context.Context, in SignUpInput) (Session, error) {
	if in.Role != Buyer && in.Role != Seller {
		return Session{}, ErrForbidden
	}
	user, err := s.Register(ctx, in)
	if err != nil {
		return Session{}, err
	}
	return s.openSession(ctx, user)
}

// Register makes an account of any role without a session. It serves SignUp and the demo data.
func (s *Service) Register(ctx context.Context, in SignUpInput) (_ User, err error) {
	email, name := strings.TrimSpace(in.Email), text.Clean(in.Name)
	if err := validate(email, in.Password, name); err != nil {
		return User{}, err
	}
	defer fault.Wrap(&err, "register a user")
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return User{}, err
	}
	user := User{ID: id.New(), Email: email, Name: name, Role: in.Role}
	row := db.UserInsertParams{ID: user.ID, Email: email, Name: name, Role: string(in.Role), PasswordHash: hash}
	if in.ReferralCode == nil {
		err = s.q.UserInsert(ctx, s.pool, row)
	} else {
		err = s.insertReferred(ctx, row, *in.ReferralCode)
	}
	if postgres.Violates(err, "app_user_email_key") {
		return User{}, ErrEmailTaken.At("email")
	}
	return user, err
}

// insertReferred makes a user together with who brought them, or neither.
func (s *Service) insertReferred(ctx context.Context, row db.UserInsertParams, code string) error {
	if s.referrals == nil {
		return errors.New("nobody hears of referral codes")
	}
	var told func(context.Context)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		err := s.q.UserInsert(ctx, tx, row)
		if err == nil {
			told, err = s.referrals.JoinTx(ctx, tx, row.ID, code)
		}
		return err
	})
	if err == nil {
		told(ctx)
	}
	return err
}

func validate(email, password, name string) error {
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || len(email) > 254 || !utf8.ValidString(email) {
		return ErrEmailInvalid.At("email")
	}
	if _, domain, _ := strings.Cut(email, "@"); !strings.Contains(domain, ".") {
		return ErrEmailInvalid.At("email")
	}
	if n := utf8.RuneCountInString(password); n < 10 || n > 200 {
		return ErrPasswordLength.At("password")
	}
	n := utf8.RuneCountInString(name)
	if n < 1 || n > 80 || !text.IsLine(name) {
		return ErrNameLength.At("name")
	}
	return nil
}

// UserByEmail finds an account for the demo data; ok is false where there is none.
func (s *Service) UserByEmail(ctx context.Context, email string) (_ User, ok bool, err error) {
	row, err := s.q.UserByEmail(ctx, s.pool, email)
	if postgres.NoRows(err) {
		return User{}, false, nil
	}
	return userOf(row), err == nil, err
}

// UsersByID reads users for a loader; an id that names nobody is absent from the map.
func (s *Service) UsersByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]User, error) {
	rows, err := s.q.UsersByID(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	users := make(map[uuid.UUID]User, len(rows))
	for _, row := range rows {
		users[row.ID] = userOf(row)
	}
	return users, nil
}

// May reports whether the role is one of those that a field allows. An admin is support as well.
func (r Role) May(allowed []Role) bool {
	switch {
	case slices.Contains(allowed, r):
		return true
	case r == Seller:
		return slices.Contains(allowed, Buyer)
	case r == Admin:
		return slices.Contains(allowed, Support)
	default:
		return false
	}
}
