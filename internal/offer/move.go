package offer

import (
	"context"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// MakeInput is what a buyer would pay for so many of a variant.
type MakeInput struct {
	Variant  uuid.UUID
	Quantity int
	Price    money.Amount // of one
}

// Make names a price. Nothing is set aside by it. Sent again it answers the offer that it has made, as long as nobody has moved that.
func (s *Service) Make(ctx context.Context, buyer uuid.UUID, in MakeInput) (o Offer, err error) {
	if in.Quantity < 1 || in.Quantity > maxQuantity {
		return o, ErrQuantity.At("quantity")
	}
	if err := s.paced(buyer); err != nil {
		return o, err
	}
	defer fault.Wrap(&err, "make an offer for variant %s", in.Variant)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		sold, err := s.sold(ctx, tx, buyer, in.Variant)
		if err != nil {
			return err
		}
		if err := sold.takesFrom(buyer, in); err != nil {
			return err
		}
		if err := s.q.OfferBuyerLock(ctx, tx, buyer); err != nil {
			return err
		}
		before, over, err := s.liveTx(ctx, tx, buyer, sold.ListingID)
		if err != nil {
			return err
		}
		if before != nil && before.is(in) {
			o = *before
			return nil
		}
		if before != nil {
			return ErrLive.At("variantId").With("offer", *before)
		}
		o, told, err = s.makeTx(ctx, tx, buyer, sold, in)
		told = append(over, told...)
		return err
	})
	if err == nil {
		s.hub.Publish(ctx, told...)
	}
	return o, err
}

// is says that an offer is what was asked for, and nobody has moved it.
func (o Offer) is(in MakeInput) bool {
	return o.Version == 1 && o.VariantID == in.Variant && o.Quantity == in.Quantity && o.Price == in.Price
}

func (s *Service) makeTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID, sold ware, in MakeInput) (o Offer, told []realtime.Event, err error) {
	n, err := s.q.OfferCounts(ctx, tx, buyer, sold.SellerID)
	if err != nil {
		return o, nil, err
	}
	if n.Live >= maxLive || n.Today >= maxToday {
		return o, nil, ErrTooMany
	}
	row, err := s.q.OfferInsert(ctx, tx, db.OfferInsertParams{
		ID: id.New(), BuyerID: buyer, SellerID: sold.SellerID, ListingID: sold.ListingID, VariantID: in.Variant, Title: sold.Title,
		Quantity: int32(in.Quantity), Currency: string(in.Price.Currency), UnitPrice: in.Price.Minor, Seconds: answerWithin.Seconds(),
	})
	if err != nil {
		return o, nil, err
	}
	o = offerOf(row)
	told, err = tellTx(ctx, tx, o)
	return o, told, err
}

// liveTx is a buyer's offer for a listing that may come to something, nil where there is none. One whose time is over ends by that.
func (s *Service) liveTx(ctx context.Context, tx pgx.Tx, buyer, listing uuid.UUID) (*Offer, []realtime.Event, error) {
	row, err := s.q.OfferLiveOf(ctx, tx, buyer, listing)
	if postgres.NoRows(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	now, err := s.q.OfferNow(ctx, tx)
	if err != nil || now.Before(row.EndsAt) {
		return new(offerOf(row)), nil, err
	}
	told, err := s.expireTx(ctx, tx, []db.PriceOffer{row})
	return nil, told, err
}

// ware is a variant as its buyer finds it.
type ware struct{ db.OfferVariantRow }

func (s *Service) sold(ctx context.Context, conn db.DBTX, buyer, variant uuid.UUID) (ware, error) {
	row, err := s.q.OfferVariant(ctx, conn, buyer, variant)
	if postgres.NoRows(err) {
		err = ErrVariant.At("variantId")
	}
	return ware{row}, err
}

// takesFrom refuses an offer that can't be made.
func (w ware) takesFrom(buyer uuid.UUID, in MakeInput) error {
	switch {
	case w.SellerID == buyer:
		return ErrOwnListing.At("variantId")
	case !w.Offered:
		return ErrVariant.At("variantId")
	case !takesEver(w.Kind) || !w.Takes || w.Price == nil:
		return ErrNotTaken.At("variantId")
	case catalog.Kind(w.Kind).Once() && in.Quantity != 1:
		return ErrQuantity.At("quantity")
	}
	return w.checkPrice(in.Price, nil)
}

// checkPrice refuses a price that is not below the listed one, or below a tenth of it. A counter-offer answers what is on the table: a seller asks for more, a buyer gives less.
func (w ware) checkPrice(price money.Amount, answers *Offer) error {
	listed := money.New(*w.Price, money.Currency(*w.Currency))
	if price.Currency != listed.Currency {
		return money.ErrMismatch.At("price")
	}
	low, high := (listed.Minor+lowest-1)/lowest, listed.Minor-1
	switch {
	case answers == nil:
	case answers.LastStatus == Open:
		low = max(low, answers.Price.Minor+1)
	default:
		high = min(high, answers.Price.Minor-1)
	}
	if low = max(low, 1); price.Minor >= low && price.Minor <= high {
		return nil
	}
	refusal := ErrPrice.At("price")
	if low <= high { // else there is none left to name
		refusal = refusal.With("minimum", money.New(low, listed.Currency)).With("maximum", money.New(high, listed.Currency))
	}
	return refusal
}

// MoveInput is what a party does with an offer.
type MoveInput struct {
	Offer   uuid.UUID
	Version int // that they have seen
	Action  Action
	Price   money.Amount // of one, of a counter-offer
}

// Move does it, or says what the offer is by now. Sent again it answers what it has made, as long as nobody has moved that.
func (s *Service) Move(ctx context.Context, user uuid.UUID, in MoveInput) (o Offer, err error) {
	if in.Action == Counter {
		if err := s.paced(user); err != nil {
			return o, err
		}
	}
	defer fault.Wrap(&err, "%s offer %s", in.Action, in.Offer)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		o, told, err = s.moveTx(ctx, tx, user, in)
		return err
	})
	if err == nil {
		s.hub.Publish(ctx, told...)
	}
	return o, err
}

