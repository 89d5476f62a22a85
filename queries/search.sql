-- The words of a query as documents have them: each as it stands, with its stems, and whether a language says nothing by it.
-- name: SearchTerms :many
SELECT search_plain(w.word)::text AS word, tsvector_to_array(search_stems(w.word))::text[] AS lexemes,
    (to_tsvector('pg_catalog.english', w.word)::text = '' OR to_tsvector('pg_catalog.french', w.word)::text = '')::boolean AS empty
FROM (SELECT n, word FROM unnest(string_to_array(search_fold((SELECT @query::text)), ' ')) WITH ORDINALITY AS t (word, n)) w
WHERE w.word <> ''
ORDER BY w.n;

-- Words of titles that look like one that nobody wrote, the most alike first.
-- name: SearchWordsLike :many
SELECT word FROM search_word
WHERE word % @misspelt::text AND length(word) BETWEEN length(@misspelt::text) - 2 AND length(@misspelt::text) + 2
ORDER BY similarity(word, @misspelt::text) DESC, word
LIMIT 40;

-- Whether each of some queries of words finds anything.
-- name: SearchKnown :many
SELECT EXISTS (SELECT FROM search_document d WHERE d.visible AND d.words @@ q.words::tsquery)::boolean AS known
FROM unnest(@queries::text[]) WITH ORDINALITY AS q (words, n)
ORDER BY q.n;

-- What a query finds, in the order of a sort: the greatest key first, then the newest.
-- name: SearchPage :many
SELECT f.listing_id, f.published_at::timestamptz AS published_at, f.key::bigint AS key
FROM (
    SELECT d.listing_id, d.published_at, CASE @sort::text
        WHEN 'RELEVANCE' THEN (
            SELECT coalesce(sum(w.best), 0) FROM (
                SELECT max(l.score) AS best
                FROM (SELECT unnest(@level_queries::text[]) AS query, unnest(@level_scores::int[]) AS score, unnest(@level_words::int[]) AS word) l
                WHERE d.words @@ l.query::tsquery
                GROUP BY l.word
            ) w)
        WHEN 'PRICE_UP' THEN -d.price
        WHEN 'PRICE_DOWN' THEN d.price
        WHEN 'RATING' THEN d.rating
        WHEN 'NEAR' THEN -floor(search_chord(d.x, d.y, d.z, @x, @y, @z) * 1e12)
        ELSE 0
    END AS key
    FROM search_document d
    WHERE d.visible AND (@words::text = '' OR d.words @@ CAST(@words::text AS tsquery))
      AND search_meets(d.facets, d.price, search_chord(d.x, d.y, d.z, @x, @y, @z), @groups::text[],
          sqlc.narg(price_from)::bigint, sqlc.narg(price_to)::bigint, sqlc.narg(within)::double precision)
      AND (coalesce(cardinality(@range_of::text[]), 0) = 0 OR search_within(d.numbers, @range_of::text[], @range_from::double precision[], @range_to::double precision[]))
) f
WHERE f.key IS NOT NULL
  AND (NOT @after::boolean OR (f.key, f.published_at, f.listing_id) < (@after_key::bigint, @after_at::timestamptz, @after_id::uuid))
ORDER BY f.key DESC, f.published_at DESC, f.listing_id DESC
LIMIT @page_size;

-- How many a query finds, in all and under each facet: of the dimension asked for, or of every dimension. A price is counted by the
-- steps that are given.
-- name: SearchCounts :many
WITH found AS MATERIALIZED (
    SELECT d.facets || CASE WHEN d.price IS NULL OR coalesce(cardinality(@price_steps::bigint[]), 0) = 0 THEN '{}'::text[]
        ELSE ARRAY['price:' || width_bucket(d.price, @price_steps::bigint[])] END AS facets
    FROM search_document d
    WHERE d.visible AND (@words::text = '' OR d.words @@ CAST(@words::text AS tsquery))
      AND search_meets(d.facets, d.price, search_chord(d.x, d.y, d.z, @x, @y, @z), @groups::text[],
          sqlc.narg(price_from)::bigint, sqlc.narg(price_to)::bigint, sqlc.narg(within)::double precision)
      AND (coalesce(cardinality(@range_of::text[]), 0) = 0 OR search_within(d.numbers, @range_of::text[], @range_from::double precision[], @range_to::double precision[]))
)
SELECT ''::text AS facet, count(*)::bigint AS n FROM found
UNION ALL
SELECT c.facet::text, count(*)::bigint FROM (SELECT unnest(found.facets) AS facet FROM found) c
WHERE @dimension::text = '' OR split_part(c.facet, ':', 1) = @dimension
GROUP BY c.facet
ORDER BY facet;

