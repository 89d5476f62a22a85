package feed

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/realtime"
)

// News is one thing to tell one user.
type News struct {
	User   uuid.UUID
	Kind   Kind
	Object id.ID
}

// TellTx tells several users, by two statements. Their feeds are locked in the order of their ids, so that two transactions that
// tell the same do not wait for each other. A user's own news keep their order.
func TellTx(ctx context.Context, tx pgx.Tx, news ...News) (_ []realtime.Event, err error) {
	if len(news) == 0 {
		return nil, nil
	}
	defer fault.Wrap(&err, "tell %d pieces of news", len(news))
	slices.SortStableFunc(news, func(a, b News) int { return bytes.Compare(a.User[:], b.User[:]) })
	var (
		users  []uuid.UUID
		counts []int32
	)
	for i, n := range news {
		if i == 0 || n.User != news[i-1].User {
			users, counts = append(users, n.User), append(counts, 0)
		}
		counts[len(counts)-1]++
	}
	rows, err := db.New().FeedAdvanceAll(ctx, tx, users, counts)
	if err != nil {
		return nil, err
	}
	next := make(map[uuid.UUID]int64, len(rows))
	for i, user := range users {
		next[user] = 1 - int64(counts[i])
	}
	for _, row := range rows {
		next[row.UserID] += row.Version
	}
	changes := make([]realtime.Change, len(news))
	for i, n := range news {
		changes[i] = realtime.Change{Topic: Topic(n.User), Version: next[n.User], Kind: string(n.Kind), Payload: payload{Object: n.Object.String()}}
		next[n.User]++
	}
	return realtime.AppendAllTx(ctx, tx, changes)
}

// LockTx locks users' feeds until the commit, so that what the transaction writes for them is in the order in which they will be told.
func LockTx(ctx context.Context, tx pgx.Tx, users []uuid.UUID) error {
	return db.New().FeedLock(ctx, tx, users)
}
