package showchat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// world is a show that is live, and its host.
type world struct {
	*domaintest.World
	t    *testing.T
	chat *showchat.Service
	host uuid.UUID
	show uuid.UUID
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{World: domaintest.New(t), t: t}
	w.chat, w.host = w.ShowChat, w.User(identity.Seller)
	w.show = w.newShow("LIVE")
	return w
}

// newShow is a show of the host's in a state.
func (w *world) newShow(status string) uuid.UUID {
	w.t.Helper()
	showID := id.New()
	w.Exec(`INSERT INTO show (id, host_id, title, status, starts_at, started_at, ended_at) VALUES ($1, $2, 'A show', $3, now(),
		CASE WHEN $3 IN ('LIVE', 'ENDED') THEN now() END, CASE WHEN $3 IN ('ENDED', 'CANCELLED') THEN now() END)`, showID, w.host, status)
	return showID
}

// named is a user with a name.
func (w *world) named(name string) uuid.UUID {
	w.t.Helper()
	user := w.User(identity.Buyer)
	w.Exec(`UPDATE app_user SET name = $2 WHERE id = $1`, user, name)
	return user
}

func (w *world) in(body string) showchat.SendInput {
	return showchat.SendInput{Show: w.show, Body: body, IdempotencyKey: uuid.NewString()}
}

func (w *world) say(author uuid.UUID, body string) showchat.Message {
	w.t.Helper()
	m, err := w.chat.Send(w.t.Context(), author, w.in(body))
	w.Must(err)
	return m
}

// refuses insists that something is refused, and leaves no trace.
func (w *world) refuses(want *fault.Error, do func() error) {
	w.t.Helper()
	_ = w.refusal(want, do)
}

// refusal is refuses for a refusal whose data matters.
func (w *world) refusal(want *fault.Error, do func() error) *fault.Error {
	w.t.Helper()
	before := w.Digest()
	err := do()
	got, _ := fault.As(err)
	if !errors.Is(err, want) {
		w.t.Fatalf("got %v, want %s", err, want.Code)
	}
	if w.Digest() != before {
		w.t.Errorf("the refusal %s left a trace", want.Code)
	}
	return got
}

// bodies are what the messages of a show say now, the oldest first; "-" for one that was deleted.
func (w *world) bodies() []string {
	w.t.Helper()
	p, err := w.chat.Messages(w.t.Context(), w.show, page.Args{})
	w.Must(err)
	var bodies []string
	for _, m := range p.Nodes {
		if m.Body == nil {
			bodies = append(bodies, "-")
			continue
		}
		bodies = append(bodies, *m.Body)
	}
	slices.Reverse(bodies)
	return bodies
}

