package adminlog

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/text"
)

// maxReason is the longest reason, in characters.
const maxReason = 1000

// The refusals of this package.
var (
	ErrReason     = fault.New(fault.Invalid, "REASON_LENGTH", "A reason has 1 to 1000 characters.").At("reason")
	ErrReasonText = fault.New(fault.Invalid, "TEXT_CONTROL_CHARACTERS", "The text has characters that can't be shown: control characters, or those that turn the direction of writing.").At("reason")
)

// Kind is what was done. The schema's enum AdminActionKind has the same names.
type Kind string

// The kinds.
const (
	AttributeChanged    Kind = "ATTRIBUTE_CHANGED"
	AttributeCreated    Kind = "ATTRIBUTE_CREATED"
	BidCancelled        Kind = "BID_CANCELLED"
	BrandChanged        Kind = "BRAND_CHANGED"
	BrandCreated        Kind = "BRAND_CREATED"
	CategoryChanged     Kind = "CATEGORY_CHANGED"
	CategoryCreated     Kind = "CATEGORY_CREATED"
	CategoryMoved       Kind = "CATEGORY_MOVED"
	LedgerEntryReversed Kind = "LEDGER_ENTRY_REVERSED"
	ListingHidden       Kind = "LISTING_HIDDEN"
	ListingRestored     Kind = "LISTING_RESTORED"
	OrderCancelled      Kind = "ORDER_CANCELLED"
	OrderRefunded       Kind = "ORDER_REFUNDED"
	PromotionChanged    Kind = "PROMOTION_CHANGED"
	PromotionCreated    Kind = "PROMOTION_CREATED"
	PromotionEnded      Kind = "PROMOTION_ENDED"
	ReviewHidden        Kind = "REVIEW_HIDDEN"
	ReviewRestored      Kind = "REVIEW_RESTORED"
	RiskAllowed         Kind = "RISK_ALLOWED"
	RiskRefused         Kind = "RISK_REFUSED"
	RiskTierAtRisk      Kind = "RISK_TIER_AT_RISK"
	RiskTierNormal      Kind = "RISK_TIER_NORMAL"
	RiskTierRestricted  Kind = "RISK_TIER_RESTRICTED"
	RiskTierWarning     Kind = "RISK_TIER_WARNING"
	SynonymChanged      Kind = "SYNONYM_CHANGED"
	SynonymCreated      Kind = "SYNONYM_CREATED"
	UserBanned          Kind = "USER_BANNED"
	UserTrusted         Kind = "USER_TRUSTED"
	UserUnbanned        Kind = "USER_UNBANNED"
	UserUnverified      Kind = "USER_UNVERIFIED"
	UserVerified        Kind = "USER_VERIFIED"
	WalletFrozen        Kind = "WALLET_FROZEN"
	WalletUnfrozen      Kind = "WALLET_UNFROZEN"
)

// Action is one thing that was done.
type Action struct {
	ID      uuid.UUID
	ActorID uuid.UUID // who did it
	Kind    Kind
	Subject string // what it was done to: an id of the API, or "entry 123" of the ledger
	Reason  string
	At      time.Time
}

// NodeID is the id that clients see.
func (a Action) NodeID() id.ID { return id.AdminAction.ID(a.ID) }

// Entry is an action to record.
type Entry struct {
	Actor   uuid.UUID
	Kind    Kind
	Subject string
	Reason  string // as somebody typed it; RecordTx cuts the space around it
}

// RecordTx records an action in the transaction that does it. A reason that is empty, too long or can't be shown is
// refused, and then nothing is written.
func RecordTx(ctx context.Context, tx pgx.Tx, e Entry) (Action, error) {
	reason, err := Reason(e.Reason)
	if err != nil {
		return Action{}, err
	}
	row, err := db.New().AdminActionInsert(ctx, tx, db.AdminActionInsertParams{
		ID: id.New(), ActorID: e.Actor, Action: string(e.Kind), Subject: e.Subject, Reason: reason,
	})
	if err != nil {
		return Action{}, fmt.Errorf("record %s of %s: %w", e.Kind, e.Subject, err)
	}
	return actionOf(row), nil
}

// Reason is a reason as it is kept. It is there for who has to refuse before anything else happens.
func Reason(s string) (string, error) {
	s = text.Clean(s)
	if n := utf8.RuneCountInString(s); n < 1 || n > maxReason {
		return "", ErrReason
	}
	if !text.IsProse(s) {
		return "", ErrReasonText
	}
	return s, nil
}

// Service reads the log.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// New makes a Service over a pool.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool, q: db.New()} }

// ActionPage is a page of actions.
type ActionPage = page.Page[Action]

// ActionEdge is an action with its cursor.
type ActionEdge = page.Edge[Action]

const actionList = 'P' // marks cursors of this list

// List is all actions, the newest first.
func (s *Service) List(ctx context.Context, args page.Args) (_ ActionPage, err error) {
	size, err := args.Size()
	if err != nil {
		return ActionPage{}, err
	}
	before, err := args.Before(actionList)
	if err != nil {
		return ActionPage{}, err
	}
	rows, err := s.q.AdminActionPage(ctx, s.pool, before.At, before.ID, int32(size+1))
	if err != nil {
		return ActionPage{}, fmt.Errorf("list the actions of staff: %w", err)
	}
	return page.Of(rows, size, actionOf, func(a Action) string { return page.Key{At: a.At, ID: a.ID}.Encode(actionList) }), nil
}

// ByID reads actions for a loader; an id that names none is absent from the map.
func (s *Service) ByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Action, error) {
	rows, err := s.q.AdminActionsByID(ctx, s.pool, ids)
	if err != nil {
		return nil, fmt.Errorf("read actions of staff: %w", err)
	}
	actions := make(map[uuid.UUID]Action, len(rows))
	for _, row := range rows {
		actions[row.ID] = actionOf(row)
	}
	return actions, nil
}

func actionOf(row db.AdminAction) Action {
	return Action{
		ID: row.ID, ActorID: row.ActorID, Kind: Kind(row.Action), Subject: row.Subject, Reason: row.Reason, At: row.At,
	}
}

// Get is one action, nil where there is none.
func (s *Service) Get(ctx context.Context, action uuid.UUID) (*Action, error) {
	found, err := s.ByID(ctx, []uuid.UUID{action})
	if a, ok := found[action]; ok {
		return &a, nil
	}
	return nil, err
}
