package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/risk"
)

// ConfirmInput confirms a quote, and says what pays it.
type ConfirmInput struct {
	Quote          uuid.UUID
	Total          money.Amount  // what the buyer has agreed to
	Card           *uuid.UUID    // a saved one, for what the wallet does not pay
	Wallet         *money.Amount // nil: codes alone beside a card, all without one
	Exchange       *money.Amount // what the quote costs in its other currency: that wallet pays all of it; nil: none does
	IdempotencyKey string
	risk.From      // no part of what is confirmed

	keep kept // how it was judged, beside what it makes
}

// hash is of everything that has to be the same when a key is used again.
func (in ConfirmInput) hash() []byte {
	card, wallet := "none", "default"
	if in.Card != nil {
		card = in.Card.String()
	}
	if in.Wallet != nil {
		wallet = in.Wallet.String()
	}
	text := fmt.Appendf(nil, "checkout\n%s\n%s\n%s\n%s", in.Quote, in.Total, card, wallet)
	if in.Exchange != nil { // none leaves the hash of before
		text = fmt.Appendf(text, "\n%s", *in.Exchange)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// Confirm makes the orders of a quote, all of them or none, and begins to pay them. From the wallet they are PAID at once. A card is asked
// after that, for each order, and charged when its seller ships; an order whose card is refused stays PENDING, to be paid in another way,
// and the first such refusal is answered beside the orders. The same key with the same input answers the same orders, as they are now.
// The call goes on when ctx is cancelled: a client that hangs up leaves nothing in doubt.
func (s *Service) Confirm(ctx context.Context, buyer uuid.UUID, in ConfirmInput) (_ []order.Order, err error) {
	defer fault.Wrap(&err, "confirm quote %s", in.Quote)
	if !payment.Printable(in.IdempotencyKey) {
		return nil, payment.ErrKeyInvalid
	}
	if in.keep, err = s.judge(ctx, buyer, in); err != nil {
		return nil, err
	}
	told, payments, err := s.confirmOnce(ctx, buyer, in, false)
	if points, ok := errors.AsType[uncheckedError](err); ok {
		if err := s.checkPoints(ctx, points); err != nil {
			return nil, err
		}
		told, payments, err = s.confirmOnce(ctx, buyer, in, true)
	}
	if postgres.Violates(err, "checkout_key") { // used for another quote meanwhile
		err = ErrKeyReused.At("idempotencyKey")
	}
	if err != nil {
		return nil, err
	}
	s.hub.Publish(ctx, told...)
	ctx = context.WithoutCancel(ctx)
	refusal := s.authorise(ctx, payments)
	ids, err := s.q.CheckoutOrdersOfQuote(ctx, s.pool, in.Quote)
	if err != nil {
		return nil, err
	}
	orders, err := s.inOrder(ctx, buyer, ids)
	if err != nil {
		return nil, err
	}
	return orders, refusal
}

// authorise asks the cards, and answers the first refusal. What fails otherwise is for the payments' jobs to mend.
func (s *Service) authorise(ctx context.Context, payments []payment.OrderPayment) (refusal error) {
	for _, p := range payments {
		if p.Status != payment.OrderProcessing {
			continue
		}
		now, err := s.payment.AdvanceOrderPayment(ctx, p.ID)
		if err == nil {
			err = now.Refusal()
		}
		if refusal == nil {
			refusal = err
		}
	}
	return refusal
}

// confirmOnce confirms a quote in one transaction. It gives the pickup points up that were not checked before.
func (s *Service) confirmOnce(ctx context.Context, buyer uuid.UUID, in ConfirmInput, checked bool) (told []realtime.Event, payments []payment.OrderPayment, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		told, payments, err = s.confirmTx(ctx, tx, buyer, in, checked)
		return err
	})
	return told, payments, err
}

