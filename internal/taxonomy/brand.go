package taxonomy

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

// Brand is a maker's name.
type Brand struct {
	ID        uuid.UUID
	Name      string
	RetiredAt *time.Time
}

// NodeID is the id that clients see.
func (b Brand) NodeID() id.ID { return id.Brand.ID(b.ID) }

func brandOf(row db.Brand) Brand { return Brand{row.ID, row.Name, row.RetiredAt} }

// normalised is a brand's name as it is compared: L'Oréal and LOREAL are one.
func normalised(name string) string { return strings.Join(text.Words(name), "") }

func cleanBrand(name string) (string, error) {
	if name = text.Clean(name); !isName(name) || normalised(name) == "" {
		return "", ErrName.At("name")
	}
	return name, nil
}

// CreateBrand adds a brand.
func (s *Service) CreateBrand(ctx context.Context, admin uuid.UUID, name, reason string) (_ Brand, err error) {
	name, err = cleanBrand(name)
	if err != nil {
		return Brand{}, err
	}
	defer fault.Wrap(&err, "create a brand")
	return s.changeBrand(ctx, admin, adminlog.BrandCreated, reason, func(tx pgx.Tx) (db.Brand, error) {
		return s.q.BrandInsert(ctx, tx, id.New(), name, normalised(name))
	})
}

// ChangeBrand gives a brand another name, or says whether it is offered; what is nil stays.
func (s *Service) ChangeBrand(ctx context.Context, admin, brand uuid.UUID, name *string, retired *bool, reason string) (_ Brand, err error) {
	if name != nil {
		clean, err := cleanBrand(*name)
		if err != nil {
			return Brand{}, err
		}
		name = &clean
	}
	defer fault.Wrap(&err, "change brand %s", brand)
	return s.changeBrand(ctx, admin, adminlog.BrandChanged, reason, func(tx pgx.Tx) (db.Brand, error) {
		row, err := s.q.BrandLock(ctx, tx, brand)
		if postgres.NoRows(err) {
			return row, ErrBrandNotFound.At("brandId")
		}
		if err != nil {
			return row, err
		}
		now := or(name, row.Name)
		return s.q.BrandUpdate(ctx, tx, db.BrandUpdateParams{
			ID: brand, Name: now, Normalised: normalised(now), Retired: or(retired, row.RetiredAt != nil),
		})
	})
}

func (s *Service) changeBrand(
	ctx context.Context, admin uuid.UUID, kind adminlog.Kind, reason string, do func(pgx.Tx) (db.Brand, error),
) (Brand, error) {
	if _, err := adminlog.Reason(reason); err != nil {
		return Brand{}, err
	}
	var row db.Brand
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = do(tx); err != nil {
			return err
		}
		_, err = adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: admin, Kind: kind, Subject: id.Brand.Encode(row.ID), Reason: reason})
		return err
	})
	if err != nil {
		return Brand{}, named(err)
	}
	return brandOf(row), nil
}

// Brands are the first, by their names, of those that begin so, however it is written.
func (s *Service) Brands(ctx context.Context, startsWith string, first *int) ([]Brand, error) {
	size, err := page.Args{First: first}.Size()
	if err != nil {
		return nil, err
	}
	rows, err := s.q.BrandsNamed(ctx, s.pool, normalised(startsWith), int32(size))
	return listOf(rows, brandOf), err
}

// BrandsByID reads brands for a loader.
func (s *Service) BrandsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Brand, error) {
	rows, err := s.q.BrandsByID(ctx, s.pool, ids)
	return byID(rows, brandOf, func(b Brand) uuid.UUID { return b.ID }), err
}

// OfferedBrandTx insists that a brand may be chosen for a listing; nil may.
func (s *Service) OfferedBrandTx(ctx context.Context, tx db.DBTX, brand *uuid.UUID) error {
	if brand == nil {
		return nil
	}
	rows, err := s.q.BrandsByID(ctx, tx, []uuid.UUID{*brand})
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return ErrBrandNotFound.At("brandId")
	case rows[0].RetiredAt != nil:
		return ErrBrandRetired.At("brandId")
	}
	return nil
}

func byID[R, T any](rows []R, to func(R) T, key func(T) uuid.UUID) map[uuid.UUID]T {
	out := make(map[uuid.UUID]T, len(rows))
	for _, row := range rows {
		v := to(row)
		out[key(v)] = v
	}
	return out
}
