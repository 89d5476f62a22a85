-- The user's row makes one writer of those who save at once: the limit is exact.
-- name: SavedSearchOwnerLock :exec
SELECT FROM app_user WHERE id = @id FOR NO KEY UPDATE;

-- name: SavedSearchCount :one
SELECT count(*)::integer FROM saved_search WHERE owner_id = @owner_id;

-- name: SavedSearchInsert :one
INSERT INTO saved_search (id, owner_id, name, notify, query, words, groups, price_from, price_to, x, y, z, within, anchors, range_of, range_from, range_to)
VALUES (@id, @owner_id, @name, @notify, @query, @words, @groups::text[], sqlc.narg(price_from), sqlc.narg(price_to),
    sqlc.narg(x), sqlc.narg(y), sqlc.narg(z), sqlc.narg(within), @anchors::text[],
    @range_of::text[], @range_from::double precision[], @range_to::double precision[])
RETURNING id, name, notify, query, created_at, updated_at;

-- What is null stays as it is.
-- name: SavedSearchUpdate :one
UPDATE saved_search
SET name = coalesce(sqlc.narg(name), name), notify = coalesce(sqlc.narg(notify), notify), updated_at = clock_timestamp()
WHERE id = @id AND owner_id = @owner_id
RETURNING id, name, notify, query, created_at, updated_at;

-- What its owner has locked by changing it.
-- name: SavedSearchRewrite :exec
UPDATE saved_search
SET query = @query, words = @words, groups = @groups::text[], price_from = sqlc.narg(price_from), price_to = sqlc.narg(price_to),
    x = sqlc.narg(x), y = sqlc.narg(y), z = sqlc.narg(z), within = sqlc.narg(within), anchors = @anchors::text[],
    range_of = @range_of::text[], range_from = @range_from::double precision[], range_to = @range_to::double precision[]
WHERE id = @id;

-- name: SavedSearchDelete :execrows
DELETE FROM saved_search WHERE id = @id AND owner_id = @owner_id;

-- name: SavedSearchOf :one
SELECT id, name, notify, query, created_at, updated_at FROM saved_search WHERE id = @id AND owner_id = @owner_id;

-- name: SavedSearchPage :many
SELECT id, name, notify, query, created_at, updated_at FROM saved_search
WHERE owner_id = @owner_id AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- The oldest changes that nobody works on.
-- name: SavedSearchChangesNext :many
SELECT id FROM saved_search_change WHERE set_aside_at IS NULL AND (next_try_at IS NULL OR next_try_at <= clock_timestamp()) ORDER BY id LIMIT @most FOR UPDATE SKIP LOCKED;

-- The searches that find what has changed, as it is now, and did not find it as it was; in the order of the changes, then of the searches.
-- name: SavedSearchesMatching :many
WITH changed AS MATERIALIZED (
    SELECT c.id, c.listing_id, coalesce(c.seen_up_to, '00000000-0000-0000-0000-000000000000'::uuid) AS seen_up_to,
        c.was_found, coalesce(c.was_words, d.words) AS was_words, c.was_facets, c.was_price, c.was_x, c.was_y, c.was_z, c.was_numbers,
        d.seller_id, d.words, d.facets, d.price, d.x, d.y, d.z, d.numbers,
        tsvector_to_array(d.words) || d.facets || CASE WHEN d.x IS NULL THEN '{}'::text[] ELSE ARRAY['placed:'] END
            || ARRAY(SELECT jsonb_object_keys(d.numbers)) AS tokens
    FROM saved_search_change c
    JOIN search_document d ON d.listing_id = c.listing_id AND d.visible
    JOIN public_listing l ON l.id = c.listing_id AND l.status IN ('ACTIVE', 'RESERVED')
    WHERE c.id = ANY (@changes::bigint[])
)
SELECT c.id AS change_id, c.listing_id, f.id AS search_id, f.owner_id
FROM changed c
CROSS JOIN LATERAL (
    SELECT s.id, s.owner_id FROM saved_search s
    WHERE s.notify AND s.anchors && c.tokens AND s.id > c.seen_up_to AND s.owner_id <> c.seller_id
      AND (s.words = '' OR c.words @@ s.words::tsquery)
      AND search_meets(c.facets, c.price, search_chord(c.x, c.y, c.z, s.x, s.y, s.z), s.groups, s.price_from, s.price_to, s.within)
      AND search_within(c.numbers, s.range_of, s.range_from, s.range_to)
      AND NOT (c.was_found AND (s.words = '' OR c.was_words @@ s.words::tsquery)
          AND search_meets(c.was_facets, c.was_price, search_chord(c.was_x, c.was_y, c.was_z, s.x, s.y, s.z), s.groups, s.price_from, s.price_to, s.within)
          AND search_within(c.was_numbers, s.range_of, s.range_from, s.range_to))
) f
JOIN app_user u ON u.id = f.owner_id AND u.banned_at IS NULL
ORDER BY c.id, f.id
LIMIT @batch;

-- What is new to the owners of searches that are still there, of listings that are.
-- name: SavedSearchHitsInsert :many
WITH there AS MATERIALIZED (
    SELECT s.id FROM saved_search s WHERE s.id = ANY (@searches::uuid[]) ORDER BY s.id FOR KEY SHARE
), still AS MATERIALIZED (
    SELECT l.id FROM listing l WHERE l.id = ANY (@listings::uuid[]) ORDER BY l.id FOR KEY SHARE
)
INSERT INTO saved_search_hit (search_id, listing_id)
SELECT DISTINCT h.search_id, h.listing_id
FROM (SELECT unnest(@searches::uuid[]) AS search_id, unnest(@listings::uuid[]) AS listing_id) h
JOIN there t ON t.id = h.search_id JOIN still l ON l.id = h.listing_id
ORDER BY h.search_id, h.listing_id
ON CONFLICT (search_id, listing_id) DO NOTHING
RETURNING search_id, listing_id;

-- A change that failed is tried again after a pause, which doubles up to five minutes, and after the last time never.
-- name: SavedSearchChangePutOff :one
UPDATE saved_search_change
SET failures = failures + 1, failure = left(@why, 1000), next_try_at = clock_timestamp() + make_interval(secs => least(2 ^ failures, 300)),
    set_aside_at = CASE WHEN failures + 1 >= @last::integer THEN clock_timestamp() END
WHERE id = @id
RETURNING failures;

-- name: SavedSearchChangesDelete :exec
DELETE FROM saved_search_change WHERE id = ANY (@ids::bigint[]);

-- name: SavedSearchChangeSeen :exec
UPDATE saved_search_change SET seen_up_to = @seen_up_to, failures = 0 WHERE id = @id;
