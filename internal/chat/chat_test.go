package chat_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/realtime"
)

type talk struct {
	*domaintest.World
	buyer, seller, listing uuid.UUID
}

func setup(t *testing.T) talk {
	t.Helper()
	w := domaintest.New(t)
	seller := w.User(identity.Seller)
	return talk{World: w, buyer: w.Buyer(0), seller: seller, listing: w.Listing(seller)}
}

func (w talk) started() chat.Conversation {
	w.T.Helper()
	c, _, err := w.Chat.Start(w.Ctx(), w.buyer, w.listing, "Is it still there?")
	w.Must(err)
	return c
}

func TestConversation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, m, err := w.Chat.Start(t.Context(), w.buyer, w.listing, "  Is it\nstill there? 🙂 ")
	if err != nil || c.BuyerID != w.buyer || c.SellerID != w.seller || c.ListingID != w.listing || c.Version != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if m.Body != "Is it\nstill there? 🙂" || m.Version != 1 || m.SenderID != w.buyer || m.ConversationID != c.ID || !m.SentAt.Equal(c.ActiveAt) {
		t.Errorf("%+v", m)
	}
	c2, m2, err := w.Chat.Send(t.Context(), w.seller, c.ID, "It is.")
	if err != nil || c2.ID != c.ID || c2.Version != 2 || m2.SenderID != w.seller || !c2.ActiveAt.After(c.ActiveAt) {
		t.Errorf("%+v %+v, %v", c2, m2, err)
	}
	again, m3, err := w.Chat.Start(t.Context(), w.buyer, w.listing, "Good.")
	if err != nil || again.ID != c.ID || m3.Version != 3 {
		t.Errorf("begun again: %+v %+v, %v", again, m3, err)
	}
	got, err := w.Chat.Get(t.Context(), w.seller, c.ID)
	if err != nil || got != again {
		t.Errorf("read as %+v, answered as %+v, %v", got, again, err)
	}
	w.matches(c.ID, 3)
}

// matches insists that a conversation's events are its messages, from 1 without a hole.
func (w talk) matches(conversation uuid.UUID, want int) {
	w.T.Helper()
	hundred := 100
	p, err := w.Chat.Messages(w.Ctx(), w.seller, conversation, page.Args{First: &hundred})
	w.Must(err)
	messages := p.Nodes
	slices.Reverse(messages)
	events := w.Events(chat.Topic(conversation))
	if len(messages) != want || len(events) != want {
		w.T.Fatalf("%d messages, %d events, want %d", len(messages), len(events), want)
	}
	for i, e := range events {
		m, err := chat.MessageOf(e)
		w.Must(err)
		stored := messages[i]
		if !m.SentAt.Equal(stored.SentAt) {
			w.T.Errorf("message %d was sent at %v, the event says %v", i+1, stored.SentAt, m.SentAt)
		}
		m.SentAt = stored.SentAt
		if *m != stored || stored.Version != int64(i+1) {
			w.T.Errorf("event %+v, message %+v", m, stored)
		}
	}
}

