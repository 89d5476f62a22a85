package order

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Refund is money of an order that went back, or is on its way.
type Refund struct {
	ID        uuid.UUID // also of payment's refund of the card's part, where there is one
	OrderID   uuid.UUID
	BuyerID   uuid.UUID
	Wallet    money.Amount
	Card      money.Amount
	Reason    string
	CreatedAt time.Time
}

// Amount is both parts.
func (r Refund) Amount() money.Amount {
	return money.New(r.Wallet.Minor+r.Card.Minor, r.Wallet.Currency)
}

// RefundInput asks for a refund.
type RefundInput struct {
	Order          uuid.UUID
	Amount         *money.Amount // nil: all that is left
	Lines          []ReturnedLine
	Reason         string
	IdempotencyKey string
}

// ReturnedLine is so many of one of an order's lines that its money goes back for.
type ReturnedLine struct {
	Number   int  `json:"number"`
	Quantity int  `json:"quantity"`
	Restock  bool `json:"restock"` // they have come back, and may be sold again
}

// hash is of everything that has to be the same when a key is used again.
func (in RefundInput) hash() []byte {
	amount := "all"
	if in.Amount != nil {
		amount = in.Amount.String()
	}
	what := fmt.Appendf(nil, "order_refund\n%s\n%s\n%s", in.Order, amount, in.Reason)
	for _, l := range in.Lines {
		what = fmt.Appendf(what, "\n%d %d %t", l.Number, l.Quantity, l.Restock)
	}
	sum := sha256.Sum256(what)
	return sum[:]
}

