package showchat

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/text"
)

const (
	maxMute     = 366 * 24 * time.Hour
	maxSlowMode = time.Hour
	maxWords    = 200
	maxWord     = 50
)

// moderation is one thing that somebody does to a chat, under its lock.
type moderation struct {
	room
	tx    pgx.Tx
	actor db.ShowMembersOfRow
	log   db.ShowModerationInsertParams
}

// moderate runs one thing that actor does: what do answers of it is the event, and what it has put into the log is kept.
func (s *Service) moderate(ctx context.Context, actor, showID uuid.UUID, reason string, do func(*moderation) (kind string, _ Change, _ error)) error {
	var event realtime.Event
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		r, err := s.lockTx(ctx, tx, showID)
		if err != nil {
			return err
		}
		m := &moderation{room: r, tx: tx, log: db.ShowModerationInsertParams{ShowID: showID, ActorID: actor, Reason: reason, At: r.now}}
		if m.actor, err = s.memberTx(ctx, tx, showID, actor); err != nil {
			return err
		}
		kind, change, err := do(m)
		if err != nil {
			return err
		}
		if err := s.keepTx(ctx, m); err != nil {
			return err
		}
		event, err = show.AppendTx(ctx, tx, showID, kind, payload{&change})
		return err
	})
	if err == nil {
		s.hub.Publish(ctx, event)
	}
	return err
}

func (s *Service) memberTx(ctx context.Context, tx pgx.Tx, showID, user uuid.UUID) (db.ShowMembersOfRow, error) {
	rows, err := s.q.ShowMembersOf(ctx, tx, showID, []uuid.UUID{user})
	if err != nil {
		return db.ShowMembersOfRow{}, err
	}
	if len(rows) == 0 {
		return db.ShowMembersOfRow{}, ErrUserUnknown
	}
	return rows[0], nil
}

// keeps reports whether the actor keeps order in this chat.
func (m *moderation) keeps() bool { return m.isHost() || m.actor.Moderator }

func (m *moderation) isHost() bool { return m.actor.ID == m.host }

// mayModerate says whether the actor may do something to somebody.
func (m *moderation) mayModerate(target db.ShowMembersOfRow) error {
	switch {
	case !m.keeps():
		return ErrNotModerator
	case target.ID == m.host || target.ID == m.actor.ID || (target.Moderator && !m.isHost()):
		return ErrProtected
	}
	return nil
}

// MemberInput is what is done to somebody in a show.
type MemberInput struct {
	Show   uuid.UUID
	User   uuid.UUID
	Action Action
	Until  *time.Time // of a mute
	Reason string
}

// Moderate appoints or dismisses a moderator, mutes or unmutes somebody, bans them from the show or lets them back in. What is so
// already is kept as well.
func (s *Service) Moderate(ctx context.Context, actor uuid.UUID, in MemberInput) (now Member, err error) {
	defer fault.Wrap(&err, "moderate %s in show %s", in.User, in.Show)
	reason, err := adminlog.Reason(in.Reason)
	if err != nil {
		return Member{}, err
	}
	err = s.moderate(ctx, actor, in.Show, reason, func(m *moderation) (string, Change, error) {
		target, err := s.memberTx(ctx, m.tx, in.Show, in.User)
		if err != nil {
			return "", Change{}, err
		}
		if now, err = m.change(target, in); err != nil {
			return "", Change{}, err
		}
		m.log.Action, m.log.UserID, m.log.Until = string(in.Action), &in.User, in.Until
		return EventMember, Change{Member: &now}, s.saveMemberTx(ctx, m, target, now)
	})
	return now, err
}

// change is what a member is once an action is done.
func (m *moderation) change(target db.ShowMembersOfRow, in MemberInput) (Member, error) {
	now := Member{UserID: target.ID, Moderator: target.Moderator, MutedUntil: target.MutedUntil, Banned: target.Banned}
	if err := m.mayModerate(target); err != nil {
		return now, err
	}
	if (in.Action == Mute) != (in.Until != nil) || (in.Until != nil && (!in.Until.After(m.now) || in.Until.After(m.now.Add(maxMute)))) {
		return now, ErrMuteUntil
	}
	switch in.Action {
	case Appoint, Dismiss:
		if !m.isHost() {
			return now, ErrNotHost
		}
		if target.Banned && in.Action == Appoint {
			return now, ErrIsBanned
		}
		now.Moderator = in.Action == Appoint
	case Mute, Unmute:
		now.MutedUntil = in.Until
	case Ban:
		now.Banned, now.Moderator = true, false
	case Unban:
		now.Banned = false
	default:
		return now, fault.New(fault.Internal, "CHAT_ACTION", "an action on nobody: "+string(in.Action))
	}
	return now, nil
}

func (s *Service) saveMemberTx(ctx context.Context, m *moderation, before db.ShowMembersOfRow, now Member) error {
	if !before.Known {
		err := s.q.ShowMembersInsert(ctx, m.tx, m.ShowID, []uuid.UUID{before.ID}, []string{handle(before.Name)})
		if err != nil {
			return err
		}
	}
	return s.q.ShowMemberUpdate(ctx, m.tx, db.ShowMemberUpdateParams{
		ShowID: m.ShowID, UserID: now.UserID, Moderator: now.Moderator, MutedUntil: now.MutedUntil, Banned: now.Banned,
	})
}

