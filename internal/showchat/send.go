package showchat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/text"
)

const (
	maxBody = 500
	// maxBatchText bounds what the messages of one batch say, in bytes, so that the event that shows them fits into a viewer's queue.
	maxBatchText = 32 << 10
)

// SendInput is a message to send.
type SendInput struct {
	Show           uuid.UUID
	Body           string
	ReplyTo        *uuid.UUID
	IdempotencyKey string
}

// post is a message on its way.
type post struct {
	SendInput
	author  uuid.UUID
	words   []string
	handles [][]string
}

// Send posts a message. The same key with the same message gets the message that it posted; a refusal is not kept.
func (s *Service) Send(ctx context.Context, author uuid.UUID, in SendInput) (_ Message, err error) {
	defer fault.Wrap(&err, "send a message to show %s", in.Show)
	if wait, ok := s.attempts.Take(author); !ok {
		return Message{}, ErrTooFast.With("until", s.clock.Now().Add(wait)).With("wait", wait)
	}
	if in.Body, err = cleanBody(in.Body); err != nil {
		return Message{}, err
	}
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return Message{}, err
	}
	return s.posts.Do(ctx, in.Show, post{in, author, text.Words(in.Body), handlesIn(in.Body)})
}

// cleanBody is a message as it is kept: one line.
func cleanBody(body string) (string, error) {
	if len(body) > 16*maxBody { // not worth the cleaning
		return "", ErrBodyLength.At("body")
	}
	body = strings.ReplaceAll(text.Clean(body), "\n", " ")
	if n := utf8.RuneCountInString(body); n < 1 || n > maxBody {
		return "", ErrBodyLength.At("body")
	}
	if !text.IsLine(body) {
		return "", ErrBodyText.At("body")
	}
	return body, nil
}

// write is the batch's Run: in one transaction, or several where the texts are long.
func (s *Service) write(ctx context.Context, showID uuid.UUID, posts []post) []batch.Answer[Message] {
	answers := make([]batch.Answer[Message], 0, len(posts))
	for len(posts) > 0 {
		n := fitting(posts)
		answers = append(answers, s.writeSome(ctx, showID, posts[:n])...)
		posts = posts[n:]
	}
	return answers
}

// fitting is how many posts one event can show.
func fitting(posts []post) int {
	size := 0
	for i, p := range posts {
		if size += len(p.Body); size > maxBatchText && i > 0 {
			return i
		}
	}
	return len(posts)
}

// writeSome writes posts in one transaction. Where that fails for a reason that may be one post's own, each is tried alone.
func (s *Service) writeSome(ctx context.Context, showID uuid.UUID, posts []post) []batch.Answer[Message] {
	answers, event, err := s.commit(ctx, showID, posts)
	if err != nil && len(posts) > 1 && !postgres.Away(err) && ctx.Err() == nil && fault.KindOf(err) == fault.Internal {
		s.log.ErrorContext(ctx, "a batch of messages failed and is tried one by one", "show", showID, "messages", len(posts), "error", err)
		answers = answers[:0]
		for _, p := range posts {
			answers = append(answers, s.writeSome(ctx, showID, []post{p})...)
		}
		return answers
	}
	if err != nil {
		return batch.Fail[Message](len(posts), err)
	}
	if event != nil {
		s.hub.Publish(ctx, *event)
	}
	return answers
}

// commit judges posts in their order, and writes those that are taken: with one statement, one event.
func (s *Service) commit(ctx context.Context, showID uuid.UUID, posts []post) (answers []batch.Answer[Message], event *realtime.Event, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		answers, event = nil, nil
		w, err := s.begin(ctx, tx, showID, posts)
		if err != nil {
			return err
		}
		answers = w.decide(posts)
		if len(w.taken) == 0 {
			return nil
		}
		if err := w.insert(ctx, tx, s.q); err != nil {
			return err
		}
		told, err := show.AppendTx(ctx, tx, showID, EventPosted, payload{&Change{Posted: &Posted{
			First: w.taken[0].Number, Last: w.taken[len(w.taken)-1].Number,
		}}})
		event = &told
		return err
	})
	if errors.Is(err, show.ErrNotFound) {
		return batch.Fail[Message](len(posts), err), nil, nil
	}
	return answers, event, err
}