func TestOnlyMembers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.started()
	stranger := w.Buyer(0)
	before, told := w.Digest(), w.Told.Count()
	if _, err := w.Chat.Get(t.Context(), stranger, c.ID); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if p, err := w.Chat.Messages(t.Context(), stranger, c.ID, page.Args{}); err != nil || len(p.Nodes) != 0 {
		t.Errorf("a stranger reads %v, %v", p.Nodes, err)
	}
	if _, _, err := w.Chat.Send(t.Context(), stranger, c.ID, "Hello"); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("send: %v", err)
	}
	if _, err := w.Chat.Snapshot(stranger, c.ID)(t.Context()); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("snapshot: %v", err)
	}
	if p, err := w.Chat.List(t.Context(), stranger, page.Args{}); err != nil || len(p.Nodes) != 0 {
		t.Errorf("list: %d, %v", len(p.Nodes), err)
	}
	if _, _, err := w.Chat.Send(t.Context(), w.buyer, id.New(), "Hello"); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("no such conversation: %v", err)
	}
	if w.Digest() != before || w.Told.Count() != told {
		t.Error("a refusal left something")
	}
	for _, member := range []uuid.UUID{w.buyer, w.seller} {
		p, err := w.Chat.List(t.Context(), member, page.Args{})
		if err != nil || len(p.Nodes) != 1 || p.Nodes[0].ID != c.ID {
			t.Errorf("a member's list: %+v, %v", p.Nodes, err)
		}
		e, err := w.Chat.Snapshot(member, c.ID)(t.Context())
		if err != nil || e.Version != 1 || e.Kind != realtime.KindSnapshot {
			t.Errorf("a member's snapshot: %+v, %v", e, err)
		}
		if m, err := chat.MessageOf(e); m != nil || err != nil {
			t.Errorf("the snapshot's message: %+v, %v", m, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := setup(t)
	before := w.Digest()
	for name, c := range map[string]struct {
		who, listing uuid.UUID
		body         string
		err          error
	}{
		"one's own listing": {w.seller, w.listing, "Hello", chat.ErrOwnListing},
		"no such listing":   {w.buyer, id.New(), "Hello", catalog.ErrListingNotFound},
		"nothing":           {w.buyer, w.listing, "", chat.ErrBodyLength},
		"only space":        {w.buyer, w.listing, " \n\t ", chat.ErrBodyLength},
		"too long":          {w.buyer, w.listing, strings.Repeat("é", 2001), chat.ErrBodyLength},
		"NUL":               {w.buyer, w.listing, "a\x00b", chat.ErrBodyText},
		"an escape":         {w.buyer, w.listing, "a\x1b[2Jb", chat.ErrBodyText},
		"not UTF-8":         {w.buyer, w.listing, "a\xff\xfeb", chat.ErrBodyText},
		"a cut rune":        {w.buyer, w.listing, "caf\xc3", chat.ErrBodyText},
	} {
		if _, _, err := w.Chat.Start(t.Context(), c.who, c.listing, c.body); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	if w.Digest() != before || w.Told.Count() != 0 {
		t.Error("a refusal left something")
	}
	c := w.started()
	for _, body := range []string{"", "a\x00b", "a\xff"} {
		if _, _, err := w.Chat.Send(t.Context(), w.seller, c.ID, body); !errors.Is(err, chat.ErrBodyLength) && !errors.Is(err, chat.ErrBodyText) {
			t.Errorf("sending %q: %v", body, err)
		}
	}
	if _, m, err := w.Chat.Send(t.Context(), w.seller, c.ID, strings.Repeat("é", 2000)); err != nil || m.Version != 2 {
		t.Errorf("the longest message: %d, %v", m.Version, err)
	}
}

// However many begin at once, a buyer has one conversation about a listing.
func TestStartRace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ids := make([]uuid.UUID, 16)
	for _, err := range domaintest.AtOnce(len(ids), func(i int) error {
		c, _, err := w.Chat.Start(t.Context(), w.buyer, w.listing, strconv.Itoa(i))
		ids[i] = c.ID
		return err
	}) {
		w.Must(err)
	}
	if n := w.Int(`SELECT count(*) FROM conversation`); n != 1 {
		t.Errorf("%d conversations", n)
	}
	for _, c := range ids {
		if c != ids[0] {
			t.Errorf("%s and %s", c, ids[0])
		}
	}
	w.matches(ids[0], len(ids))
}

func TestSendRace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.started()
	const senders, each = 16, 4
	for _, err := range domaintest.AtOnce(senders, func(i int) error {
		for n := range each {
			if _, _, err := w.Chat.Send(t.Context(), []uuid.UUID{w.buyer, w.seller}[i%2], c.ID, fmt.Sprint(i, n)); err != nil {
				return err
			}
		}
		return nil
	}) {
		w.Must(err)
	}
	w.matches(c.ID, 1+senders*each)
}

// Pages of messages neither skip nor repeat while more are sent.
func TestMessagesPageByPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.started()
	for range 4 {
		_, _, err := w.Chat.Send(t.Context(), w.seller, c.ID, "Hello")
		w.Must(err)
	}
	two := 2
	args := page.Args{First: &two}
	var versions []int64
	for {
		p, err := w.Chat.Messages(t.Context(), w.buyer, c.ID, args)
		w.Must(err)
		for _, m := range p.Nodes {
			versions = append(versions, m.Version)
		}
		if !p.HasNext {
			break
		}
		args.After = p.PageInfo().EndCursor
		_, _, err = w.Chat.Send(t.Context(), w.buyer, c.ID, "More")
		w.Must(err)
	}
	if fmt.Sprint(versions) != "[5 4 3 2 1]" {
		t.Errorf("%v", versions)
	}
}

