package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// customerOf is the provider's id of a user, who is registered there first where need be.
func (s *Service) customerOf(ctx context.Context, user uuid.UUID) (string, error) {
	if err := s.q.CustomerEnsure(ctx, s.pool, user, providerRef); err != nil {
		return "", fmt.Errorf("keep a customer: %w", err)
	}
	row, err := s.q.CustomerOfUser(ctx, s.pool, user, providerRef)
	if err != nil {
		return "", fmt.Errorf("read a customer: %w", err)
	}
	if row.CustomerID != nil {
		return *row.CustomerID, nil
	}
	customer, err := s.provider.CreateCustomer(ctx, "user:"+user.String(), fmt.Sprintf("customer:%s:%d", user, row.Attempt))
	if err != nil {
		if asProviderError(err).Outcome == Poisoned {
			// A second customer of one user does no harm: cards hang on the one that we know.
			if err := s.q.CustomerNextAttempt(ctx, s.pool, user, providerRef, row.Attempt); err != nil {
				return "", fmt.Errorf("keep a customer: %w", err)
			}
		}
		return "", err
	}
	if err := s.q.CustomerSet(ctx, s.pool, customer, user, providerRef); err != nil {
		return "", fmt.Errorf("keep a customer: %w", err)
	}
	if row, err = s.q.CustomerOfUser(ctx, s.pool, user, providerRef); err != nil {
		return "", fmt.Errorf("read a customer: %w", err)
	}
	return deref(row.CustomerID), nil
}
