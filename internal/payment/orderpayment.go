package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Orders is what payment tells the orders that are paid through it; package order is it. Each method runs in
// payment's transaction, under the order's lock, and answers what to publish after the commit.
type Orders interface {
	// LockTx locks an order's row, before any row of its payment.
	LockTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) error
	// AuthorisedTx: the money is set aside, on the card and in the wallet.
	AuthorisedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error)
	// CapturedTx: the money is in escrow. sent is the shipment that it was taken for, if it was for one.
	CapturedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, sent *Shipment) ([]realtime.Event, error)
	// UnpaidTx: what was authorised is not any more.
	UnpaidTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error)
	// ChargedBackTx: the card's bank takes money of it back, or has decided. What becomes of money that it puts back is posted
	// after that; nil where it stays in escrow.
	ChargedBackTx(ctx context.Context, tx pgx.Tx, order uuid.UUID, c OrderChargeback) ([]realtime.Event, Settlement, error)
	// VoidedTx: the card has been let go.
	VoidedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) ([]realtime.Event, error)
}

// Shipment is what a seller says of the goods that they send.
type Shipment struct{ Tracking string }

// ServeOrders ties the orders to payment, once, before anything is paid.
func (s *Service) ServeOrders(orders Orders) { s.orders = orders }

// OrderPaymentStatus is how far an order's payment has come.
type OrderPaymentStatus string

// The statuses. Captured, Voided and Failed are final.
const (
	OrderProcessing     OrderPaymentStatus = "PROCESSING"      // the provider's answer is not known yet; a job finds out
	OrderRequiresAction OrderPaymentStatus = "REQUIRES_ACTION" // the card's holder has to authenticate
	OrderAuthorised     OrderPaymentStatus = "AUTHORISED"      // set aside, to be taken when the goods are sent
	OrderCapturing      OrderPaymentStatus = "CAPTURING"       // being taken; a job finds out
	OrderCaptured       OrderPaymentStatus = "CAPTURED"        // in escrow
	OrderVoiding        OrderPaymentStatus = "VOIDING"         // the card is being let go; a job finishes that
	OrderVoided         OrderPaymentStatus = "VOIDED"
	OrderFailed         OrderPaymentStatus = "FAILED"
)

// OrderPayment is one way in which a buyer pays an order, or tried to.
type OrderPayment struct {
	ID           uuid.UUID
	Order        uuid.UUID
	User         uuid.UUID
	WalletAmount money.Amount
	CardAmount   money.Amount
	Card         *uuid.UUID
	Status       OrderPaymentStatus
	CreatedAt    time.Time
	ResolvedAt   *time.Time

	nextActionURL string
	failure       decline
}

// NextActionURL is where the card's holder authenticates, while the payment waits for it.
func (p OrderPayment) NextActionURL() *string {
	if p.Status != OrderRequiresAction {
		return nil
	}
	return optional(p.nextActionURL)
}

// Refusal is why the payment failed; nil where it did not.
func (p OrderPayment) Refusal() error {
	if p.Status != OrderFailed {
		return nil
	}
	switch p.failure.code {
	case failedAbandoned:
		return ErrOrderPaymentAbandoned
	case failedExpired:
		return ErrAuthorisationExpired
	}
	err := failure(p.failure.code, p.failure.declineCode)
	if e, ok := fault.As(err); ok && len(e.Field) > 0 { // cards of orders are saved ones
		return e.At("cardId")
	}
	return err
}

// RefusalCode is the code of Refusal.
func (p OrderPayment) RefusalCode() *string { return codeOf(p.Refusal()) }

// OrderPaymentInput is how a buyer pays an order: the wallet's part and the card's are its total.
type OrderPaymentInput struct {
	Order          uuid.UUID
	Buyer          uuid.UUID
	Total          money.Amount
	Wallet         money.Amount // of the total
	Card           *uuid.UUID   // a saved one, for the rest
	IdempotencyKey string
}

// card is the card's part.
func (in OrderPaymentInput) card() money.Amount {
	return money.New(in.Total.Minor-in.Wallet.Minor, in.Total.Currency)
}

// Check refuses what cannot be paid in this way.
func (in OrderPaymentInput) Check() error {
	switch {
	case !printable(in.IdempotencyKey):
		return ErrKeyInvalid
	case in.Wallet.Currency != in.Total.Currency:
		return money.ErrMismatch.At("walletAmount")
	case in.Wallet.Minor < 0 || in.Wallet.Minor > in.Total.Minor:
		return ErrSplit.At("walletAmount").With("maximum", in.Total)
	case in.Card == nil && in.Wallet != in.Total:
		return ErrCardMissing.At("cardId").With("remainder", in.card())
	case in.Card != nil && in.Wallet == in.Total:
		return ErrSplit.At("walletAmount").With("maximum", in.Total)
	case in.Card != nil:
		return checkCardAmount(in.card())
	}
	return nil
}