// confirmTx does it; it does nothing where it was done before under the same key.
func (s *Service) confirmTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID, in ConfirmInput, checked bool) ([]realtime.Event, []payment.OrderPayment, error) {
	quote, err := s.readQuote(ctx, tx, buyer, in.Quote)
	if err != nil {
		return nil, nil, at(err, "quoteId")
	}
	first, confirmed, err := s.lockTx(ctx, tx, quote, in.IdempotencyKey)
	switch {
	case err != nil:
		return nil, nil, err
	case first != nil && !bytes.Equal(first, in.hash()):
		return nil, nil, ErrKeyReused.At("idempotencyKey")
	case first != nil:
		return nil, nil, nil
	case confirmed:
		return nil, nil, ErrQuoteConfirmed.At("quoteId")
	case in.Total != quote.Total:
		return nil, nil, ErrPriceChanged.At("total").With("total", quote.Total)
	}
	wallet, err := in.split(quote)
	if err == nil {
		err = in.checkExchange(quote)
	}
	if err != nil {
		return nil, nil, err
	}
	points, err := pointsOf(quote.Groups)
	if err != nil {
		return nil, nil, err
	}
	if len(points) > 0 && !checked && quote.Status == QuoteOpen {
		return nil, nil, points
	}
	told, err := s.takeTx(ctx, tx, quote)
	if err != nil {
		return nil, nil, err
	}
	if err := in.keep.keepTx(ctx, tx); err != nil {
		return nil, nil, err
	}
	var (
		sold     []realtime.Event
		payments []payment.OrderPayment
	)
	if quote.Order == nil {
		sold, payments, err = s.makeTx(ctx, tx, quote, in, wallet)
	} else {
		sold, payments, err = s.checkOutTx(ctx, tx, quote, in, wallet[0])
	}
	return append(told, sold...), payments, err
}

// lockTx locks what decides a quote: the reservation of its goods, or the order that there is. Then it says of what the key was used for, nil where it was not,
// and whether the quote was confirmed.
func (s *Service) lockTx(ctx context.Context, tx pgx.Tx, q Quote, key string) (first []byte, confirmed bool, err error) {
	err = postgres.Together(ctx, tx,
		func(tx pgx.Tx) (err error) {
			if q.Order != nil {
				return s.orders.LockTx(ctx, tx, *q.Order)
			}
			_, err = s.q.CheckoutReservationLock(ctx, tx, q.reservation, q.UserID)
			return err
		},
		func(tx pgx.Tx) error {
			row, err := s.q.CheckoutByKey(ctx, tx, q.UserID, key)
			if postgres.NoRows(err) {
				return nil
			}
			first = row.RequestHash
			return err
		},
		func(tx pgx.Tx) (err error) { confirmed, err = s.q.CheckoutOfQuote(ctx, tx, q.ID); return err },
	)
	return first, confirmed, err
}

// takeTx takes the goods of a quote that is open, and refuses one that is not.
func (s *Service) takeTx(ctx context.Context, tx pgx.Tx, q Quote) ([]realtime.Event, error) {
	if q.Order != nil { // it has its goods
		open, err := s.q.QuoteOrderIsOpen(ctx, tx, q.ID)
		if err == nil && !open {
			err = ErrQuoteOver.At("quoteId")
		}
		return nil, err
	}
	if q.Offer != nil {
		used, err := s.offers.UseTx(ctx, tx, *q.Offer, q.Groups[0].OrderID)
		if err == nil && !used {
			err = ErrQuoteOver.At("quoteId")
		}
		if err != nil {
			return nil, err
		}
	}
	told, err := s.stock.ConsumeTx(ctx, tx, q.reservation, q.UserID) // which decides whether it is open
	if errors.Is(err, inventory.ErrReservationOver) {
		err = ErrQuoteOver.At("quoteId")
	}
	return told, err
}

