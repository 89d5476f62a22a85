package catalog

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/taxonomy"
	"github.com/souklive/souk/internal/text"
)

const (
	photosPerListing = 5
	maxAttributes    = 300 // of six levels with 50 each
)

// CreateInput describes a new listing.
type CreateInput struct {
	Kind        Kind // OneOff where it is empty
	Draft       bool // kept for its seller until it is published; it may be incomplete
	Title       string
	Description string
	Condition   Condition
	Price       *money.Amount // nil to sell by auction only, and where variants have prices of their own
	Photos      []uuid.UUID   // in the order in which they are shown
	OptionNames []string      // in what variants differ: Size, Colour
	Variants    []VariantInput
	Category    *uuid.UUID
	Brand       *uuid.UUID
	Attributes  []AttributeValue // of the category's
	MinimumTier *identity.Tier   // of those to whom it is offered; nil for everybody
}

func (in *CreateInput) validate() error {
	in.Title, in.Description = text.Clean(in.Title), text.Clean(in.Description)
	if in.Kind == "" {
		in.Kind = OneOff
	}
	if !isKind(in.Kind) {
		return ErrKind.At("kind")
	}
	if err := checkText(in.Title, in.Description, in.Condition); err != nil {
		return err
	}
	if err := in.validateVariants(); err != nil {
		return err
	}
	if err := checkPhotos(in.Photos); err != nil {
		return err
	}
	if err := in.checkDescription(); err != nil {
		return err
	}
	if in.Draft {
		return nil
	}
	return complete(in.Kind, len(in.Photos), in.prices())
}

func (in *CreateInput) checkDescription() (err error) {
	if len(in.Attributes) > maxAttributes {
		return taxonomy.ErrAttributeForeign.At("attributes")
	}
	in.MinimumTier, err = checkTier(in.Kind, in.MinimumTier)
	return err
}

// checkText refuses what can't be a listing's words.
func checkText(title, description string, condition Condition) error {
	switch n := utf8.RuneCountInString(title); {
	case n < 3 || n > 140:
		return ErrTitleLength.At("title")
	case utf8.RuneCountInString(description) > 5000:
		return ErrDescriptionLength.At("description")
	case !text.IsLine(title):
		return ErrTextControl.At("title")
	case !text.IsProse(description):
		return ErrTextControl.At("description")
	case !slices.Contains(conditions, condition):
		return ErrCondition.At("condition")
	}
	return nil
}

func checkPhotos(photos []uuid.UUID) error {
	seen := make(map[uuid.UUID]bool, len(photos))
	for _, p := range photos {
		seen[p] = true
	}
	if len(photos) > photosPerListing || len(seen) != len(photos) {
		return ErrPhotoCount.At("photoIds")
	}
	return nil
}

// complete refuses to show a listing that lacks what its kind needs: photos, and prices, nil where a variant has none.
func complete(kind Kind, photos int, prices []*money.Amount) error {
	if photos < 1 {
		return ErrPhotoCount.At("photoIds")
	}
	if kind == OneOff || kind == AuctionLot {
		return nil
	}
	if len(prices) == 0 || slices.Contains(prices, nil) {
		return ErrPriceMissing.At("price")
	}
	return nil
}

// completeTx is complete of a listing that is kept, under its lock.
func (s *Service) completeTx(ctx context.Context, tx pgx.Tx, l Listing) error {
	photos, err := s.q.ListingPhotoCount(ctx, tx, l.ID)
	if err != nil {
		return err
	}
	variants, err := s.variantsTx(ctx, tx, l.ID)
	if err != nil {
		return err
	}
	if err := complete(l.Kind, int(photos), pricesOf(variants)); err != nil {
		return err
	}
	return s.describedTx(ctx, tx, l)
}

// Create lists something with the seller's uploaded photos, or keeps a draft of it.
func (s *Service) Create(ctx context.Context, seller uuid.UUID, in CreateInput) (_ Listing, err error) {
	if err := in.validate(); err != nil {
		return Listing{}, err
	}
	defer fault.Wrap(&err, "create a listing")
	var row db.Listing
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		row, err = s.createTx(ctx, tx, seller, in)
		return err
	})
	if err != nil {
		return Listing{}, taken(err)
	}
	return listingOf(row), nil
}

// CreateTx is Create within a transaction, which is of no more use where it fails.
func (s *Service) CreateTx(ctx context.Context, tx pgx.Tx, seller uuid.UUID, in CreateInput) (Listing, error) {
	if err := in.validate(); err != nil {
		return Listing{}, err
	}
	row, err := s.createTx(ctx, tx, seller, in)
	if err != nil {
		return Listing{}, taken(err)
	}
	return listingOf(row), nil
}

func (s *Service) createTx(ctx context.Context, tx pgx.Tx, seller uuid.UUID, in CreateInput) (row db.Listing, err error) {
	if err := s.claimPhotosTx(ctx, tx, seller, in.Photos); err != nil {
		return row, err
	}
	values, err := s.describeTx(ctx, tx, in)
	if err != nil {
		return row, err
	}
	row, err = s.q.ListingInsert(ctx, tx, in.row(seller))
	if err != nil {
		return row, err
	}
	if err := s.writeAttributesTx(ctx, tx, row.ID, values); err != nil {
		return row, err
	}
	for i, v := range in.Variants {
		if _, err := s.q.VariantInsert(ctx, tx, v.row(row, i+1)); err != nil {
			return row, blame(err, i)
		}
	}
	return row, s.q.ListingPhotosInsert(ctx, tx, row.ID, in.Photos)
}

// row is the listing as it is written: with the lowest price, as its variants come after it.
func (in CreateInput) row(seller uuid.UUID) db.ListingInsertParams {
	status := Active
	if in.Draft {
		status = Draft
	}
	price, currency := columnsOf(lowest(in.prices()))
	return db.ListingInsertParams{
		ID: id.New(), SellerID: seller, Kind: string(in.Kind), Title: in.Title, Description: in.Description,
		Condition: string(in.Condition), Price: price, Currency: currency, OptionNames: in.OptionNames, Status: string(status),
		CategoryID: in.Category, BrandID: in.Brand, MinimumTier: (*string)(in.MinimumTier),
	}
}

// taken names the refusals that the tables give.
func taken(err error) error {
	switch {
	case postgres.Violates(err, "listing_photo_photo_id_key"):
		return ErrPhotoUnknown.At("photoIds")
	case postgres.Violates(err, "variant_sku"):
		return ErrSKUTaken.At("sku")
	case postgres.Violates(err, "variant_options"):
		return ErrVariantTwice.At("options")
	}
	return err
}
