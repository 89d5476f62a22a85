package showchat

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/show"
)

// Reaction is a way to cheer.
type Reaction string

// Reactions are all of them, in the order in which they are shown.
var Reactions = []Reaction{"CLAP", "FIRE", "HEART", "LAUGH", "WOW"}

// A person cheers this often on the average, and so many times at once.
const (
	reactEvery = 200 * time.Millisecond
	reactBurst = 15
)

// Crowd is who is in a show at this moment.
type Crowd interface {
	React(where uuid.UUID, kind string)
}

// React cheers in a show that is live.
func (s *Service) React(ctx context.Context, user, showID uuid.UUID, kind Reaction) (show.Show, error) {
	if wait, ok := s.reactions.Take(user); !ok {
		return show.Show{}, ErrTooFast.With("until", s.clock.Now().Add(wait)).With("wait", wait)
	}
	found, err := s.shows.ByID(ctx, []uuid.UUID{showID})
	if err != nil {
		return show.Show{}, err
	}
	at, ok := found[showID]
	if !ok {
		return show.Show{}, show.ErrNotFound.At("showId")
	}
	if at.Status != show.Live {
		return show.Show{}, show.ErrNotLive
	}
	s.crowd.React(showID, string(kind))
	return at, nil
}
