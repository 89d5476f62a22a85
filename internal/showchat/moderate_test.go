package showchat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// memberInput is an action with what it needs.
func (w *world) memberInput(user uuid.UUID, action showchat.Action) showchat.MemberInput {
	in := showchat.MemberInput{Show: w.show, User: user, Action: action, Reason: "because"}
	if action == showchat.Mute {
		until := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		in.Until = &until
	}
	return in
}

func (w *world) moderate(actor, user uuid.UUID, action showchat.Action) showchat.Member {
	w.t.Helper()
	m, err := w.chat.Moderate(w.t.Context(), actor, w.memberInput(user, action))
	w.Must(err)
	return m
}

// log is what the chat's log has, the oldest first: who, what, to whom.
func (w *world) log() []showchat.Moderation {
	w.t.Helper()
	hundred := 100
	p, err := w.chat.Log(w.t.Context(), w.host, w.show, page.Args{First: &hundred})
	w.Must(err)
	slices.Reverse(p.Nodes)
	for i, line := range p.Nodes {
		if line.Number != int64(i+1) || line.At.IsZero() {
			w.t.Errorf("line %d is %+v", i+1, line)
		}
	}
	return p.Nodes
}

func TestModeration(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mod, ada := w.User(identity.Buyer), w.User(identity.Buyer)
	w.say(ada, "hello")
	if got := w.moderate(w.host, mod, showchat.Appoint); !got.Moderator {
		t.Errorf("appointed: %+v", got)
	}
	in := w.memberInput(ada, showchat.Mute)
	muted, err := w.chat.Moderate(t.Context(), mod, in)
	if err != nil || !muted.MutedUntil.Equal(*in.Until) {
		t.Errorf("muted: %+v, %v", muted, err)
	}
	f := w.refusal(showchat.ErrMuted, func() error { _, err := w.chat.Send(t.Context(), ada, w.in("hm")); return err })
	if until := f.Data["until"].(time.Time); !until.Equal(*in.Until) {
		t.Errorf("muted until %s, want %s", until, in.Until)
	}
	w.moderate(mod, ada, showchat.Unmute)
	w.say(ada, "thank you")
	w.moderate(mod, ada, showchat.Ban)
	w.refuses(showchat.ErrBanned, func() error { _, err := w.chat.Send(t.Context(), ada, w.in("hm")); return err })
	banned, err := showchat.Banned(t.Context(), w.Pool, w.show, []uuid.UUID{ada, mod, w.host, uuid.New()})
	if err != nil || len(banned) != 1 || !banned[ada] {
		t.Errorf("banned: %v, %v", banned, err)
	}
	w.moderate(mod, ada, showchat.Unban)
	w.say(ada, "back")
	w.moderate(w.host, mod, showchat.Dismiss)
	w.refuses(showchat.ErrNotModerator, func() error {
		_, err := w.chat.Moderate(t.Context(), mod, w.memberInput(ada, showchat.Ban))
		return err
	})
	w.wantKinds("MESSAGES_POSTED 1-1", "CHAT_MEMBER_CHANGED", "CHAT_MEMBER_CHANGED", "CHAT_MEMBER_CHANGED", "MESSAGES_POSTED 2-2",
		"CHAT_MEMBER_CHANGED", "CHAT_MEMBER_CHANGED", "MESSAGES_POSTED 3-3", "CHAT_MEMBER_CHANGED")
	var actions []string
	for _, line := range w.log() {
		who := map[uuid.UUID]string{w.host: "host", mod: "mod", ada: "ada"}
		actions = append(actions, fmt.Sprintf("%s %s %s", who[line.ActorID], line.Action, who[*line.UserID]))
		if line.Reason != "because" || (line.Until != nil) != (line.Action == showchat.Mute) {
			t.Errorf("kept: %+v", line)
		}
	}
	want := []string{"host APPOINT mod", "mod MUTE ada", "mod UNMUTE ada", "mod BAN ada", "mod UNBAN ada", "host DISMISS mod"}
	if !slices.Equal(actions, want) {
		t.Errorf("the log has %q", actions)
	}
}

