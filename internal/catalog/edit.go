package catalog

import (
	"context"

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

// UpdateInput is what changes of a listing; what is nil stays.
type UpdateInput struct {
	Title       *string
	Description *string
	Condition   *Condition
	Price       *money.Amount // of a listing with one variant
	Photos      []uuid.UUID   // all that it has then, in their order
	Category    *uuid.UUID
	Brand       *uuid.UUID
	Attributes  []AttributeValue // all that it says then; nil leaves those that fit its category
	MinimumTier *identity.Tier   // Unverified for everybody
}

// editable refuses to change what somebody has bid on, bought or hidden.
func (l Listing) editable() error {
	if l.Status != Draft && l.Status != Active && l.Status != Ended {
		return ErrMove.With("status", string(l.Status))
	}
	return nil
}

// Update changes a listing that nobody has bid on or bought. What is on the market stays complete.
func (s *Service) Update(ctx context.Context, seller, listing uuid.UUID, in UpdateInput) (_ Listing, err error) {
	defer fault.Wrap(&err, "change listing %s", listing)
	l, err := s.change(ctx, listing, ownedBy(seller, s.update(ctx, in)))
	return l, taken(err)
}

// UpdateTx is Update within a transaction, which is of no more use where it fails.
func (s *Service) UpdateTx(ctx context.Context, tx pgx.Tx, seller, listing uuid.UUID, in UpdateInput) (Listing, error) {
	l, err := s.changeTx(ctx, tx, listing, ownedBy(seller, s.update(ctx, in)))
	return l, taken(err)
}

func (s *Service) update(ctx context.Context, in UpdateInput) doing {
	return func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if err := l.editable(); err != nil {
			return db.Listing{}, err
		}
		if err := in.apply(&l); err != nil {
			return db.Listing{}, err
		}
		if err := s.repriceTx(ctx, tx, l, in.Price); err != nil {
			return db.Listing{}, err
		}
		if err := s.rephotoTx(ctx, tx, l, in.Photos); err != nil {
			return db.Listing{}, err
		}
		if err := s.redescribeTx(ctx, tx, &l, in); err != nil {
			return db.Listing{}, err
		}
		if l.Status == Active {
			if err := s.completeTx(ctx, tx, l); err != nil {
				return db.Listing{}, err
			}
		}
		return s.q.ListingUpdate(ctx, tx, db.ListingUpdateParams{
			ID: l.ID, Title: l.Title, Description: l.Description, Condition: string(l.Condition),
			CategoryID: l.CategoryID, BrandID: l.BrandID, MinimumTier: (*string)(l.MinimumTier),
		})
	}
}

// apply puts the new words in.
func (in UpdateInput) apply(l *Listing) (err error) {
	if in.Title != nil {
		l.Title = text.Clean(*in.Title)
	}
	if in.Description != nil {
		l.Description = text.Clean(*in.Description)
	}
	if in.Condition != nil {
		l.Condition = *in.Condition
	}
	if len(in.Attributes) > maxAttributes {
		return taxonomy.ErrAttributeForeign.At("attributes")
	}
	if in.MinimumTier != nil {
		if l.MinimumTier, err = checkTier(l.Kind, in.MinimumTier); err != nil {
			return err
		}
	}
	return checkText(l.Title, l.Description, l.Condition)
}

// repriceTx gives the only variant of a listing another price.
func (s *Service) repriceTx(ctx context.Context, tx pgx.Tx, l Listing, price *money.Amount) error {
	if price == nil {
		return nil
	}
	if err := checkPrice(l.Kind, price); err != nil {
		return err
	}
	variants, err := s.variantsTx(ctx, tx, l.ID)
	if err != nil {
		return err
	}
	if len(variants) != 1 {
		return ErrPriceOfVariants.At("price")
	}
	variants[0].Price = price
	_, err = s.q.VariantUpdate(ctx, tx, variants[0].update())
	return err
}

// rephotoTx puts other photos on a listing; nil leaves those that it has.
func (s *Service) rephotoTx(ctx context.Context, tx pgx.Tx, l Listing, photos []uuid.UUID) error {
	if photos == nil {
		return nil
	}
	if err := checkPhotos(photos); err != nil {
		return err
	}
	if err := s.q.ListingPhotosDelete(ctx, tx, l.ID); err != nil {
		return err
	}
	if err := s.claimPhotosTx(ctx, tx, l.SellerID, photos); err != nil {
		return err
	}
	return s.q.ListingPhotosInsert(ctx, tx, l.ID, photos)
}

// Duplicate makes a draft like one of the seller's listings. Photos and SKUs are not taken along: each belongs to one listing.
func (s *Service) Duplicate(ctx context.Context, seller, listing uuid.UUID) (_ Listing, err error) {
	defer fault.Wrap(&err, "duplicate listing %s", listing)
	var row db.Listing
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		from, err := s.q.ListingLock(ctx, tx, listing)
		if postgres.NoRows(err) || err == nil && from.SellerID != seller {
			return ErrListingNotFound
		}
		if err != nil {
			return err
		}
		row, err = s.q.ListingInsert(ctx, tx, db.ListingInsertParams{
			ID: id.New(), SellerID: seller, Kind: from.Kind, Title: from.Title, Description: from.Description, Condition: from.Condition,
			Price: from.Price, Currency: from.Currency, OptionNames: from.OptionNames, Status: string(Draft),
			CategoryID: from.CategoryID, BrandID: from.BrandID, MinimumTier: from.MinimumTier,
		})
		if err != nil {
			return err
		}
		if err := s.copyAttributesTx(ctx, tx, listing, row); err != nil || Kind(from.Kind).Once() {
			return err
		}
		return s.copyVariantsTx(ctx, tx, listing, row)
	})
	if err != nil {
		return Listing{}, err
	}
	return listingOf(row), nil
}

func (s *Service) copyAttributesTx(ctx context.Context, tx pgx.Tx, from uuid.UUID, to db.Listing) error {
	sheet, err := s.taxonomy.SheetTx(ctx, tx, to.CategoryID)
	if err != nil {
		return err
	}
	kept, err := s.attributesTx(ctx, tx, from)
	if err != nil {
		return err
	}
	values, err := sheet.Check(sheet.Keep(kept))
	if err != nil {
		return err
	}
	return s.writeAttributesTx(ctx, tx, to.ID, values)
}

func (s *Service) copyVariantsTx(ctx context.Context, tx pgx.Tx, from uuid.UUID, to db.Listing) error {
	variants, err := s.variantsTx(ctx, tx, from)
	if err != nil {
		return err
	}
	for i, v := range variants {
		copied := VariantInput{Options: v.OptionValues, Price: v.Price, Grams: v.Grams}
		if _, err := s.q.VariantInsert(ctx, tx, copied.row(to, i+1)); err != nil {
			return err
		}
	}
	return nil
}
