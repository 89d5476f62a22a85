package taxonomy

import (
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

const (
	maxAttributes = 50
	maxOptions    = 200
)

// AttributeType is what an attribute's values are.
type AttributeType string

// The types.
const (
	Text    AttributeType = "TEXT"
	Number  AttributeType = "NUMBER"
	Boolean AttributeType = "BOOLEAN"
	Choice  AttributeType = "CHOICE"
)

// Attribute is what listings of a category, and of those below it, are described by.
type Attribute struct {
	ID         uuid.UUID
	CategoryID uuid.UUID
	Code       string // unique in its category
	Names      Names
	Type       AttributeType
	Unit       *string // of a number
	Required   bool    // a listing is not published without it
	Position   int
	RetiredAt  *time.Time
}

// NodeID is the id that clients see.
func (a Attribute) NodeID() id.ID { return id.Attribute.ID(a.ID) }

func attributeOf(row db.Attribute) Attribute {
	return Attribute{
		ID: row.ID, CategoryID: row.CategoryID, Code: row.Code, Names: Names{row.NameAr, row.NameEn, row.NameFr}, Type: AttributeType(row.Type),
		Unit: row.Unit, Required: row.Required, Position: int(row.Position), RetiredAt: row.RetiredAt,
	}
}

// Option is what a CHOICE may be.
type Option struct {
	Code    string // unique in its attribute; a listing's value
	Names   Names
	Retired bool // listings that have it keep it
}

func optionOf(row db.AttributeOption) Option {
	return Option{row.Code, Names{row.NameAr, row.NameEn, row.NameFr}, row.RetiredAt != nil}
}

// AttributeInput describes a new attribute.
type AttributeInput struct {
	Category uuid.UUID
	Code     string
	Names    Names
	Type     AttributeType
	Unit     *string
	Required bool
	Position int32
	Options  []Option // of a choice, in their order
	Reason   string
}

func (in *AttributeInput) validate() error {
	if err := in.Names.clean(); err != nil {
		return err
	}
	if !isSlug(in.Code) {
		return ErrSlug.At("code")
	}
	if in.Unit != nil {
		unit := text.Clean(*in.Unit)
		in.Unit = &unit
		if n := utf8.RuneCountInString(unit); in.Type != Number || n < 1 || n > 20 || !text.IsLine(unit) {
			return ErrAttributeType.At("unit")
		}
	}
	if (in.Type == Choice) != (len(in.Options) > 0) {
		return ErrAttributeType.At("options")
	}
	return cleanOptions(in.Options)
}

func cleanOptions(options []Option) error {
	seen := make(map[string]bool, len(options))
	for i := range options {
		o, at := &options[i], strconv.Itoa(i)
		if err := o.Names.clean(); err != nil {
			return ErrName.At("options", at, "names")
		}
		if !isSlug(o.Code) {
			return ErrSlug.At("options", at, "code")
		}
		if seen[o.Code] || len(options) > maxOptions {
			return ErrAttributeType.At("options", at)
		}
		seen[o.Code] = true
	}
	return nil
}

// CreateAttribute gives a category one more attribute.
func (s *Service) CreateAttribute(ctx context.Context, admin uuid.UUID, in AttributeInput) (_ Attribute, err error) {
	if err := in.validate(); err != nil {
		return Attribute{}, err
	}
	defer fault.Wrap(&err, "create an attribute")
	return s.changeAttribute(ctx, admin, adminlog.AttributeCreated, in.Reason, func(tx pgx.Tx) (db.Attribute, error) {
		if err := s.q.CategoryTreeLock(ctx, tx); err != nil { // so that the count is the last one's
			return db.Attribute{}, err
		}
		if err := s.OfferedTx(ctx, tx, &in.Category); err != nil {
			return db.Attribute{}, err
		}
		if n, err := s.q.AttributeCount(ctx, tx, in.Category); err != nil || n >= maxAttributes {
			return db.Attribute{}, orElse(err, ErrAttributeCount.At("categoryId"))
		}
		row, err := s.q.AttributeInsert(ctx, tx, db.AttributeInsertParams{
			ID: id.New(), CategoryID: in.Category, Code: in.Code, NameAr: in.Names.Ar, NameEn: in.Names.En, NameFr: in.Names.Fr,
			Type: string(in.Type), Unit: in.Unit, Required: in.Required, Position: in.Position,
		})
		if err != nil {
			return row, err
		}
		return row, s.writeOptionsTx(ctx, tx, row.ID, in.Options)
	})
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// writeOptionsTx makes these an attribute's options: what is left out is retired.
func (s *Service) writeOptionsTx(ctx context.Context, tx pgx.Tx, attribute uuid.UUID, options []Option) error {
	codes := make([]string, len(options))
	for i, o := range options {
		codes[i] = o.Code
		err := s.q.AttributeOptionUpsert(ctx, tx, db.AttributeOptionUpsertParams{
			AttributeID: attribute, Code: o.Code, NameAr: o.Names.Ar, NameEn: o.Names.En, NameFr: o.Names.Fr, Position: int32(i),
		})
		if err != nil {
			return err
		}
	}
	return s.q.AttributeOptionsRetire(ctx, tx, attribute, codes)
}

// AttributeChange is what changes of an attribute; what is nil stays.
type AttributeChange struct {
	Names    *Names
	Required *bool
	Position *int32
	Retired  *bool
	Options  []Option // all that it has then
	Reason   string
}

// ChangeAttribute changes an attribute. Its type, code and unit stay: values were written by them.
func (s *Service) ChangeAttribute(ctx context.Context, admin, attribute uuid.UUID, in AttributeChange) (_ Attribute, err error) {
	if in.Names != nil {
		if err := in.Names.clean(); err != nil {
			return Attribute{}, err
		}
	}
	if err := cleanOptions(in.Options); err != nil {
		return Attribute{}, err
	}
	defer fault.Wrap(&err, "change attribute %s", attribute)
	return s.changeAttribute(ctx, admin, adminlog.AttributeChanged, in.Reason, func(tx pgx.Tx) (db.Attribute, error) {
		row, err := s.q.AttributeLock(ctx, tx, attribute)
		if postgres.NoRows(err) {
			return row, ErrAttributeNotFound.At("attributeId")
		}
		if err != nil {
			return row, err
		}
		if in.Options != nil {
			if AttributeType(row.Type) != Choice || len(in.Options) == 0 {
				return row, ErrAttributeType.At("options")
			}
			if err := s.writeOptionsTx(ctx, tx, attribute, in.Options); err != nil {
				return row, err
			}
		}
		names := or(in.Names, Names{row.NameAr, row.NameEn, row.NameFr})
		return s.q.AttributeUpdate(ctx, tx, db.AttributeUpdateParams{
			ID: attribute, NameAr: names.Ar, NameEn: names.En, NameFr: names.Fr, Required: or(in.Required, row.Required),
			Position: or(in.Position, row.Position), Retired: or(in.Retired, row.RetiredAt != nil),
		})
	})
}

func (s *Service) changeAttribute(
	ctx context.Context, admin uuid.UUID, kind adminlog.Kind, reason string, do func(pgx.Tx) (db.Attribute, error),
) (Attribute, error) {
	if _, err := adminlog.Reason(reason); err != nil {
		return Attribute{}, err
	}
	var row db.Attribute
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = do(tx); err != nil {
			return err
		}
		_, err = adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: admin, Kind: kind, Subject: id.Attribute.Encode(row.ID), Reason: reason})
		return err
	})
	if err != nil {
		return Attribute{}, named(err)
	}
	return attributeOf(row), nil
}