// kinds are the kinds of the show's events, with what those of messages posted.
func (w *world) kinds() []string {
	w.t.Helper()
	var kinds []string
	for _, e := range w.Events(show.Topic(w.show)) {
		change, err := showchat.FromEvent(e)
		w.Must(err)
		if change.ShowID != w.show {
			w.t.Errorf("an event of %s says that it is of %s", w.show, change.ShowID)
		}
		if change.Posted != nil {
			e.Kind += fmt.Sprintf(" %d-%d", change.Posted.First, change.Posted.Last)
		}
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (w *world) wantKinds(want ...string) {
	w.t.Helper()
	if got := w.kinds(); !slices.Equal(got, want) {
		w.t.Errorf("events %q, want %q", got, want)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada, ben := w.named("Ada"), w.named("Ben Ali")
	first := w.say(ada, "  hello\r\nyou  ")
	if first.Number != 1 || *first.Body != "hello you" || first.AuthorID != ada || first.ShowID != w.show || first.SentAt.IsZero() {
		t.Errorf("got %+v", first)
	}
	reply := w.in("@ada, yes")
	reply.ReplyTo = &first.ID
	second, err := w.chat.Send(t.Context(), ben, reply)
	w.Must(err)
	if *second.Reply != first.ID || !slices.Equal(second.MentionID, []uuid.UUID{ada}) {
		t.Errorf("got %+v", second)
	}
	third := w.say(ada, "and @ben ali! and @nobody")
	if !slices.Equal(third.MentionID, []uuid.UUID{ben}) {
		t.Errorf("mentions %v", third.MentionID)
	}
	w.wantKinds("MESSAGES_POSTED 1-1", "MESSAGES_POSTED 2-2", "MESSAGES_POSTED 3-3")
	posted, err := w.chat.Posted(t.Context(), w.show, showchat.Posted{First: 2, Last: 3})
	if err != nil || len(posted) != 2 || posted[0].ID != second.ID || posted[1].ID != third.ID {
		t.Errorf("posted %+v, %v", posted, err)
	}
}

// Names are those of people who are known in the show, the host before all who took their name.
func TestMentionsAreOfThisShow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Exec(`UPDATE app_user SET name = 'Zoé' WHERE id = $1`, w.host)
	stranger, impostor, talker := w.named("Stranger"), w.named("ZOE"), w.named("Talker")
	w.say(impostor, "I am @zoe")
	got := w.say(talker, "@zoe and @stranger and @talker")
	if !slices.Equal(got.MentionID, []uuid.UUID{w.host}) { // the talker was nobody here when this was written
		t.Errorf("mentions %v; host %s, impostor %s, stranger %s, talker %s", got.MentionID, w.host, impostor, stranger, talker)
	}
}

func TestHostileBodies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada := w.User(identity.Buyer)
	for name, c := range map[string]struct {
		body string
		want *fault.Error
	}{
		"nothing":                {"", showchat.ErrBodyLength},
		"spaces":                 {" \n \t", showchat.ErrBodyLength},
		"501 characters":         {strings.Repeat("é", 501), showchat.ErrBodyLength},
		"10,000 characters":      {strings.Repeat("x", 10_000), showchat.ErrBodyLength},
		"a megabyte of spaces":   {strings.Repeat(" ", 1<<20), showchat.ErrBodyLength},
		"NUL":                    {"a\x00b", showchat.ErrBodyText},
		"a bell":                 {"a\ab", showchat.ErrBodyText},
		"an escape":              {"\x1b[2Jgone", showchat.ErrBodyText},
		"a lone carriage return": {"a\rb", showchat.ErrBodyText},
		"an override":            {"\u202eevil", showchat.ErrBodyText},
		"an isolate":             {"\u2067evil", showchat.ErrBodyText},
		"no UTF-8":               {"a\xffb", showchat.ErrBodyText},
		"nothing to be seen":     {"\u200b\u200b", showchat.ErrBodyText},
	} {
		author := w.User(identity.Buyer)
		w.refuses(c.want, func() error {
			_, err := w.chat.Send(t.Context(), author, w.in(c.body))
			if err == nil {
				t.Errorf("%s is taken", name)
			}
			return err
		})
	}
	for _, body := range []string{strings.Repeat("é", 500), "مرحبا \u200e123\u200f", "👩‍👩‍👧", `<script>"'\u202e`, "{{x}} %s $1 --;"} {
		if got := w.say(ada, body); *got.Body != body {
			t.Errorf("%q became %q", body, *got.Body)
		}
	}
	for name, key := range map[string]string{"none": "", "too long": strings.Repeat("k", 256), "other letters": "clé"} {
		in := w.in("hello")
		in.IdempotencyKey = key
		if _, err := w.chat.Send(t.Context(), ada, in); !errors.Is(err, showchat.ErrKey) {
			t.Errorf("a key, %s: %v", name, err)
		}
	}
}

func TestWhereNothingIsSaid(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada := w.User(identity.Buyer)
	for status, want := range map[string]*fault.Error{"ENDED": showchat.ErrClosed, "CANCELLED": showchat.ErrClosed, "SCHEDULED": nil} {
		in := w.in("hello")
		in.Show = w.newShow(status)
		_, err := w.chat.Send(t.Context(), ada, in)
		if (want == nil && err != nil) || (want != nil && !errors.Is(err, want)) {
			t.Errorf("%s: %v", status, err)
		}
	}
	in := w.in("hello")
	in.Show = uuid.New()
	w.refuses(show.ErrNotFound, func() error { _, err := w.chat.Send(t.Context(), ada, in); return err })

	elsewhere := w.say(ada, "in this show")
	w.show = w.newShow("LIVE")
	w.say(ada, "hello")
	gone := w.say(ada, "a mistake")
	_, err := w.chat.Delete(t.Context(), ada, gone.ID, "")
	w.Must(err)
	for _, to := range []uuid.UUID{elsewhere.ID, gone.ID, uuid.New(), uuid.Nil} {
		reply := w.in("to nothing")
		reply.ReplyTo = &to
		w.refuses(showchat.ErrNotFound, func() error { _, err := w.chat.Send(t.Context(), ada, reply); return err })
	}
}

// The same key posts once, however often and at once it is sent, and whatever has happened since.
func TestARetryPostsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada, ben := w.User(identity.Buyer), w.User(identity.Buyer)
	in := w.in("once")
	ids := make([]uuid.UUID, 20)
	for _, err := range domaintest.AtOnce(len(ids), func(i int) error {
		m, err := w.chat.Send(t.Context(), ada, in)
		ids[i] = m.ID
		return err
	}) {
		w.Must(err)
	}
	if ids = slices.Compact(ids); len(ids) != 1 {
		t.Errorf("%d messages were answered", len(ids))
	}
	w.moderate(w.host, ada, showchat.Ban)
	again, err := w.chat.Send(t.Context(), ada, in)
	if err != nil || again.ID != ids[0] {
		t.Errorf("after a ban: %+v, %v", again, err)
	}
	other := in
	other.Body = "twice"
	w.refuses(showchat.ErrKeyReused, func() error { _, err := w.chat.Send(t.Context(), ada, other); return err })
	other = in
	other.ReplyTo = &again.ID
	w.refuses(showchat.ErrKeyReused, func() error { _, err := w.chat.Send(t.Context(), ada, other); return err })
	if m, err := w.chat.Send(t.Context(), ben, in); err != nil || m.ID == again.ID { // a key is its author's
		t.Errorf("another's: %+v, %v", m, err)
	}
	if got := w.bodies(); !slices.Equal(got, []string{"once", "once"}) {
		t.Errorf("posted %q", got)
	}
}