// SettingsInput is how a chat is to be set; what is nil stays as it is.
type SettingsInput struct {
	Show     uuid.UUID
	SlowMode *time.Duration
	Words    []string
	Reason   string
}

// Configure sets slow mode and word list.
func (s *Service) Configure(ctx context.Context, actor uuid.UUID, in SettingsInput) (now Chat, err error) {
	defer fault.Wrap(&err, "set the chat of show %s", in.Show)
	reason, err := adminlog.Reason(in.Reason)
	if err != nil {
		return Chat{}, err
	}
	if in.SlowMode != nil && (*in.SlowMode < 0 || *in.SlowMode > maxSlowMode) {
		return Chat{}, ErrSlowModeTime
	}
	words, err := cleanWords(in.Words)
	if err != nil {
		return Chat{}, err
	}
	err = s.moderate(ctx, actor, in.Show, reason, func(m *moderation) (string, Change, error) {
		if !m.keeps() {
			return "", Change{}, ErrNotModerator
		}
		now = m.Chat
		if in.SlowMode != nil {
			now.SlowMode = *in.SlowMode
		}
		if in.Words != nil {
			now.Words = words
		}
		seconds := int32(now.SlowModeSeconds())
		m.log.Action, m.log.SlowMode, m.log.Words = string(configure), &seconds, now.Words
		shown := now.SlowModeSeconds()
		return EventSettings, Change{SlowModeSeconds: &shown}, s.q.ShowChatSettings(ctx, m.tx, seconds, now.Words, in.Show)
	})
	return now, err
}

// cleanWords is a word list as it is kept: each entry once.
func cleanWords(typed []string) ([]string, error) {
	words := make([]string, 0, len(typed))
	for _, t := range typed {
		t = text.Clean(t)
		if utf8.RuneCountInString(t) > maxWord || !text.IsLine(t) || len(text.Words(t)) == 0 {
			return nil, ErrWords
		}
		if !slices.Contains(words, t) {
			words = append(words, t)
		}
		if len(words) > maxWords {
			return nil, ErrWords
		}
	}
	return words, nil
}

// Delete takes a message away from everybody's eyes. Authors delete their own; they need no reason.
func (s *Service) Delete(ctx context.Context, actor, message uuid.UUID, why string) (now Message, err error) {
	defer fault.Wrap(&err, "delete message %s", message)
	of, err := s.Get(ctx, message)
	if err != nil {
		return Message{}, err
	}
	reason := text.Clean(why)
	if of.AuthorID != actor || reason != "" {
		if reason, err = adminlog.Reason(why); err != nil {
			return Message{}, err
		}
	}
	err = s.moderate(ctx, actor, of.ShowID, reason, func(m *moderation) (string, Change, error) {
		author, err := s.memberTx(ctx, m.tx, of.ShowID, of.AuthorID)
		if err != nil {
			return "", Change{}, err
		}
		if author.ID != actor {
			if err := m.mayModerate(author); err != nil {
				return "", Change{}, err
			}
		}
		if err := s.q.ShowMessageDelete(ctx, m.tx, &m.now, message); err != nil {
			return "", Change{}, err
		}
		if m.Pinned != nil && *m.Pinned == message {
			if err := s.q.ShowChatPin(ctx, m.tx, nil, of.ShowID); err != nil {
				return "", Change{}, err
			}
		}
		m.log.Action, m.log.MessageID = string(remove), &message
		return EventDeleted, Change{Message: &message}, nil
	})
	if err != nil {
		return Message{}, err
	}
	return s.Get(ctx, message)
}

// Pin puts a message above the chat, in place of another; nil takes away the one that is there.
func (s *Service) Pin(ctx context.Context, actor, showID uuid.UUID, message *uuid.UUID, why string) (now Chat, err error) {
	defer fault.Wrap(&err, "pin a message in show %s", showID)
	reason, err := adminlog.Reason(why)
	if err != nil {
		return Chat{}, err
	}
	err = s.moderate(ctx, actor, showID, reason, func(m *moderation) (string, Change, error) {
		if !m.keeps() {
			return "", Change{}, ErrNotModerator
		}
		if message != nil {
			standing, err := s.q.ShowMessagesStanding(ctx, m.tx, showID, []uuid.UUID{*message})
			if err != nil {
				return "", Change{}, err
			}
			if len(standing) == 0 {
				return "", Change{}, ErrNotFound.At("messageId")
			}
		}
		kind, told := EventPinned, message
		m.log.Action, m.log.MessageID = string(pin), message
		if message == nil {
			kind, told = EventUnpinned, m.Pinned
			m.log.Action, m.log.MessageID = string(unpin), m.Pinned
		}
		now = m.Chat
		now.Pinned = message
		return kind, Change{Message: told}, s.q.ShowChatPin(ctx, m.tx, message, showID)
	})
	return now, err
}
