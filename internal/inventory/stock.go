package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/text"
)

const (
	maxQuantity = 1_000_000
	maxNote     = 1000
)

// MovementKind says why a stock changed.
type MovementKind string

// The kinds of movements.
const (
	Received MovementKind = "RECEIVED"
	Adjusted MovementKind = "ADJUSTED" // counted anew, lost, broken
	MovedOut MovementKind = "MOVED_OUT"
	MovedIn  MovementKind = "MOVED_IN"
	Sold     MovementKind = "SOLD"
	Returned MovementKind = "RETURNED"
)

// Level is what a location has of a variant.
type Level struct {
	VariantID  uuid.UUID
	LocationID uuid.UUID
	OnHand     int32
	Reserved   int32  // set aside for buyers, whose time may be over
	LowAt      *int32 // its seller is told when no more than this is left; nil for never
}

// Movement is one change of a stock.
type Movement struct {
	Number   int64 // from 1, without a gap
	Kind     MovementKind
	Quantity int32
	OnHand   int32 // after it
	Note     string
	At       time.Time
}

// MovementPage is a page of a stock's movements.
type MovementPage = page.Page[Movement]

// MovementEdge is one of them with its cursor.
type MovementEdge = page.Edge[Movement]

const movementList = 'M' // marks cursors of movements

func levelOf(row db.Stock) Level {
	return Level{VariantID: row.VariantID, LocationID: row.LocationID, OnHand: row.OnHand, Reserved: row.Reserved, LowAt: row.LowAt}
}

func movementOf(row db.StockMovement) Movement {
	return Movement{
		Number: row.Number, Kind: MovementKind(row.Kind), Quantity: row.Quantity, OnHand: row.OnHand, Note: row.Note, At: row.MovedAt,
	}
}

// ChangeInput changes what a location has of a variant.
type ChangeInput struct {
	Variant, Location uuid.UUID
	Quantity          int
	Note              string
	IdempotencyKey    string
}

// MoveInput moves stock from one location to another.
type MoveInput struct {
	Variant, From, To uuid.UUID
	Quantity          int
	Note              string
	IdempotencyKey    string
}

// Receive adds what has arrived.
func (s *Service) Receive(ctx context.Context, seller uuid.UUID, in ChangeInput) (_ Level, err error) {
	defer fault.Wrap(&err, "receive stock")
	if in.Quantity < 1 || in.Quantity > maxQuantity {
		return Level{}, ErrQuantity.At("quantity")
	}
	return s.changeStock(ctx, seller, change{in, []side{{in.Location, Received, in.Quantity}}})
}

// Adjust corrects what is on hand, upwards or downwards. What is reserved can't be corrected away.
func (s *Service) Adjust(ctx context.Context, seller uuid.UUID, in ChangeInput) (_ Level, err error) {
	defer fault.Wrap(&err, "adjust stock")
	if in.Quantity == 0 || in.Quantity < -maxQuantity || in.Quantity > maxQuantity {
		return Level{}, ErrQuantity.At("quantity")
	}
	return s.changeStock(ctx, seller, change{in, []side{{in.Location, Adjusted, in.Quantity}}})
}

// Move takes stock from one location to another; the level that it gives is the other's.
func (s *Service) Move(ctx context.Context, seller uuid.UUID, in MoveInput) (_ Level, err error) {
	defer fault.Wrap(&err, "move stock")
	if in.Quantity < 1 || in.Quantity > maxQuantity {
		return Level{}, ErrQuantity.At("quantity")
	}
	if in.From == in.To {
		return Level{}, ErrSamePlace.At("toLocationId")
	}
	to := ChangeInput{Variant: in.Variant, Location: in.To, Quantity: in.Quantity, Note: in.Note, IdempotencyKey: in.IdempotencyKey}
	return s.changeStock(ctx, seller, change{to, []side{{in.From, MovedOut, -in.Quantity}, {in.To, MovedIn, in.Quantity}}})
}

// side is what changes at one location.
type side struct {
	location uuid.UUID
	kind     MovementKind
	quantity int
}

// change is one or two sides that happen together.
type change struct {
	ChangeInput
	sides []side
}