func TestWhoMayModerateWhom(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mod, peer, ada, banned := w.User(identity.Buyer), w.User(identity.Buyer), w.User(identity.Buyer), w.User(identity.Buyer)
	otherHost := w.User(identity.Seller)
	w.moderate(w.host, mod, showchat.Appoint)
	w.moderate(w.host, peer, showchat.Appoint)
	w.moderate(w.host, banned, showchat.Ban)
	soon := func(d time.Duration) *time.Time { at := time.Now().Add(d); return &at }
	for name, c := range map[string]struct {
		actor, user uuid.UUID
		action      showchat.Action
		change      func(*showchat.MemberInput)
		want        *fault.Error
	}{
		"a viewer":                          {actor: ada, user: banned, action: showchat.Mute, want: showchat.ErrNotModerator},
		"a host of other shows":             {actor: otherHost, user: ada, action: showchat.Mute, want: showchat.ErrNotModerator},
		"a moderator appoints":              {actor: mod, user: ada, action: showchat.Appoint, want: showchat.ErrNotHost},
		"a moderator dismisses another":     {actor: mod, user: peer, action: showchat.Dismiss, want: showchat.ErrProtected},
		"a moderator bans the host":         {actor: mod, user: w.host, action: showchat.Ban, want: showchat.ErrProtected},
		"a moderator mutes another":         {actor: mod, user: peer, action: showchat.Mute, want: showchat.ErrProtected},
		"a moderator mutes themselves":      {actor: mod, user: mod, action: showchat.Mute, want: showchat.ErrProtected},
		"the host bans themselves":          {actor: w.host, user: w.host, action: showchat.Ban, want: showchat.ErrProtected},
		"a banned one is appointed":         {actor: w.host, user: banned, action: showchat.Appoint, want: showchat.ErrIsBanned},
		"somebody who is not":               {actor: w.host, user: uuid.New(), action: showchat.Ban, want: showchat.ErrUserUnknown},
		"without a reason":                  {actor: w.host, user: ada, action: showchat.Ban, change: func(in *showchat.MemberInput) { in.Reason = " " }, want: adminlog.ErrReason},
		"with a reason that turns":          {actor: w.host, user: ada, action: showchat.Ban, change: func(in *showchat.MemberInput) { in.Reason = "\u202e" }, want: adminlog.ErrReasonText},
		"a mute without an end":             {actor: w.host, user: ada, action: showchat.Mute, change: func(in *showchat.MemberInput) { in.Until = nil }, want: showchat.ErrMuteUntil},
		"a mute that ended":                 {actor: w.host, user: ada, action: showchat.Mute, change: func(in *showchat.MemberInput) { in.Until = soon(-time.Minute) }, want: showchat.ErrMuteUntil},
		"a mute for years":                  {actor: w.host, user: ada, action: showchat.Mute, change: func(in *showchat.MemberInput) { in.Until = soon(maxMuteAndMore) }, want: showchat.ErrMuteUntil},
		"a ban with an end":                 {actor: w.host, user: ada, action: showchat.Ban, change: func(in *showchat.MemberInput) { in.Until = soon(time.Hour) }, want: showchat.ErrMuteUntil},
		"in a show that is not":             {actor: w.host, user: ada, action: showchat.Ban, change: func(in *showchat.MemberInput) { in.Show = uuid.New() }, want: fault.New(0, "SHOW_NOT_FOUND", "")},
		"the log is read by a viewer":       {actor: ada, want: showchat.ErrNotModerator},
		"the log is read by another's host": {actor: otherHost, want: showchat.ErrNotModerator},
	} {
		t.Logf("%s", name)
		w.refuses(c.want, func() error {
			if c.action == "" {
				_, err := w.chat.Log(t.Context(), c.actor, w.show, page.Args{})
				return err
			}
			in := w.memberInput(c.user, c.action)
			if c.change != nil {
				c.change(&in)
			}
			_, err := w.chat.Moderate(t.Context(), c.actor, in)
			return err
		})
	}
	if got := w.moderate(w.host, mod, showchat.Ban); got.Moderator || !got.Banned {
		t.Errorf("a moderator whom the host bans: %+v", got)
	}
	if moderators, err := w.chat.Moderators(t.Context(), w.show); err != nil || !slices.Equal(moderators, []uuid.UUID{peer}) {
		t.Errorf("moderators %v, %v", moderators, err)
	}
}

const maxMuteAndMore = 367 * 24 * time.Hour

