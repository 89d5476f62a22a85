package inventory

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/realtime"
)

// low is a stock that a movement brought down to the mark at which its seller is told.
type low struct {
	seller, variant, location uuid.UUID
	kind                      catalog.Kind
	movement                  int64
	left                      int32
}

// tellLowTx tells sellers of what got low: live, and by a notice that they find again, one a movement. Their feeds are locked together with those of others, whom the
// transaction tells after that.
func tellLowTx(ctx context.Context, tx pgx.Tx, lows []low, others ...uuid.UUID) ([]realtime.Event, error) {
	if len(lows) == 0 {
		return nil, nil
	}
	news, notes := make([]feed.News, len(lows)), make([]notify.Note, len(lows))
	for i, l := range lows {
		subject, kind := id.Variant.ID(l.variant), notify.StockLow
		if l.kind == catalog.DigitalCode {
			kind = notify.CodesLow
		}
		others = append(others, l.seller)
		news[i] = feed.News{User: l.seller, Kind: feed.StockLow, Object: subject}
		notes[i] = notify.Note{
			Recipient: l.seller, Kind: kind, Subject: subject, Key: fmt.Sprintf("low:%s:%s:%d", l.variant, l.location, l.movement),
			Parameters: []notify.Parameter{notify.Text("left", strconv.Itoa(int(l.left))), notify.Text("location", id.Location.Encode(l.location))},
		}
	}
	if err := feed.LockTx(ctx, tx, others); err != nil {
		return nil, err
	}
	told, err := feed.TellTx(ctx, tx, news...)
	if err != nil {
		return nil, err
	}
	noticed, err := notify.InsertTx(ctx, tx, notes...)
	return append(told, noticed...), err
}