// Refund gives money of a paid order back to where it came from, each source its share of what was refunded so far; all
// that is left ends the order as REFUNDED, and cancels it where it was not sent. Of a settled order the seller and the
// platform give their shares back first. The same key with the same input answers the order as it is now.
func (s *Service) Refund(ctx context.Context, who Actor, in RefundInput) (o Order, err error) {
	if in.Reason, err = checkReason(in.Reason); err != nil {
		return Order{}, err
	}
	if !payment.Printable(in.IdempotencyKey) {
		return Order{}, payment.ErrKeyInvalid
	}
	defer fault.Wrap(&err, "refund order %s", in.Order)
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
		if first, err := s.q.OrderRefundByKey(ctx, tx, who.User, in.IdempotencyKey); !postgres.NoRows(err) {
			if err == nil && !bytes.Equal(first.RequestHash, in.hash()) {
				err = payment.ErrKeyReused
			}
			return err
		}
		if err := o.check(ActionRefund, party); err != nil {
			return err
		}
		if err := s.recordTx(ctx, tx, who, o, adminlog.OrderRefunded, in.Reason); err != nil {
			return err
		}
		ask := refundAsk{by: who.User, amount: o.Left(), reason: in.Reason, kind: EventRefunded, key: &in.IdempotencyKey, hash: in.hash()}
		if ask.lines = in.Lines; len(in.Lines) > 0 {
			if ask.amount, err = s.linesTx(ctx, tx, o, who, in.Lines); err != nil {
				return err
			}
		}
		if in.Amount != nil {
			ask.amount, ask.named = *in.Amount, true
		}
		told, after, err = s.refundTx(ctx, tx, &o, ask)
		return err
	})
	if postgres.Violates(err, "order_refund_user_id_idempotency_key_key") { // used on another order meanwhile
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

// refundAsk is a refund by somebody, or a cancellation's.
type refundAsk struct {
	by     uuid.UUID
	amount money.Amount
	named  bool // by whoever asks
	reason string
	lines  []ReturnedLine
	kind   string // of the order's event
	key    *string
	hash   []byte

	cameBack bool // by a return, which may be of what was refunded before
	partly   bool // something is left of an order over nothing
}

// refundTx refunds an order that is paid: the row, the state, the money last. after sends the card's part.
func (s *Service) refundTx(ctx context.Context, tx pgx.Tx, o *Order, ask refundAsk) (told []realtime.Event, after func(context.Context) error, err error) {
	switch {
	case ask.amount.Currency != o.Total.Currency:
		return nil, nil, money.ErrMismatch.At("amount")
	case o.Free() && ask.amount.Minor == 0:
		told, err = s.refundNothingTx(ctx, tx, o, ask)
		return told, nil, err
	case ask.amount.Minor <= 0:
		return nil, nil, payment.ErrAmountNotPositive.At("amount")
	case ask.amount.Minor > o.Left().Minor:
		return nil, nil, ErrRefundTooLarge.At("amount").With("maximum", o.Left())
	}
	parts, err := s.payment.DivideRefundTx(ctx, tx, payment.OrderRefund{
		ID: id.New(), Order: o.ID, Seller: o.SellerID, Terms: o.terms(), Campaign: o.campaign, Left: o.Left(), Amount: ask.amount, Named: ask.named,
		Released: o.Payment == Settled,
	})
	if ask.amount = parts.Amount; err == nil && ask.amount.Minor == 0 {
		err = payment.ErrAmountNotPositive.At("amount")
	}
	if err == nil {
		err = s.keepRefundTx(ctx, tx, parts, ask)
	}
	if err != nil {
		return nil, nil, err
	}
	if told, err = s.refundedTx(ctx, tx, o, ask); err != nil {
		return nil, nil, err
	}
	news, err := notify.InsertTx(ctx, tx, notify.Note{
		Recipient: o.BuyerID, Kind: notify.OrderRefunded, Subject: o.NodeID(), Key: "refunded:" + parts.ID.String(),
		Parameters: []notify.Parameter{notify.Sum("amount", ask.amount)},
	})
	if told = append(told, news...); err != nil {
		return nil, nil, err
	}
	if parts.Parts.Card.Minor > 0 {
		after = func(ctx context.Context) error {
			_, err := s.payment.PushRefund(ctx, parts.ID)
			return err
		}
	}
	return told, after, s.payment.RefundOrderTx(ctx, tx, parts)
}

// refundNothingTx refunds lines of an order over nothing, all that are left where none are named: nobody has any money to give back. With the last of them it ends.
func (s *Service) refundNothingTx(ctx context.Context, tx pgx.Tx, o *Order, ask refundAsk) ([]realtime.Event, error) {
	rows, err := s.q.OrderLinesLeft(ctx, tx, o.ID)
	if err != nil {
		return nil, err
	}
	named := ask.lines
	ask.lines = nil
	for _, row := range rows {
		line := ReturnedLine{Number: int(row.Number), Quantity: int(row.Quantity)}
		if len(named) > 0 {
			line.Quantity = 0
		}
		for _, l := range named {
			if l.Number == line.Number {
				line = l
			}
		}
		if ask.cameBack {
			line.Quantity = min(line.Quantity, int(row.Quantity))
		}
		if line.Quantity > int(row.Quantity) {
			return nil, ErrLines.At("lines")
		}
		if line.Quantity > 0 {
			ask.lines = append(ask.lines, line)
		}
		ask.partly = ask.partly || line.Quantity < int(row.Quantity)
	}
	if len(ask.lines) == 0 { // it was refunded before it came back
		return nil, nil
	}
	nothing := money.New(0, o.Total.Currency)
	kept := payment.RefundInParts{OrderRefund: payment.OrderRefund{ID: id.New(), Order: o.ID, Amount: nothing}}
	if err := s.keepRefundTx(ctx, tx, kept, ask); err != nil {
		return nil, err
	}
	return s.refundedTx(ctx, tx, o, ask)
}

func (s *Service) keepRefundTx(ctx context.Context, tx pgx.Tx, r payment.RefundInParts, ask refundAsk) error {
	row := db.OrderRefundInsertParams{
		ID: r.ID, OrderID: r.Order, UserID: ask.by, WalletAmount: r.Parts.Wallet.Minor, CardAmount: r.Parts.Card.Minor,
		SubsidyAmount: r.Parts.Subsidy.Minor, Currency: string(r.Amount.Currency), Reason: ask.reason, IdempotencyKey: ask.key, RequestHash: ask.hash,
	}
	if r.Released {
		row.FeeReturned, row.TaxReturned, row.ShippingReturned, row.SellerReturned = r.Parts.Fee.Minor, r.Parts.Tax.Minor, r.Parts.Shipping.Minor, r.Parts.Seller.Minor
	}
	if len(ask.lines) > 0 {
		row.Lines, _ = json.Marshal(ask.lines) // numbers always are JSON
	}
	return s.q.OrderRefundInsert(ctx, tx, row)
}

// refundedTx counts a refund in. Where nothing is left the order is REFUNDED, and is not to be sent any more.
func (s *Service) refundedTx(ctx context.Context, tx pgx.Tx, o *Order, ask refundAsk) ([]realtime.Event, error) {
	o.Refunded.Minor += ask.amount.Minor
	to := o.state()
	ends := o.Left().Minor == 0 && !ask.partly
	if ends {
		if to.payment = Refunded; to.fulfilment == FulfilmentPending {
			to.fulfilment, o.Reason = Cancelled, ask.reason
		}
		if err := s.endClaimTx(ctx, tx, o, ClaimResolved); err != nil { // nothing is left to complain for; a part leaves it to its buyer, or to support
			return nil, err
		}
	}
	told, err := s.stepTx(ctx, tx, o, to, ask.kind)
	if err == nil && ends {
		err = s.commissionTx(ctx, tx, *o)
	}
	if err != nil || !ends || s.referrals == nil {
		return told, err
	}
	reversed, err := s.referrals.ReversedTx(ctx, tx, o.ID)
	return append(told, reversed...), err
}

// newestRefunds is how many of an order's refunds are shown.
const newestRefunds = 20

// Refunds reads, for a loader, the newest twenty refunds of each order, the newest first. Who may see the order may see them.
func (s *Service) Refunds(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Refund, error) {
	rows, err := s.q.OrderRefundsOfOrders(ctx, s.pool, orders, newestRefunds)
	refunds := make(map[uuid.UUID][]Refund, len(orders))
	for _, row := range rows {
		r := row.OrderRefund
		c := money.Currency(r.Currency)
		refunds[r.OrderID] = append(refunds[r.OrderID], Refund{
			ID: r.ID, OrderID: r.OrderID, BuyerID: row.BuyerID, Wallet: money.New(r.WalletAmount, c), Card: money.New(r.CardAmount, c),
			Reason: r.Reason, CreatedAt: r.CreatedAt,
		})
	}
	return refunds, err
}