// Two moderators at odds: neither is refused, what came later stands, both are in the log.
func TestModeratorsAtOdds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mods := []uuid.UUID{w.User(identity.Buyer), w.User(identity.Buyer)}
	ada := w.User(identity.Buyer)
	for _, mod := range mods {
		w.moderate(w.host, mod, showchat.Appoint)
	}
	actions := []showchat.Action{showchat.Ban, showchat.Unban}
	for _, err := range domaintest.AtOnce(40, func(i int) error {
		_, err := w.chat.Moderate(t.Context(), mods[i%2], w.memberInput(ada, actions[i%2]))
		return err
	}) {
		w.Must(err)
	}
	log := w.log()
	if len(log) != 42 {
		t.Fatalf("%d lines", len(log))
	}
	now, err := w.chat.MemberOf(t.Context(), ada, w.show)
	w.Must(err)
	if last := log[41].Action; now.Banned != (last == showchat.Ban) {
		t.Errorf("the last was %s, and now: %+v", last, now)
	}
	// The events tell the same, in the same order.
	for i, e := range w.Events(show.Topic(w.show)) {
		change, err := showchat.FromEvent(e)
		w.Must(err)
		if i >= 2 && change.Member.Banned != (log[i].Action == showchat.Ban) {
			t.Errorf("event %d: %+v, the log has %s", e.Version, change.Member, log[i].Action)
		}
	}
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mod, ada, ben := w.User(identity.Buyer), w.User(identity.Buyer), w.User(identity.Buyer)
	w.moderate(w.host, mod, showchat.Appoint)
	own, bad, hosts := w.say(ada, "oops"), w.say(ada, "something bad"), w.say(w.host, "welcome")
	_, err := w.chat.Pin(t.Context(), mod, w.show, &bad.ID, "look")
	w.Must(err)
	for name, c := range map[string]struct {
		actor   uuid.UUID
		message uuid.UUID
		reason  string
		want    *fault.Error
	}{
		"another's":               {ben, own.ID, "I want", showchat.ErrNotModerator},
		"without a reason":        {mod, bad.ID, "", adminlog.ErrReason},
		"the host's":              {mod, hosts.ID, "rude", showchat.ErrProtected},
		"one that is not":         {mod, uuid.New(), "gone", showchat.ErrNotFound},
		"one's own for a reason?": {ada, own.ID, "\x00", adminlog.ErrReasonText},
	} {
		t.Log(name)
		w.refuses(c.want, func() error { _, err := w.chat.Delete(t.Context(), c.actor, c.message, c.reason); return err })
	}
	gone, err := w.chat.Delete(t.Context(), ada, own.ID, "")
	if err != nil || gone.Body != nil || gone.DeletedAt == nil || gone.AuthorID != ada || gone.Number != own.Number {
		t.Errorf("a tombstone: %+v, %v", gone, err)
	}
	// Two at once: both are heard, and it is deleted once.
	for _, err := range domaintest.AtOnce(2, func(i int) error {
		_, err := w.chat.Delete(t.Context(), []uuid.UUID{mod, w.host}[i], bad.ID, "rude")
		return err
	}) {
		w.Must(err)
	}
	if got := w.bodies(); !slices.Equal(got, []string{"-", "-", "welcome"}) {
		t.Errorf("left: %q", got)
	}
	posted, err := w.chat.Posted(t.Context(), w.show, showchat.Posted{First: 1, Last: 3})
	if err != nil || posted[1].Body != nil { // an event that is read again
		t.Errorf("posted: %+v, %v", posted, err)
	}
	if kept := w.Int(`SELECT count(*) FROM show_message WHERE body IN ('oops', 'something bad') AND deleted_at IS NOT NULL`); kept != 2 {
		t.Errorf("%d are kept for audit", kept)
	}
	chats, err := w.chat.Chats(t.Context(), []uuid.UUID{w.show})
	if err != nil || chats[w.show].Pinned != nil {
		t.Errorf("a deleted message is pinned: %+v, %v", chats[w.show], err)
	}
	if log := w.log(); len(log) != 5 || log[2].Action != "DELETE" || log[2].ActorID != ada || *log[3].MessageID != bad.ID || *log[4].MessageID != bad.ID {
		t.Errorf("the log: %+v", log)
	}
}

