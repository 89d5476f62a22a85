package order

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

// Return is what of an order is to come back by a claim, and how far it has come.
type Return struct {
	Lines     []ReturnLine
	Bearer    *Party // who pays for the way; nil until goods are to come back
	Tracking  string
	SentAt    *time.Time    // by its buyer's word, or its carrier's
	CarriedAt *time.Time    // since when a carrier has it whose label it has
	ArrivedAt *time.Time    // by that carrier's word
	LabelCost *money.Amount // of its label, once who bears it has paid it
}

// Returnable reads, for a loader, which orders have something that can be sent back: no codes, and not what has come back before.
func (s *Service) Returnable(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := s.q.OrdersReturnable(ctx, s.pool, orders)
	all := make(map[uuid.UUID]bool, len(orders))
	for _, o := range orders {
		all[o] = slices.Contains(rows, o)
	}
	return all, err
}

// ReturnLine is so many of one of an order's lines.
type ReturnLine struct{ Number, Quantity, Received int }

func returnOf(row db.OrderClaim) *Return {
	r := &Return{Tracking: row.Tracking, SentAt: row.SentBackAt, CarriedAt: row.CarriedAt, ArrivedAt: row.ArrivedAt}
	if row.Bearer != nil {
		r.Bearer = new(Party(*row.Bearer))
	}
	if row.LabelCost != nil {
		r.LabelCost = new(money.New(*row.LabelCost, money.Currency(*row.LabelCurrency)))
	}
	return r
}

// nothingCame says that its seller has had none of it, by their own word.
func (r Return) nothingCame() bool {
	return !slices.ContainsFunc(r.Lines, func(l ReturnLine) bool { return l.Received > 0 })
}

// missing is what has not come of it.
func (r Return) missing() (lines []ReturnedLine) {
	for _, l := range r.Lines {
		if left := l.Quantity - l.Received; left > 0 {
			lines = append(lines, ReturnedLine{Number: l.Number, Quantity: left})
		}
	}
	return lines
}

// bearer is who pays for the way back: the seller of what is not as it should be, and the buyer of what they do not want any more.
func (r ClaimReason) bearer() Party {
	if r == ChangedMind {
		return AsBuyer
	}
	return AsSeller
}

// RequestReturn asks to send lines of an order back; without any, all that can come back. It is a claim as others, but that its seller's silence accepts it.
func (s *Service) RequestReturn(ctx context.Context, buyer, order uuid.UUID, reason ClaimReason, body string, lines []ReturnedLine) (Order, error) {
	body, err := checkClaimText(body)
	if err != nil {
		return Order{}, err
	}
	return s.act(ctx, Actor{User: buyer}, order, ActionRequestReturn, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		claim, err := s.openClaimTx(ctx, tx, o, db.OrderClaimInsertParams{Reason: string(reason), Body: body, AskedReturn: true})
		if err != nil {
			return nil, err
		}
		asked, err := s.returnLinesTx(ctx, tx, o.ID, claim, lines)
		switch {
		case err != nil:
			return nil, err
		case !asked: // codes alone, or all has come back
			return nil, ErrMove
		}
		return s.claimedTx(ctx, tx, o, ClaimOpen, o.SellerID)
	})
}

// returnLinesTx writes down what is to come back, and says whether that is anything.
func (s *Service) returnLinesTx(ctx context.Context, tx pgx.Tx, order, claim uuid.UUID, asked []ReturnedLine) (bool, error) {
	rows, err := s.q.OrderReturnable(ctx, tx, order)
	if err != nil {
		return false, err
	}
	insert := db.OrderReturnLinesInsertParams{ClaimID: claim, OrderID: order}
	for _, l := range asked {
		i := slices.IndexFunc(rows, func(row db.OrderReturnableRow) bool { return int(row.Number) == l.Number })
		if i < 0 || l.Quantity < 1 || l.Quantity > int(rows[i].Quantity) || slices.Contains(insert.Numbers, int32(l.Number)) {
			return false, ErrLines.At("lines")
		}
		insert.Numbers, insert.Quantities = append(insert.Numbers, int32(l.Number)), append(insert.Quantities, int32(l.Quantity))
	}
	for _, row := range rows {
		if len(asked) == 0 && row.Quantity > 0 {
			insert.Numbers, insert.Quantities = append(insert.Numbers, int32(row.Number)), append(insert.Quantities, row.Quantity)
		}
	}
	return len(insert.Numbers) > 0, s.q.OrderReturnLinesInsert(ctx, tx, insert)
}

