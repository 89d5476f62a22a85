-- +goose Up
-- A group with a ! before it asks for none of its facets: fewer than so many stars (docs/search.md). No dimension begins with one.
CREATE OR REPLACE FUNCTION search_meets(
    facets text[], price bigint, chord double precision, groups text[], price_from bigint, price_to bigint, within double precision
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT NOT EXISTS (SELECT FROM unnest(groups) g (any_of) WHERE (facets && string_to_array(ltrim(g.any_of, '!'), '|')) = starts_with(g.any_of, '!'))
        AND (price_from IS NULL OR price >= price_from) AND (price_to IS NULL OR price <= price_to)
        AND (within IS NULL OR chord <= within)
$$;

-- +goose Down
CREATE OR REPLACE FUNCTION search_meets(
    facets text[], price bigint, chord double precision, groups text[], price_from bigint, price_to bigint, within double precision
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT NOT EXISTS (SELECT FROM unnest(groups) g (any_of) WHERE NOT facets && string_to_array(g.any_of, '|'))
        AND (price_from IS NULL OR price >= price_from) AND (price_to IS NULL OR price <= price_to)
        AND (within IS NULL OR chord <= within)
$$;
