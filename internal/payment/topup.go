package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// TopUpStatus is how far a top-up has come.
type TopUpStatus string

// The statuses. Succeeded and Failed are final.
const (
	Processing     TopUpStatus = "PROCESSING"      // the provider's answer is not known yet; a job finds out
	RequiresAction TopUpStatus = "REQUIRES_ACTION" // the card's holder has to authenticate
	TopUpSucceeded TopUpStatus = "SUCCEEDED"
	TopUpFailed    TopUpStatus = "FAILED"
)

// TopUp is money on its way from a card into its owner's wallet.
type TopUp struct {
	ID          uuid.UUID
	User        uuid.UUID
	Amount      money.Amount
	Status      TopUpStatus
	FailureCode string // the provider's, where it failed
	CreatedAt   time.Time
	ResolvedAt  *time.Time

	nextActionURL string
	declineCode   string
}

// NextActionURL is where the card's holder authenticates, while the top-up waits for it.
func (t TopUp) NextActionURL() *string {
	if t.Status != RequiresAction || t.nextActionURL == "" {
		return nil
	}
	return &t.nextActionURL
}

// Refusal is why the top-up failed; nil where it did not.
func (t TopUp) Refusal() error {
	if t.Status != TopUpFailed {
		return nil
	}
	return failure(t.FailureCode, t.declineCode)
}

// RefusalCode is the code of Refusal.
func (t TopUp) RefusalCode() *string { return codeOf(t.Refusal()) }

// codeOf is a refusal's code; nil where there is none.
func codeOf(err error) *string {
	refusal, ok := fault.As(err)
	if !ok {
		return nil
	}
	return &refusal.Code
}

// TopUpInput asks for a top-up.
type TopUpInput struct {
	Amount         money.Amount
	PaymentMethod  string     // the provider's id of a card that is not saved
	Card           *uuid.UUID // or a saved one
	IdempotencyKey string     // the client's; one key is one top-up for ever
}

// TopUp charges a card and credits the user's wallet.
//
// It answers the top-up and, where the card was refused, the refusal beside it. A card that wants its
// holder leaves it at RequiresAction, with the address where they authenticate. A top-up whose outcome
// is not known yet is Processing without an error: a job resolves it, and TopUpOf tells. The same key with the same input answers the same top-up as it is now; with
// other input it is IDEMPOTENCY_KEY_REUSED. The call goes on when ctx is cancelled: a client that
// hangs up does not leave a charge in doubt.
func (s *Service) TopUp(ctx context.Context, user uuid.UUID, in TopUpInput) (top TopUp, err error) {
	defer fault.Wrap(&err, "top up")
	if err := in.check(); err != nil {
		return TopUp{}, err
	}
	row, fresh, err := s.openTopUp(ctx, user, in)
	if err != nil {
		return TopUp{}, err
	}
	if fresh {
		row, err = s.advance(context.WithoutCancel(ctx), row, 0)
		if err := unlessUnheard(err); err != nil {
			return TopUp{}, err
		}
	}
	top = topUpFrom(row)
	return top, top.Refusal()
}

// RefreshTopUp asks the provider what has become of one of the user's own top-ups. It answers as TopUp does.
func (s *Service) RefreshTopUp(ctx context.Context, user, id uuid.UUID) (TopUp, error) {
	if _, err := s.TopUpOf(ctx, user, id); err != nil {
		return TopUp{}, err
	}
	top, err := s.Resolve(context.WithoutCancel(ctx), id)
	if err != nil {
		return TopUp{}, err
	}
	return top, top.Refusal()
}

// openTopUp commits the intent and the job that will look after it, before the provider is called.
func (s *Service) openTopUp(ctx context.Context, user uuid.UUID, in TopUpInput) (row db.TopUp, fresh bool, err error) {
	hash := in.hash()
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		// First, so that the answer stays the same when the card is removed later.
		if row, err = s.q.TopUpByKey(ctx, tx, user, in.IdempotencyKey); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		method, err := s.methodOf(ctx, tx, user, in)
		if err != nil {
			return err
		}
		row, err = s.q.TopUpInsert(ctx, tx, db.TopUpInsertParams{
			ID: id.New(), UserID: user, Amount: in.Amount.Minor, Currency: string(in.Amount.Currency),
			CardID: in.Card, PaymentMethod: method, IdempotencyKey: in.IdempotencyKey, RequestHash: hash,
		})
		if fresh = err == nil; fresh {
			_, err = s.jobs.InsertTx(ctx, tx, TopUpResolve{ID: row.ID}, &river.InsertOpts{ScheduledAt: s.clock.Now().Add(firstLook)})
			return err
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		row, err = s.q.TopUpByKey(ctx, tx, user, in.IdempotencyKey)
		return err
	})
	if err != nil {
		return db.TopUp{}, false, fmt.Errorf("open: %w", err)
	}
	if !bytes.Equal(row.RequestHash, hash) {
		return db.TopUp{}, false, ErrKeyReused
	}
	return row, fresh, nil
}

// methodOf is the provider's id of what pays: the saved card's, or the one that was named.
func (s *Service) methodOf(ctx context.Context, tx pgx.Tx, user uuid.UUID, in TopUpInput) (string, error) {
	if in.Card == nil {
		return in.PaymentMethod, nil
	}
	return s.UsableCardTx(ctx, tx, user, *in.Card)
}

func (in TopUpInput) check() error {
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return err
	}
	if in.Card != nil && in.PaymentMethod != "" {
		return ErrCardOrMethod
	}
	if in.Card == nil && !printable(in.PaymentMethod) {
		return ErrPaymentMethodMissing
	}
	return checkAmount(in.Amount)
}

// printable tells whether text may be stored and sent in a header: at most 255 characters
// of ASCII, without spaces or controls.
func printable(text string) bool {
	for _, r := range text {
		if r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' {
			return false
		}
	}
	return text != "" && len(text) <= 255
}

// Printable tells whether text may be an idempotency key.
func Printable(text string) bool { return printable(text) }

// hash is of everything that has to be the same when a key is used again.
func (in TopUpInput) hash() []byte {
	if in.Card != nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "top_up by card\n%d\n%s\n%s", in.Amount.Minor, in.Amount.Currency, in.Card))
		return sum[:]
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "top_up\n%d\n%s\n%s", in.Amount.Minor, in.Amount.Currency, in.PaymentMethod))
	return sum[:]
}

func topUpFrom(row db.TopUp) TopUp {
	return TopUp{
		ID: row.ID, User: row.UserID, Amount: amountOf(row), Status: TopUpStatus(row.Status),
		FailureCode: deref(row.FailureCode), CreatedAt: row.CreatedAt, ResolvedAt: row.ResolvedAt,
		nextActionURL: deref(row.NextActionUrl), declineCode: deref(row.DeclineCode),
	}
}

func amountOf(row db.TopUp) money.Amount { return money.New(row.Amount, money.Currency(row.Currency)) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
