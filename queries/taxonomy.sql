-- name: CategoryTreeLock :exec
UPDATE category_tree SET version = version + 1;

-- name: CategoryTreeVersion :one
SELECT version FROM category_tree;

-- name: CategoryInsert :one
INSERT INTO category (id, parent_id, slug, name_ar, name_en, name_fr, position)
VALUES (@id, sqlc.narg(parent_id), @slug, @name_ar, @name_en, @name_fr, @position)
RETURNING *;

-- name: CategoryUpdate :one
UPDATE category SET slug = @slug, name_ar = @name_ar, name_en = @name_en, name_fr = @name_fr, position = @position,
    retired_at = CASE WHEN @retired::boolean THEN coalesce(retired_at, clock_timestamp()) END
WHERE id = @id RETURNING *;

-- name: CategoryMove :one
UPDATE category SET parent_id = sqlc.narg(parent_id), position = @position WHERE id = @id RETURNING *;

-- name: CategoriesByID :many
SELECT * FROM category WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: CategoryBySlug :one
SELECT * FROM category WHERE slug = @slug;

-- name: CategoryRoots :many
SELECT * FROM category WHERE parent_id IS NULL AND retired_at IS NULL ORDER BY position, slug;

-- name: CategoryChildren :many
SELECT * FROM category WHERE parent_id = ANY (@parents::uuid[]) AND retired_at IS NULL ORDER BY parent_id, position, slug;

-- The categories over each, and itself, from the root down.
-- name: CategoryPaths :many
WITH RECURSIVE up AS (
    SELECT c.id AS of_id, c.id, c.parent_id, 0 AS distance FROM category c WHERE c.id = ANY (@ids::uuid[])
    UNION ALL
    SELECT up.of_id, p.id, p.parent_id, up.distance + 1 FROM up JOIN category p ON p.id = up.parent_id WHERE up.distance < 6
)
SELECT up.of_id::uuid AS of_id, sqlc.embed(category) FROM up JOIN category ON category.id = up.id ORDER BY up.of_id, up.distance DESC;

-- A category and all below it, retired ones among them.
-- name: CategoryWithin :many
WITH RECURSIVE down AS (
    SELECT c.id, 0 AS level FROM category c WHERE c.id = @id
    UNION ALL
    SELECT c.id, down.level + 1 FROM down JOIN category c ON c.parent_id = down.id WHERE down.level < 6
)
SELECT down.id::uuid AS id FROM down ORDER BY down.level, down.id;

-- name: BrandInsert :one
INSERT INTO brand (id, name, normalised) VALUES (@id, @name, @normalised) RETURNING *;

-- name: BrandUpdate :one
UPDATE brand SET name = @name, normalised = @normalised,
    retired_at = CASE WHEN @retired::boolean THEN coalesce(retired_at, clock_timestamp()) END
WHERE id = @id RETURNING *;

-- name: BrandLock :one
SELECT * FROM brand WHERE id = @id FOR UPDATE;

-- name: BrandsByID :many
SELECT * FROM brand WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- name: BrandsNamed :many
SELECT * FROM brand WHERE retired_at IS NULL AND normalised LIKE @prefix::text || '%' ORDER BY normalised, id LIMIT @page_size;

-- name: AttributeInsert :one
INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type, unit, required, position)
VALUES (@id, @category_id, @code, @name_ar, @name_en, @name_fr, @type, sqlc.narg(unit), @required, @position)
RETURNING *;

-- name: AttributeUpdate :one
UPDATE attribute SET name_ar = @name_ar, name_en = @name_en, name_fr = @name_fr, required = @required, position = @position,
    retired_at = CASE WHEN @retired::boolean THEN coalesce(retired_at, clock_timestamp()) END
WHERE id = @id RETURNING *;

-- name: AttributeLock :one
SELECT * FROM attribute WHERE id = @id FOR UPDATE;

-- name: AttributeCount :one
SELECT count(*) FROM attribute WHERE category_id = @category_id AND retired_at IS NULL;

-- name: AttributesByID :many
SELECT * FROM attribute WHERE id = ANY (@ids::uuid[]) ORDER BY id;

-- What describes the listings of each category: its own, behind those that it has from above.
-- name: AttributesOfCategories :many
WITH RECURSIVE up AS (
    SELECT c.id AS of_id, c.id, c.parent_id, 0 AS distance FROM category c WHERE c.id = ANY (@ids::uuid[])
    UNION ALL
    SELECT up.of_id, p.id, p.parent_id, up.distance + 1 FROM up JOIN category p ON p.id = up.parent_id WHERE up.distance < 6
)
SELECT up.of_id::uuid AS of_id, sqlc.embed(attribute) FROM up JOIN attribute ON attribute.category_id = up.id
WHERE attribute.retired_at IS NULL
ORDER BY up.of_id, up.distance DESC, attribute.position, attribute.code;

-- name: AttributeOptionUpsert :exec
INSERT INTO attribute_option (attribute_id, code, name_ar, name_en, name_fr, position)
VALUES (@attribute_id, @code, @name_ar, @name_en, @name_fr, @position)
ON CONFLICT (attribute_id, code) DO UPDATE
SET name_ar = EXCLUDED.name_ar, name_en = EXCLUDED.name_en, name_fr = EXCLUDED.name_fr, position = EXCLUDED.position, retired_at = NULL;

-- name: AttributeOptionsRetire :exec
UPDATE attribute_option SET retired_at = coalesce(retired_at, clock_timestamp()) WHERE attribute_id = @attribute_id AND NOT code = ANY (@kept::text[]);

-- Retired ones among them: listings that have one still show it.
-- name: AttributeOptions :many
SELECT * FROM attribute_option WHERE attribute_id = ANY (@attributes::uuid[]) ORDER BY attribute_id, position, code;
