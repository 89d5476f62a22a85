package handover

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// maxWrong is how many wrong codes an order takes: of a million, so that nobody finds one by trying.
const maxWrong = 5

// The refusals of this package.
var (
	ErrCode   = fault.New(fault.Precondition, "HAND_OVER_CODE", "This is not the code that the buyer has.")
	ErrLocked = fault.New(fault.Precondition, "HAND_OVER_LOCKED", "Too many wrong codes were typed in: send the order by orderShip, and let its buyer confirm that it is there.")
)

// Service holds the use cases of this package.
type Service struct {
	pool   *pgxpool.Pool
	q      *db.Queries
	orders *order.Service
	hub    realtime.Publisher
	key    []byte
}

// New makes a Service. Codes follow from the key: all servers have the same, and none is kept.
func New(pool *pgxpool.Pool, orders *order.Service, hub realtime.Publisher, key []byte) *Service {
	return &Service{pool: pool, q: db.New(), orders: orders, hub: hub, key: key}
}

// Code is what the buyer of an order shows to who hands it over: six digits. It is empty for others, and where there is nothing to hand over now.
func (s *Service) Code(user uuid.UUID, o order.Order) string {
	if user != o.BuyerID || !open(o.Payment, o.Fulfilment) || o.Disputed {
		return ""
	}
	return s.code(o.ID)
}

func (s *Service) code(order uuid.UUID) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte("hand over " + order.String())) // a hash never fails
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac.Sum(nil))%1_000_000)
}

// open says whether an order may be handed over: it is paid, or its card is to be charged, and it is not there yet.
func open(p order.Payment, f order.Fulfilment) bool {
	return (p == order.Authorised || p == order.Paid) && (f == order.FulfilmentPending || f == order.Sent || f == order.EnRoute)
}

// HandOver records that a seller has given an order to its buyer, who showed the code: what was authorised is captured, and the order is received. Doing it
// again with the code goes on from where it was, so that a retry is harmless.
func (s *Service) HandOver(ctx context.Context, seller, id uuid.UUID, code string) (_ order.Order, err error) {
	defer fault.Wrap(&err, "hand order %s over", id)
	var refusal error
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		refusal, err = s.checkTx(ctx, tx, seller, id, code)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return order.Order{}, err
	}
	ctx = context.WithoutCancel(ctx)
	o, err := s.orders.Get(ctx, seller, id)
	if err != nil || o.Fulfilment == order.Received {
		return o, err
	}
	if o.Fulfilment == order.FulfilmentPending {
		if _, err := s.orders.Ship(ctx, seller, id, ""); err != nil {
			return order.Order{}, err
		}
	}
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		told, err = s.orders.DeliveredTx(ctx, tx, id)
		return err
	})
	if err != nil {
		return order.Order{}, err
	}
	if len(told) > 0 {
		s.hub.Publish(ctx, told...)
	}
	return s.orders.Get(ctx, seller, id)
}

// checkTx compares the code, under the order's lock. A wrong one is counted, which is to be committed beside the refusal.
func (s *Service) checkTx(ctx context.Context, tx pgx.Tx, seller, id uuid.UUID, code string) (refusal, err error) {
	row, err := s.q.HandOverOrderLock(ctx, tx, id, seller)
	if postgres.NoRows(err) {
		return order.ErrNotFound.At("orderId"), nil
	}
	if err == nil {
		err = s.q.HandOverBegin(ctx, tx, id)
	}
	if err != nil {
		return nil, err
	}
	so, err := s.q.HandOverGet(ctx, tx, id)
	right := subtle.ConstantTimeCompare([]byte(strings.TrimSpace(code)), []byte(s.code(id))) == 1
	switch {
	case err != nil:
		return nil, err
	case so.HandedAt != nil && right:
		return nil, nil
	case !row.Goods, row.Disputed, !open(order.Payment(row.Payment), order.Fulfilment(row.Fulfilment)):
		return order.ErrMove.At("orderId"), nil
	case so.Wrong >= maxWrong:
		return ErrLocked.At("code"), nil
	case !right:
		return ErrCode.At("code").With("left", maxWrong-1-int(so.Wrong)), s.q.HandOverWrong(ctx, tx, id)
	}
	return nil, s.q.HandOverRight(ctx, tx, id)
}
