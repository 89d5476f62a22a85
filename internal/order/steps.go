package order

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Step is something that happened to an order, as its events have it.
type Step struct {
	OrderID uuid.UUID
	Kind    string
	Version int64
	At      time.Time
}

// newestSteps is how many steps of a conversation's orders are shown.
const newestSteps = 50

// Steps reads, for a loader, the steps of orders, the oldest first. Who may see the order may see them.
func (s *Service) Steps(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Step, error) {
	rows, err := s.q.OrderStepsOfOrders(ctx, s.pool, orders)
	steps := make(map[uuid.UUID][]Step, len(orders))
	for _, row := range rows {
		steps[row.OrderID] = append(steps[row.OrderID], Step{row.OrderID, row.Kind, row.Version, row.At})
	}
	return steps, err
}

// StepsOfConversations reads, for a loader, the newest fifty steps of what the buyer of each conversation ordered of its listing, the oldest first. Who may see the conversation may see them.
func (s *Service) StepsOfConversations(ctx context.Context, conversations []uuid.UUID) (map[uuid.UUID][]Step, error) {
	rows, err := s.q.OrderStepsOfConversations(ctx, s.pool, newestSteps, conversations)
	steps := make(map[uuid.UUID][]Step, len(conversations))
	for _, row := range rows {
		steps[row.ConversationID] = append(steps[row.ConversationID], Step{row.OrderID, row.Kind, row.Version, row.At})
	}
	return steps, err
}
