package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/tax"
)

// QuoteStatus says how a quote stands.
type QuoteStatus string

// The statuses of a quote.
const (
	QuoteOpen      QuoteStatus = "OPEN"      // it may be confirmed
	QuoteConfirmed QuoteStatus = "CONFIRMED" // its orders are made
	QuoteOver      QuoteStatus = "OVER"      // it ran out, or another took its place
)

// QuoteLine is so many of a variant at a price that holds as long as its quote.
type QuoteLine struct {
	order.Line

	PriceSeen *money.Amount // in the cart; nil where that is not known
}

// PriceChanged says that the cart showed another price.
func (l QuoteLine) PriceChanged() bool { return l.PriceSeen != nil && *l.PriceSeen != l.UnitPrice }

// QuoteGroup is what becomes one order: what is bought of one seller or, of codes, of one listing.
type QuoteGroup struct {
	OrderID  uuid.UUID
	SellerID uuid.UUID
	Digital  bool // codes, which are paid from the wallet alone
	Lines    []QuoteLine
	Parcels  []shipping.Plan // how it is brought; none where its seller has not said how they send
	Charges  []order.Charge
	Total    money.Amount           // what the buyer pays
	Exchange *payment.FixedExchange // what that is in the currency that was asked for; nil where none was, or it is free

	profiled bool   // its seller has said how they send
	parts    []part // where its goods lie
	off      int64  // what its seller's promotions take off of the lines
}

// sale is the order that the group becomes.
func (g QuoteGroup) sale() order.Sale {
	sale := order.Sale{ID: g.OrderID, Seller: g.SellerID, Charges: g.Charges}
	for _, l := range g.Lines {
		sale.Lines = append(sale.Lines, l.Line)
	}
	return sale
}

// Quote is what a buyer was shown, of goods that are set aside for them. It binds until it expires.
type Quote struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	Status    QuoteStatus
	Groups    []QuoteGroup
	Total     money.Amount
	ShipTo    *address.Postal // nil where nothing is sent
	CreatedAt time.Time
	ExpiresAt time.Time
	Order     *uuid.UUID // that there was before, of a lot that was won; nil where its orders are made when it is confirmed
	Paid      bool       // that order was paid before: confirming it takes nothing
	Offer     *uuid.UUID // whose price it is at; nil where it is of a cart

	reservation uuid.UUID // where there is no order yet
}

// Due is what is paid when it is confirmed.
func (q Quote) Due() money.Amount {
	if q.Paid {
		return money.New(0, q.Total.Currency)
	}
	return q.Total
}

// TaxEstimated says that a tax in it may be another.
func (q Quote) TaxEstimated() bool {
	return slices.ContainsFunc(q.Groups, func(g QuoteGroup) bool {
		return slices.ContainsFunc(g.Charges, order.Charge.TaxEstimated)
	})
}

// NodeID is the id that clients see.
func (q Quote) NodeID() id.ID { return id.Quote.ID(q.ID) }

// QuoteInput says what of a cart to buy, or which offer, and where it is sent.
type QuoteInput struct {
	Variants       []uuid.UUID    // nil for all lines that are not saved for later
	Offer          *uuid.UUID     // that was accepted, in place of the cart; nil for the cart
	Address        *uuid.UUID     // nil where nothing is sent
	Shipping       []Choice       // how it is brought; what is not chosen comes in the cheapest way
	Coupons        []string       // codes, as they were typed
	PayCurrency    money.Currency // of another wallet, from which it may be paid; empty for none
	Pass           string         // of a waiting room
	IdempotencyKey string
}

