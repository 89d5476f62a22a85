package idempotency

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/fault"
)

// Lease is how long a claim keeps others from running the same request, unless Hold renews it: so long a client waits for
// its retry where a server died.
const Lease = 10 * time.Second

// MaxAnswer is the size in bytes up to which an answer is kept.
const MaxAnswer = 64 << 10

// Store keeps the answers. Keys that are claimed while others are, are claimed together next, and answers are kept so.
type Store struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	claims *batch.Queue[struct{}, Request, Found]
	keeps  *batch.Queue[struct{}, keep, []byte]
}

// New makes a Store.
func New(pool *pgxpool.Pool) *Store {
	s := &Store{pool: pool, q: db.New()}
	s.claims = batch.New(batch.Config[struct{}, Request, Found]{Run: oneByOne(s.claimAll)})
	s.keeps = batch.New(batch.Config[struct{}, keep, []byte]{Run: oneByOne(s.keepAll)})
	return s
}

// Request is one use of a key.
type Request struct {
	User      uuid.UUID
	Operation string // the mutation's name; a key belongs to its user and its mutation
	Key       string
	Input     [32]byte // a hash of what has to be the same when the key is used again
	Selection [32]byte // a hash of the fields that the client wants to see
}

// Answer is what a request was answered.
type Answer struct {
	JSON     []byte
	Refusals json.RawMessage // where it was refused: why, with all that any selection may ask for
}

// Claim is the right to run a request; it ends with Keep or GiveUp, or after Lease.
type Claim struct {
	store   *Store
	request Request
	id      uuid.UUID
}

// Found is what a key stands for. Where both fields are nil, the request was answered for another selection: it
// runs again, and the first answer stays.
type Found struct {
	Claim  *Claim  // nobody has answered it: run it
	Answer *Answer // it was answered; JSON is nil where that was for another selection and the request was refused
}

// Claim takes a key, or tells what became of it. It refuses a key that was used with other input, and one whose
// first request still runs (ErrInFlight).
func (s *Store) Claim(ctx context.Context, r Request) (_ Found, err error) {
	defer fault.Wrap(&err, "claim a key of %s", r.Operation)
	if err := ctx.Err(); err != nil {
		return Found{}, err
	}
	// Who has hung up meanwhile gives the claim up; it would stand for its lease if nobody heard of it.
	return s.claims.Do(context.WithoutCancel(ctx), struct{}{}, r)
}

func found(row db.IdempotencyAnswer, r Request) Found {
	answer := &Answer{JSON: row.Answer, Refusals: row.Refusals}
	if bytes.Equal(row.SelectionHash, r.Selection[:]) {
		return Found{Answer: answer}
	}
	if answer.Refusals == nil {
		return Found{}
	}
	answer.JSON = nil
	return Found{Answer: answer}
}

// Hold renews the claim until it is released. Where the database does not answer, the claim runs out: the domain's own keys
// keep a retry from doing twice what the first does.
func (c *Claim) Hold(ctx context.Context) (release func()) {
	ctx, release = context.WithCancel(ctx)
	go func() {
		renewal := time.NewTicker(Lease / 3)
		defer renewal.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-renewal.C:
			}
			r := c.request
			_ = c.store.q.IdempotencyRenew(ctx, c.store.pool, db.IdempotencyRenewParams{
				UserID: r.User, Operation: r.Operation, Key: r.Key, Claim: c.id, LeaseSeconds: Lease.Seconds(),
			})
		}
	}()
	return release
}

// Keep keeps the answer, and gives the one that counts: where somebody took the claim over and answered first,
// theirs. An answer that is too large is not kept.
func (c *Claim) Keep(ctx context.Context, answer Answer) (_ []byte, err error) {
	defer fault.Wrap(&err, "keep the answer of %s", c.request.Operation)
	if len(answer.JSON) > MaxAnswer {
		return answer.JSON, c.GiveUp(ctx)
	}
	return c.store.keeps.Do(ctx, struct{}{}, keep{c, answer})
}

// GiveUp lets the next request with the key and the same input run at once: this one failed.
func (c *Claim) GiveUp(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "give up a key of %s", c.request.Operation)
	return c.store.q.IdempotencyGiveUp(ctx, c.store.pool, db.IdempotencyGiveUpParams{
		UserID: c.request.User, Operation: c.request.Operation, Key: c.request.Key, Claim: c.id,
	})
}
