package graph

import (
	"strconv"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/taxonomy"
)

// attributes wants what a listing says of its category's attributes; nil where nothing is said.
func (in *inputReader) attributes(vs []model.ListingAttributeInput) []taxonomy.Value {
	if vs == nil {
		return nil
	}
	out := make([]taxonomy.Value, len(vs))
	for i, v := range vs {
		attribute, err := v.AttributeID.As(id.Attribute)
		if f, ok := fault.As(err); ok && in.err == nil {
			in.err = f.At("attributes", strconv.Itoa(i), "attributeId")
		}
		out[i] = taxonomy.Value{Attribute: attribute, Value: v.Value}
	}
	return out
}

func newCategory(v model.CategoryCreateInput) (taxonomy.CategoryInput, error) {
	var in inputReader
	out := taxonomy.CategoryInput{
		Parent: in.maybeID(v.ParentID, id.Category, "parentId"), Slug: v.Slug, Names: v.Names, Position: place(v.Position), Reason: v.Reason,
	}
	return out, in.err
}

func categoryChange(v model.CategoryUpdateInput) (uuid.UUID, taxonomy.CategoryChange, error) {
	var in inputReader
	category := in.id(v.CategoryID, id.Category, "categoryId")
	return category, taxonomy.CategoryChange{
		Slug: v.Slug, Names: v.Names, Position: maybePlace(v.Position), Retired: v.Retired, Reason: v.Reason,
	}, in.err
}

func newAttribute(v model.AttributeCreateInput) (taxonomy.AttributeInput, error) {
	var in inputReader
	out := taxonomy.AttributeInput{
		Category: in.id(v.CategoryID, id.Category, "categoryId"), Code: v.Code, Names: v.Names, Type: v.Type, Unit: v.Unit,
		Required: v.Required, Position: place(v.Position), Options: attributeOptions(v.Options), Reason: v.Reason,
	}
	return out, in.err
}

func attributeChange(v model.AttributeUpdateInput) (uuid.UUID, taxonomy.AttributeChange, error) {
	var in inputReader
	attribute := in.id(v.AttributeID, id.Attribute, "attributeId")
	return attribute, taxonomy.AttributeChange{
		Names: v.Names, Required: v.Required, Position: maybePlace(v.Position), Retired: v.Retired,
		Options: attributeOptions(v.Options), Reason: v.Reason,
	}, in.err
}

// attributeOptions keeps what is left out, which is nil, apart from what is empty.
func attributeOptions(vs []model.AttributeOptionInput) []taxonomy.Option {
	if vs == nil {
		return nil
	}
	out := make([]taxonomy.Option, len(vs))
	for i, v := range vs {
		out[i] = taxonomy.Option{Code: v.Code, Names: v.Names}
	}
	return out
}

func place(n int) int32 { return int32(n) } // an Int has 32 bits

func maybePlace(n *int) *int32 {
	if n == nil {
		return nil
	}
	return new(place(*n))
}