// AcceptReturn asks a buyer to send the goods back, by their seller, or by staff once it is escalated. sellerBears has the seller pay for the way where
// by the claim's reason the buyer would. What has come back is refunded: ReceiveReturn.
func (s *Service) AcceptReturn(ctx context.Context, who Actor, order uuid.UUID, answer string, sellerBears bool) (Order, error) {
	answer, err := checkClaimText(answer)
	if err != nil {
		return Order{}, err
	}
	return s.act(ctx, who, order, ActionAcceptReturn, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		open, err := s.q.OrderClaimOpen(ctx, tx, o.ID)
		if err != nil {
			return nil, err
		}
		c, err := s.claimTx(ctx, tx, open.OrderClaim)
		if err == nil {
			err = s.awaitReturnTx(ctx, tx, *o, c, sellerBears)
		}
		if err == nil {
			err = s.stepClaimTx(ctx, tx, o, ClaimReturnAwaited, answer)
		}
		if err != nil {
			return nil, err
		}
		return s.claimedTx(ctx, tx, o, ClaimReturnAwaited, o.BuyerID)
	})
}

// awaitReturnTx writes down who bears the way back of a claim's goods, and what is to come where its buyer did not say.
func (s *Service) awaitReturnTx(ctx context.Context, tx pgx.Tx, o Order, c Claim, sellerBears bool) error {
	bears := c.Reason.bearer()
	if sellerBears {
		bears = AsSeller
	}
	if err := s.q.OrderReturnBearer(ctx, tx, new(string(bears)), c.ID); err != nil {
		return err
	}
	if c.Return != nil && len(c.Return.Lines) > 0 {
		return nil
	}
	_, err := s.returnLinesTx(ctx, tx, o.ID, c.ID, nil)
	return err
}

// SendReturn records that a buyer has sent the goods back, with a tracking number where they have one.
func (s *Service) SendReturn(ctx context.Context, buyer, order uuid.UUID, tracking string) (Order, error) {
	tracking = text.Clean(tracking)
	if utf8.RuneCountInString(tracking) > trackingMax || (tracking != "" && !text.IsLine(tracking)) {
		return Order{}, ErrTrackingLength.At("tracking")
	}
	return s.act(ctx, Actor{User: buyer}, order, ActionSendReturn, func(tx pgx.Tx, o *Order) ([]realtime.Event, error) {
		open, err := s.q.OrderClaimOpen(ctx, tx, o.ID)
		if err == nil {
			err = s.q.OrderReturnTracking(ctx, tx, tracking, open.OrderClaim.ID)
		}
		if err == nil {
			err = s.stepClaimTx(ctx, tx, o, ClaimReturnSent, "")
		}
		if err != nil {
			return nil, err
		}
		return s.claimedTx(ctx, tx, o, ClaimReturnSent, o.SellerID)
	})
}

// ReceivedInput is what has come back of an order.
type ReceivedInput struct {
	Order          uuid.UUID
	Lines          []ReturnedLine
	Text           string // where less has come than was to
	IdempotencyKey string
}

func (in ReceivedInput) hash() []byte {
	what := fmt.Appendf(nil, "order_return\n%s\n%s", in.Order, in.Text)
	for _, l := range in.Lines {
		what = fmt.Appendf(what, "\n%d %d %t", l.Number, l.Quantity, l.Restock)
	}
	sum := sha256.Sum256(what)
	return sum[:]
}

// key is the refund's, which is of one space with those of orderRefund.
func (in ReceivedInput) key() string {
	sum := sha256.Sum256([]byte(in.IdempotencyKey))
	return "return:" + hex.EncodeToString(sum[:])
}