// makeTx keeps that a quote was confirmed, and makes its orders. wallet is the wallet's part of each.
func (s *Service) makeTx(ctx context.Context, tx pgx.Tx, q Quote, in ConfirmInput, wallet []money.Amount) ([]realtime.Event, []payment.OrderPayment, error) {
	insert := db.CheckoutInsertParams{QuoteID: q.ID, UserID: q.UserID, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(), CardAmount: q.Total.Minor}
	purchase := order.Purchase{Buyer: q.UserID, Reservation: &q.reservation, PayWithin: payWithin}
	begins := make(map[uuid.UUID]order.Beginning, len(q.Groups))
	for i, g := range q.Groups {
		insert.WalletAmount, insert.CardAmount = insert.WalletAmount+wallet[i].Minor, insert.CardAmount-wallet[i].Minor
		begin := order.Beginning{Wallet: wallet[i], Sent: g.Digital}
		if wallet[i] != g.Total {
			begin.Card = in.Card
		}
		if in.Exchange != nil {
			begin.Exchange = g.Exchange
		}
		begins[g.OrderID] = begin
		purchase.Sales = append(purchase.Sales, g.sale())
	}
	if insert.CardAmount > 0 {
		insert.CardID = in.Card
		if _, err := s.payment.UsableCardTx(ctx, tx, q.UserID, *in.Card); err != nil {
			return nil, nil, err
		}
	}
	if in.Exchange != nil {
		insert.Exchanged = &in.Exchange.Minor
	}
	if err := s.q.CheckoutInsert(ctx, tx, insert); err != nil {
		return nil, nil, err
	}
	var tell func() ([]realtime.Event, error)
	if q.Offer != nil {
		tell = func() ([]realtime.Event, error) { return s.offers.TellUsedTx(ctx, tx, q.UserID, *q.Offer) }
	}
	return s.sellTx(ctx, tx, purchase, func(o order.Order) order.Beginning {
		begin := begins[o.ID]
		begin.Order = o
		return begin
	}, tell)
}

// split is the wallet's part of each order: codes first, which nothing else pays, then one order after the other, until its part is used
// up. So at most one order has both sources.
func (in ConfirmInput) split(q Quote) ([]money.Amount, error) {
	if q.Paid {
		if in.Card != nil || in.Wallet != nil && *in.Wallet != q.Due() {
			return nil, payment.ErrSplit.At("walletAmount").With("maximum", q.Due())
		}
		return []money.Amount{q.Due()}, nil
	}
	codes := money.New(0, q.Total.Currency)
	for _, g := range q.Groups {
		if g.Digital {
			codes.Minor += g.Total.Minor
		}
	}
	left := q.Total
	switch {
	case in.Wallet != nil:
		left = *in.Wallet
	case in.Card != nil:
		left = codes
	}
	switch {
	case left.Currency != q.Total.Currency:
		return nil, money.ErrMismatch.At("walletAmount")
	case left.Minor < 0 || left.Minor > q.Total.Minor:
		return nil, payment.ErrSplit.At("walletAmount").With("maximum", q.Total)
	case left.Minor < codes.Minor:
		return nil, ErrDigitalByWallet.At("walletAmount")
	case in.Card == nil && left != q.Total:
		return nil, payment.ErrCardMissing.At("cardId").With("remainder", money.New(q.Total.Minor-left.Minor, left.Currency))
	case in.Card != nil && in.Wallet != nil && left == q.Total:
		return nil, payment.ErrSplit.At("walletAmount").With("maximum", q.Total)
	}
	parts := make([]money.Amount, len(q.Groups))
	left.Minor -= codes.Minor
	for i, g := range q.Groups {
		if parts[i] = g.Total; g.Digital {
			continue
		}
		parts[i].Minor = min(g.Total.Minor, left.Minor)
		left.Minor -= parts[i].Minor
		if parts[i] == g.Total {
			continue
		}
		pays := payment.OrderPaymentInput{Total: g.Total, Wallet: parts[i], Card: in.Card, IdempotencyKey: in.IdempotencyKey}
		if err := pays.Check(); err != nil {
			return nil, err
		}
	}
	return parts, nil
}
