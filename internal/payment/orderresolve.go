package payment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// AdvanceOrderPayment takes an order's payment as far as it goes now, by asking the provider. Any number may do so at
// once, beside the request that began it: one records. A payment whose outcome stays unknown is answered as it is.
func (s *Service) AdvanceOrderPayment(ctx context.Context, payment uuid.UUID) (OrderPayment, error) {
	p, err := s.resolveOrderPayment(ctx, payment)
	return p, unlessUnheard(err)
}

// resolveOrderPayment is AdvanceOrderPayment, and tells by errUnheard where the provider could not be asked.
func (s *Service) resolveOrderPayment(ctx context.Context, payment uuid.UUID) (_ OrderPayment, err error) {
	defer fault.Wrap(&err, "advance payment %s", payment)
	found, err := s.q.OrderPaymentWithAge(ctx, s.pool, payment)
	if errors.Is(err, pgx.ErrNoRows) {
		return OrderPayment{}, ErrOrderPaymentNotFound
	}
	if err != nil {
		return OrderPayment{}, err
	}
	row, age := found.OrderPayment, time.Duration(found.AgeSeconds)*time.Second
	before := row.Status
	row, err = s.advanceOrderPayment(ctx, row, age)
	if err == nil && row.Status == string(OrderVoiding) && before != row.Status { // voided by a rival meanwhile
		row, err = s.advanceOrderPayment(ctx, row, age)
	}
	return orderPaymentFrom(row), err
}

// RefreshOrderPayment asks the provider what has become of one of the user's own payments. One that failed stands beside why.
func (s *Service) RefreshOrderPayment(ctx context.Context, user, payment uuid.UUID) (OrderPayment, error) {
	if _, err := s.OrderPaymentOf(ctx, user, payment); err != nil {
		return OrderPayment{}, err
	}
	p, err := s.AdvanceOrderPayment(context.WithoutCancel(ctx), payment)
	if err != nil {
		return OrderPayment{}, err
	}
	return p, p.Refusal()
}

func (s *Service) advanceOrderPayment(ctx context.Context, row db.OrderPayment, age time.Duration) (db.OrderPayment, error) {
	p := s.cardPaymentOf(row, age)
	var (
		intent Intent
		err    error
	)
	switch OrderPaymentStatus(row.Status) {
	case OrderProcessing, OrderRequiresAction:
		intent, err = s.bring(ctx, p)
		row.ProviderID = p.providerID
	case OrderAuthorised:
		intent, err = s.look(ctx, *row.ProviderID)
	case OrderCapturing:
		intent, err = s.capture(ctx, p)
	case OrderVoiding:
		intent, err = s.letGo(ctx, p)
	case OrderCaptured, OrderVoided, OrderFailed:
		return row, nil
	}
	if err == nil {
		return s.recordOrderPayment(ctx, row, intent)
	}
	declined, err := s.afterFailedCall(ctx, p, err)
	if err != nil {
		return row, err
	}
	switch OrderPaymentStatus(row.Status) {
	case OrderProcessing, OrderRequiresAction:
		return s.changed(ctx, row, func(tx pgx.Tx, now db.OrderPayment) (orderChange, error) {
			if status := OrderPaymentStatus(now.Status); status != OrderProcessing && status != OrderRequiresAction {
				return orderChange{row: now}, nil
			}
			return s.failedTx(ctx, tx, now, *declined)
		})
	default: // a look is never refused for good, and a card that we said we let go has to be let go
		s.log.ErrorContext(ctx, "the provider neither captures nor lets go", "payment", row.ID, "status", row.Status, "code", declined.code)
		return row, nil
	}
}

// cardPaymentOf is a payment as what its intent needs.
func (s *Service) cardPaymentOf(row db.OrderPayment, age time.Duration) *cardPayment {
	name := "order_payment:" + row.ID.String()
	return &cardPayment{
		name: name, reference: name, age: age, user: row.UserID, amount: money.New(row.CardAmount, money.Currency(row.Currency)),
		card: row.CardID, method: deref(row.PaymentMethod), manual: true, attempt: row.Attempt, providerID: row.ProviderID,
		register: func(ctx context.Context, intentID string) (*string, error) {
			set, err := s.q.OrderPaymentSetProvider(ctx, s.pool, &intentID, row.ID)
			if err != nil || set > 0 {
				return &intentID, err
			}
			now, err := s.q.OrderPaymentGet(ctx, s.pool, row.ID)
			return now.ProviderID, err
		},
		nextAttempt: func(ctx context.Context) error {
			_, err := s.q.OrderPaymentNextAttempt(ctx, s.pool, row.ID, row.Attempt)
			return err
		},
	}
}