-- name: SearchSnapshot :one
SELECT pg_current_snapshot()::text AS snapshot;

-- What can be found, in the order of its numbers.
-- name: SearchDocuments :many
SELECT listing_id, published_at, price, currency, rating, x, y, z, facets, words::text AS words, numbers
FROM search_document
WHERE visible AND listing_id > @after
ORDER BY listing_id
LIMIT @page_size;

-- What this statement's snapshot sees and an earlier one did not, and the snapshot itself; one row at least. A transaction that began
-- early and commits late is in the first snapshot that sees it, whatever its number.
-- name: SearchChanges :many
SELECT pg_current_snapshot()::text AS snapshot, coalesce(c.listing_id, '00000000-0000-0000-0000-000000000000'::uuid)::uuid AS listing_id,
    coalesce(c.visible, false)::boolean AS visible, c.published_at, c.price, c.currency, coalesce(c.rating, 0)::integer AS rating, c.x, c.y, c.z,
    c.facets, coalesce(c.words::text, '')::text AS words, coalesce(c.numbers, '{}')::jsonb AS numbers
FROM (VALUES (1)) one (row) LEFT JOIN (
    SELECT * FROM search_document d
    WHERE d.changed >= (SELECT pg_snapshot_xmin(CAST(@seen::text AS pg_snapshot))) AND NOT pg_visible_in_snapshot(d.changed, CAST(@seen::text AS pg_snapshot))
    ORDER BY d.changed
    LIMIT (SELECT @most::integer)
) c ON true
ORDER BY c.listing_id;

-- Words of titles and names that begin with one of two letters, by their length: a second look for one that nobody wrote, of which trigrams
-- know nothing.
-- name: SearchWordsNear :many
SELECT word FROM search_word
WHERE (word LIKE @first::text || '%' OR word LIKE @second::text || '%') AND length(word) BETWEEN @shortest::integer AND @longest::integer
ORDER BY word
LIMIT 5000;

-- Categories and brands that have all of some words in their name, the last one begun only, and the name that has them.
-- name: SearchNamesBegun :many
(SELECT c.id, 'category'::text AS dimension, (CASE
        WHEN to_tsvector('pg_catalog.simple', search_plain(search_fold(c.name_en))) @@ CAST(@begun::text AS tsquery) THEN c.name_en
        WHEN to_tsvector('pg_catalog.simple', search_plain(search_fold(c.name_fr))) @@ CAST(@begun::text AS tsquery) THEN c.name_fr
        ELSE c.name_ar END)::text AS name
    FROM category c
    WHERE c.retired_at IS NULL
      AND to_tsvector('pg_catalog.simple', search_plain(search_fold(c.name_ar || ' ' || c.name_en || ' ' || c.name_fr))) @@ CAST(@begun::text AS tsquery)
    ORDER BY length(c.name_en), c.id LIMIT @most)
UNION ALL
(SELECT b.id, 'brand'::text, b.name FROM brand b
    WHERE b.retired_at IS NULL AND to_tsvector('pg_catalog.simple', search_plain(search_fold(b.name))) @@ CAST(@begun::text AS tsquery)
    ORDER BY length(b.name), b.id LIMIT @most)
ORDER BY dimension, name, id;

