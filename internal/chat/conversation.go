package chat

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/pace"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const (
	bodyMax          = 2000
	conversationList = 'C' // mark the cursors of the two lists
	messageList      = 'M'
)

// Conversation is between the buyer who began it and the listing's seller.
type Conversation struct {
	ID        uuid.UUID
	ListingID uuid.UUID
	BuyerID   uuid.UUID
	SellerID  uuid.UUID
	Version   int64
	ActiveAt  time.Time
}

// NodeID is the id that clients see.
func (c Conversation) NodeID() id.ID { return id.Conversation.ID(c.ID) }

// Cursor is the conversation's place in a list.
func (c Conversation) Cursor() string {
	return page.Key{At: c.ActiveAt, ID: c.ID}.Encode(conversationList)
}

// ConversationPage is a page of a list of Conversations.
type ConversationPage = page.Page[Conversation]

// ConversationEdge is one row of it.
type ConversationEdge = page.Edge[Conversation]

func conversationOf(row db.Conversation) Conversation {
	return Conversation{
		ID: row.ID, ListingID: row.ListingID, BuyerID: row.BuyerID, SellerID: row.SellerID,
		Version: row.Version, ActiveAt: row.ActiveAt,
	}
}

// Message is one message; its version is its place in the conversation, from 1 without a hole.
type Message struct {
	ID             uuid.UUID `json:"id"`
	ConversationID uuid.UUID `json:"conversationId"`
	Version        int64     `json:"version"`
	SenderID       uuid.UUID `json:"senderId"`
	Body           string    `json:"body"`
	SentAt         time.Time `json:"sentAt"`
}

// NodeID is the id that clients see.
func (m Message) NodeID() id.ID { return id.Message.ID(m.ID) }

// Cursor is the message's place in its conversation.
func (m Message) Cursor() string { return page.EncodeNumber(messageList, m.Version) }

// MessagePage is a page of a list of Messages.
type MessagePage = page.Page[Message]

// MessageEdge is one row of it.
type MessageEdge = page.Edge[Message]

func messageOf(row db.Message) Message {
	return Message{
		ID: row.ID, ConversationID: row.ConversationID, Version: row.Version, SenderID: row.SenderID,
		Body: row.Body, SentAt: row.SentAt,
	}
}

// Service holds the use cases of this package.
type Service struct {
	pool    *pgxpool.Pool
	q       *db.Queries
	catalog *catalog.Service
	hub     Hub
	clock   clock.Clock
	typists *pace.Limiter[typist]
}

// Hub tells of messages, which are kept, and of typing, which is not.
type Hub interface {
	realtime.Publisher
	realtime.Broadcaster
}

// Config is what a Service is made of; all of it is required.
type Config struct {
	Pool    *pgxpool.Pool
	Catalog *catalog.Service
	Hub     Hub
	Clock   clock.Clock
}

// New makes the service.
func New(c Config) *Service {
	return &Service{pool: c.Pool, q: db.New(), catalog: c.Catalog, hub: c.Hub, clock: c.Clock, typists: pace.New[typist](typingEvery, 1, c.Clock)}
}

// Start sends a buyer's message about a listing to its seller; the conversation is made by the first.
func (s *Service) Start(ctx context.Context, buyer, listing uuid.UUID, body string) (_ Conversation, _ Message, err error) {
	defer fault.Wrap(&err, "start a conversation")
	body, err = cleanBody(body)
	if err != nil {
		return Conversation{}, Message{}, err
	}
	item, err := s.catalog.GetSeenBy(ctx, buyer, listing)
	if err != nil {
		return Conversation{}, Message{}, err
	}
	if item.SellerID == buyer {
		return Conversation{}, Message{}, ErrOwnListing.At("listingId")
	}
	return s.append(ctx, buyer, body, func(tx pgx.Tx) (db.Conversation, error) {
		err := s.q.ConversationInsert(ctx, tx, db.ConversationInsertParams{
			ID: id.New(), ListingID: listing, BuyerID: buyer, SellerID: item.SellerID,
		})
		if postgres.Violates(err, "conversation_listing_id_fkey") { // deleted in this moment
			return db.Conversation{}, catalog.ErrListingNotFound
		}
		if err != nil {
			return db.Conversation{}, err
		}
		return s.q.ConversationOfBuyerLock(ctx, tx, listing, buyer)
	})
}

