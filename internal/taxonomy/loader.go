package taxonomy

import (
	"context"

	"github.com/google/uuid"
)

// CategoriesByID reads categories for a loader, retired ones among them.
func (s *Service) CategoriesByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Category, error) {
	rows, err := s.q.CategoriesByID(ctx, s.pool, ids)
	return byID(rows, categoryOf, func(c Category) uuid.UUID { return c.ID }), err
}

// Children reads, for a loader, what is offered directly below categories, in its order.
func (s *Service) Children(ctx context.Context, parents []uuid.UUID) (map[uuid.UUID][]Category, error) {
	rows, err := s.q.CategoryChildren(ctx, s.pool, parents)
	children := make(map[uuid.UUID][]Category, len(parents))
	for _, row := range rows {
		children[*row.ParentID] = append(children[*row.ParentID], categoryOf(row))
	}
	return children, err
}

// Paths reads, for a loader, the categories from the top down to each, itself among them.
func (s *Service) Paths(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]Category, error) {
	rows, err := s.q.CategoryPaths(ctx, s.pool, ids)
	paths := make(map[uuid.UUID][]Category, len(ids))
	for _, row := range rows {
		paths[row.OfID] = append(paths[row.OfID], categoryOf(row.Category))
	}
	return paths, err
}

// AttributesByID reads attributes for a loader, retired ones among them.
func (s *Service) AttributesByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Attribute, error) {
	rows, err := s.q.AttributesByID(ctx, s.pool, ids)
	return byID(rows, attributeOf, func(a Attribute) uuid.UUID { return a.ID }), err
}

// Attributes reads, for a loader, what describes the listings of categories: what each has from those above it, then its own.
func (s *Service) Attributes(ctx context.Context, categories []uuid.UUID) (map[uuid.UUID][]Attribute, error) {
	rows, err := s.q.AttributesOfCategories(ctx, s.pool, categories)
	attributes := make(map[uuid.UUID][]Attribute, len(categories))
	for _, row := range rows {
		attributes[row.OfID] = append(attributes[row.OfID], attributeOf(row.Attribute))
	}
	return attributes, err
}

// Options reads, for a loader, the options of attributes in their order, retired ones among them.
func (s *Service) Options(ctx context.Context, attributes []uuid.UUID) (map[uuid.UUID][]Option, error) {
	rows, err := s.q.AttributeOptions(ctx, s.pool, attributes)
	options := make(map[uuid.UUID][]Option, len(attributes))
	for _, row := range rows {
		options[row.AttributeID] = append(options[row.AttributeID], optionOf(row))
	}
	return options, err
}
