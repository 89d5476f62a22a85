package referral

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/postgres"
)

const (
	// codeLetters can be read aloud and written by hand: no I, L, O or U, no 0 or 1.
	codeLetters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLength  = 8 // 30^8 are 656 thousand million: not to be guessed
	codeTries   = 5
)

// newCode draws a code. Bytes beyond the largest multiple of the letters are drawn again, so that all are as likely.
func newCode() string {
	var code strings.Builder
	for draw := make([]byte, 1); code.Len() < codeLength; {
		_, _ = rand.Read(draw) // crypto/rand never fails: it ends the process instead
		if n := int(draw[0]); n < 256/len(codeLetters)*len(codeLetters) {
			code.WriteByte(codeLetters[n%len(codeLetters)])
		}
	}
	return code.String()
}

// readCode is a code as people type it, in either case and with space around it; ok is false for what can be none.
// Only ASCII is made upper case: there are letters elsewhere whose upper case is one of ours.
func readCode(text string) (code string, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) != codeLength {
		return "", false
	}
	upper := []byte(text)
	for i, c := range upper {
		if 'a' <= c && c <= 'z' {
			upper[i] = c - 'a' + 'A'
		}
		if strings.IndexByte(codeLetters, upper[i]) < 0 {
			return "", false
		}
	}
	return string(upper), true
}

// Code is the user's own code. It is made when it is first asked for, and stays.
func (s *Service) Code(ctx context.Context, user uuid.UUID) (string, error) {
	code, err := s.q.ReferralCodeOf(ctx, s.pool, user)
	if !postgres.NoRows(err) {
		return code, err
	}
	for range codeTries {
		_, err := s.q.ReferralCodeInsert(ctx, s.pool, user, newCode())
		if postgres.Violates(err, "referral_code_code_key") {
			continue // another user's, by a chance that nobody will see
		}
		if err != nil {
			return "", fmt.Errorf("make a referral code: %w", err)
		}
		return s.q.ReferralCodeOf(ctx, s.pool, user)
	}
	return "", errors.New("make a referral code: each one drawn is taken")
}

// owner is whose code it is.
func (s *Service) owner(ctx context.Context, q db.DBTX, text string) (user uuid.UUID, code string, err error) {
	code, ok := readCode(text)
	if !ok {
		return uuid.Nil, "", ErrCodeUnknown
	}
	user, err = s.q.ReferralCodeOwner(ctx, q, code)
	if postgres.NoRows(err) {
		return uuid.Nil, "", ErrCodeUnknown
	}
	return user, code, err
}