// ReceiveReturn records what has come back to its seller, who chooses what of it may be sold again, and refunds it: its share of what was paid, less the way back
// where the buyer bears that. Where all has come that was to come the claim is ended; what is missing is for staff to decide. The same key with the same input
// answers the order as it is now.
func (s *Service) ReceiveReturn(ctx context.Context, who Actor, in ReceivedInput) (o Order, err error) {
	if in.Text != "" {
		if in.Text, err = checkClaimText(in.Text); err != nil {
			return Order{}, err
		}
	}
	if !payment.Printable(in.IdempotencyKey) {
		return Order{}, payment.ErrKeyInvalid
	}
	defer fault.Wrap(&err, "receive what comes back of order %s", in.Order)
	var (
		told  []realtime.Event
		after func(context.Context) error
	)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told, after = nil, nil
		party, locked, err := s.lockTx(ctx, tx, who, in.Order)
		if o = locked; err != nil {
			return err
		}
		if first, err := s.q.OrderReceiptByKey(ctx, tx, who.User, in.IdempotencyKey, in.key()); !postgres.NoRows(err) {
			if err == nil && !bytes.Equal(first, in.hash()) {
				err = payment.ErrKeyReused
			}
			return err
		}
		if err := o.check(ActionReceiveReturn, party); err != nil {
			return err
		}
		told, after, err = s.receiveTx(ctx, tx, &o, who, in)
		return err
	})
	if postgres.Violates(err, "order_return_receipt_pkey") || postgres.Violates(err, "order_refund_user_id_idempotency_key_key") { // used on another order meanwhile
		err = payment.ErrKeyReused
	}
	if err != nil {
		return Order{}, err
	}
	s.publish(ctx, told)
	if after == nil {
		return o, nil
	}
	return s.afterwards(ctx, in.Order, after)
}

func (s *Service) receiveTx(ctx context.Context, tx pgx.Tx, o *Order, who Actor, in ReceivedInput) (told []realtime.Event, after func(context.Context) error, err error) {
	open, err := s.q.OrderClaimOpen(ctx, tx, o.ID)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.claimTx(ctx, tx, open.OrderClaim)
	if err != nil {
		return nil, nil, err
	}
	to, err := s.countInTx(ctx, tx, c, in)
	if err == nil {
		err = s.q.OrderReceiptInsert(ctx, tx, db.OrderReceiptInsertParams{UserID: who.User, IdempotencyKey: in.IdempotencyKey, ClaimID: c.ID, RequestHash: in.hash()})
	}
	if err != nil {
		return nil, nil, err
	}
	return s.backTx(ctx, tx, o, c, came{who: who, lines: in.Lines, to: to, answer: in.Text, key: new(in.key()), hash: in.hash(), tell: []uuid.UUID{o.BuyerID}})
}

// countInTx counts what has come of a return, and says what becomes of its claim by that.
func (s *Service) countInTx(ctx context.Context, tx pgx.Tx, c Claim, in ReceivedInput) (ClaimStatus, error) {
	lines := c.Return.Lines
	if len(in.Lines) == 0 {
		return "", ErrLines.At("lines")
	}
	seen := map[int]bool{}
	for _, l := range in.Lines {
		i := slices.IndexFunc(lines, func(of ReturnLine) bool { return of.Number == l.Number })
		if i < 0 || seen[l.Number] || l.Quantity < 1 || l.Quantity > lines[i].Quantity-lines[i].Received {
			return "", ErrLines.At("lines")
		}
		seen[l.Number] = true
		lines[i].Received += l.Quantity
		if err := s.q.OrderReturnLineReceived(ctx, tx, int32(l.Quantity), c.ID, int16(l.Number)); err != nil {
			return "", err
		}
	}
	switch {
	case len(c.Return.missing()) == 0:
		return ClaimResolved, nil
	case in.Text == "":
		return "", ErrReturnShort.At("text")
	}
	return ClaimEscalated, nil
}

// refundReturnTx gives back what was paid for what its carrier has, or has delivered, where nobody says otherwise in time.
func (s *Service) refundReturnTx(ctx context.Context, tx pgx.Tx, o *Order, c Claim, tell []uuid.UUID) ([]realtime.Event, func(context.Context) error, error) {
	return s.backTx(ctx, tx, o, c, came{who: Actor{User: o.BuyerID}, lines: c.Return.missing(), to: ClaimResolved, answer: decidedArrived, tell: tell})
}

