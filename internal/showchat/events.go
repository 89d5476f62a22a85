package showchat

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/realtime"
)

// The kinds of a chat's events in the topic of its show.
const (
	EventPosted   = "MESSAGES_POSTED"
	EventDeleted  = "MESSAGE_DELETED"
	EventPinned   = "MESSAGE_PINNED"
	EventUnpinned = "MESSAGE_UNPINNED"
	EventMember   = "CHAT_MEMBER_CHANGED"
	EventSettings = "CHAT_CHANGED"
)

// Change is what an event says of a chat; one thing of it is set.
type Change struct {
	ShowID          uuid.UUID  `json:"-"`
	Posted          *Posted    `json:"posted,omitempty"`
	Message         *uuid.UUID `json:"message,omitempty"` // that was deleted, pinned, or pinned until now
	Member          *Member    `json:"member,omitempty"`  // as they are since
	SlowModeSeconds *int       `json:"slowModeSeconds,omitempty"`
}

// Posted is messages that were written together, by their numbers.
type Posted struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// Member is what somebody is in a show.
type Member struct {
	UserID     uuid.UUID  `json:"user"`
	Moderator  bool       `json:"moderator"`
	MutedUntil *time.Time `json:"mutedUntil,omitempty"`
	Banned     bool       `json:"banned"`
}

// payload is the chat's part of a show's event.
type payload struct {
	Chat *Change `json:"chat,omitempty"`
}

// FromEvent reads what an event of a show says of its chat; nil where it is about something else.
func FromEvent(e realtime.Event) (*Change, error) {
	var p payload
	if len(e.Payload) > 0 {
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			return nil, fmt.Errorf("chat in %s/%d: %w", e.Topic, e.Version, err)
		}
	}
	if p.Chat == nil {
		return nil, nil
	}
	_, showID, _ := strings.Cut(string(e.Topic), ":")
	var err error
	if p.Chat.ShowID, err = uuid.Parse(showID); err != nil {
		return nil, fmt.Errorf("chat in %s/%d: %w", e.Topic, e.Version, err)
	}
	return p.Chat, nil
}
