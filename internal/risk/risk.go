package risk

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/pace"
)

// The refusals of this package.
var (
	ErrTooManyCheckouts = fault.New(fault.RateLimited, "TOO_MANY_CHECKOUTS", "You have bought very often just now; wait for a while.")
	ErrCardFailed       = fault.New(fault.RateLimited, "CARD_FAILED_OFTEN", "This card was refused very often; wait for a while, or pay in another way.")
	ErrCardsFailed      = fault.New(fault.RateLimited, "CARDS_FAILED", "Your cards were refused very often; wait for a while, or pay from the wallet.")
	ErrCardsNotTaken    = fault.New(fault.Precondition, "CARDS_NOT_TAKEN", "Your purchases can't be paid by card for now; the wallet may pay.")
	ErrRefused          = fault.New(fault.Precondition, "CHECKOUT_REFUSED", "This purchase can't be made; support can tell more.")
)

// Verdict is what follows from a look.
type Verdict string

// The verdicts.
const (
	Allow  Verdict = "ALLOW"
	Review Verdict = "REVIEW" // it goes on, and staff look at it
	Refuse Verdict = "REFUSE"
)

// Rule is something that may stand against a checkout.
type Rule string

// The rules of Velocity, and what stands for rules that could not be asked.
const (
	Checkouts   Rule = "CHECKOUTS"    // so many of one user
	FailedCards Rule = "FAILED_CARDS" // so many refused payments by card of one user
	CardFailed  Rule = "CARD_FAILED"  // so many refused payments by one card, whoever saved it
	CardUsers   Rule = "CARD_USERS"   // so many users who pay by one card
	Place       Rule = "PLACE"        // so many users who have things sent to one place
	Client      Rule = "CLIENT"       // so many users from one address of the network
	Device      Rule = "DEVICE"       // so many users on what a client calls one device
	Staff       Rule = "STAFF"        // staff have refused what they bought before
	OfTier      Rule = "TIER"         // what the user's tier asks for
	CardsOfTier Rule = "TIER_CARDS"   // a card, of somebody for whose tier none pays
	Unavailable Rule = "UNAVAILABLE"
)

// From is where an attempt comes from.
type From struct {
	Client netip.Addr
	Device string // what the client calls the device it runs on, which nobody can check; empty where it does not say
}

// Attempt is money that is about to move: one of Quote, Order and Reservation is paid.
type Attempt struct {
	User                      uuid.UUID
	Quote, Order, Reservation *uuid.UUID
	Card                      *uuid.UUID
	Place                     []byte // where it is sent, in any form that is the same for the same place; nil where nothing is
	From
}

// of is what it is about, for logs.
func (a Attempt) of() string {
	switch {
	case a.Quote != nil:
		return id.Quote.Encode(*a.Quote)
	case a.Order != nil:
		return id.Order.Encode(*a.Order)
	default:
		return id.Reservation.Encode(*a.Reservation)
	}
}

// hashed is how a place and a device are kept: nobody reads them.
func hashed(what []byte) []byte {
	if len(what) == 0 {
		return nil
	}
	sum := sha256.Sum256(what)
	return sum[:]
}

// client is how the address is kept.
func (a Attempt) client() string {
	if !a.Client.IsValid() {
		return ""
	}
	return pace.Customer(a.Client).String()
}

// Judgement is a verdict, and why.
type Judgement struct {
	Verdict Verdict
	Rules   []Rule
	RetryIn time.Duration // of what is refused; 0 where that is not known
}

// Rules judge. They may ask somebody outside: they are asked outside of transactions, and for so long.
type Rules interface {
	Judge(ctx context.Context, a Attempt) (Judgement, error)
}

// patience is for how long rules are asked.
const patience = 2 * time.Second

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	rules Rules
	log   *slog.Logger
	jobs  Jobs   // see UseOrders
	order Orders // likewise
}

// New makes a Service that asks rules.
func New(pool *pgxpool.Pool, rules Rules, log *slog.Logger) *Service {
	return &Service{pool: pool, q: db.New(), rules: rules, log: log}
}

// Check judges an attempt before anything of it is done. What is refused is kept, and answered as a refusal; anything else is for KeepTx to keep, with what is done.
func (s *Service) Check(ctx context.Context, a Attempt) (_ Judgement, err error) {
	defer fault.Wrap(&err, "judge %s", a.of())
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	j, err := s.rules.Judge(asking, a)
	if err == nil && (j.Verdict == Allow) != (len(j.Rules) == 0) || err == nil && j.Verdict != Allow && j.Verdict != Review && j.Verdict != Refuse {
		err = fault.New(fault.Internal, "RULES_MALFORMED", "%+v is no judgement.", j)
	}
	switch {
	case ctx.Err() != nil:
		return Judgement{}, ctx.Err()
	case err != nil:
		s.log.ErrorContext(ctx, "a payment could not be judged, and goes on", "user", a.User, "of", a.of(), "error", err)
		return Judgement{Verdict: Review, Rules: []Rule{Unavailable}}, nil
	case j.Verdict != Refuse:
		return j, nil
	}
	s.log.WarnContext(ctx, "a payment is refused", "user", a.User, "of", a.of(), "rules", j.Rules)
	if err := s.keep(ctx, s.pool, a, j); err != nil {
		return Judgement{}, err
	}
	return Judgement{}, j.refusal()
}

// refusal is what a client is told: which rule, where they can do something about it.
func (j Judgement) refusal() error {
	refusal := *ErrRefused
	switch j.Rules[0] {
	case Checkouts:
		refusal = *ErrTooManyCheckouts
	case FailedCards:
		refusal = *ErrCardsFailed
	case CardFailed:
		refusal = *ErrCardFailed
	case CardsOfTier:
		refusal = *ErrCardsNotTaken
	case CardUsers, Place, Client, Device, Staff, OfTier, Unavailable: // which says too much
	}
	refusal.RetryIn = j.RetryIn
	return &refusal
}

// KeepTx keeps what was judged of an attempt, in the transaction that does it.
func (s *Service) KeepTx(ctx context.Context, tx pgx.Tx, a Attempt, j Judgement) error {
	return s.keep(ctx, tx, a, j)
}

func (s *Service) keep(ctx context.Context, conn db.DBTX, a Attempt, j Judgement) error {
	rules := make([]string, len(j.Rules))
	for i, r := range j.Rules {
		rules[i] = string(r)
	}
	return s.q.RiskCheckInsert(ctx, conn, db.RiskCheckInsertParams{
		ID: id.New(), UserID: a.User, QuoteID: a.Quote, OrderID: a.Order, ReservationID: a.Reservation, CardID: a.Card,
		Place: hashed(a.Place), Client: a.client(), Device: hashed([]byte(a.Device)), Verdict: string(j.Verdict), Rules: rules,
	})
}