// came is what has come back of an order, and what follows.
type came struct {
	who    Actor
	lines  []ReturnedLine
	to     ClaimStatus
	answer string // of the claim, and the refund's reason
	key    *string
	hash   []byte
	tell   []uuid.UUID
}

// backTx moves a claim and refunds what has come back by it; the money comes last.
func (s *Service) backTx(ctx context.Context, tx pgx.Tx, o *Order, c Claim, back came) (told []realtime.Event, after func(context.Context) error, err error) {
	amount, err := s.linesTx(ctx, tx, *o, back.who, back.lines)
	if err != nil {
		return nil, nil, err
	}
	way, err := s.wayTx(ctx, tx, *o, c)
	if err != nil {
		return nil, nil, err
	}
	kept := money.New(min(way.Minor, amount.Minor), o.Total.Currency) // the buyer's part of the way
	if *c.Return.Bearer == AsSeller {
		kept.Minor = 0
	}
	if err := s.stepClaimTx(ctx, tx, o, back.to, back.answer); err != nil {
		return nil, nil, err
	}
	if err := s.commissionTx(ctx, tx, *o); err != nil { // what it refunds may be all
		return nil, nil, err
	}
	if told, err = s.claimedTx(ctx, tx, o, back.to, back.tell...); err != nil {
		return told, nil, err
	}
	if amount.Minor -= kept.Minor; amount.Minor > 0 || o.Free() {
		refunded, push, err := s.refundBackTx(ctx, tx, o, amount, back)
		if err != nil {
			return nil, nil, err
		}
		told, after = append(told, refunded...), push
	}
	charge := way.Amount
	if *c.Return.Bearer == AsBuyer { // what its seller has of what the buyer does not get back
		charge = o.terms().Of(o.Left()).Less(o.terms().Of(money.New(o.Left().Minor-kept.Minor, kept.Currency))).Seller
	}
	return told, after, s.chargeWayTx(ctx, tx, *o, c, way, charge)
}

// refundBackTx refunds what has come back.
func (s *Service) refundBackTx(ctx context.Context, tx pgx.Tx, o *Order, amount money.Amount, back came) ([]realtime.Event, func(context.Context) error, error) {
	reason := back.answer
	if utf8.RuneCountInString(reason) > reasonMax {
		reason = string([]rune(reason)[:reasonMax])
	}
	told, after, err := s.refundTx(ctx, tx, o, refundAsk{
		by: back.who.User, amount: amount, reason: reason, lines: back.lines, kind: EventRefunded, key: back.key, hash: back.hash, cameBack: true,
	})
	if errors.Is(err, payment.ErrAmountNotPositive) { // it is less than a card takes
		return nil, nil, nil
	}
	return told, after, err
}

// claimTx reads an open claim with what is to come back by it.
func (s *Service) claimTx(ctx context.Context, tx pgx.Tx, row db.OrderClaim) (Claim, error) {
	c := claimFrom(row)
	if c.Return == nil {
		return c, nil
	}
	rows, err := s.q.OrderReturnLines(ctx, tx, c.ID)
	for _, r := range rows {
		c.Return.Lines = append(c.Return.Lines, ReturnLine{int(r.Number), int(r.Quantity), int(r.Received)})
	}
	return c, err
}

// readReturnLines fills in the lines of returns, by their claims.
func (s *Service) readReturnLines(ctx context.Context, returns map[uuid.UUID]*Return) error {
	if len(returns) == 0 {
		return nil
	}
	claims := make([]uuid.UUID, 0, len(returns))
	for claim, r := range returns {
		r.Lines = []ReturnLine{}
		claims = append(claims, claim)
	}
	rows, err := s.q.OrderReturnLinesOfClaims(ctx, s.pool, claims)
	for _, l := range rows {
		r := returns[l.ClaimID]
		r.Lines = append(r.Lines, ReturnLine{int(l.Number), int(l.Quantity), int(l.Received)})
	}
	return err
}