// capture takes what was authorised, after a look: another may have taken it, and an old key is no second capture,
// because an intent is captured once. What the provider will not capture is let go.
func (s *Service) capture(ctx context.Context, p *cardPayment) (Intent, error) {
	intent, err := s.look(ctx, *p.providerID)
	if err != nil || intent.State != Authorised {
		return intent, err
	}
	captured, err := s.provider.CaptureIntent(ctx, intent.ID, p.key("capture"))
	captured, err = s.unlessMoved(ctx, intent, captured, err)
	if err == nil {
		return captured, nil
	}
	if outcome := asProviderError(err).Outcome; outcome != Rejected && outcome != Refused {
		return Intent{}, err
	}
	s.log.ErrorContext(ctx, "the provider does not capture what it authorised", "payment", p.reference, "error", err)
	return s.cancel(ctx, p, intent)
}

// letGo cancels an intent, whatever state it is in.
func (s *Service) letGo(ctx context.Context, p *cardPayment) (Intent, error) {
	intent, err := s.look(ctx, *p.providerID)
	if err != nil || intent.State == Canceled || intent.State == Succeeded {
		return intent, err
	}
	return s.cancel(ctx, p, intent)
}

// seenAs is what a payment's status becomes when its intent is seen in a state.
var seenAs = map[OrderPaymentStatus]map[IntentState]OrderPaymentStatus{
	OrderProcessing:     begins,
	OrderRequiresAction: begins,
	OrderAuthorised:     ends,
	OrderCapturing:      ends,
	OrderVoiding:        {Canceled: OrderVoided, Succeeded: OrderVoided}, // taken by somebody else: it is refunded
}

var (
	begins = map[IntentState]OrderPaymentStatus{
		AwaitingHolder: OrderRequiresAction, Authorised: OrderAuthorised, Declined: OrderFailed, Canceled: OrderFailed,
		Succeeded: OrderAuthorised, // that it was captured as well is for the next look
	}
	ends = map[IntentState]OrderPaymentStatus{Succeeded: OrderCaptured, Canceled: OrderFailed}
)

// nextStatus is seenAs, and the status as it is where nothing follows. The sight may be an old one: it is put to the
// status as it is now, which tells what happened meanwhile.
func nextStatus(now OrderPaymentStatus, seen IntentState) OrderPaymentStatus {
	if next, ok := seenAs[now][seen]; ok {
		return next
	}
	return now
}

// recordOrderPayment writes down what the provider says.
func (s *Service) recordOrderPayment(ctx context.Context, row db.OrderPayment, intent Intent) (db.OrderPayment, error) {
	if next := nextStatus(OrderPaymentStatus(row.Status), intent.State); intent.State != Succeeded || next == OrderAuthorised {
		return s.moved(ctx, row, intent, Charge{})
	}
	charge, err := chargeOf(intent, takenOf(row, intent))
	if err != nil || charge.BalanceTxnID == "" { // not on the provider's books yet: its fee is unknown
		return row, err
	}
	return s.moved(ctx, row, intent, charge)
}

// takenOf is what a payment's charge has to be: its card's part. While the card is let go somebody else may have captured less, and
// that is what goes back.
func takenOf(row db.OrderPayment, intent Intent) money.Amount {
	asked, taken := money.New(row.CardAmount, money.Currency(row.Currency)), intent.Charge.Amount
	if row.Status == string(OrderVoiding) && taken.Currency == asked.Currency && taken.Minor > 0 && taken.Minor < asked.Minor {
		return taken
	}
	return asked
}

// moved changes the status as nextStatus has it, under the locks, with all that follows from it.
func (s *Service) moved(ctx context.Context, row db.OrderPayment, intent Intent, charge Charge) (db.OrderPayment, error) {
	return s.changed(ctx, row, func(tx pgx.Tx, now db.OrderPayment) (orderChange, error) {
		status := OrderPaymentStatus(now.Status)
		switch next := nextStatus(status, intent.State); {
		case next == OrderRequiresAction && intent.State == AwaitingHolder:
			return s.awaitedTx(ctx, tx, now, intent)
		case next == status:
			return orderChange{row: now}, nil
		case next == OrderAuthorised:
			return s.authorisedTx(ctx, tx, now)
		case next == OrderCaptured && charge.ID != "": // and not only since we looked
			return s.capturedTx(ctx, tx, now, charge)
		case next == OrderVoided && intent.State == Canceled:
			return s.voidedTx(ctx, tx, now)
		case next == OrderVoided && charge.ID != "":
			s.log.WarnContext(ctx, "what was to be let go was captured by somebody, and is refunded", "payment", now.ID, "intent", intent.ID)
			return s.takenTx(ctx, tx, now, charge)
		case next == OrderFailed:
			return s.failedTx(ctx, tx, now, whyFailed(now, intent))
		}
		return orderChange{row: now}, nil
	})
}

// whyFailed reads an intent that was declined or cancelled.
func whyFailed(row db.OrderPayment, intent Intent) decline {
	switch {
	case intent.State == Declined:
		return decline{intent.FailureCode, intent.DeclineCode}
	case row.Status == string(OrderAuthorised), row.Status == string(OrderCapturing):
		return decline{code: failedExpired}
	}
	return decline{code: failedAbandoned}
}