func TestPin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada := w.User(identity.Buyer)
	first, second := w.say(ada, "first"), w.say(ada, "second")
	pin := func(actor uuid.UUID, message *uuid.UUID) (showchat.Chat, error) {
		return w.chat.Pin(t.Context(), actor, w.show, message, "for all to see")
	}
	for _, m := range []*uuid.UUID{&first.ID, &second.ID, nil, nil} {
		now, err := pin(w.host, m)
		if err != nil || (now.Pinned == nil) != (m == nil) || (m != nil && *now.Pinned != *m) {
			t.Errorf("pinned %v: %+v, %v", m, now, err)
		}
	}
	w.wantKinds("MESSAGES_POSTED 1-1", "MESSAGES_POSTED 2-2", "MESSAGE_PINNED", "MESSAGE_PINNED", "MESSAGE_UNPINNED", "MESSAGE_UNPINNED")
	_, err := w.chat.Delete(t.Context(), ada, first.ID, "")
	w.Must(err)
	nothing := uuid.New()
	w.refuses(showchat.ErrNotFound, func() error { _, err := pin(w.host, &first.ID); return err })
	w.refuses(showchat.ErrNotFound, func() error { _, err := pin(w.host, &nothing); return err })
	w.refuses(showchat.ErrNotModerator, func() error { _, err := pin(ada, &second.ID); return err })
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada := w.User(identity.Buyer)
	set := func(actor uuid.UUID, slow time.Duration, words []string) (showchat.Chat, error) {
		return w.chat.Configure(t.Context(), actor, showchat.SettingsInput{Show: w.show, SlowMode: &slow, Words: words, Reason: "calm"})
	}
	got, err := set(w.host, 30*time.Second, []string{" Spam ", "ممنوع", "Spam"})
	if err != nil || got.SlowModeSeconds() != 30 || !slices.Equal(got.Words, []string{"Spam", "ممنوع"}) {
		t.Errorf("set: %+v, %v", got, err)
	}
	f := w.refusal(showchat.ErrWord, func() error { _, err := w.chat.Send(t.Context(), ada, w.in("what a SPÀM")); return err })
	if f.Data["word"] != "Spam" {
		t.Errorf("refused for %v", f.Data)
	}
	if got, err = set(w.host, 0, nil); err != nil || got.SlowMode != 0 || len(got.Words) != 2 {
		t.Errorf("words stay where they are not named: %+v, %v", got, err)
	}
	if got, err = set(w.host, 0, []string{}); err != nil || len(got.Words) != 0 {
		t.Errorf("an empty list: %+v, %v", got, err)
	}
	w.say(ada, "spam")
	many := make([]string, 201)
	for i := range many {
		many[i] = fmt.Sprint("word", i)
	}
	w.Must2(set(w.host, time.Hour, many[:200]))
	for name, words := range map[string][]string{
		"too many": many, "too long": {strings.Repeat("x", 51)}, "nothing": {" "}, "no letter": {"..."}, "hidden": {"a\u202eb"}, "of one vowel": {"\u064e"},
	} {
		t.Log(name)
		w.refuses(showchat.ErrWords, func() error { _, err := set(w.host, 0, words); return err })
	}
	for _, slow := range []time.Duration{-1, time.Hour + 1, time.Duration(1<<63 - 1)} {
		w.refuses(showchat.ErrSlowModeTime, func() error { _, err := set(w.host, slow, nil); return err })
	}
	w.refuses(showchat.ErrNotModerator, func() error { _, err := set(ada, 0, nil); return err })
	if log := w.log(); len(log) != 4 || *log[0].SlowMode != 30 || !slices.Equal(log[0].Words, []string{"Spam", "ممنوع"}) {
		t.Errorf("the log: %+v", log)
	}
	for _, e := range w.Events(show.Topic(w.show)) {
		if strings.Contains(string(e.Payload), "Spam") {
			t.Errorf("the word list is told to all: %s", e.Payload)
		}
	}
}

// What was written stays as it was written, whoever asks for it to be changed.
func TestTheDatabaseKeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := w.say(w.User(identity.Buyer), "hello")
	_, err := w.chat.Delete(t.Context(), w.host, m.ID, "rude")
	w.Must(err)
	for _, sql := range []string{
		`UPDATE show_message SET body = 'hello!'`, `UPDATE show_message SET deleted_at = NULL`, `UPDATE show_message SET deleted_at = now() + interval '1 s'`,
		`UPDATE show_moderation SET reason = 'x'`, `DELETE FROM show_moderation`,
	} {
		if _, err := w.Admin.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s went through", sql)
		}
	}
	for _, sql := range []string{`DELETE FROM show_message`, `DELETE FROM show_member`, `UPDATE show_moderation SET at = now()`} {
		if _, err := w.Pool.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s by a server: %v", sql, err)
		}
	}
}