// The conversation that was written in last comes first.
func TestNewestMessageFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.started()
	second, _, err := w.Chat.Start(t.Context(), w.buyer, w.Listing(w.seller), "And this?")
	w.Must(err)
	list := func() (ids []uuid.UUID) {
		p, err := w.Chat.List(t.Context(), w.buyer, page.Args{})
		w.Must(err)
		for _, c := range p.Nodes {
			ids = append(ids, c.ID)
		}
		return ids
	}
	if got := list(); !slices.Equal(got, []uuid.UUID{second.ID, first.ID}) {
		t.Errorf("%v", got)
	}
	_, _, err = w.Chat.Send(t.Context(), w.seller, first.ID, "Hello?")
	w.Must(err)
	if got := list(); !slices.Equal(got, []uuid.UUID{first.ID, second.ID}) {
		t.Errorf("after a message: %v", got)
	}
}

// settable is a clock that a test sets.
type settable struct{ time.Time }

func (c *settable) Now() time.Time { return c.Time }

// Typing is told to those who listen, once a second, by members alone; what a listener gets of it is others'.
func TestTyping(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.started()
	stranger := w.Buyer(0)
	now := &settable{time.Unix(1_000, 0)}
	talk := chat.New(chat.Config{Pool: w.Pool, Catalog: w.Catalog, Hub: w.Told, Clock: now})
	said, err := talk.Typing(t.Context(), w.buyer, c.ID)
	if err != nil || said.UserID != w.buyer || !said.ExpiresAt.Equal(now.Add(5*time.Second)) {
		t.Fatalf("%+v, %v", said, err)
	}
	if _, err := talk.Typing(t.Context(), w.buyer, c.ID); !errors.Is(err, chat.ErrTypingTooOften) {
		t.Errorf("told again at once: %v", err)
	} else if f, _ := fault.As(err); f.RetryIn != time.Second {
		t.Errorf("may be told again in %v", f.RetryIn)
	}
	w.Must2(talk.Typing(t.Context(), w.seller, c.ID))
	now.Time = now.Add(time.Second)
	w.Must2(talk.Typing(t.Context(), w.buyer, c.ID))
	for _, conversation := range []uuid.UUID{c.ID, id.New()} {
		if _, err := talk.Typing(t.Context(), stranger, conversation); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("a stranger types: %v", err)
		}
	}
	told := w.Told.Broadcasts()
	if len(told) != 3 {
		t.Fatalf("%d broadcasts, want 3", len(told))
	}
	for i, typist := range []uuid.UUID{w.buyer, w.seller, w.buyer} {
		for _, member := range []uuid.UUID{w.buyer, w.seller} {
			got, ok, err := chat.TypingOfOthers(member)(told[i].Payload)
			if err != nil || told[i].Topic != chat.Topic(c.ID) || got.UserID != typist || ok != (member != typist) {
				t.Errorf("broadcast %d: %+v %t, %v", i, got, ok, err)
			}
		}
	}
	if _, _, err := chat.TypingOfOthers(w.buyer)([]byte("7")); err == nil {
		t.Error("a number says who types")
	}
	w.matches(c.ID, 1) // no event, no message
}