func (s *Service) moveTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, in MoveInput) (Offer, []realtime.Event, error) {
	row, err := s.q.OfferLock(ctx, tx, in.Offer, user)
	if postgres.NoRows(err) {
		return Offer{}, nil, ErrNotFound.At("offerId")
	}
	if err != nil {
		return Offer{}, nil, err
	}
	o := offerOf(row)
	party, _ := o.PartyOf(user)
	if o.was(in, party) {
		return o, nil, nil
	}
	to, err := o.answer(in, party)
	if err != nil {
		return o, nil, err
	}
	move := db.OfferMoveParams{ID: o.ID, Version: row.Version, Status: string(to), MovedBy: string(party), UnitPrice: row.UnitPrice}
	if in.Action == Counter || in.Action == Accept {
		if err := s.standsTx(ctx, tx, o, in); err != nil {
			return o, nil, err
		}
		move.Seconds = checkOutWithin.Seconds()
	}
	if in.Action == Counter {
		move.Seconds, move.UnitPrice = answerWithin.Seconds(), in.Price.Minor
	}
	if row, err = s.q.OfferMove(ctx, tx, move); postgres.NoRows(err) {
		return o, nil, ErrOver.At("offerId").With("offer", o)
	}
	if err != nil {
		return o, nil, err
	}
	o = offerOf(row)
	told, err := tellTx(ctx, tx, o)
	return o, told, err
}

// was says that the offer is what the move has made of it.
func (o Offer) was(in MoveInput, by Party) bool {
	if o.Version != in.Version+1 || o.MovedBy != by {
		return false
	}
	switch in.Action {
	case Counter:
		return o.Price == in.Price && (o.LastStatus == Open || o.LastStatus == Countered)
	case Accept:
		return o.LastStatus == Accepted
	case Decline:
		return o.LastStatus == Declined
	case Withdraw:
		return o.LastStatus == Withdrawn
	default:
		return false
	}
}

// answer is what a move would make of the offer, by what it is.
func (o Offer) answer(in MoveInput, by Party) (Status, error) {
	to, ok := o.LastStatus.after(in.Action, by)
	var why *fault.Error
	switch {
	case o.Version != in.Version:
		why = ErrChanged.At("version")
	case !o.LastStatus.live():
		why = ErrOver.At("offerId")
	case !ok:
		why = ErrNotYours.At("offerId")
	case in.Action == Counter && o.Version >= maxNames:
		why = ErrRounds.At("offerId")
	default:
		return to, nil
	}
	return to, why.With("offer", o)
}

// standsTx insists that what an offer is about is still for its buyer to have, and that a counter-offer is between what was named.
func (s *Service) standsTx(ctx context.Context, tx pgx.Tx, o Offer, in MoveInput) error {
	sold, err := s.q.OfferVariant(ctx, tx, o.BuyerID, o.VariantID)
	if postgres.NoRows(err) || err == nil && (!sold.Offered || sold.Price == nil) {
		return ErrGone.At("offerId").With("offer", o)
	}
	if err != nil || in.Action != Counter {
		return err
	}
	return ware{sold}.checkPrice(in.Price, &o)
}

// tellTx tells those who watch offers that are moved, and by notices the side that did not move, both where time did.
func tellTx(ctx context.Context, tx pgx.Tx, offers ...Offer) ([]realtime.Event, error) {
	told, err := appendTx(ctx, tx, offers)
	if err != nil {
		return nil, err
	}
	var notes []notify.Note
	for _, o := range offers {
		for party, user := range map[Party]uuid.UUID{Buyer: o.BuyerID, Seller: o.SellerID} {
			if party == o.MovedBy {
				continue
			}
			notes = append(notes, notify.Note{
				Recipient: user, Kind: notify.OfferChanged, Subject: o.NodeID(), Key: "offer:" + o.ID.String() + ":" + strconv.Itoa(o.Version),
				Parameters: []notify.Parameter{notify.Text("status", string(o.LastStatus)), notify.Sum("price", o.Price)},
			})
		}
	}
	news, err := notify.InsertTx(ctx, tx, notes...)
	return append(told, news...), err
}
