package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/taxonomy"
)

// AttributeValue is what a listing says of one of its category's attributes.
type AttributeValue = taxonomy.Value

// checkTier refuses to restrict what can't be: a lot is shown to everybody. For everybody is nil.
func checkTier(kind Kind, tier *identity.Tier) (*identity.Tier, error) {
	if tier == nil || *tier == identity.Unverified {
		return nil, nil
	}
	if kind == AuctionLot {
		return nil, ErrTierOfLot.At("minimumTier")
	}
	return tier, nil
}

// describeTx checks what a new listing is sorted under, and what it says of its category's attributes.
func (s *Service) describeTx(ctx context.Context, tx pgx.Tx, in CreateInput) ([]taxonomy.Checked, error) {
	if err := s.taxonomy.OfferedTx(ctx, tx, in.Category); err != nil {
		return nil, err
	}
	if err := s.taxonomy.OfferedBrandTx(ctx, tx, in.Brand); err != nil {
		return nil, err
	}
	sheet, err := s.taxonomy.SheetTx(ctx, tx, in.Category)
	if err != nil {
		return nil, err
	}
	values, err := sheet.Check(in.Attributes)
	if err != nil || in.Draft {
		return values, err
	}
	return values, sheet.Complete(values)
}

// redescribeTx sorts a listing anew. With its category go the values that no longer describe it.
func (s *Service) redescribeTx(ctx context.Context, tx pgx.Tx, l *Listing, in UpdateInput) error {
	if in.Brand != nil {
		if err := s.taxonomy.OfferedBrandTx(ctx, tx, in.Brand); err != nil {
			return err
		}
		l.BrandID = in.Brand
	}
	if in.Category == nil && in.Attributes == nil {
		return nil
	}
	if in.Category != nil {
		if err := s.taxonomy.OfferedTx(ctx, tx, in.Category); err != nil {
			return err
		}
		l.CategoryID = in.Category
	}
	sheet, err := s.taxonomy.SheetTx(ctx, tx, l.CategoryID)
	if err != nil {
		return err
	}
	given := in.Attributes
	if given == nil {
		kept, err := s.attributesTx(ctx, tx, l.ID)
		if err != nil {
			return err
		}
		given = sheet.Keep(kept)
	}
	values, err := sheet.Check(given)
	if err != nil {
		return err
	}
	if err := s.q.ListingAttributesDelete(ctx, tx, l.ID); err != nil {
		return err
	}
	return s.writeAttributesTx(ctx, tx, l.ID, values)
}

// describedTx refuses to show a listing that does not say what its category asks for.
func (s *Service) describedTx(ctx context.Context, tx pgx.Tx, l Listing) error {
	if l.CategoryID == nil {
		return nil
	}
	sheet, err := s.taxonomy.SheetTx(ctx, tx, l.CategoryID)
	if err != nil {
		return err
	}
	kept, err := s.attributesTx(ctx, tx, l.ID)
	if err != nil {
		return err
	}
	values, err := sheet.Check(sheet.Keep(kept))
	if err != nil {
		return err
	}
	return sheet.Complete(values)
}

func (s *Service) writeAttributesTx(ctx context.Context, tx pgx.Tx, listing uuid.UUID, values []taxonomy.Checked) error {
	if len(values) == 0 {
		return nil
	}
	row := db.ListingAttributesInsertParams{ListingID: listing}
	for _, v := range values {
		row.Attributes, row.Types, row.Values = append(row.Attributes, v.Attribute), append(row.Types, string(v.Type)), append(row.Values, v.Value.Value)
	}
	return s.q.ListingAttributesInsert(ctx, tx, row)
}

func (s *Service) attributesTx(ctx context.Context, tx db.DBTX, listing uuid.UUID) ([]AttributeValue, error) {
	rows, err := s.q.ListingAttributes(ctx, tx, []uuid.UUID{listing})
	values := make([]AttributeValue, len(rows))
	for i, row := range rows {
		values[i] = AttributeValue{Attribute: row.AttributeID, Value: row.Value}
	}
	return values, err
}

// AttributesByListing reads, for a loader, what listings say of their categories' attributes, in their order.
func (s *Service) AttributesByListing(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID][]AttributeValue, error) {
	rows, err := s.q.ListingAttributes(ctx, s.pool, listings)
	values := make(map[uuid.UUID][]AttributeValue, len(listings))
	for _, row := range rows {
		values[row.ListingID] = append(values[row.ListingID], AttributeValue{Attribute: row.AttributeID, Value: row.Value})
	}
	return values, err
}
