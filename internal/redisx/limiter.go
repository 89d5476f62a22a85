package redisx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limiter says whether it is too soon to do a thing again, for all servers together. It forgets by itself.
type Limiter struct{ client redis.UniversalClient }

// NewLimiter makes a Limiter.
func NewLimiter(client redis.UniversalClient) *Limiter { return &Limiter{client} }

// Once lets the first through that asks with a key, and nobody after it for so long. An error says that Redis does not
// answer, and nothing about the key.
func (l *Limiter) Once(ctx context.Context, key string, per time.Duration) (first bool, err error) {
	err = l.client.SetArgs(ctx, "souk:once:"+key, 1, redis.SetArgs{Mode: "NX", TTL: per}).Err()
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, redis.Nil):
		return false, nil
	}
	return false, fmt.Errorf("ask redis for %s: %w", key, err)
}
