package flash

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/postgres"
)

// newSeed is a lottery's seed as the database has it, and what it is bound by.
func (s *Service) newSeed(sale uuid.UUID) (sealed, commitment []byte) {
	seed := make([]byte, sha256.Size)
	_, _ = rand.Read(seed) // never fails
	bound := sha256.Sum256(seed)
	return s.mask(sale, seed), bound[:]
}

// mask seals a seed, and opens it: who can read the database alone cannot tell it before the draw, and so not choose accounts by it.
func (s *Service) mask(sale uuid.UUID, seed []byte) []byte {
	mac := hmac.New(sha256.New, s.seedKey)
	_, _ = mac.Write(sale[:])
	out := make([]byte, sha256.Size)
	subtle.XORBytes(out, seed, mac.Sum(nil))
	return out
}

// open is a sale's seed; nil where it was sealed under another key. It is the one that was bound, or none.
func (s *Service) open(sale uuid.UUID, sealed, commitment []byte) []byte {
	for _, seed := range [][]byte{s.mask(sale, sealed), sealed} { // sales of before were not sealed
		if bound := sha256.Sum256(seed); hmac.Equal(bound[:], commitment) {
			return seed
		}
	}
	return nil
}

// draw gives a lottery's places their numbers, in the order of SHA-256(seed, user), under the sale's lock; false where that is done, or its time
// has not come.
func (s *Service) draw(ctx context.Context, sale uuid.UUID) (drawn bool, err error) {
	err = postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		row, err := s.q.FlashDrawLock(ctx, tx, sale)
		if postgres.NoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		seed := s.open(row.ID, row.Seed, row.Commitment)
		if seed == nil {
			return ErrSealed
		}
		if err := s.q.FlashDrawNumbers(ctx, tx, sale, seed); err != nil {
			return err
		}
		drawn = true
		return s.q.FlashDrawn(ctx, tx, sale)
	})
	return drawn && err == nil, err
}
