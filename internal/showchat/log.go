package showchat

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
)

// Action is what somebody does to keep order.
type Action string

// What is done to somebody. The rest is done to messages and to the chat itself.
const (
	Appoint Action = "APPOINT"
	Dismiss Action = "DISMISS"
	Mute    Action = "MUTE"
	Unmute  Action = "UNMUTE"
	Ban     Action = "BAN"
	Unban   Action = "UNBAN"

	remove    Action = "DELETE"
	pin       Action = "PIN"
	unpin     Action = "UNPIN"
	configure Action = "CONFIGURE"
)

// Moderation is one line of a chat's log.
type Moderation struct {
	Number    int64 // in its show, from 1
	ActorID   uuid.UUID
	Action    Action
	UserID    *uuid.UUID // to whom
	MessageID *uuid.UUID // to what
	Until     *time.Time // of a mute
	SlowMode  *int       // how the chat was set, in seconds
	Words     []string
	Reason    string
	At        time.Time
}

// Cursor is the line's place in its log.
func (m Moderation) Cursor() string { return page.EncodeNumber(moderationList, m.Number) }

// ModerationPage is a page of the log.
type ModerationPage = page.Page[Moderation]

// ModerationEdge is one row of it.
type ModerationEdge = page.Edge[Moderation]

func moderationOf(row db.ShowModeration) Moderation {
	m := Moderation{
		Number: row.Number, ActorID: row.ActorID, Action: Action(row.Action), UserID: row.UserID, MessageID: row.MessageID,
		Until: row.Until, Words: row.Words, Reason: row.Reason, At: row.At,
	}
	if row.SlowMode != nil {
		seconds := int(*row.SlowMode)
		m.SlowMode = &seconds
	}
	return m
}

// keepTx writes what was done into the log.
func (s *Service) keepTx(ctx context.Context, m *moderation) error {
	m.log.ID = id.New()
	return s.q.ShowModerationInsert(ctx, m.tx, m.log)
}

// Log is what was done in a show, the newest first, for those who keep order there.
func (s *Service) Log(ctx context.Context, reader, showID uuid.UUID, args page.Args) (ModerationPage, error) {
	size, before, err := within(args, moderationList)
	if err != nil {
		return ModerationPage{}, err
	}
	if keeps, err := s.Keeps(ctx, reader, showID); err != nil || !keeps {
		return ModerationPage{}, orNotModerator(err)
	}
	rows, err := s.q.ShowModerationPage(ctx, s.pool, showID, before, int32(size+1))
	return page.Of(rows, size, moderationOf, Moderation.Cursor), err
}

func orNotModerator(err error) error {
	if err == nil {
		err = ErrNotModerator
	}
	return err
}

// Keeps reports whether somebody keeps order in a show: as its host, or as a moderator.
func (s *Service) Keeps(ctx context.Context, user, showID uuid.UUID) (bool, error) {
	return s.q.ShowKeeps(ctx, s.pool, showID, user)
}

// MemberOf is what somebody is in a show.
func (s *Service) MemberOf(ctx context.Context, user, showID uuid.UUID) (Member, error) {
	rows, err := s.q.ShowMembersOf(ctx, s.pool, showID, []uuid.UUID{user})
	if err != nil || len(rows) == 0 {
		return Member{UserID: user}, err
	}
	row := rows[0]
	return Member{UserID: user, Moderator: row.Moderator, MutedUntil: row.MutedUntil, Banned: row.Banned}, nil
}

// Moderators are the moderators of a show, in the order in which they came.
func (s *Service) Moderators(ctx context.Context, showID uuid.UUID) ([]uuid.UUID, error) {
	return s.q.ShowModerators(ctx, s.pool, showID)
}