// hash is of everything that has to be the same when a key is used again.
func (in OrderPaymentInput) hash() []byte {
	card := "wallet"
	if in.Card != nil {
		card = in.Card.String()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "order_payment\n%s\n%d\n%s\n%s", in.Order, in.Wallet.Minor, in.Wallet.Currency, card))
	return sum[:]
}

// OrderPaymentByKeyTx is the payment that a key stands for, nil where it is new. A key of other input is refused.
func (s *Service) OrderPaymentByKeyTx(ctx context.Context, tx pgx.Tx, in OrderPaymentInput) (*OrderPayment, error) {
	row, err := s.q.OrderPaymentByKey(ctx, tx, in.Buyer, in.IdempotencyKey)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(row.RequestHash, in.hash()) {
		return nil, ErrKeyReused
	}
	p := orderPaymentFrom(row)
	return &p, nil
}

// OpenOrderPaymentTx begins to pay an order whose row the caller has locked; it is the last thing its transaction
// does. From the wallet alone the money is in escrow with the commit. With a card, the wallet's part is held, a job
// is there, and AdvanceOrderPayment goes on after the commit. A payment that waits for its card's holder is given
// up for this one; one that is under way otherwise refuses it. There is no savepoint: after a refusal the transaction can only be rolled back.
func (s *Service) OpenOrderPaymentTx(ctx context.Context, tx pgx.Tx, in OrderPaymentInput) (_ OrderPayment, told []realtime.Event, err error) {
	defer fault.Wrap(&err, "pay order %s", in.Order)
	if err := in.Check(); err != nil {
		return OrderPayment{}, nil, err
	}
	last, event, err := s.supersedeTx(ctx, tx, in.Order)
	if err != nil {
		return OrderPayment{}, nil, err
	}
	if last != nil {
		told = []realtime.Event{event}
	}
	var row db.OrderPayment
	if in.Card == nil {
		row, err = s.payFromWalletTx(ctx, tx, in, last)
	} else {
		row, err = s.openCardPaymentTx(ctx, tx, in, last)
	}
	if postgres.Violates(err, "order_payment_user_id_idempotency_key_key") { // used on another order meanwhile
		err = ErrKeyReused
	}
	return orderPaymentFrom(row), told, err
}

// supersedeTx gives up the payment that waits for its card's holder, if there is one; its hold is still to be released.
func (s *Service) supersedeTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (*db.OrderPayment, realtime.Event, error) {
	live, err := s.q.OrderPaymentLive(ctx, tx, order)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, realtime.Event{}, nil
	case err != nil:
		return nil, realtime.Event{}, err
	case live.Status != string(OrderRequiresAction):
		return nil, realtime.Event{}, ErrPaymentInProgress
	}
	row, err := s.voidTx(ctx, tx, live)
	if err != nil {
		return nil, realtime.Event{}, err
	}
	event, err := tellPaymentTx(ctx, tx, row)
	return &row, event, err
}

func (s *Service) payFromWalletTx(ctx context.Context, tx pgx.Tx, in OrderPaymentInput, last *db.OrderPayment) (db.OrderPayment, error) {
	row, err := s.q.OrderPaymentInsert(ctx, tx, db.OrderPaymentInsertParams{
		ID: id.New(), OrderID: in.Order, UserID: in.Buyer, WalletAmount: in.Total.Minor, Currency: string(in.Total.Currency),
		IdempotencyKey: &in.IdempotencyKey, RequestHash: in.hash(), Status: string(OrderCaptured),
	})
	if err == nil && last != nil {
		err = s.releaseHoldTx(ctx, tx, *last)
	}
	if err != nil {
		return row, err
	}
	return row, s.PayFromWalletTx(ctx, tx, in.Buyer, in.Order, in.Total, orderKey(in.Order, "pay"))
}

