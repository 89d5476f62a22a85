package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// ChargebackStatus is how far a chargeback has come.
type ChargebackStatus string

// The statuses. Won, Lost and Closed are final.
const (
	ChargebackInquiry       ChargebackStatus = "INQUIRY"        // the bank only asks: no money has moved
	ChargebackNeedsResponse ChargebackStatus = "NEEDS_RESPONSE" // the money is withdrawn, and evidence may be submitted
	ChargebackUnderReview   ChargebackStatus = "UNDER_REVIEW"   // evidence was submitted
	ChargebackWon           ChargebackStatus = "WON"            // the money is back
	ChargebackLost          ChargebackStatus = "LOST"
	ChargebackClosed        ChargebackStatus = "CLOSED" // an inquiry that became nothing
)

// Decided says whether nothing will change any more.
func (c ChargebackStatus) Decided() bool { return c.rank() == decidedRank }

// decidedRank is the rank of what is final.
const decidedRank = 4

// rank orders the statuses: a chargeback goes up, never down.
func (c ChargebackStatus) rank() int {
	switch c {
	case ChargebackInquiry:
		return 1
	case ChargebackNeedsResponse:
		return 2
	case ChargebackUnderReview:
		return 3
	case ChargebackWon, ChargebackLost, ChargebackClosed:
		return decidedRank
	}
	return 0
}

// Chargeback is a card payment that the card's bank takes back, or asks about.
type Chargeback struct {
	ID        uuid.UUID
	User      uuid.UUID  // who paid
	TopUp     *uuid.UUID // what they paid for: this,
	Order     *uuid.UUID // or this
	Amount    money.Amount
	Reason    string // the card network's: fraudulent, product_not_received and the like
	Status    ChargebackStatus
	Covered   *money.Amount // of a lost one: what there was to take of it; the rest is the platform's loss
	RespondBy *time.Time
	OpenedAt  time.Time
	DecidedAt *time.Time
}

// ChargebackPage is a page of chargebacks.
type ChargebackPage = page.Page[Chargeback]

// ChargebackEdge is a chargeback with its cursor.
type ChargebackEdge = page.Edge[Chargeback]

const chargebackList = 'K' // marks cursors of this list

// Chargebacks are those of one status, or all, the newest first.
func (s *Service) Chargebacks(ctx context.Context, status *ChargebackStatus, args page.Args) (ChargebackPage, error) {
	size, err := args.Size()
	if err != nil {
		return ChargebackPage{}, err
	}
	asked := page.AskedFor(status)
	before, err := args.Before(chargebackList, asked)
	if err != nil {
		return ChargebackPage{}, err
	}
	rows, err := s.q.ChargebackPage(ctx, s.pool, db.ChargebackPageParams{
		BeforeAt: before.At, BeforeID: before.ID, Status: (*string)(status), PageSize: int32(size + 1),
	})
	if err != nil {
		return ChargebackPage{}, fmt.Errorf("list chargebacks: %w", err)
	}
	from := func(row db.ChargebackPageRow) Chargeback { return chargebackFrom(row.Chargeback, row.OrderID) }
	return page.Of(rows, size, from, func(c Chargeback) string { return page.Key{At: c.OpenedAt, ID: c.ID}.Encode(chargebackList, asked) }), nil
}

// ChargebackByID is any chargeback; whoever asks is staff.
func (s *Service) ChargebackByID(ctx context.Context, id uuid.UUID) (Chargeback, error) {
	row, err := s.q.ChargebackGet(ctx, s.pool, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Chargeback{}, ErrChargebackNotFound
	}
	if err != nil {
		return Chargeback{}, fmt.Errorf("read a chargeback: %w", err)
	}
	return chargebackFrom(row.Chargeback, row.OrderID), nil
}

// ChargebackOf is one of the user's own chargebacks.
func (s *Service) ChargebackOf(ctx context.Context, user, id uuid.UUID) (Chargeback, error) {
	c, err := s.ChargebackByID(ctx, id)
	if err == nil && c.User != user {
		return Chargeback{}, ErrChargebackNotFound
	}
	return c, err
}

func chargebackFrom(row db.Chargeback, order *uuid.UUID) Chargeback {
	c := Chargeback{
		ID: row.ID, User: row.UserID, TopUp: row.TopUpID, Order: order, Amount: chargebackAmount(row), Reason: row.Reason,
		Status: ChargebackStatus(row.Status), RespondBy: row.RespondBy, OpenedAt: row.OpenedAt, DecidedAt: row.DecidedAt,
	}
	if row.Covered != nil {
		covered := money.New(*row.Covered, c.Amount.Currency)
		c.Covered = &covered
	}
	return c
}

func chargebackAmount(row db.Chargeback) money.Amount {
	return money.New(row.Amount, money.Currency(row.Currency))
}
