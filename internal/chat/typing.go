package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
)

const (
	typingLasts = 5 * time.Second // unless it is said again
	typingEvery = time.Second     // how often it may be
)

// Typing says that a member of a conversation writes. Nobody needs to know later: it is broadcast, and expires by itself.
type Typing struct {
	UserID    uuid.UUID `json:"userId"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// typist is whose haste is bounded: a member, in one conversation.
type typist struct{ conversation, member uuid.UUID }

// Typing tells a conversation's other member that this one writes.
func (s *Service) Typing(ctx context.Context, member, conversation uuid.UUID) (_ Typing, err error) {
	defer fault.Wrap(&err, "tell of typing")
	if _, err := s.Get(ctx, member, conversation); err != nil {
		return Typing{}, err
	}
	if wait, ok := s.typists.Take(typist{conversation, member}); !ok {
		return Typing{}, tooOften(wait)
	}
	typing := Typing{UserID: member, ExpiresAt: s.clock.Now().Add(typingLasts)}
	return typing, s.hub.Broadcast(ctx, Topic(conversation), typing)
}

// TypingOfOthers reads the Typing that a broadcast on a conversation's topic carries; ok is false for the member's own.
func TypingOfOthers(member uuid.UUID) func(json.RawMessage) (_ Typing, ok bool, err error) {
	return func(broadcast json.RawMessage) (t Typing, ok bool, err error) {
		if err := json.Unmarshal(broadcast, &t); err != nil {
			return Typing{}, false, fmt.Errorf("read who types: %w", err)
		}
		return t, t.UserID != member, nil
	}
}
