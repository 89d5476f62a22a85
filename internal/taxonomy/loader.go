package taxonomy

import (
	"context"
	"maps"

	"github.com/google/uuid"
)

// tree is what has been read of the tree at one version. It is never changed, but put in place of the one before.
type tree struct {
	version int64
	byID    map[uuid.UUID]Category
}

// CategoriesByID reads categories for a loader, retired ones among them. What was read is kept as long as the tree has its version, which
// every statement that writes to it moves on: each answer is as new as one that is read whole, and most come without a row.
func (s *Service) CategoriesByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Category, error) {
	version, err := s.q.CategoryTreeVersion(ctx, s.pool) // before the rows: those may be newer than it, and are then read again
	if err != nil {
		return nil, err
	}
	known := s.tree.Load()
	if known == nil || known.version != version {
		known = &tree{version: version}
	}
	found, missing := make(map[uuid.UUID]Category, len(ids)), []uuid.UUID(nil)
	for _, id := range ids {
		if c, ok := known.byID[id]; ok {
			found[id] = c
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := s.q.CategoriesByID(ctx, s.pool, missing)
	if err != nil {
		return nil, err
	}
	read := byID(rows, categoryOf, func(c Category) uuid.UUID { return c.ID })
	maps.Copy(found, read)
	maps.Copy(read, known.byID)
	s.tree.Store(&tree{version, read})
	return found, nil
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
