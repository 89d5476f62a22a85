package taxonomy

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/text"
)

// Value is what a listing says of an attribute.
type Value struct {
	Attribute uuid.UUID
	Value     string
}

// Checked is a value in the one form of its attribute's type.
type Checked struct {
	Value
	Type AttributeType
}

// Sheet is what describes the listings of one category.
type Sheet struct {
	attributes []Attribute
	options    map[uuid.UUID][]Option
}

// SheetTx reads what describes a category's listings; nothing where the category is nil.
func (s *Service) SheetTx(ctx context.Context, tx db.DBTX, category *uuid.UUID) (Sheet, error) {
	if category == nil {
		return Sheet{}, nil
	}
	rows, err := s.q.AttributesOfCategories(ctx, tx, []uuid.UUID{*category})
	if err != nil {
		return Sheet{}, err
	}
	sheet := Sheet{options: map[uuid.UUID][]Option{}}
	var choices []uuid.UUID
	for _, row := range rows {
		sheet.attributes = append(sheet.attributes, attributeOf(row.Attribute))
		if AttributeType(row.Attribute.Type) == Choice {
			choices = append(choices, row.Attribute.ID)
		}
	}
	if len(choices) == 0 {
		return sheet, nil
	}
	options, err := s.q.AttributeOptions(ctx, tx, choices)
	for _, row := range options {
		sheet.options[row.AttributeID] = append(sheet.options[row.AttributeID], optionOf(row))
	}
	return sheet, err
}

func (s Sheet) find(attribute uuid.UUID) (Attribute, bool) {
	i := slices.IndexFunc(s.attributes, func(a Attribute) bool { return a.ID == attribute })
	if i < 0 {
		return Attribute{}, false
	}
	return s.attributes[i], true
}

// Check reads what a seller says of a listing.
func (s Sheet) Check(values []Value) ([]Checked, error) {
	out := make([]Checked, 0, len(values))
	for i, v := range values {
		at := strconv.Itoa(i)
		attribute, ok := s.find(v.Attribute)
		if !ok {
			return nil, ErrAttributeForeign.At("attributes", at, "attributeId")
		}
		if slices.ContainsFunc(out, func(c Checked) bool { return c.Attribute == v.Attribute }) {
			return nil, ErrAttributeTwice.At("attributes", at, "attributeId")
		}
		if v.Value, ok = s.canonical(attribute, v.Value); !ok {
			return nil, ErrAttributeValue.At("attributes", at, "value").With("attribute", attribute)
		}
		out = append(out, Checked{v, attribute.Type})
	}
	return out, nil
}

// Keep is what a listing still says after its category has changed: what no longer describes it falls away.
func (s Sheet) Keep(values []Value) []Value {
	return slices.DeleteFunc(slices.Clone(values), func(v Value) bool {
		attribute, ok := s.find(v.Attribute)
		if !ok {
			return true
		}
		_, ok = s.canonical(attribute, v.Value)
		return !ok
	})
}

// Complete refuses to show a listing that does not say what its category asks for.
func (s Sheet) Complete(values []Checked) error {
	var missing []Attribute
	for _, a := range s.attributes {
		if a.Required && !slices.ContainsFunc(values, func(c Checked) bool { return c.Attribute == a.ID }) {
			missing = append(missing, a)
		}
	}
	if len(missing) > 0 {
		return ErrAttributeMissing.At("attributes").With("attributes", missing)
	}
	return nil
}

// canonical is a value in the one form of its type.
func (s Sheet) canonical(a Attribute, value string) (string, bool) {
	value = text.Clean(value)
	switch a.Type {
	case Number:
		return number(value)
	case Boolean:
		return value, value == "true" || value == "false"
	case Choice:
		return value, slices.ContainsFunc(s.options[a.ID], func(o Option) bool { return o.Code == value && !o.Retired })
	default:
		n := utf8.RuneCountInString(value)
		return value, n >= 1 && n <= 200 && text.IsLine(value)
	}
}

var numbers = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)

// number writes a number without what says nothing: 012.50 is 12.5.
func number(s string) (string, bool) {
	if !numbers.MatchString(s) {
		return "", false
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole, true
}
