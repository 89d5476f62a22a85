package idempotency

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/pgtest"
)

// blind fails every look at what stands under a key.
type blind struct{}

func (blind) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if !strings.Contains(q.SQL, "name: IdempotencyGet") {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func (blind) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Of keys that are claimed together, one whose first use cannot be looked up fails alone: the others have their claims, which nobody
// would hold if they were claimed again.
func TestALookThatFailsTakesNoClaim(t *testing.T) {
	t.Parallel()
	ctx, data := t.Context(), pgtest.New(t)
	config := data.Pool.Config()
	config.ConnConfig.Tracer = blind{}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	user := uuid.New()
	request := func(key string) Request { return Request{User: user, Operation: "bidPlace", Key: key} }
	if found, err := New(data.Pool).Claim(ctx, request("taken")); err != nil || found.Claim == nil {
		t.Fatalf("%+v, %v", found, err)
	}

	s := New(pool)
	answers := oneByOne(s.claimAll)(ctx, struct{}{}, []Request{request("taken"), request("free")})
	if answers[0].Err == nil || answers[0].Value.Claim != nil {
		t.Errorf("the key that is taken: %+v", answers[0])
	}
	if answers[1].Err != nil || answers[1].Value.Claim == nil {
		t.Errorf("the free key: %+v", answers[1])
	}
}