func (s *Service) openCardPaymentTx(ctx context.Context, tx pgx.Tx, in OrderPaymentInput, last *db.OrderPayment) (db.OrderPayment, error) {
	method, err := s.UsableCardTx(ctx, tx, in.Buyer, *in.Card)
	if err != nil {
		return db.OrderPayment{}, err
	}
	insert := db.OrderPaymentInsertParams{
		ID: id.New(), OrderID: in.Order, UserID: in.Buyer, WalletAmount: in.Wallet.Minor, CardAmount: in.card().Minor,
		Currency: string(in.Total.Currency), CardID: in.Card, PaymentMethod: &method,
		IdempotencyKey: &in.IdempotencyKey, RequestHash: in.hash(), Status: string(OrderProcessing),
	}
	holds := HoldChange{Cause: orderCause(in.Order)}
	if in.Wallet.Minor > 0 {
		insert.HoldID = new(id.New())
		holds.Open = []NewHold{{ID: *insert.HoldID, User: in.Buyer, Amount: in.Wallet}}
	}
	if last != nil && last.HoldID != nil {
		holds.Release = []uuid.UUID{*last.HoldID}
	}
	row, err := s.q.OrderPaymentInsert(ctx, tx, insert)
	if err == nil {
		err = s.watchTx(ctx, tx, row)
	}
	if err != nil {
		return row, err
	}
	holds.Key = paymentKey(row, "hold")
	return row, s.ChangeHoldsTx(ctx, tx, holds)
}

// watchTx enqueues the job that finishes what the caller may not.
func (s *Service) watchTx(ctx context.Context, tx pgx.Tx, row db.OrderPayment) error {
	_, err := s.jobs.InsertTx(ctx, tx, OrderPaymentResolve{ID: row.ID}, &river.InsertOpts{ScheduledAt: s.clock.Now().Add(firstLook)})
	return err
}

// UsableCardTx is the provider's id of a card that its user may pay with; CARD_NOT_FOUND where it is another's, or removed.
func (s *Service) UsableCardTx(ctx context.Context, tx pgx.Tx, user, card uuid.UUID) (string, error) {
	row, err := s.q.CardOfUser(ctx, tx, card, user)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && row.RemovedAt != nil:
		return "", ErrCardNotFound.At("cardId")
	case err != nil:
		return "", fmt.Errorf("read the card: %w", err)
	}
	return row.MethodID, nil
}

// PayByHoldTx pays an order that its lot's closing has made, all of it from the winner's hold; what is held above that is free again.
func (s *Service) PayByHoldTx(ctx context.Context, tx pgx.Tx, order, buyer, hold uuid.UUID, total money.Amount) (err error) {
	defer fault.Wrap(&err, "pay order %s by a hold", order)
	return atomically(ctx, tx, func(tx pgx.Tx) error {
		_, err := s.q.OrderPaymentInsert(ctx, tx, db.OrderPaymentInsertParams{
			ID: id.New(), OrderID: order, UserID: buyer, WalletAmount: total.Minor, Currency: string(total.Currency),
			HoldID: &hold, Status: string(OrderCaptured),
		})
		if err != nil {
			return err
		}
		return s.consumeHoldTx(ctx, tx, hold, order, total, orderKey(order, "pay"))
	})
}

// OrderPaymentOf is one of the user's own payments.
func (s *Service) OrderPaymentOf(ctx context.Context, user, payment uuid.UUID) (OrderPayment, error) {
	row, err := s.q.OrderPaymentOfUser(ctx, s.pool, payment, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return OrderPayment{}, ErrOrderPaymentNotFound
	}
	return orderPaymentFrom(row), err
}

// newestPayments is how many of an order's payments are shown.
const newestPayments = 10

// OrderPayments reads, for a loader, the newest ten payments of each of a buyer's own orders, the newest first.
func (s *Service) OrderPayments(ctx context.Context, buyer uuid.UUID, orders []uuid.UUID) (map[uuid.UUID][]OrderPayment, error) {
	rows, err := s.q.OrderPaymentsOfOrders(ctx, s.pool, buyer, orders, newestPayments)
	payments := make(map[uuid.UUID][]OrderPayment, len(orders))
	for _, row := range rows {
		payments[row.OrderID] = append(payments[row.OrderID], orderPaymentFrom(row))
	}
	return payments, err
}

func orderPaymentFrom(row db.OrderPayment) OrderPayment {
	c := money.Currency(row.Currency)
	return OrderPayment{
		ID: row.ID, Order: row.OrderID, User: row.UserID, WalletAmount: money.New(row.WalletAmount, c), CardAmount: money.New(row.CardAmount, c),
		Card: row.CardID, Status: OrderPaymentStatus(row.Status), CreatedAt: row.CreatedAt, ResolvedAt: row.ResolvedAt,
		nextActionURL: deref(row.NextActionUrl), failure: decline{deref(row.FailureCode), deref(row.DeclineCode)},
	}
}

// orderCause is an order as what an entry was posted for.
func orderCause(order uuid.UUID) ledger.Cause { return ledger.Cause{Kind: "order", ID: order} }

// orderKey and paymentKey are ledger keys of what happens to an order, and to one of its payments, once.
func orderKey(order uuid.UUID, what string) string { return "order:" + order.String() + ":" + what }

func paymentKey(row db.OrderPayment, what string) string {
	return "order_payment:" + row.ID.String() + ":" + what
}
