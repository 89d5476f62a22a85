package showchat

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
)

const (
	messageList    = 'W' // mark the cursors of the two lists
	moderationList = 'D'
)

// Message is one message of a show. Of one that was deleted everything but what it said is left.
type Message struct {
	ID        uuid.UUID
	ShowID    uuid.UUID
	Number    int64 // in its show, from 1 without a hole
	AuthorID  uuid.UUID
	Body      *string // nil once deleted
	Reply     *uuid.UUID
	MentionID []uuid.UUID
	SentAt    time.Time
	DeletedAt *time.Time
}

// NodeID is the id that clients see.
func (m Message) NodeID() id.ID { return id.ShowMessage.ID(m.ID) }

// Cursor is the message's place in its show.
func (m Message) Cursor() string { return page.EncodeNumber(messageList, m.Number) }

// Page is a page of a list of messages.
type Page = page.Page[Message]

// Edge is one row of it.
type Edge = page.Edge[Message]

func messageOf(row db.ShowMessage) Message {
	m := Message{
		ID: row.ID, ShowID: row.ShowID, Number: row.Number, AuthorID: row.AuthorID, Reply: row.ReplyTo, MentionID: row.Mentions,
		SentAt: row.SentAt, DeletedAt: row.DeletedAt,
	}
	if m.DeletedAt == nil {
		m.Body = &row.Body
	}
	return m
}

// MessagesAsked asks for a page of a show's messages; pages of many shows are read with one statement.
type MessagesAsked struct {
	Show   uuid.UUID
	size   int
	before int64
}

// AskMessages reads the arguments of a page of a show's messages.
func AskMessages(show uuid.UUID, args page.Args) (MessagesAsked, error) {
	size, before, err := within(args, messageList)
	return MessagesAsked{show, size, before}, err
}

// Pages reads pages of shows' messages for a loader, the newest first.
func (s *Service) Pages(ctx context.Context, asked []MessagesAsked) (map[MessagesAsked]Page, error) {
	shows := make(map[MessagesAsked][]uuid.UUID) // by the page, of no show
	for _, a := range asked {
		p := MessagesAsked{size: a.size, before: a.before}
		shows[p] = append(shows[p], a.Show)
	}
	pages := make(map[MessagesAsked]Page, len(asked))
	for p, of := range shows {
		rows, err := s.q.ShowMessagePage(ctx, s.pool, of, p.before, int32(p.size+1))
		if err != nil {
			return nil, err
		}
		messages := make(map[uuid.UUID][]db.ShowMessage, len(of))
		for _, row := range rows {
			messages[row.ShowID] = append(messages[row.ShowID], row)
		}
		for _, show := range of {
			pages[MessagesAsked{show, p.size, p.before}] = page.Of(messages[show], p.size, messageOf, Message.Cursor)
		}
	}
	return pages, nil
}

// Messages is a show's messages, the newest first.
func (s *Service) Messages(ctx context.Context, showID uuid.UUID, args page.Args) (Page, error) {
	asked, err := AskMessages(showID, args)
	if err != nil {
		return Page{}, err
	}
	pages, err := s.Pages(ctx, []MessagesAsked{asked})
	return pages[asked], err
}

func within(args page.Args, list byte) (size int, before int64, err error) {
	if size, err = args.Size(); err != nil {
		return 0, 0, err
	}
	before, err = args.BeforeNumber(list)
	return size, before, err
}

// ByID reads messages for a loader.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Message, error) {
	rows, err := s.q.ShowMessagesByID(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	messages := make(map[uuid.UUID]Message, len(rows))
	for _, row := range rows {
		messages[row.ID] = messageOf(row)
	}
	return messages, nil
}

// Get reads one message.
func (s *Service) Get(ctx context.Context, message uuid.UUID) (Message, error) {
	found, err := s.ByID(ctx, []uuid.UUID{message})
	if err != nil {
		return Message{}, err
	}
	m, ok := found[message]
	if !ok {
		return Message{}, ErrNotFound
	}
	return m, nil
}

// Posted reads the messages that an event says were posted, in their order, as they are now.
func (s *Service) Posted(ctx context.Context, showID uuid.UUID, p Posted) ([]Message, error) {
	rows, err := s.q.ShowMessageRange(ctx, s.pool, showID, p.First, p.Last)
	if err != nil {
		return nil, err
	}
	messages := make([]Message, len(rows))
	for i, row := range rows {
		messages[i] = messageOf(row)
	}
	return messages, nil
}

// Banned tells who of several users is banned from a show: in one statement, for as many as want to bid at once.
func Banned(ctx context.Context, tx db.DBTX, showID uuid.UUID, users []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := db.New().ShowBanned(ctx, tx, showID, users)
	if err != nil {
		return nil, err
	}
	banned := make(map[uuid.UUID]bool, len(rows))
	for _, user := range rows {
		banned[user] = true
	}
	return banned, nil
}