// writing is one batch under the chat's lock, with all that its posts are judged by.
type writing struct {
	room
	blocked   wordList
	authors   map[uuid.UUID]*standing
	newcomers []db.ShowMembersOfRow
	replies   map[uuid.UUID]bool // may be replied to
	handles   map[string]uuid.UUID
	sent      map[sentKey]db.ShowMessage // by earlier tries
	taken     []Message
	keys      []string // of the taken
}

type sentKey struct {
	author uuid.UUID
	key    string
}

// begin takes the lock, and reads what all posts need with one statement each.
func (s *Service) begin(ctx context.Context, tx pgx.Tx, showID uuid.UUID, posts []post) (*writing, error) {
	r, err := s.lockTx(ctx, tx, showID)
	if err != nil {
		return nil, err
	}
	w := &writing{room: r, blocked: newWordList(r.Words)}
	for _, read := range []func(context.Context, pgx.Tx, *db.Queries, []post) error{
		w.readSent, w.readAuthors, w.readRecent, w.readReplies, w.readHandles,
	} {
		if err := read(ctx, tx, s.q, posts); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *writing) readSent(ctx context.Context, tx pgx.Tx, q *db.Queries, posts []post) error {
	authors, keys := make([]uuid.UUID, len(posts)), make([]string, len(posts))
	for i, p := range posts {
		authors[i], keys[i] = p.author, p.IdempotencyKey
	}
	rows, err := q.ShowMessagesByKey(ctx, tx, authors, keys, w.ShowID)
	w.sent = make(map[sentKey]db.ShowMessage, len(rows))
	for _, row := range rows {
		w.sent[sentKey{row.AuthorID, row.IdempotencyKey}] = row
	}
	return err
}

func (w *writing) readAuthors(ctx context.Context, tx pgx.Tx, q *db.Queries, posts []post) error {
	rows, err := q.ShowMembersOf(ctx, tx, w.ShowID, authorsOf(posts))
	w.authors = make(map[uuid.UUID]*standing, len(rows))
	for _, row := range rows {
		w.authors[row.ID] = &standing{
			keeper: row.Moderator || row.ID == w.host, banned: row.Banned, mutedUntil: row.MutedUntil,
		}
		if !row.Known {
			w.newcomers = append(w.newcomers, row)
		}
	}
	return err
}

// authorsOf is who sends something, each once.
func authorsOf(posts []post) []uuid.UUID {
	var authors []uuid.UUID
	seen := make(map[uuid.UUID]bool, len(posts))
	for _, p := range posts {
		if !seen[p.author] {
			seen[p.author] = true
			authors = append(authors, p.author)
		}
	}
	return authors
}

func (w *writing) readRecent(ctx context.Context, tx pgx.Tx, q *db.Queries, posts []post) error {
	rows, err := q.ShowMessagesRecent(ctx, tx, authorsOf(posts), w.ShowID, rateMessages)
	for _, row := range rows {
		if author := w.authors[row.AuthorID]; author != nil {
			author.recent = append(author.recent, row.SentAt)
		}
	}
	return err
}

func (w *writing) readReplies(ctx context.Context, tx pgx.Tx, q *db.Queries, posts []post) error {
	var ids []uuid.UUID
	for _, p := range posts {
		if p.ReplyTo != nil {
			ids = append(ids, *p.ReplyTo)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := q.ShowMessagesStanding(ctx, tx, w.ShowID, ids)
	w.replies = make(map[uuid.UUID]bool, len(rows))
	for _, row := range rows {
		w.replies[row] = true
	}
	return err
}

func (w *writing) readHandles(ctx context.Context, tx pgx.Tx, q *db.Queries, posts []post) error {
	var handles []string
	for _, p := range posts {
		for _, candidates := range p.handles {
			handles = append(handles, candidates...)
		}
	}
	if len(handles) == 0 {
		return nil
	}
	rows, err := q.ShowMembersByHandle(ctx, tx, w.ShowID, handles)
	w.handles = make(map[string]uuid.UUID, len(rows))
	for _, row := range rows {
		w.handles[row.Handle] = row.UserID
	}
	return err
}

// decide judges each post, in order, by what holds after those before it.
func (w *writing) decide(posts []post) []batch.Answer[Message] {
	answers := make([]batch.Answer[Message], len(posts))
	for i, p := range posts {
		answers[i].Value, answers[i].Err = w.decideOne(p)
	}
	return answers
}

func (w *writing) decideOne(p post) (Message, error) {
	if first, ok := w.sent[sentKey{p.author, p.IdempotencyKey}]; ok {
		return again(first, p)
	}
	author := w.authors[p.author]
	if author == nil {
		return Message{}, fmt.Errorf("the author %s is no user", p.author)
	}
	if err := w.judge(author, p.words, w.blocked); err != nil {
		return Message{}, err
	}
	if p.ReplyTo != nil && !w.replies[*p.ReplyTo] {
		return Message{}, ErrNotFound.At("replyTo")
	}
	author.sent(w.now)
	w.Messages++
	row := db.ShowMessage{
		ID: id.New(), ShowID: w.ShowID, Number: w.Messages, AuthorID: p.author, Body: p.Body, ReplyTo: p.ReplyTo,
		Mentions: mentioned(p.handles, w.handles), IdempotencyKey: p.IdempotencyKey, SentAt: w.now,
	}
	w.sent[sentKey{p.author, p.IdempotencyKey}] = row
	w.taken = append(w.taken, messageOf(row))
	w.keys = append(w.keys, p.IdempotencyKey)
	return messageOf(row), nil
}

// again answers a message that was posted before.
func again(first db.ShowMessage, p post) (Message, error) {
	sameReply := (first.ReplyTo == nil) == (p.ReplyTo == nil) && (p.ReplyTo == nil || *first.ReplyTo == *p.ReplyTo)
	if first.Body != p.Body || !sameReply {
		return Message{}, ErrKeyReused.At("idempotencyKey")
	}
	return messageOf(first), nil
}

// insert writes what was taken.
func (w *writing) insert(ctx context.Context, tx pgx.Tx, q *db.Queries) error {
	if err := w.welcome(ctx, tx, q); err != nil {
		return err
	}
	rows := db.ShowMessagesInsertParams{ShowID: w.ShowID, SentAt: w.now, Keys: w.keys}
	for _, m := range w.taken {
		reply := uuid.Nil
		if m.Reply != nil {
			reply = *m.Reply
		}
		rows.Ids = append(rows.Ids, m.ID)
		rows.Numbers = append(rows.Numbers, m.Number)
		rows.AuthorIds = append(rows.AuthorIds, m.AuthorID)
		rows.Bodies = append(rows.Bodies, *m.Body)
		rows.Replies = append(rows.Replies, reply)
		rows.Mentions = append(rows.Mentions, arrayOf(m.MentionID))
	}
	if err := q.ShowMessagesInsert(ctx, tx, rows); err != nil {
		return err
	}
	return q.ShowChatAdvance(ctx, tx, w.Messages, w.ShowID)
}

// welcome makes members of those who write for the first time.
func (w *writing) welcome(ctx context.Context, tx pgx.Tx, q *db.Queries) error {
	var (
		users   []uuid.UUID
		handles []string
	)
	for _, row := range w.newcomers {
		if len(w.authors[row.ID].recent) > 0 { // or nothing of theirs was taken
			users, handles = append(users, row.ID), append(handles, handle(row.Name))
		}
	}
	if len(users) == 0 {
		return nil
	}
	return q.ShowMembersInsert(ctx, tx, w.ShowID, users, handles)
}

// arrayOf writes ids as PostgreSQL writes an array.
func arrayOf(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, u := range ids {
		texts[i] = u.String()
	}
	return "{" + strings.Join(texts, ",") + "}"
}
