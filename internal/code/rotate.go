package code

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

// Rotation is how far a rotation has come.
type Rotation struct {
	Rewrapped  int
	Unreadable map[string]int // uploads whose key is missing, by its id
}

// Rotate brings every upload's data key under the current key, so many in each transaction; codes themselves do not change. It may be
// killed at any moment and run again, and several may run at once: what was committed is done. told hears after each transaction.
func (s *Service) Rotate(ctx context.Context, most int, told func(Rotation)) (done Rotation, err error) {
	defer fault.Wrap(&err, "rotate the keys of codes")
	done.Unreadable = map[string]int{}
	after := uuid.Nil
	for {
		var last uuid.UUID
		var round Rotation
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
			last, round, err = s.rotateTx(ctx, tx, after, most)
			return err
		})
		if err != nil || last == uuid.Nil {
			return done, err
		}
		after = last
		done.Rewrapped += round.Rewrapped
		for key, n := range round.Unreadable {
			done.Unreadable[key] += n
		}
		told(done)
	}
}

// rotateTx does the next few; last is nil when there are none.
func (s *Service) rotateTx(ctx context.Context, tx pgx.Tx, after uuid.UUID, most int) (last uuid.UUID, round Rotation, err error) {
	rows, err := s.q.CodeBatchesToRotate(ctx, tx, s.keys.current, after, int32(most))
	if err != nil || len(rows) == 0 {
		return uuid.Nil, round, err
	}
	round.Unreadable = map[string]int{}
	var ids []uuid.UUID
	var keys [][]byte
	for _, row := range rows {
		last = row.ID
		next, err := s.keys.rewrap(wrapped{batch: row.ID, variant: row.VariantID, keyID: row.KeyID, key: row.WrappedKey})
		if missing, ok := errors.AsType[*KeyMissingError](err); ok {
			round.Unreadable[missing.KeyID]++
			continue
		}
		if err != nil {
			return uuid.Nil, round, err
		}
		ids, keys = append(ids, row.ID), append(keys, next.key)
	}
	round.Rewrapped = len(ids)
	return last, round, s.q.CodeBatchesRewrap(ctx, tx, s.keys.current, ids, keys)
}

// KeyUse says how many uploads are sealed under a key.
type KeyUse struct {
	KeyID   string
	Batches int64
	Current bool
	Known   bool // to this server
}

// KeysInUse is by which keys uploads are sealed.
func (s *Service) KeysInUse(ctx context.Context) ([]KeyUse, error) {
	rows, err := s.q.CodeKeys(ctx, s.pool)
	uses := make([]KeyUse, len(rows))
	for i, row := range rows {
		_, known := s.keys.wrap[row.KeyID]
		uses[i] = KeyUse{KeyID: row.KeyID, Batches: row.Batches, Current: row.KeyID == s.keys.current, Known: known}
	}
	return uses, err
}
