package chat

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/realtime"
)

// EventMessage is the kind of event that carries a new Message.
const EventMessage = "MESSAGE_SENT"

// Topic is where a conversation's messages are told.
func Topic(conversation uuid.UUID) realtime.Topic {
	return realtime.TopicOf("conversation", conversation)
}

// Snapshot is the event that a new listener begins with: the version reached, without a message.
func (s *Service) Snapshot(member, conversation uuid.UUID) func(context.Context) (realtime.Event, error) {
	return func(ctx context.Context) (realtime.Event, error) {
		c, err := s.Get(ctx, member, conversation)
		return realtime.Event{
			Topic: Topic(conversation), Version: c.Version, Kind: realtime.KindSnapshot, At: c.ActiveAt,
		}, err
	}
}

// MessageOf reads the message that an event carries; a snapshot carries none.
func MessageOf(e realtime.Event) (*Message, error) {
	if e.Kind != EventMessage {
		return nil, nil
	}
	var m Message
	if err := json.Unmarshal(e.Payload, &m); err != nil {
		return nil, fmt.Errorf("message in %s/%d: %w", e.Topic, e.Version, err)
	}
	return &m, nil
}
