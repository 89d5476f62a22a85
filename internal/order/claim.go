package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

// ClaimStatus is how far something that a buyer complains of has come.
type ClaimStatus string

// The statuses. The last three are final.
const (
	ClaimOpen          ClaimStatus = "OPEN"           // for its seller to answer
	ClaimReturnAwaited ClaimStatus = "RETURN_AWAITED" // its buyer is to send the goods back
	ClaimReturnSent    ClaimStatus = "RETURN_SENT"    // by its buyer's word, or its carrier's
	ClaimReturnArrived ClaimStatus = "RETURN_ARRIVED" // by its carrier's: its seller is to say what has come
	ClaimEscalated     ClaimStatus = "ESCALATED"      // its seller has refused: staff decide
	ClaimResolved      ClaimStatus = "RESOLVED"       // by a refund, or its buyer is content
	ClaimRefused       ClaimStatus = "REFUSED"        // by staff
	ClaimWithdrawn     ClaimStatus = "WITHDRAWN"      // by its buyer
)

func (c ClaimStatus) open() bool {
	return c != ClaimResolved && c != ClaimRefused && c != ClaimWithdrawn
}

// stored is how an order's row keeps it.
func (c ClaimStatus) stored() *string {
	if c == "" {
		return nil
	}
	return new(string(c))
}

func claimOf(stored *string) ClaimStatus {
	if stored == nil {
		return ""
	}
	return ClaimStatus(*stored)
}

// ClaimReason is what a buyer complains of.
type ClaimReason string

// The reasons.
const (
	NotArrived     ClaimReason = "NOT_ARRIVED"
	Damaged        ClaimReason = "DAMAGED"
	NotAsDescribed ClaimReason = "NOT_AS_DESCRIBED"
	WrongItem      ClaimReason = "WRONG_ITEM"
	Incomplete     ClaimReason = "INCOMPLETE"
	ChangedMind    ClaimReason = "CHANGED_MIND" // nothing is wrong: they send it back
	OtherReason    ClaimReason = "OTHER"
)

// Claim is something that a buyer complains of.
type Claim struct {
	ID         uuid.UUID
	OrderID    uuid.UUID
	Reason     ClaimReason
	Text       string
	Status     ClaimStatus
	Answer     string // the newest, of its seller or of staff
	OpenedAt   time.Time
	AnsweredAt *time.Time
	DueAt      *time.Time // when its next step comes by itself: see due; nil where it is ended
	EndedAt    *time.Time
	Return     *Return // nil where no goods are to come back

	askedReturn bool
}

func claimFrom(row db.OrderClaim) Claim {
	c := Claim{
		ID: row.ID, OrderID: row.OrderID, Reason: ClaimReason(row.Reason), Text: row.Body, Status: ClaimStatus(row.Status), Answer: row.Answer,
		OpenedAt: row.OpenedAt, AnsweredAt: row.AnsweredAt, DueAt: row.DueAt, EndedAt: row.EndedAt,
		askedReturn: row.AskedReturn,
	}
	if row.Bearer != nil || row.AskedReturn {
		c.Return = returnOf(row)
	}
	return c
}

// returnable says that the time for complaints is not over: what it earned is not its seller's yet.
func (o Order) returnable() bool { return o.Payment != Settled || !o.Matured }

// ReportProblem opens a claim: until it is ended the order is not completed by time, and what it earned does not mature.
func (s *Service) ReportProblem(ctx context.Context, buyer, order uuid.UUID, reason ClaimReason, body string) (Order, error) {
	body, err := checkClaimText(body)
	if err != nil {
		return Order{}, err
	}
	return s.act(ctx, Actor{User: buyer}, order, ActionReportProblem, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		if _, err := s.openClaimTx(ctx, tx, o, db.OrderClaimInsertParams{Reason: string(reason), Body: body}); err != nil {
			return nil, err
		}
		return s.claimedTx(ctx, tx, o, ClaimOpen, o.SellerID)
	})
}

func (s *Service) openClaimTx(ctx context.Context, tx pgx.Tx, o *Order, c db.OrderClaimInsertParams) (uuid.UUID, error) {
	c.ID, c.OrderID, c.DueSeconds = id.New(), o.ID, s.claimTerm(ClaimOpen).Seconds()
	o.Claim = ClaimOpen
	return c.ID, s.q.OrderClaimInsert(ctx, tx, c)
}

// WithdrawClaim ends a claim by its buyer.
func (s *Service) WithdrawClaim(ctx context.Context, buyer, order uuid.UUID) (Order, error) {
	return s.moveClaim(ctx, Actor{User: buyer}, order, ActionWithdrawClaim, ClaimWithdrawn, "")
}

// RefuseClaim answers that nothing is wrong: a seller's goes to staff, whose word is the last.
func (s *Service) RefuseClaim(ctx context.Context, who Actor, order uuid.UUID, answer string) (Order, error) {
	to := ClaimEscalated
	if who.Support || who.Admin {
		to = ClaimRefused
	}
	return s.moveClaim(ctx, who, order, ActionRefuseClaim, to, answer)
}