// hash is of everything that has to be the same when a key is used again.
func (c change) hash() []byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "stock\n%s\n%q\n", c.Variant, c.Note)
	for _, s := range c.sides {
		_, _ = fmt.Fprintf(h, "%s %s %d\n", s.location, s.kind, s.quantity)
	}
	return h.Sum(nil)
}

// changeStock writes movements, once for each key.
func (s *Service) changeStock(ctx context.Context, seller uuid.UUID, c change) (level Level, err error) {
	c.Note = text.Clean(c.Note)
	if utf8.RuneCountInString(c.Note) > maxNote || !text.IsProse(c.Note) {
		return Level{}, ErrNote.At("note")
	}
	for _, side := range c.sides {
		if err := s.checkOwn(ctx, seller, c.Variant, side.location, catalog.Retail); err != nil {
			return Level{}, err
		}
	}
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		told, err = s.changeStockTx(ctx, tx, seller, c)
		return err
	})
	if postgres.Violates(err, "stock_movement_key") || postgres.Violates(err, "stock_on_hand") || postgres.Violates(err, "stock_reserved") {
		err = s.checkReplay(ctx, seller, c)
	}
	if err != nil {
		return Level{}, deleted(err)
	}
	s.publish(ctx, told)
	row, err := s.q.StockLevel(ctx, s.pool, c.Variant, c.Location)
	return levelOf(row), err
}

func (s *Service) changeStockTx(ctx context.Context, tx pgx.Tx, seller uuid.UUID, c change) (told []realtime.Event, err error) {
	cause, hash := id.New(), c.hash()
	// Stock is locked in the order of its locations, however the goods go.
	c.sides = slices.SortedFunc(slices.Values(c.sides), func(a, b side) int { return bytes.Compare(a.location[:], b.location[:]) })
	for _, side := range c.sides {
		if err := s.q.StockMake(ctx, tx, c.Variant, side.location, seller); err != nil {
			return nil, err
		}
	}
	var lows []low
	for _, side := range c.sides {
		row, err := s.q.StockMovementInsert(ctx, tx, db.StockMovementInsertParams{
			VariantID: c.Variant, LocationID: side.location, Kind: string(side.kind), Quantity: int32(side.quantity), CauseID: cause,
			ActorID: seller, Note: c.Note, IdempotencyKey: &c.IdempotencyKey, RequestHash: hash,
		})
		if err != nil {
			return nil, err
		}
		level, err := s.q.StockLevel(ctx, tx, c.Variant, side.location)
		if err != nil {
			return nil, err
		}
		if level.LowAt != nil && row.OnHand <= *level.LowAt && row.OnHand-row.Quantity > *level.LowAt {
			lows = append(lows, low{seller, c.Variant, side.location, catalog.Retail, row.Number, row.OnHand})
		}
	}
	return tellLowTx(ctx, tx, lows)
}

// checkReplay says why a change was not made: its key was used for the same, which is no refusal, or for something else; or, where the
// key is new, there is too little. (A retry of what took the last is short as well, so that the key is asked first.)
func (s *Service) checkReplay(ctx context.Context, seller uuid.UUID, c change) error {
	first, err := s.q.StockMovementByKey(ctx, s.pool, seller, c.IdempotencyKey)
	switch {
	case postgres.NoRows(err):
		return ErrStockShort.At("quantity")
	case err == nil && !bytes.Equal(first.RequestHash, c.hash()):
		return ErrKeyReused.At("idempotencyKey")
	}
	return err
}

// checkOwn insists that the variant is the seller's and of a kind that has a stock, and that the location is theirs and for that kind.
func (s *Service) checkOwn(ctx context.Context, seller, variant, location uuid.UUID, kinds ...catalog.Kind) error {
	v, err := s.catalog.OwnVariant(ctx, seller, variant)
	switch {
	case err != nil:
		return err
	case !slices.Contains(kinds, v.Kind):
		return ErrNoStock.At("variantId")
	}
	return s.ownLocation(ctx, seller, location, v.Kind == catalog.DigitalCode)
}

