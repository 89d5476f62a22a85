package idempotency

import (
	"bytes"
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// What is done for several keys at once. A key is in a statement once: PostgreSQL refuses to meet a row twice in one.

// use is what a key belongs to.
type use struct {
	user           uuid.UUID
	operation, key string
}

func (r Request) use() use { return use{r.User, r.Operation, r.Key} }

// claimAll claims keys. Of two requests with one key the first has the claim, as if the second had come later.
func (s *Store) claimAll(ctx context.Context, requests []Request) ([]batch.Answer[Found], error) {
	var p db.IdempotencyClaimParams
	claims := make(map[use]*Claim, len(requests))
	mine := make([]*Claim, len(requests))
	for i, r := range requests {
		if claims[r.use()] != nil {
			continue
		}
		mine[i] = &Claim{store: s, request: r, id: id.New()}
		claims[r.use()] = mine[i]
		p.UserIds, p.Operations, p.Keys = append(p.UserIds, r.User), append(p.Operations, r.Operation), append(p.Keys, r.Key)
		p.InputHashes, p.SelectionHashes = append(p.InputHashes, r.Input[:]), append(p.SelectionHashes, r.Selection[:])
		p.Claims = append(p.Claims, mine[i].id)
	}
	p.LeaseSeconds = Lease.Seconds()
	ids, err := s.q.IdempotencyClaim(ctx, s.pool, p)
	if err != nil {
		return nil, err
	}
	taken := make(map[uuid.UUID]bool, len(ids))
	for _, claim := range ids {
		taken[claim] = true
	}
	answers := make([]batch.Answer[Found], len(requests))
	var others []int
	for i := range requests {
		if mine[i] != nil && taken[mine[i].id] {
			answers[i].Value.Claim = mine[i]
		} else {
			others = append(others, i)
		}
	}
	s.lookUp(ctx, requests, others, answers)
	return answers, nil
}

// lookUp finds what the keys stand for that could not be claimed. Where it fails, it fails for them alone: what was claimed is claimed.
func (s *Store) lookUp(ctx context.Context, requests []Request, which []int, answers []batch.Answer[Found]) {
	rows, err := s.rows(ctx, requests, which)
	for _, i := range which {
		r := requests[i]
		row, there := rows[r.use()]
		switch {
		case err != nil:
			answers[i].Err = err
		case !there: // pruned between the two statements
			answers[i].Err = ErrInFlight
		case !bytes.Equal(row.InputHash, r.Input[:]):
			answers[i].Err = ErrKeyReused
		case row.Answer == nil:
			answers[i].Err = ErrInFlight
		default:
			answers[i].Value = found(row, r)
		}
	}
}

// rows reads what stands under the keys of some of the requests.
func (s *Store) rows(ctx context.Context, requests []Request, which []int) (map[use]db.IdempotencyAnswer, error) {
	if len(which) == 0 {
		return nil, nil
	}
	var users []uuid.UUID
	var operations, keys []string
	for _, i := range which {
		r := requests[i]
		users, operations, keys = append(users, r.User), append(operations, r.Operation), append(keys, r.Key)
	}
	rows, err := s.q.IdempotencyGet(ctx, s.pool, users, operations, keys)
	found := make(map[use]db.IdempotencyAnswer, len(rows))
	for _, row := range rows {
		found[use{row.UserID, row.Operation, row.Key}] = row
	}
	return found, err
}

// keep is an answer that is to be kept.
type keep struct {
	claim  *Claim
	answer Answer
}

// keepAll keeps answers, and gives those that count.
func (s *Store) keepAll(ctx context.Context, keeps []keep) ([]batch.Answer[[]byte], error) {
	var p db.IdempotencyKeepParams
	requests := make([]Request, len(keeps))
	first := make(map[use]int, len(keeps))
	for i, k := range keeps {
		r := k.claim.request
		requests[i] = r
		if _, twice := first[r.use()]; twice {
			continue
		}
		first[r.use()] = i
		p.UserIds, p.Operations, p.Keys = append(p.UserIds, r.User), append(p.Operations, r.Operation), append(p.Keys, r.Key)
		p.InputHashes, p.SelectionHashes = append(p.InputHashes, r.Input[:]), append(p.SelectionHashes, r.Selection[:])
		p.Claims, p.Answers = append(p.Claims, k.claim.id), append(p.Answers, k.answer.JSON)
		p.Refusals = append(p.Refusals, string(k.answer.Refusals))
	}
	rows, err := s.q.IdempotencyKeep(ctx, s.pool, p)
	if err != nil {
		return nil, err
	}
	kept := make(map[int]bool, len(rows))
	for _, row := range rows {
		kept[first[use{row.UserID, row.Operation, row.Key}]] = true
	}
	answers := make([]batch.Answer[[]byte], len(keeps))
	var others []int
	for i, k := range keeps {
		answers[i].Value = k.answer.JSON
		if !kept[i] {
			others = append(others, i)
		}
	}
	s.whatCounts(ctx, requests, others, answers)
	return answers, nil
}

// whatCounts puts the answer of whoever was first in the place of those that were not kept.
func (s *Store) whatCounts(ctx context.Context, requests []Request, which []int, answers []batch.Answer[[]byte]) {
	rows, err := s.rows(ctx, requests, which)
	for _, i := range which {
		answers[i].Err = err
		r := requests[i]
		if row, there := rows[r.use()]; there && row.Answer != nil && bytes.Equal(row.SelectionHash, r.Selection[:]) {
			answers[i].Value = row.Answer
		}
	}
}

// oneByOne does requests together, and where that fails for a reason that may be one request's alone, each by itself.
func oneByOne[R, A any](do func(context.Context, []R) ([]batch.Answer[A], error)) func(context.Context, struct{}, []R) []batch.Answer[A] {
	return func(ctx context.Context, _ struct{}, requests []R) []batch.Answer[A] {
		answers, err := do(ctx, requests)
		switch {
		case err == nil:
			return answers
		case len(requests) == 1 || postgres.Away(err) || ctx.Err() != nil:
			return batch.Fail[A](len(requests), err)
		}
		answers = make([]batch.Answer[A], len(requests))
		for i := range requests {
			one, err := do(ctx, requests[i:i+1])
			if err != nil {
				one = batch.Fail[A](1, err)
			}
			answers[i] = one[0]
		}
		return answers
	}
}