-- What a word of titles may become, with how many titles have it, and one of them. Of those that begin so the first 200 are counted.
-- name: SearchWordsBegun :many
SELECT w.word, c.n::bigint AS n, c.example::uuid AS example
FROM (SELECT word FROM search_word WHERE word LIKE @prefix::text || '%' ORDER BY word LIMIT 200) w
CROSS JOIN LATERAL (
    SELECT count(*) AS n, min(d.listing_id::text) AS example FROM search_document d
    WHERE d.visible AND d.words @@ CAST('''' || w.word || ''':C' AS tsquery) AND (@before::text = '' OR d.words @@ CAST(@before::text AS tsquery))
) c
WHERE c.n > 0
ORDER BY c.n DESC, w.word
LIMIT @page_size;

-- name: SearchFacetCounts :many
SELECT (SELECT count(*) FROM search_document d WHERE d.visible AND d.facets @> ARRAY[f.facet])::bigint AS n
FROM unnest(@facets::text[]) WITH ORDINALITY AS f (facet, number)
ORDER BY f.number;

-- How words are written in the titles of listings, as far as everybody may see those.
-- name: SearchWordsWritten :many
SELECT w.word::text AS word, coalesce(t.token, w.word)::text AS token
FROM (SELECT unnest(@words::text[]) AS word, unnest(@listings::uuid[]) AS listing_id) w
JOIN public_listing l ON l.id = w.listing_id AND l.status IN ('ACTIVE', 'RESERVED')
LEFT JOIN LATERAL (
    SELECT s.token FROM regexp_split_to_table(l.title, '[[:space:][:punct:]]+') AS s (token)
    WHERE search_plain(search_fold(s.token)) = w.word LIMIT 1
) t ON true
ORDER BY w.word;

-- Of each attribute that is a number, or of one, how many of what a query finds say it, the least and the greatest.
-- name: SearchRanges :many
SELECT n.attribute::text AS attribute, count(*)::bigint AS n, min(n.value::double precision)::double precision AS low, max(n.value::double precision)::double precision AS high
FROM search_document d, jsonb_each_text(d.numbers) AS n (attribute, value)
WHERE d.visible AND (@words::text = '' OR d.words @@ CAST(@words::text AS tsquery)) AND (@attribute::text = '' OR n.attribute = @attribute)
  AND search_meets(d.facets, d.price, search_chord(d.x, d.y, d.z, @x, @y, @z), @groups::text[],
      sqlc.narg(price_from)::bigint, sqlc.narg(price_to)::bigint, sqlc.narg(within)::double precision)
  AND (coalesce(cardinality(@range_of::text[]), 0) = 0 OR search_within(d.numbers, @range_of::text[], @range_from::double precision[], @range_to::double precision[]))
GROUP BY n.attribute
ORDER BY n.attribute;

-- One admin at a time adds a group: their number is exact.
-- name: SearchSynonymLock :exec
SELECT pg_advisory_xact_lock(hashtext('search_synonym'));

-- name: SearchSynonymCount :one
SELECT count(*)::integer FROM search_synonym WHERE removed_at IS NULL;

-- name: SearchSynonymInsert :one
INSERT INTO search_synonym (id, words) VALUES (@id, @words::text[]) RETURNING *;

-- What is null stays as it is.
-- name: SearchSynonymUpdate :one
UPDATE search_synonym
SET words = coalesce(sqlc.narg(words)::text[], words), revision = revision + 1,
    removed_at = CASE coalesce(sqlc.narg(removed)::boolean, removed_at IS NOT NULL) WHEN true THEN coalesce(removed_at, clock_timestamp()) END
WHERE id = @id
RETURNING *;

-- name: SearchSynonymPage :many
SELECT * FROM search_synonym
WHERE removed_at IS NULL AND (created_at, id) < (@before_at::timestamptz, @before_id::uuid)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

-- Grows with every change.
-- name: SearchSynonymVersion :one
SELECT count(*)::bigint AS groups, coalesce(sum(revision), 0)::bigint AS revisions FROM search_synonym;

-- The words of all phrases of all groups, with their stems.
-- name: SearchSynonymWords :many
SELECT s.id, p.number::bigint AS phrase, search_plain(w.word)::text AS word, tsvector_to_array(search_stems(w.word))::text[] AS lexemes,
    (to_tsvector('pg_catalog.english', w.word)::text = '' OR to_tsvector('pg_catalog.french', w.word)::text = '')::boolean AS empty
FROM search_synonym s, unnest(s.words) WITH ORDINALITY AS p (phrase, number),
    unnest(string_to_array(search_fold(p.phrase), ' ')) WITH ORDINALITY AS w (word, n)
WHERE s.removed_at IS NULL AND w.word <> ''
ORDER BY s.id, p.number, w.n;
