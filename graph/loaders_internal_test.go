package graph

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// The events of a burst ask for all their people by one query, at the first name that any of them needs; what nobody needs is
// not asked for.
func TestABurstAsksForItsPeopleOnce(t *testing.T) {
	t.Parallel()
	var events []any
	var people []uuid.UUID
	for range 40 {
		leader, bidder := id.New(), id.New()
		people = append(people, leader, bidder)
		events = append(events, model.AuctionEvent{Auction: auction.Auction{LeaderID: &leader}, Bids: []auction.Bid{{BidderID: bidder}}})
	}
	var queries atomic.Int32
	read := func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]identity.User, error) {
		queries.Add(1)
		users := map[uuid.UUID]identity.User{}
		for _, asked := range ids {
			users[asked] = identity.User{ID: asked}
		}
		return users, nil
	}
	l := &loaders{sources: &sources{user: &source[uuid.UUID, identity.User]{read, peopleOf}}, gather: time.Millisecond, known: events}
	ctx := context.WithValue(t.Context(), loadersKey{}, l)
	if len(l.made) > 0 || queries.Load() > 0 {
		t.Fatal("asked before anybody wanted to know")
	}
	for _, person := range slices.Backward(people) {
		if user, err := load(ctx).user.Load(ctx, person); err != nil || user.ID != person {
			t.Fatalf("%v, %v", user.ID, err)
		}
	}
	if n := queries.Load(); n != 1 {
		t.Errorf("%d queries for a burst", n)
	}
}