func (s *Service) moveClaim(ctx context.Context, who Actor, order uuid.UUID, a Action, to ClaimStatus, answer string) (Order, error) {
	if to != ClaimWithdrawn {
		var err error
		if answer, err = checkClaimText(answer); err != nil {
			return Order{}, err
		}
	}
	return s.act(ctx, who, order, a, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		if party, isParty := o.PartyOf(who.User); isParty && party == AsSeller {
			to = sellersWord(to)
		}
		if !slices.Contains(claimMoves[o.Claim], to) {
			return nil, ErrMove
		}
		if err := s.stepClaimTx(ctx, tx, o, to, answer); err != nil {
			return nil, err
		}
		told := []uuid.UUID{o.BuyerID}
		if to == ClaimWithdrawn {
			told = []uuid.UUID{o.SellerID}
		}
		return s.claimedTx(ctx, tx, o, to, told...)
	})
}

// sellersWord is never the last, whoever the seller is besides.
func sellersWord(to ClaimStatus) ClaimStatus {
	if to == ClaimRefused {
		return ClaimEscalated
	}
	return to
}

// endClaimTx ends an order's claim, if it has one, beside a move that the caller makes.
func (s *Service) endClaimTx(ctx context.Context, tx pgx.Tx, o *Order, to ClaimStatus) error {
	if o.Claim == "" {
		return nil
	}
	return s.stepClaimTx(ctx, tx, o, to, "")
}

// stepClaimTx moves an order's claim, in o as well; who calls it writes o.
func (s *Service) stepClaimTx(ctx context.Context, tx pgx.Tx, o *Order, to ClaimStatus, answer string) error {
	if o.Claim = to; !to.open() {
		o.Claim = ""
	}
	return s.q.OrderClaimMove(ctx, tx, db.OrderClaimMoveParams{Status: string(to), Answer: answer, OrderID: o.ID, DueSeconds: s.claimTerm(to).Seconds()})
}

// claimedTx tells what has become of a claim: the order's listeners, and those whose turn it is.
func (s *Service) claimedTx(ctx context.Context, tx pgx.Tx, o *Order, status ClaimStatus, users ...uuid.UUID) ([]realtime.Event, error) {
	told, err := s.stepTx(ctx, tx, o, o.state(), EventClaim)
	if err != nil {
		return nil, err
	}
	var notes []notify.Note
	for _, user := range users {
		notes = append(notes, notify.Note{
			Recipient: user, Kind: notify.OrderProblem, Subject: o.NodeID(), Key: fmt.Sprintf("problem:%s:%d", o.ID, o.Version),
			Parameters: []notify.Parameter{notify.Text("status", string(status))},
		})
	}
	news, err := notify.InsertTx(ctx, tx, notes...)
	return append(told, news...), err
}

func checkClaimText(body string) (string, error) {
	body = text.Clean(body)
	if n := utf8.RuneCountInString(body); n < 1 || n > 2000 || !text.IsProse(body) {
		return "", ErrClaimText.At("text")
	}
	return body, nil
}

// linesTx restocks what has come back of an order's lines, and says what of the total they are: their share of the goods, of what is left at most.
func (s *Service) linesTx(ctx context.Context, tx pgx.Tx, o Order, who Actor, back []ReturnedLine) (sum money.Amount, err error) {
	rows, err := s.q.OrderLinesOfOrder(ctx, tx, o.ID)
	if err != nil {
		return sum, err
	}
	var goods, part int64
	for _, row := range rows {
		goods += row.UnitPrice * int64(row.Quantity)
	}
	seen := make(map[int]bool, len(back))
	for _, l := range back {
		i := slices.IndexFunc(rows, func(row db.OrderLine) bool { return int(row.Number) == l.Number })
		if i < 0 || seen[l.Number] || l.Quantity < 1 || l.Quantity > int(rows[i].Quantity) {
			return sum, ErrLines.At("lines")
		}
		seen[l.Number] = true
		part += rows[i].UnitPrice * int64(l.Quantity)
	}
	back = slices.Clone(back)                                                         // whose it is keeps its order
	slices.SortFunc(back, func(a, b ReturnedLine) int { return a.Number - b.Number }) // of two in one order, one has the lock of it anyway
	for _, l := range back {
		if !l.Restock {
			continue
		}
		err := s.q.OrderRestock(ctx, tx, db.OrderRestockParams{ID: id.New(), OrderID: o.ID, Number: int32(l.Number), Quantity: int32(l.Quantity), ActorID: who.User})
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "SK451" {
			return sum, ErrRestock.At("lines")
		}
		if err != nil {
			return sum, err
		}
	}
	if goods == 0 {
		return money.New(0, o.Total.Currency), nil
	}
	sum = o.Total.Share(part, goods)
	sum.Minor = min(sum.Minor, o.Left().Minor)
	return sum, nil
}

// newestClaims is how many of an order's claims are shown.
const newestClaims = 10

// Claims reads, for a loader, the newest ten claims of each order, the newest first. Who may see the order may see them.
func (s *Service) Claims(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Claim, error) {
	rows, err := s.q.OrderClaimsOfOrders(ctx, s.pool, orders, newestClaims)
	claims := make(map[uuid.UUID][]Claim, len(orders))
	if err != nil {
		return nil, err
	}
	returns := map[uuid.UUID]*Return{}
	for _, row := range rows {
		c := claimFrom(row)
		if c.Return != nil {
			returns[c.ID] = c.Return
		}
		claims[row.OrderID] = append(claims[row.OrderID], c)
	}
	return claims, s.readReturnLines(ctx, returns)
}
