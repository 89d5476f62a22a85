package checkout

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// OrderQuoteInput says where what was won in a lot is sent, and how.
type OrderQuoteInput struct {
	Order          uuid.UUID
	Address        *uuid.UUID // nil where it is fetched in person
	Shipping       []Choice
	PayCurrency    money.Currency // of another wallet, from which it may be paid; empty for none
	IdempotencyKey string
}

// hash is of everything that has to be the same when a key is used again.
func (in OrderQuoteInput) hash() []byte {
	to := "nowhere"
	if in.Address != nil {
		to = in.Address.String()
	}
	text := fmt.Appendf(nil, "order_quote\n%s\n%s", in.Order, to)
	for _, c := range in.Shipping {
		text = c.append(text)
	}
	if in.PayCurrency != "" { // so that without one it is what it was
		text = fmt.Appendf(text, "\nin %s", in.PayCurrency)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// QuoteOrder says what the order of a lot that a buyer has won costs with all that is added to the price they bid: bringing it, and tax. It binds for as long as a
// cart's quote, and no longer than the order may be paid. Nothing is set aside by it, so that there may be several; the first that is confirmed counts. What is paid
// already can be sent in ways that cost its buyer nothing more. The same key with the same input answers the same quote, as it is now.
func (s *Service) QuoteOrder(ctx context.Context, buyer uuid.UUID, in OrderQuoteInput) (_ Quote, err error) {
	defer fault.Wrap(&err, "quote order %s", in.Order)
	if !payment.Printable(in.IdempotencyKey) {
		return Quote{}, payment.ErrKeyInvalid
	}
	if first, err := s.quotedBefore(ctx, buyer, in.IdempotencyKey, in.hash()); first != nil || err != nil {
		return deref(first), err
	}
	if err := s.mayQuote(ctx, buyer, in.Shipping); err != nil {
		return Quote{}, err
	}
	if err := s.checkPayCurrency(in.PayCurrency); err != nil {
		return Quote{}, err
	}
	o, group, err := s.won(ctx, buyer, in.Order)
	if err != nil {
		return Quote{}, err
	}
	ask := asked{QuoteInput: QuoteInput{Shipping: in.Shipping, PayCurrency: in.PayCurrency}}
	if ask.to, ask.rates, err = s.destination(ctx, buyer, in.Address); err != nil {
		return Quote{}, err
	}
	groups := []QuoteGroup{group}
	if ask.local, err = s.plan(ctx, groups, ask); err != nil {
		return Quote{}, err
	}
	quote := id.New()
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.quoteOrderTx(ctx, tx, quote, o, groups[0], ask, in) })
	if postgres.Violates(err, "quote_key") { // by the same request, sent twice at once
		return s.quotedMeanwhile(ctx, buyer, in.IdempotencyKey, in.hash())
	}
	if err != nil {
		return Quote{}, err
	}
	return s.GetQuote(ctx, buyer, quote)
}

// won is an order of a lot that a buyer has won, as what is to be quoted, with the charges that it has.
func (s *Service) won(ctx context.Context, buyer, of uuid.UUID) (o order.Order, g QuoteGroup, err error) {
	if o, err = s.orders.Get(ctx, buyer, of); err == nil && o.BuyerID != buyer {
		err = ErrOrderNotFound
	}
	if err != nil {
		return o, g, at(err, "orderId")
	}
	if !o.Quotable() {
		return o, g, ErrNotQuotable.At("orderId")
	}
	lines, err := s.orders.Lines(ctx, []uuid.UUID{of})
	if err != nil {
		return o, g, err
	}
	charges, err := s.orders.ChargesOf(ctx, []uuid.UUID{of})
	if err != nil {
		return o, g, err
	}
	more, err := s.q.QuoteOrderLine(ctx, s.pool, of)
	if err != nil {
		return o, g, err
	}
	line := lines[of][0] // a lot is one thing
	line.Variant = &more.VariantID
	return o, QuoteGroup{
		OrderID: of, SellerID: o.SellerID, Lines: []QuoteLine{{Line: line}}, Charges: charges[of], profiled: more.Profiled,
		parts: []part{{quantity: int64(line.Quantity), grams: more.Grams, price: line.UnitPrice}},
	}, nil
}

// quoteOrderTx writes down what an order costs now. What its goods cost, and the platform's fee of that, are as they were when it was won.
func (s *Service) quoteOrderTx(ctx context.Context, tx pgx.Tx, quote uuid.UUID, o order.Order, g QuoteGroup, ask asked, in OrderQuoteInput) error {
	g.Charges = append(slices.Clip(g.Charges), g.carriage()...)
	groups := []QuoteGroup{g}
	if err := s.taxTx(ctx, tx, groups, ask); err != nil {
		return err
	}
	terms, err := groups[0].sale().Terms()
	if err != nil {
		return at(err, "orderId")
	}
	groups[0].Total = terms.Total
	insert := db.QuoteOfOrderInsertParams{
		ID: quote, OrderID: o.ID, UserID: o.BuyerID, Paid: o.Payment != order.PaymentPending, Seconds: inventory.DefaultTTL.Seconds(),
		IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(), Total: terms.Total.Minor,
	}
	if insert.Paid && terms.Total != o.Total {
		return ErrPaidAlready.At("orderId").With("total", terms.Total)
	}
	if !insert.Paid {
		if err := s.exchangeTx(ctx, tx, groups, ask.PayCurrency); err != nil {
			return err
		}
	}
	insert.PayCurrency = toldIn(groups)
	if groups[0].sent() {
		if insert.ShipTo, err = json.Marshal(ask.to); err != nil {
			return err
		}
	}
	switch n, err := s.q.QuoteOfOrderInsert(ctx, tx, insert); {
	case err != nil:
		return err
	case n == 0:
		return ErrNotQuotable.At("orderId")
	}
	return s.groupsTx(ctx, tx, quote, groups)
}

// checkOutTx keeps that a quote of an order was confirmed, ties the order to it, and begins to pay it, unless it was paid before.
func (s *Service) checkOutTx(ctx context.Context, tx pgx.Tx, q Quote, in ConfirmInput, wallet money.Amount) ([]realtime.Event, []payment.OrderPayment, error) {
	out := order.CheckOut{Order: *q.Order, Quote: q.ID, Sale: q.Groups[0].sale(), Wallet: wallet, Pay: !q.Paid}
	if wallet != q.Due() {
		out.Card = in.Card
	}
	insert := db.CheckoutInsertParams{
		QuoteID: q.ID, UserID: q.UserID, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(),
		WalletAmount: wallet.Minor, CardAmount: q.Due().Minor - wallet.Minor, CardID: out.Card,
	}
	if in.Exchange != nil {
		out.Exchange, insert.Exchanged = q.Groups[0].Exchange, &in.Exchange.Minor
	}
	err := s.q.CheckoutInsert(ctx, tx, insert)
	if err != nil {
		return nil, nil, err
	}
	p, told, err := s.orders.CheckOutTx(ctx, tx, out)
	if err != nil || p == nil {
		return told, nil, err
	}
	return told, []payment.OrderPayment{*p}, nil
}