// hash is of everything that has to be the same when a key is used again.
func (in QuoteInput) hash() []byte {
	to := "nowhere"
	if in.Address != nil {
		to = in.Address.String()
	}
	text := fmt.Appendf(nil, "quote\n%v\n%s\n%s", in.Variants, to, in.Pass)
	if len(in.Coupons) > 0 { // so that without them it is what it was
		text = fmt.Appendf(text, "\n%q", in.Coupons)
	}
	for _, c := range in.Shipping {
		text = c.append(text)
	}
	if in.PayCurrency != "" {
		text = fmt.Appendf(text, "\nin %s", in.PayCurrency)
	}
	if in.Offer != nil {
		text = fmt.Appendf(text, "\noffer %s", *in.Offer)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// Quote sets a buyer's cart aside, or what an offer is about, and says what it costs, which binds as long as it is set aside. It takes the place of the last
// quote of the cart, or of the offer, which stays as it was where this one is refused. The same key with the same input answers the same quote, as it is now.
func (s *Service) Quote(ctx context.Context, buyer uuid.UUID, in QuoteInput) (_ Quote, err error) {
	defer fault.Wrap(&err, "quote a cart")
	if !payment.Printable(in.IdempotencyKey) {
		return Quote{}, payment.ErrKeyInvalid
	}
	if first, err := s.quotedBefore(ctx, buyer, in.IdempotencyKey, in.hash()); first != nil || err != nil {
		return deref(first), err
	}
	if in.Offer != nil && in.Variants != nil {
		return Quote{}, ErrOfferAlone.At("variantIds")
	}
	if err := s.mayQuote(ctx, buyer, in.Shipping); err != nil {
		return Quote{}, err
	}
	if err := s.checkPayCurrency(in.PayCurrency); err != nil {
		return Quote{}, err
	}
	codes, err := s.promotion.CheckCodes(ctx, buyer, in.Coupons)
	if err != nil {
		return Quote{}, err
	}
	to, rates, err := s.destination(ctx, buyer, in.Address)
	if err != nil {
		return Quote{}, err
	}
	region := ""
	if to != nil {
		region = to.Country
	}
	ask := asked{QuoteInput: in, to: to, codes: codes, rates: rates}
	set, done, err := s.goods(ctx, buyer, &ask, region)
	if done != nil || err != nil {
		return deref(done), err
	}
	quote := id.New()
	other, err := s.write(ctx, quote, set, ask)
	if postgres.Violates(err, "quote_key") || postgres.Violates(err, "quote_reservation") || errors.Is(err, errQuoted) { // by the same request, sent twice at once
		return s.quotedMeanwhile(ctx, buyer, in.IdempotencyKey, in.hash())
	}
	if kind := fault.KindOf(err); kind != fault.Internal && kind != fault.Unavailable { // else a failure is ours, or a carrier's: then a retry goes on with what is set aside
		_, freed := s.stock.Release(context.WithoutCancel(ctx), buyer, set.ID)
		return Quote{}, errors.Join(err, freed)
	}
	if err == nil && other != nil {
		if _, err = s.stock.Release(context.WithoutCancel(ctx), buyer, *other); errors.Is(err, inventory.ErrReservationOver) {
			err = nil
		}
	}
	if err != nil {
		return Quote{}, err
	}
	return s.GetQuote(ctx, buyer, quote)
}

// quotedBefore is the quote that a key stands for, nil where it is new. A key of other input is refused.
func (s *Service) quotedBefore(ctx context.Context, buyer uuid.UUID, key string, hash []byte) (*Quote, error) {
	first, err := s.q.QuoteByKey(ctx, s.pool, buyer, key)
	switch {
	case postgres.NoRows(err):
		return nil, nil
	case err != nil:
		return nil, err
	case !bytes.Equal(first.RequestHash, hash):
		return nil, ErrKeyReused.At("idempotencyKey")
	}
	q, err := s.GetQuote(ctx, buyer, first.ID)
	return &q, err
}

// quotedMeanwhile answers what the key was used for first.
func (s *Service) quotedMeanwhile(ctx context.Context, buyer uuid.UUID, key string, hash []byte) (Quote, error) {
	first, err := s.quotedBefore(ctx, buyer, key, hash)
	if first == nil && err == nil {
		err = ErrKeyReused.At("idempotencyKey")
	}
	return deref(first), err
}

func deref(q *Quote) Quote {
	if q == nil {
		return Quote{}
	}
	return *q
}

// mayQuote refuses those who ask for too much, too fast, or too often.
func (s *Service) mayQuote(ctx context.Context, buyer uuid.UUID, choices []Choice) error {
	if len(choices) > maxChoices {
		return shipping.ErrOption.At("shipping", strconv.Itoa(maxChoices))
	}
	if err := paced(s.quotes, buyer); err != nil {
		return err
	}
	return s.checkRate(ctx, buyer)
}

// destination is an address of a buyer's book, and what tax is due there.
func (s *Service) destination(ctx context.Context, buyer uuid.UUID, to *uuid.UUID) (*address.Postal, tax.Rates, error) {
	if to == nil {
		return nil, tax.Rates{}, nil
	}
	a, err := s.addresses.Get(ctx, buyer, *to)
	if err != nil {
		return nil, tax.Rates{}, at(err, "addressId")
	}
	return &a.Postal, s.tax.Rates(ctx, tax.Region{Country: a.Country, State: a.Region}), nil
}

// at names the field of the input that a refusal blames.
func at(err error, field string) error {
	if f, ok := fault.As(err); ok {
		return f.At(field)
	}
	return err
}

// checkRate keeps somebody from having goods set aside again and again whom they never pay for.
func (s *Service) checkRate(ctx context.Context, buyer uuid.UUID) error {
	n, err := s.q.QuotesOpenCount(ctx, s.pool, buyer)
	if err == nil && n >= maxQuotes {
		slow := *ErrTooManyQuotes
		slow.RetryIn = time.Minute
		return &slow
	}
	return err
}

// asked is what a quote is asked for, with what was found out before its transaction.
type asked struct {
	QuoteInput

	to    *address.Postal // nil where nothing is sent
	codes []string        // of coupons, as they are kept
	rates tax.Rates       // where it is sent to
	offer *offer.Offer    // nil where it is of a cart
	local map[uuid.UUID]local
}

// write writes a quote down of what is set aside, and answers what another quote of its offer has set aside meanwhile. Carriers are asked before its transaction.
func (s *Service) write(ctx context.Context, quote uuid.UUID, set inventory.Reservation, in asked) (other *uuid.UUID, err error) {
	rows, err := s.linesToMake(ctx, s.pool, set.ID, in)
	if err != nil {
		return nil, err
	}
	groups, err := group(rows)
	if err != nil {
		return nil, err
	}
	if in.local, err = s.plan(ctx, groups, in); err != nil {
		return nil, err
	}
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		other, err = s.quoteTx(ctx, tx, quote, set, slices.Clone(groups), in)
		return err
	})
	return other, err
}

