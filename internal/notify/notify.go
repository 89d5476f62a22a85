package notify

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Kind says what a notice tells. The schema's enum NotificationKind has the same names.
type Kind string

// The kinds of notices. The comment says what the subject is.
const (
	PriceDropped Kind = "PRICE_DROPPED" // a listing that the recipient wishes for
	BackInStock  Kind = "BACK_IN_STOCK" // a variant that the recipient waits for
	SearchFound  Kind = "SEARCH_FOUND"  // a listing that a saved search finds
	StockLow     Kind = "STOCK_LOW"     // a variant that the recipient sells, of which little is left somewhere
	CodesLow     Kind = "CODES_LOW"     // a variant that the recipient sells, of which few codes are left
	WantMatched  Kind = "WANT_MATCHED"  // a listing that fits a want of the recipient's
	WantAnswered Kind = "WANT_ANSWERED" // a listing that its seller offers for a want of the recipient's
	OrderProblem Kind = "ORDER_PROBLEM" // an order that its buyer complains of, or whose complaint was answered
	Reviewed     Kind = "REVIEWED"      // a review of what the recipient sold

	OfferChanged Kind = "OFFER_CHANGED" // an offer of the recipient's, that the other side or time has moved

	OrderSent      Kind = "ORDER_SENT"      // an order that the recipient bought
	OrderDelivered Kind = "ORDER_DELIVERED" // an order of the recipient's, bought or sold
	OrderCompleted Kind = "ORDER_COMPLETED" // an order of the recipient's, bought or sold
	OrderRefunded  Kind = "ORDER_REFUNDED"  // an order that the recipient bought, of which money goes back
	InvoiceIssued  Kind = "INVOICE_ISSUED"  // an invoice or a credit note of what the recipient bought

	ShipmentDelayed Kind = "SHIPMENT_DELAYED" // an order of the recipient's, of which a parcel waits for its label
)

// Parameter is one thing that a notice says besides its subject: a price, a count, the id of something else. It has no words that
// somebody wrote.
type Parameter struct {
	Name  string        `json:"name"`
	Value string        `json:"value"`
	Money *money.Amount `json:"money,omitempty"`
}

// Text is a parameter that is no sum.
func Text(name, value string) Parameter { return Parameter{Name: name, Value: value} }

// Sum is a parameter that is one.
func Sum(name string, amount money.Amount) Parameter {
	return Parameter{Name: name, Value: amount.String(), Money: &amount}
}

// Note is one thing to tell one user.
type Note struct {
	Recipient  uuid.UUID
	Kind       Kind
	Subject    id.ID
	Parameters []Parameter
	Key        string // 1 to 200 characters: what has been told by it is not told its recipient again
}

// Notice is what a user was told.
type Notice struct {
	ID         uuid.UUID
	Kind       Kind
	Subject    id.ID
	Parameters []Parameter
	CreatedAt  time.Time
	ReadAt     *time.Time
}

// NodeID is the id that clients see.
func (n Notice) NodeID() id.ID { return id.Notification.ID(n.ID) }

const noticeList = 'N' // marks cursors of notices

// Cursor is the notice's place in its recipient's list of all.
func (n Notice) Cursor() string { return n.cursorIn(page.Asked{}) }

func (n Notice) cursorIn(asked page.Asked) string {
	return page.Key{At: n.CreatedAt, ID: n.ID}.Encode(noticeList, asked)
}

// NoticePage is a page of a user's notices.
type NoticePage = page.Page[Notice]

// NoticeEdge is one of them with its cursor.
type NoticeEdge = page.Edge[Notice]

func noticeOf(row db.Notification) (Notice, error) {
	n := Notice{ID: row.ID, Kind: Kind(row.Kind), CreatedAt: row.CreatedAt, ReadAt: row.ReadAt}
	kind, subject, err := id.Parse(row.Subject)
	if err != nil {
		return n, fault.New(fault.Internal, "NOTIFICATION_SUBJECT", "notice %s is about %q", row.ID, row.Subject)
	}
	n.Subject = kind.ID(subject)
	return n, json.Unmarshal(row.Parameters, &n.Parameters)
}