// What arrives while a group is written is the next group: one event, in the order of arrival, each by its own merits.
func TestMessagesAreWrittenInGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.say(w.host, "welcome")
	banned := w.User(identity.Buyer)
	w.moderate(w.host, banned, showchat.Ban)
	held, err := w.Admin.Begin(t.Context())
	w.Must(err)
	defer func() { _ = held.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = held.Exec(t.Context(), `SELECT 1 FROM show_chat WHERE show_id = $1 FOR UPDATE`, w.show)
	w.Must(err)

	const many = 300
	answers := make(chan error, many+1)
	send := func(author uuid.UUID, body string) {
		go func() {
			m, err := w.chat.Send(t.Context(), author, w.in(body))
			if err == nil && body != strconv.FormatInt(m.Number, 10) {
				err = fmt.Errorf("the message %q has number %d", body, m.Number)
			}
			answers <- err
		}()
	}
	send(w.User(identity.Buyer), "2") // which waits for the lock, and all others for it
	w.eventually(func() bool {
		return w.Int(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) == 1
	})
	for i := range many {
		author := w.User(identity.Buyer)
		if i == 100 {
			author = banned
		}
		n := i + 3
		if i > 100 {
			n--
		}
		send(author, strconv.Itoa(n))
		w.eventually(func() bool { return w.chat.Waiting(w.show) == i+1 })
	}
	w.Must(held.Rollback(t.Context()))
	refused := 0
	for range many + 1 {
		switch err := <-answers; {
		case errors.Is(err, showchat.ErrBanned):
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	if refused != 1 {
		t.Errorf("%d were refused", refused)
	}
	w.wantKinds("MESSAGES_POSTED 1-1", "CHAT_MEMBER_CHANGED", "MESSAGES_POSTED 2-2", "MESSAGES_POSTED 3-257", "MESSAGES_POSTED 258-301")
}

// eventually waits for something that must happen.
func (w *world) eventually(done func() bool) {
	w.t.Helper()
	for !done() {
		if w.t.Context().Err() != nil {
			w.t.Fatal("it never came to be")
		}
		time.Sleep(time.Millisecond)
	}
}

// Two servers write one chat: no number twice, no hole, each message once.
func TestTwoServersAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	other := showchat.New(showchat.Config{Pool: w.Pool, Hub: w.Told, Clock: clock.System{}})
	defer func() { w.Must(other.Close(t.Context())) }()
	authors := make([]uuid.UUID, 60)
	for i := range authors {
		authors[i] = w.User(identity.Buyer)
	}
	for _, err := range domaintest.AtOnce(4*len(authors), func(i int) error {
		server := w.chat
		if i%2 == 1 {
			server = other
		}
		_, err := server.Send(t.Context(), authors[i/4], w.in(strconv.Itoa(i)))
		return err
	}) {
		w.Must(err)
	}
	if n, last := w.Int(`SELECT count(DISTINCT body) FROM show_message`), w.Int(`SELECT max(number) FROM show_message`); n != 240 || last != 240 {
		t.Errorf("%d messages, the last has number %d", n, last)
	}
	var next int64 = 1
	for _, e := range w.Events(show.Topic(w.show)) {
		change, err := showchat.FromEvent(e)
		w.Must(err)
		if change.Posted.First != next {
			t.Errorf("an event begins at %d, want %d", change.Posted.First, next)
		}
		next = change.Posted.Last + 1
	}
	if next != 241 {
		t.Errorf("the events end before %d", next)
	}
}

// A person who floods is told until when, and the others are heard.
func TestFlood(t *testing.T) {
	t.Parallel()
	w := setup(t)
	flooder, ben := w.User(identity.Buyer), w.User(identity.Buyer)
	w.say(flooder, "first")
	// Nine more, sent a minute from now: however slow this machine is, ten seconds do not pass.
	w.Exec(`INSERT INTO show_message (id, show_id, number, author_id, body, idempotency_key, sent_at)
		SELECT gen_random_uuid(), $1, n, $2, 'flood', n::text, clock_timestamp() + interval '1 minute' FROM generate_series(2, 11) n`, w.show, flooder)
	w.Exec(`UPDATE show_chat SET messages = 11 WHERE show_id = $1`, w.show)
	f := w.refusal(showchat.ErrTooFast, func() error { _, err := w.chat.Send(t.Context(), flooder, w.in("eleven")); return err })
	if until, ok := f.Data["until"].(time.Time); !ok || until.IsZero() || f.Data["wait"].(time.Duration) <= 0 {
		t.Errorf("until %v", f.Data)
	}
	w.say(ben, "I am heard")

	stands := showchat.New(showchat.Config{Pool: w.Pool, Hub: w.Told, Clock: clock.Fixed(time.Now())})
	codes := domaintest.Codes(domaintest.AtOnce(500, func(int) error {
		_, err := stands.Send(t.Context(), flooder, w.in(strings.Repeat("x", 10_000)))
		return err
	}))
	if codes["SHOW_MESSAGE_LENGTH"] != 30 || codes["CHAT_TOO_FAST"] != 470 { // the rest is not even looked at
		t.Errorf("codes %v", codes)
	}
	if _, err := stands.Send(t.Context(), ben, w.in("so am I")); err != nil {
		t.Error(err)
	}
	w.Must(stands.Close(t.Context()))
	if _, err := stands.Send(t.Context(), ben, w.in("too late")); !errors.Is(err, batch.ErrStopping) {
		t.Errorf("after the end: %v", err)
	}
}

func TestSlowMode(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ada := w.User(identity.Buyer)
	hour := time.Hour
	_, err := w.chat.Configure(t.Context(), w.host, showchat.SettingsInput{Show: w.show, SlowMode: &hour, Reason: "calm"})
	w.Must(err)
	sent := w.say(ada, "first")
	f := w.refusal(showchat.ErrSlowMode, func() error { _, err := w.chat.Send(t.Context(), ada, w.in("second")); return err })
	if until := f.Data["until"].(time.Time); !until.Equal(sent.SentAt.Add(hour)) {
		t.Errorf("until %s, sent at %s", until, sent.SentAt)
	}
	for range 3 {
		w.say(w.host, "not for the host")
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i := range 5 {
		w.say(w.host, strconv.Itoa(i+1))
	}
	two := 2
	args := page.Args{First: &two}
	var got []string
	for {
		p, err := w.chat.Messages(t.Context(), w.show, args)
		w.Must(err)
		for _, m := range p.Nodes {
			got = append(got, *m.Body)
		}
		if !p.HasNext {
			break
		}
		args.After = p.PageInfo().EndCursor
		w.say(w.host, "one more") // moves nothing
	}
	if strings.Join(got, "") != "54321" {
		t.Errorf("got %q", got)
	}
	bad := "nonsense"
	if _, err := w.chat.Messages(t.Context(), w.show, page.Args{After: &bad}); !errors.Is(err, page.ErrCursor) {
		t.Errorf("got %v", err)
	}
}
