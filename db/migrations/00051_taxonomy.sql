-- +goose Up
-- What listings are sorted by: docs/taxonomy.md.

-- The tree's lock and version: whoever adds to the tree or moves a part of it updates this row first, so that two moves from both ends
-- of a cycle wait for each other, whatever their isolation.
CREATE TABLE category_tree (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint  NOT NULL DEFAULT 0
);
INSERT INTO category_tree DEFAULT VALUES;

CREATE TABLE category (
    id         uuid        PRIMARY KEY,
    parent_id  uuid        REFERENCES category (id),
    slug       text        NOT NULL CONSTRAINT category_slug UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 60),
    name_ar    text        NOT NULL CHECK (length(name_ar) BETWEEN 1 AND 80),
    name_en    text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 80),
    name_fr    text        NOT NULL CHECK (length(name_fr) BETWEEN 1 AND 80),
    position   integer     NOT NULL DEFAULT 0,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX category_children ON category (parent_id, position, slug);

-- +goose StatementBegin
CREATE FUNCTION category_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE category_tree SET version = version + 1;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER category_lock BEFORE INSERT OR UPDATE OR DELETE ON category FOR EACH STATEMENT EXECUTE FUNCTION category_lock();

-- Six levels at most, and no way from a category up to itself. It looks when the statement is done, under the tree's lock.
-- +goose StatementBegin
CREATE FUNCTION category_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above  integer := 0; -- levels over it
    beneath integer;      -- levels under it
    at     uuid := NEW.parent_id;
BEGIN
    WHILE at IS NOT NULL LOOP
        IF at = NEW.id THEN
            RAISE EXCEPTION 'a category cannot stand below itself' USING ERRCODE = 'SK421';
        END IF;
        above := above + 1;
        IF above > 5 THEN
            RAISE EXCEPTION 'the tree has six levels at most' USING ERRCODE = 'SK422';
        END IF;
        SELECT parent_id INTO at FROM category WHERE id = at;
    END LOOP;
    WITH RECURSIVE down AS (
        SELECT NEW.id, 0 AS level
        UNION ALL
        SELECT c.id, down.level + 1 FROM down JOIN category c ON c.parent_id = down.id WHERE down.level < 6
    )
    SELECT max(level) INTO beneath FROM down;
    IF above + beneath > 5 THEN
        RAISE EXCEPTION 'the tree has six levels at most' USING ERRCODE = 'SK422';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER category_guard AFTER INSERT OR UPDATE OF id, parent_id ON category FOR EACH ROW EXECUTE FUNCTION category_guard();

CREATE TABLE brand (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    normalised text        NOT NULL CONSTRAINT brand_name UNIQUE CHECK (normalised <> ''), -- its words without case, accents and what stands between them
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX brand_prefix ON brand (normalised text_pattern_ops);

-- What a category's listings, and those of the categories below it, are described by.
CREATE TABLE attribute (
    id          uuid        PRIMARY KEY,
    category_id uuid        NOT NULL REFERENCES category (id),
    code        text        NOT NULL CHECK (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 60),
    name_ar     text        NOT NULL CHECK (length(name_ar) BETWEEN 1 AND 80),
    name_en     text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 80),
    name_fr     text        NOT NULL CHECK (length(name_fr) BETWEEN 1 AND 80),
    type        text        NOT NULL CHECK (type IN ('TEXT', 'NUMBER', 'BOOLEAN', 'CHOICE')),
    unit        text        CHECK (length(unit) BETWEEN 1 AND 20),
    required    boolean     NOT NULL DEFAULT false,
    position    integer     NOT NULL DEFAULT 0,
    retired_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (unit IS NULL OR type = 'NUMBER'),
    CONSTRAINT attribute_code UNIQUE (category_id, code),
    UNIQUE (id, type)
);

CREATE TABLE attribute_option (
    attribute_id uuid        NOT NULL,
    type         text        NOT NULL DEFAULT 'CHOICE' CHECK (type = 'CHOICE'),
    code         text        NOT NULL CHECK (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 60),
    name_ar      text        NOT NULL CHECK (length(name_ar) BETWEEN 1 AND 80),
    name_en      text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 80),
    name_fr      text        NOT NULL CHECK (length(name_fr) BETWEEN 1 AND 80),
    position     integer     NOT NULL DEFAULT 0,
    retired_at   timestamptz,
    PRIMARY KEY (attribute_id, code),
    FOREIGN KEY (attribute_id, type) REFERENCES attribute (id, type)
);

ALTER TABLE listing
    ADD COLUMN category_id  uuid REFERENCES category (id),
    ADD COLUMN brand_id     uuid REFERENCES brand (id),
    -- What is offered to known buyers only is in no list, and no lot can be made of it, as lots are shown to everybody.
    ADD COLUMN minimum_tier text CHECK (minimum_tier IN ('VERIFIED', 'TRUSTED')),
    ADD CONSTRAINT listing_tier_of_lot CHECK (minimum_tier IS NULL OR kind <> 'LOT');
CREATE INDEX listing_by_category ON listing (category_id, published_at DESC, id DESC) WHERE category_id IS NOT NULL;
CREATE INDEX listing_by_brand ON listing (brand_id, published_at DESC, id DESC) WHERE brand_id IS NOT NULL;

-- What a listing says of its category's attributes, in one form each: 12.5, true, red.
CREATE TABLE listing_attribute (
    listing_id   uuid NOT NULL REFERENCES listing (id),
    attribute_id uuid NOT NULL,
    type         text NOT NULL,
    value        text NOT NULL,
    number       numeric GENERATED ALWAYS AS (CASE WHEN type = 'NUMBER' THEN value::numeric END) STORED,
    option_code  text    GENERATED ALWAYS AS (CASE WHEN type = 'CHOICE' THEN value END) STORED,
    PRIMARY KEY (listing_id, attribute_id),
    FOREIGN KEY (attribute_id, type) REFERENCES attribute (id, type),
    FOREIGN KEY (attribute_id, option_code) REFERENCES attribute_option (attribute_id, code),
    CONSTRAINT listing_attribute_value CHECK (CASE type
        WHEN 'NUMBER' THEN value ~ '^-?[0-9]{1,15}(\.[0-9]{1,6})?$'
        WHEN 'BOOLEAN' THEN value IN ('true', 'false')
        ELSE length(value) BETWEEN 1 AND 200 END)
);
CREATE INDEX listing_attribute_by_value ON listing_attribute (attribute_id, value, listing_id);

-- The place of a tier among the tiers.
-- +goose StatementBegin
CREATE FUNCTION tier_rank(tier text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position(ARRAY['UNVERIFIED', 'VERIFIED', 'TRUSTED'], tier);
-- +goose StatementEnd

-- Published, of a seller who is not banned: seen by everybody who has its tier.
CREATE VIEW offered_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL;

-- The one place that says what everybody may see. A migration that adds a column to listing makes both anew, and keeps what they ask for.
CREATE OR REPLACE VIEW public_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL AND l.minimum_tier IS NULL;

-- +goose Down
DROP VIEW public_listing, offered_listing;
DROP FUNCTION tier_rank(text);
DROP TABLE listing_attribute;
DROP INDEX listing_by_category, listing_by_brand;
ALTER TABLE listing DROP CONSTRAINT listing_tier_of_lot, DROP COLUMN minimum_tier, DROP COLUMN brand_id, DROP COLUMN category_id;
CREATE VIEW public_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL;
DROP TABLE attribute_option, attribute, brand, category, category_tree;
DROP FUNCTION category_guard(), category_lock();