// InsertTx tells users, in the transaction that gives cause to: two statements to write, two to tell live, however many there are. What
// a recipient has been told by the same key is left out. The events are to be published after the commit; there is one for each notice
// that is new. The recipients' feeds are locked until then, so whoever has thousands to tell does so in several transactions.
func InsertTx(ctx context.Context, tx pgx.Tx, notes ...Note) (_ []realtime.Event, err error) {
	if len(notes) == 0 {
		return nil, nil
	}
	defer fault.Wrap(&err, "write %d notices", len(notes))
	rows, err := columnsOf(notes)
	if err != nil {
		return nil, err
	}
	if err := feed.LockTx(ctx, tx, rows.Recipients); err != nil {
		return nil, err
	}
	written, err := db.New().NotificationInsertAll(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	news := make([]feed.News, len(written))
	for i, w := range written {
		news[i] = feed.News{User: w.RecipientID, Kind: feed.Notified, Object: id.Notification.ID(w.ID)}
	}
	return feed.TellTx(ctx, tx, news...)
}

func columnsOf(notes []Note) (rows db.NotificationInsertAllParams, err error) {
	for _, n := range notes {
		if n.Parameters == nil {
			n.Parameters = []Parameter{}
		}
		parameters, err := json.Marshal(n.Parameters)
		if err != nil {
			return rows, err
		}
		rows.Ids, rows.Recipients = append(rows.Ids, id.New()), append(rows.Recipients, n.Recipient)
		rows.Kinds, rows.Subjects = append(rows.Kinds, string(n.Kind)), append(rows.Subjects, n.Subject.String())
		rows.Parameters, rows.DedupKeys = append(rows.Parameters, string(parameters)), append(rows.DedupKeys, n.Key)
	}
	return rows, nil
}

// Service reads notices, and marks them as read.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// New makes a Service.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool, q: db.New()} }

// List is a user's notices, or those that are not read, the newest first.
func (s *Service) List(ctx context.Context, recipient uuid.UUID, unread bool, args page.Args) (NoticePage, error) {
	size, err := args.Size()
	if err != nil {
		return NoticePage{}, err
	}
	asked := page.AskedFor(unread)
	before, err := args.Before(noticeList, asked)
	if err != nil {
		return NoticePage{}, err
	}
	rows, err := s.q.NotificationPage(ctx, s.pool, db.NotificationPageParams{
		RecipientID: recipient, BeforeAt: before.At, BeforeID: before.ID, Unread: unread, PageSize: int32(size + 1),
	})
	if err != nil {
		return NoticePage{}, err
	}
	notices := make([]Notice, len(rows))
	for i, row := range rows {
		if notices[i], err = noticeOf(row); err != nil {
			return NoticePage{}, err
		}
	}
	return page.Of(notices, size, func(n Notice) Notice { return n }, func(n Notice) string { return n.cursorIn(asked) }), nil
}

// MostUnread is how many notices that are not read are counted.
const MostUnread = 1000

// Unread is how many notices a user has not read, MostUnread where there are more.
func (s *Service) Unread(ctx context.Context, recipient uuid.UUID) (int, error) {
	n, err := s.q.NotificationUnread(ctx, s.pool, recipient, MostUnread)
	return int(n), err
}

// Get reads a user's own notice.
func (s *Service) Get(ctx context.Context, recipient, notice uuid.UUID) (Notice, error) {
	return own(s.q.NotificationOf(ctx, s.pool, notice, recipient))
}

// Read marks a user's own notice as read. One that was read stays so.
func (s *Service) Read(ctx context.Context, recipient, notice uuid.UUID) (Notice, error) {
	return own(s.q.NotificationRead(ctx, s.pool, notice, recipient))
}

func own(row db.Notification, err error) (Notice, error) {
	if postgres.NoRows(err) {
		return Notice{}, ErrNotFound.At("notificationId")
	}
	if err != nil {
		return Notice{}, err
	}
	return noticeOf(row)
}

// ReadUpTo marks as read the notice of a cursor and all that are older; nil marks all. What comes meanwhile is newer than any cursor.
func (s *Service) ReadUpTo(ctx context.Context, recipient uuid.UUID, cursor *string) (err error) {
	upTo, err := page.Args{After: cursor}.Before(noticeList)
	if errors.Is(err, page.ErrQuery) { // of the list of those that are not read: the place is the same
		upTo, err = page.Args{After: cursor}.Before(noticeList, page.AskedFor(true))
	}
	if err != nil {
		if f, ok := fault.As(err); ok {
			return f.At("upTo")
		}
		return err
	}
	defer fault.Wrap(&err, "mark notices as read")
	return s.q.NotificationReadUpTo(ctx, s.pool, recipient, upTo.At, upTo.ID)
}