// ReceiveCodesTx adds codes to the stock of a variant, in the transaction that keeps them: where its seller's codes lie, so many.
// Nobody else changes that stock but who sells them, so that it is the codes that are there.
func (s *Service) ReceiveCodesTx(ctx context.Context, tx pgx.Tx, seller, variant uuid.UUID, quantity int, cause uuid.UUID) (err error) {
	defer fault.Wrap(&err, "receive codes of %s", variant)
	if err := s.q.LocationDigitalMake(ctx, tx, id.New(), seller); err != nil {
		return err
	}
	place, err := s.q.LocationDigital(ctx, tx, seller)
	if err != nil {
		return err
	}
	if err := s.q.StockMake(ctx, tx, variant, place, seller); err != nil {
		return err
	}
	_, err = s.q.StockMovementInsert(ctx, tx, db.StockMovementInsertParams{
		VariantID: variant, LocationID: place, Kind: string(Received), Quantity: int32(quantity), CauseID: cause, ActorID: seller,
	})
	return err
}

// SetAlert says at which level the seller is told; nil for never.
func (s *Service) SetAlert(ctx context.Context, seller, variant, location uuid.UUID, lowAt *int) (_ Level, err error) {
	defer fault.Wrap(&err, "set a stock's alert")
	if lowAt != nil && (*lowAt < 0 || *lowAt > maxQuantity) {
		return Level{}, ErrQuantity.At("lowAt")
	}
	if err := s.checkOwn(ctx, seller, variant, location, catalog.Retail, catalog.DigitalCode); err != nil {
		return Level{}, err
	}
	var row db.Stock
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if err := s.q.StockMake(ctx, tx, variant, location, seller); err != nil {
			return err
		}
		row, err = s.q.StockAlertSet(ctx, tx, db.StockAlertSetParams{VariantID: variant, LocationID: location, SellerID: seller, LowAt: maybeInt32(lowAt)})
		return err
	})
	return levelOf(row), deleted(err)
}

// deleted names the refusal of stock whose listing is deleted in this moment.
func deleted(err error) error {
	if postgres.Violates(err, "stock_variant_id_seller_id_fkey") {
		return catalog.ErrVariantNotFound.At("variantId")
	}
	return err
}

func maybeInt32(n *int) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(*n))
}

// Levels reads, for a loader, what there is of variants at each location, the oldest location first. It is for their seller.
func (s *Service) Levels(ctx context.Context, variants []uuid.UUID) (map[uuid.UUID][]Level, error) {
	rows, err := s.q.StockOf(ctx, s.pool, variants)
	levels := make(map[uuid.UUID][]Level, len(variants))
	for _, row := range rows {
		levels[row.Stock.VariantID] = append(levels[row.Stock.VariantID], levelOf(row.Stock))
	}
	return levels, err
}

// Available reads, for a loader, how many of each variant may be reserved now: what is set aside beyond its time is free.
func (s *Service) Available(ctx context.Context, variants []uuid.UUID) (map[uuid.UUID]int32, error) {
	return s.AvailableTx(ctx, s.pool, variants)
}

// AvailableTx is Available within a transaction.
func (s *Service) AvailableTx(ctx context.Context, tx db.DBTX, variants []uuid.UUID) (map[uuid.UUID]int32, error) {
	rows, err := s.q.VariantsAvailable(ctx, tx, variants)
	available := make(map[uuid.UUID]int32, len(rows))
	for _, row := range rows {
		available[row.ID] = row.Available
	}
	return available, err
}

// Movements is a stock's history, the newest first. It is for its seller.
func (s *Service) Movements(ctx context.Context, of Level, args page.Args) (MovementPage, error) {
	size, err := args.Size()
	if err != nil {
		return MovementPage{}, err
	}
	before, err := args.BeforeNumber(movementList)
	if err != nil {
		return MovementPage{}, err
	}
	rows, err := s.q.StockMovementPage(ctx, s.pool, db.StockMovementPageParams{
		VariantID: of.VariantID, LocationID: of.LocationID, Before: before, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, movementOf, func(m Movement) string { return page.EncodeNumber(movementList, m.Number) }), err
}
