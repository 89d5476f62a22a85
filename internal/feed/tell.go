package feed

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/realtime"
)

// News is one thing to tell one user.
type News struct {
	User   uuid.UUID
	Kind   Kind
	Object id.ID
}

// TellTx tells several users, in the order of their ids, so that two transactions that tell the same do not wait for each other.
func TellTx(ctx context.Context, tx pgx.Tx, news ...News) ([]realtime.Event, error) {
	slices.SortStableFunc(news, func(a, b News) int { return bytes.Compare(a.User[:], b.User[:]) })
	told := make([]realtime.Event, len(news))
	for i, n := range news {
		var err error
		if told[i], err = AppendTx(ctx, tx, n.User, n.Kind, n.Object); err != nil {
			return nil, err
		}
	}
	return told, nil
}