// linesToMake are what is set aside, as it is sold now.
func (s *Service) linesToMake(ctx context.Context, conn db.DBTX, reservation uuid.UUID, in asked) ([]db.QuoteLinesToMakeRow, error) {
	rows, err := s.q.QuoteLinesToMake(ctx, conn, reservation)
	if in.offer != nil {
		agreedOn(rows, *in.offer)
	}
	return rows, err
}

// quoteTx writes down what groups cost now; it answers as write does.
func (s *Service) quoteTx(ctx context.Context, tx pgx.Tx, quote uuid.UUID, set inventory.Reservation, groups []QuoteGroup, in asked) (other *uuid.UUID, err error) {
	for i := range groups {
		groups[i].Charges = groups[i].carriage()
	}
	if err := s.discountTx(ctx, tx, quote, set, groups, in); err != nil {
		return nil, err
	}
	if in.offer != nil {
		if other, err = s.offers.QuoteTx(ctx, tx, *in.offer, set.ID); err != nil {
			return nil, err
		}
	}
	if err := s.taxTx(ctx, tx, groups, in); err != nil {
		return nil, err
	}
	total, err := s.price(groups)
	if err != nil {
		return nil, err
	}
	if err := s.exchangeTx(ctx, tx, groups, in.PayCurrency); err != nil {
		return nil, err
	}
	insert := db.QuoteInsertParams{
		ID: quote, UserID: set.UserID, ReservationID: &set.ID, OfferID: in.Offer, IdempotencyKey: in.IdempotencyKey, RequestHash: in.hash(), Total: total.Minor, Currency: string(total.Currency),
		PayCurrency: toldIn(groups),
	}
	if slices.ContainsFunc(groups, QuoteGroup.sent) {
		if insert.ShipTo, err = json.Marshal(in.to); err != nil {
			return nil, err
		}
	}
	if err := s.q.QuoteInsert(ctx, tx, insert); err != nil {
		return nil, err
	}
	return other, s.groupsTx(ctx, tx, quote, groups)
}

// group divides what is set aside into what become orders, in the order of the cart.
func group(rows []db.QuoteLinesToMakeRow) (groups []QuoteGroup, err error) {
	codes := int64(0)
	for _, row := range rows {
		digital := catalog.Kind(row.Kind) == catalog.DigitalCode
		if row.Price == nil || row.Currency == nil {
			return nil, inventory.ErrOutOfStock.At("variantIds").With("variant", row.VariantID).With("available", 0)
		}
		if digital {
			codes += row.Quantity
		}
		if codes > maxCodes {
			return nil, ErrTooMany.At("variantIds")
		}
		line := QuoteLine{Line: order.Line{
			Listing: row.ListingID, Variant: &row.VariantID, Title: row.Title, Options: row.OptionValues, Quantity: int(row.Quantity),
			UnitPrice: money.New(*row.Price, money.Currency(*row.Currency)),
		}}
		if row.PriceSeen >= 0 {
			line.PriceSeen = new(money.New(row.PriceSeen, line.UnitPrice.Currency))
		}
		same := func(g QuoteGroup) bool {
			return g.SellerID == row.SellerID && g.Digital == digital && (!digital || g.Lines[0].Listing == row.ListingID)
		}
		i := 0
		for i < len(groups) && !same(groups[i]) {
			i++
		}
		if i == len(groups) {
			groups = append(groups, QuoteGroup{OrderID: id.New(), SellerID: row.SellerID, Digital: digital, profiled: row.Profiled})
		}
		groups[i].Lines = append(groups[i].Lines, line)
		groups[i].parts = append(groups[i].parts, partsOf(row)...)
	}
	return groups, nil
}

