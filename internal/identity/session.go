package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

const (
	sessionTTL  = 12 * time.Hour
	tokenPrefix = "souk_" // so that a token found in a log or a repository is recognised for what it is
	tokenBytes  = 32
)

// Session is an open sign-in. Token is set only in the answer that opened it.
type Session struct {
	ID        uuid.UUID
	User      User
	Token     string
	ExpiresAt time.Time
}

// Email and Role are the signed-in user's, for the viewer's own eyes.
func (s Session) Email() string { return s.User.Email }

// Role is the authority of the signed-in user.
func (s Session) Role() Role { return s.User.Role }

// BirthDate is the signed-in user's, by ISO 8601; nil where it is not known.
func (s Session) BirthDate() *string {
	if s.User.BirthDate == nil {
		return nil
	}
	return new(s.User.BirthDate.Format(time.DateOnly))
}

// Tier is how well the platform knows the signed-in user.
func (s Session) Tier() Tier { return s.User.Tier }

// SignIn opens a session for an email address and a password. Who is banned learns so from ErrBanned, and only with the
// right password.
func (s *Service) SignIn(ctx context.Context, email, password string) (_ Session, err error) {
	defer fault.Wrap(&err, "sign in")
	if len(password) > 1000 || len(email) > 254 || !utf8.ValidString(email) || strings.ContainsRune(email, 0) { // nobody has such an address
		return Session{}, ErrCredentials
	}
	row, err := s.q.UserByEmail(ctx, s.pool, strings.TrimSpace(email))
	if err != nil && !postgres.NoRows(err) {
		return Session{}, err
	}
	ok, err := s.hasher.matches(ctx, row.PasswordHash, password)
	if err != nil {
		return Session{}, err
	}
	if !ok {
		return Session{}, ErrCredentials
	}
	return s.openSession(ctx, userOf(row))
}

func (s *Service) openSession(ctx context.Context, user User) (Session, error) {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // crypto/rand never fails: it ends the process instead
	session := Session{ID: id.New(), User: user, Token: tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)}
	var err error
	session.ExpiresAt, err = s.q.SessionInsert(ctx, s.pool, db.SessionInsertParams{
		ID: session.ID, UserID: user.ID, TokenHash: digest(session.Token), TtlSeconds: int32(sessionTTL.Seconds()),
	})
	if postgres.NoRows(err) {
		return Session{}, ErrBanned
	}
	return session, err
}

// Authenticate finds the session of a bearer token. A token that is unknown, expired or revoked is
// ErrUnauthenticated.
func (s *Service) Authenticate(ctx context.Context, token string) (_ Session, err error) {
	if !strings.HasPrefix(token, tokenPrefix) || len(token) > 100 {
		return Session{}, ErrUnauthenticated
	}
	defer fault.Wrap(&err, "authenticate")
	return s.sessions.Do(ctx, struct{}{}, token)
}

// ofTokens finds the sessions of some tokens. Requests that come while others look do so together, by one statement; nothing is
// remembered, so that a session that ends is over with the next request.
func (s *Service) ofTokens(ctx context.Context, _ struct{}, tokens []string) []batch.Answer[Session] {
	hashes := make([][]byte, len(tokens))
	for i, token := range tokens {
		hashes[i] = digest(token)
	}
	rows, err := s.q.SessionUser(ctx, s.pool, hashes)
	if err != nil {
		return batch.Fail[Session](len(tokens), err)
	}
	found := make(map[string]Session, len(rows))
	for _, row := range rows {
		found[string(row.TokenHash)] = Session{ID: row.SessionID, User: userOf(row.AppUser), ExpiresAt: row.ExpiresAt}
	}
	answers := make([]batch.Answer[Session], len(tokens))
	for i, hash := range hashes {
		var known bool
		if answers[i].Value, known = found[string(hash)]; !known {
			answers[i].Err = ErrUnauthenticated
		}
	}
	return answers
}

// SignOut revokes a session; doing so twice is no error.
func (s *Service) SignOut(ctx context.Context, session uuid.UUID) error {
	return s.q.SessionRevoke(ctx, s.pool, session)
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
