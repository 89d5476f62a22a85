package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
)

// A refund has one step at the provider, which moves money, so a lost answer leaves no id to ask by. What keeps it
// from being sent twice is time: a key is sent for a minute; then nothing is sent until whatever was has been
// decided; then the provider's own list tells, and only where the refund is not in it there is another key.
const (
	refundSending = time.Minute     // how old an attempt may be and still send its key
	refundDecided = 3 * time.Minute // how old it is when each request with its key has ended
)

// advanceRefund takes a refund as far as it goes now. A failed call to the provider is no error here.
func (s *Service) advanceRefund(ctx context.Context, row db.Refund, age time.Duration) (db.Refund, error) {
	if row.Status == string(RefundFailed) {
		return row, nil
	}
	row, sent, err := s.findRefund(ctx, row, age)
	var store *storeError
	switch {
	case errors.As(err, &store):
		return row, store.err
	case err != nil:
		return s.afterFailedRefund(ctx, row, err)
	case sent.ID == "":
		return row, nil
	}
	return s.recordRefund(ctx, row, sent)
}

// findRefund is the refund as the provider has it, sent now if it may be, and the row as it is then; the zero
// value where it is not known yet.
func (s *Service) findRefund(ctx context.Context, row db.Refund, age time.Duration) (db.Refund, SentRefund, error) {
	if row.ProviderID != nil {
		sent, err := s.provider.Refund(ctx, *row.ProviderID)
		return row, sent, s.alwaysKnown(ctx, *row.ProviderID, err)
	}
	if age >= refundSending {
		sent, err := s.searchRefund(ctx, row)
		if err != nil || sent.ID != "" || age < refundDecided {
			return row, sent, err
		}
		next, err := s.q.RefundNextAttempt(ctx, s.pool, row.ID, row.Attempt)
		if errors.Is(err, pgx.ErrNoRows) { // a rival was faster
			return row, SentRefund{}, nil
		}
		if err != nil {
			return row, SentRefund{}, &storeError{err}
		}
		row = next
	}
	sent, err := s.sendRefund(ctx, row)
	return row, sent, err
}

// sendRefund asks for the refund with the attempt's key. After any answer but a good one it looks whether the
// refund is there all the same: a refusal may speak of what the same key, or the one before it, has done.
func (s *Service) sendRefund(ctx context.Context, row db.Refund) (SentRefund, error) {
	ctx, cancel := context.WithTimeout(ctx, refundSending)
	defer cancel()
	sent, err := s.provider.CreateRefund(ctx, RefundRequest{
		Key:    fmt.Sprintf("refund:%s:%d:create", row.ID, row.Attempt),
		Intent: row.IntentID, Amount: refundAmount(row), Reference: refundReference(row.ID),
	})
	if err == nil || asProviderError(err).Outcome == Busy || asProviderError(err).Outcome == Locked {
		return sent, err
	}
	there, lookErr := s.searchRefund(ctx, row)
	switch {
	case lookErr != nil:
		// What was refused is not final before the look.
		return SentRefund{}, &ProviderError{Op: "look for a refund", Outcome: Unknown, Err: errors.Join(err, lookErr)}
	case there.ID != "":
		return there, nil
	}
	if asProviderError(err).Code == failedNoMethod { // the payment that is to be refunded
		return SentRefund{}, s.alwaysKnown(ctx, row.IntentID, err)
	}
	return SentRefund{}, err
}

// searchRefund looks for the refund among those of its charge; the zero value where it is not there.
func (s *Service) searchRefund(ctx context.Context, row db.Refund) (SentRefund, error) {
	all, err := s.provider.RefundsOfIntent(ctx, row.IntentID)
	if err != nil {
		return SentRefund{}, s.alwaysKnown(ctx, row.IntentID, err)
	}
	for _, sent := range all {
		if sent.Reference == refundReference(row.ID) {
			return sent, nil
		}
	}
	return SentRefund{}, nil
}

// alwaysKnown reads a refusal to look at what the provider itself gave us: we ask the wrong one, which says nothing
// about the money.
func (s *Service) alwaysKnown(ctx context.Context, id string, err error) error {
	if err == nil || asProviderError(err).Outcome != Rejected {
		return err
	}
	s.log.ErrorContext(ctx, "the provider does not know what it gave us", "id", id, "error", err)
	return &ProviderError{Op: "look up", Outcome: Unknown, Err: err}
}

// afterFailedRefund fails the refund where the answer is definite, and leaves it open otherwise.
func (s *Service) afterFailedRefund(ctx context.Context, row db.Refund, err error) (db.Refund, error) {
	e := asProviderError(err)
	s.log.Log(ctx, e.Outcome.level(), "the provider did not complete a refund", "refund", row.ID, "outcome", e.Outcome.String(), "error", err)
	if e.Outcome != Refused && e.Outcome != Rejected {
		return row, nil
	}
	return s.rejectRefund(ctx, row)
}

const referenceOfRefund = "refund:"

// refundReference is what the provider keeps beside a refund, so that it can be found there.
func refundReference(id uuid.UUID) string { return referenceOfRefund + id.String() }

// refundChanged brings a refund to where the provider has it; also one that had settled.
func (s *Service) refundChanged(ctx context.Context, providerID string) (ignored string, err error) {
	refund, err := s.refundOfProvider(ctx, providerID)
	if err != nil {
		return "", err
	}
	now, err := s.PushRefund(ctx, refund)
	if errors.Is(err, ErrRefundNotFound) {
		return "no refund of ours is " + providerID, nil
	}
	if err == nil && now.Status == RefundProcessing {
		err = errStillOpen
	}
	return "", err
}

// refundOfProvider is the refund that the provider's id is of, or that its mark there names: an event may be faster
// than the answer which has the id. It is the zero value where there is none.
func (s *Service) refundOfProvider(ctx context.Context, providerID string) (uuid.UUID, error) {
	row, err := s.q.RefundOfProvider(ctx, s.pool, providerID)
	if !errors.Is(err, pgx.ErrNoRows) {
		return row.ID, err
	}
	sent, err := s.provider.Refund(ctx, providerID)
	if err != nil {
		return uuid.Nil, err
	}
	text, ours := strings.CutPrefix(sent.Reference, referenceOfRefund)
	if !ours {
		return uuid.Nil, nil
	}
	refund, _ := uuid.Parse(text) // the zero value for what somebody else wrote there
	return refund, nil
}