// Send sends a member's message into a conversation.
func (s *Service) Send(ctx context.Context, sender, conversation uuid.UUID, body string) (_ Conversation, _ Message, err error) {
	defer fault.Wrap(&err, "send a message")
	body, err = cleanBody(body)
	if err != nil {
		return Conversation{}, Message{}, err
	}
	return s.append(ctx, sender, body, func(tx pgx.Tx) (db.Conversation, error) {
		row, err := s.q.ConversationOfMemberLock(ctx, tx, conversation, sender)
		if postgres.NoRows(err) {
			return db.Conversation{}, ErrNotFound
		}
		return row, err
	})
}

// append writes a message under the lock of the conversation that lock takes, and tells the topic.
func (s *Service) append(ctx context.Context, sender uuid.UUID, body string, lock func(pgx.Tx) (db.Conversation, error)) (Conversation, Message, error) {
	var (
		conversation Conversation
		message      Message
		event        realtime.Event
	)
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		locked, err := lock(tx)
		if err != nil {
			return err
		}
		now, err := s.q.ConversationAdvance(ctx, tx, locked.ID)
		if err != nil {
			return err
		}
		row, err := s.q.MessageInsert(ctx, tx, db.MessageInsertParams{
			ID: id.New(), ConversationID: now.ID, Version: now.Version, SenderID: sender, Body: body, SentAt: now.ActiveAt,
		})
		if err != nil {
			return err
		}
		conversation, message = conversationOf(now), messageOf(row)
		event, err = realtime.AppendTx(ctx, tx, Topic(now.ID), row.Version, EventMessage, message)
		return err
	})
	if err != nil {
		return Conversation{}, Message{}, err
	}
	s.hub.Publish(ctx, event)
	return conversation, message, nil
}

func cleanBody(body string) (string, error) {
	body = text.Clean(body)
	if n := utf8.RuneCountInString(body); n < 1 || n > bodyMax {
		return "", ErrBodyLength.At("body")
	}
	if !text.IsProse(body) {
		return "", ErrBodyText.At("body")
	}
	return body, nil
}

// Get reads a conversation of which member is part.
func (s *Service) Get(ctx context.Context, member, conversation uuid.UUID) (Conversation, error) {
	row, err := s.q.ConversationOfMember(ctx, s.pool, conversation, member)
	if postgres.NoRows(err) {
		return Conversation{}, ErrNotFound
	}
	return conversationOf(row), err
}

// List is a member's conversations, the one with the newest message first.
func (s *Service) List(ctx context.Context, member uuid.UUID, args page.Args) (ConversationPage, error) {
	size, err := args.Size()
	if err != nil {
		return ConversationPage{}, err
	}
	before, err := args.Before(conversationList)
	if err != nil {
		return ConversationPage{}, err
	}
	rows, err := s.q.ConversationPage(ctx, s.pool, db.ConversationPageParams{
		Member: member, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, conversationOf, Conversation.Cursor), err
}

// Messages is the messages, newest first, of a conversation of which member is part.
func (s *Service) Messages(ctx context.Context, member, conversation uuid.UUID, args page.Args) (MessagePage, error) {
	size, err := args.Size()
	if err != nil {
		return MessagePage{}, err
	}
	before, err := args.BeforeNumber(messageList)
	if err != nil {
		return MessagePage{}, err
	}
	rows, err := s.q.MessagePage(ctx, s.pool, db.MessagePageParams{
		ConversationID: conversation, Member: member, BeforeVersion: before, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, messageOf, Message.Cursor), err
}

// Message reads one message of a conversation of which member is part.
func (s *Service) Message(ctx context.Context, member, message uuid.UUID) (Message, error) {
	row, err := s.q.MessageOfMember(ctx, s.pool, message, member)
	if postgres.NoRows(err) {
		return Message{}, ErrMessageNotFound
	}
	return messageOf(row), err
}