// price adds charges and totals to groups, which have one currency.
func (s *Service) price(groups []QuoteGroup) (sum money.Amount, err error) {
	sales := make([]order.Sale, len(groups))
	for i, g := range groups {
		sales[i] = g.sale()
	}
	if sum, err = s.charge(sales); err != nil {
		return sum, at(err, "variantIds")
	}
	for i, sale := range sales {
		terms, err := sale.Terms()
		if err != nil {
			return sum, err
		}
		if terms.Total.Minor == 0 && terms.Subsidy.Minor > 0 {
			return sum, ErrNothingToPay.At("variantIds")
		}
		groups[i].Charges, groups[i].Total = sale.Charges, terms.Total
	}
	return sum, nil
}

// groupsTx writes the groups of a quote with all that is in them.
func (s *Service) groupsTx(ctx context.Context, tx pgx.Tx, quote uuid.UUID, groups []QuoteGroup) error {
	of, lines, charges := db.QuoteGroupsInsertParams{QuoteID: quote}, db.QuoteLinesInsertParams{QuoteID: quote}, db.QuoteChargesInsertParams{QuoteID: quote}
	for i, g := range groups {
		n := int32(i + 1)
		terms, err := g.sale().Terms()
		if err != nil {
			return err
		}
		of.Numbers, of.OrderIds, of.SellerIds = append(of.Numbers, n), append(of.OrderIds, g.OrderID), append(of.SellerIds, g.SellerID)
		of.ListingIds, of.Digital = append(of.ListingIds, g.Lines[0].Listing), append(of.Digital, g.Digital)
		of.Totals, of.Fees = append(of.Totals, g.Total.Minor), append(of.Fees, terms.Fee.Minor)
		parcels, err := writeParcels(g.Parcels)
		if err != nil {
			return err
		}
		of.InPerson, of.Parcels = append(of.InPerson, g.InPerson()), append(of.Parcels, parcels)
		for _, l := range g.Lines {
			addLine(&lines, n, l)
		}
		for j, c := range g.Charges {
			share := int32(-1)
			if c.BasisPoints != nil {
				share = int32(*c.BasisPoints)
			}
			charges.GroupNumbers, charges.Numbers = append(charges.GroupNumbers, n), append(charges.Numbers, int32(j+1))
			charges.Kinds, charges.Bearers = append(charges.Kinds, string(c.Kind)), append(charges.Bearers, string(c.Bearer))
			charges.Counterparties, charges.PromotionIds = append(charges.Counterparties, string(c.Side())), append(charges.PromotionIds, c.PromotionID())
			charges.BasisPoints, charges.Amounts = append(charges.BasisPoints, share), append(charges.Amounts, c.Amount.Minor)
			charges.Labels, charges.Estimated = append(charges.Labels, c.Label), append(charges.Estimated, c.Estimated)
			charges.Bases = append(charges.Bases, c.BaseMinor())
		}
	}
	err := postgres.Together(ctx, tx,
		func(tx pgx.Tx) error { return s.q.QuoteGroupsInsert(ctx, tx, of) },
		func(tx pgx.Tx) error { return s.q.QuoteLinesInsert(ctx, tx, lines) },
		func(tx pgx.Tx) error { return s.q.QuoteChargesInsert(ctx, tx, charges) },
	)
	if err != nil {
		return err
	}
	return s.keepExchangesTx(ctx, tx, quote, groups)
}

func addLine(lines *db.QuoteLinesInsertParams, group int32, l QuoteLine) {
	options, _ := json.Marshal(append([]string{}, l.Options...)) // texts always are JSON
	seen := int64(-1)
	if l.PriceSeen != nil {
		seen = l.PriceSeen.Minor
	}
	lines.Numbers, lines.GroupNumbers = append(lines.Numbers, int32(len(lines.Numbers)+1)), append(lines.GroupNumbers, group)
	lines.ListingIds, lines.VariantIds = append(lines.ListingIds, l.Listing), append(lines.VariantIds, *l.Variant)
	lines.Titles, lines.Options = append(lines.Titles, l.Title), append(lines.Options, string(options))
	lines.Quantities, lines.UnitPrices, lines.PricesSeen = append(lines.Quantities, int32(l.Quantity)), append(lines.UnitPrices, l.UnitPrice.Minor), append(lines.PricesSeen, seen)
}
