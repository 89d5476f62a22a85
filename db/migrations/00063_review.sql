-- +goose Up
-- What buyers say of what they bought and of whom: docs/reviews.md.
CREATE TABLE review (
    id         uuid        PRIMARY KEY,
    order_id   uuid        NOT NULL REFERENCES orders (id),
    subject    text        NOT NULL CHECK (subject IN ('LISTING', 'SELLER')),
    author_id  uuid        NOT NULL REFERENCES app_user (id),
    seller_id  uuid        NOT NULL REFERENCES app_user (id),
    listing_id uuid        NOT NULL REFERENCES listing (id),
    stars      smallint    NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body       text        NOT NULL CHECK (length(body) <= 2000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    edited_at  timestamptz,
    hidden_at  timestamptz, -- by support
    CONSTRAINT review_once UNIQUE (order_id, subject)
);
CREATE INDEX review_of_listing ON review (listing_id, created_at DESC, id DESC) WHERE subject = 'LISTING' AND hidden_at IS NULL;
CREATE INDEX review_of_seller ON review (seller_id, created_at DESC, id DESC) WHERE subject = 'SELLER' AND hidden_at IS NULL;

-- How many stars a listing or a seller has: of the reviews that are not hidden, kept by the trigger below in the transaction that changes one.
CREATE TABLE rating (
    subject    text    NOT NULL,
    subject_id uuid    NOT NULL,
    ones       integer NOT NULL DEFAULT 0 CHECK (ones >= 0),
    twos       integer NOT NULL DEFAULT 0 CHECK (twos >= 0),
    threes     integer NOT NULL DEFAULT 0 CHECK (threes >= 0),
    fours      integer NOT NULL DEFAULT 0 CHECK (fours >= 0),
    fives      integer NOT NULL DEFAULT 0 CHECK (fives >= 0),
    PRIMARY KEY (subject, subject_id)
);

-- +goose StatementBegin
CREATE FUNCTION rating_count(p_subject text, p_id uuid, p_stars smallint, p_change integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO rating AS r (subject, subject_id, ones, twos, threes, fours, fives)
    VALUES (p_subject, p_id, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING;
    UPDATE rating SET
        ones = ones + CASE p_stars WHEN 1 THEN p_change ELSE 0 END, twos = twos + CASE p_stars WHEN 2 THEN p_change ELSE 0 END,
        threes = threes + CASE p_stars WHEN 3 THEN p_change ELSE 0 END, fours = fours + CASE p_stars WHEN 4 THEN p_change ELSE 0 END,
        fives = fives + CASE p_stars WHEN 5 THEN p_change ELSE 0 END
    WHERE subject = p_subject AND subject_id = p_id;
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION review_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    of_what uuid := CASE NEW.subject WHEN 'LISTING' THEN NEW.listing_id ELSE NEW.seller_id END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.order_id, NEW.subject, NEW.author_id, NEW.seller_id, NEW.listing_id) IS DISTINCT FROM
           (OLD.id, OLD.order_id, OLD.subject, OLD.author_id, OLD.seller_id, OLD.listing_id)
        THEN
            RAISE EXCEPTION 'a review is of one order, by its buyer' USING ERRCODE = 'SK420';
        END IF;
        IF OLD.hidden_at IS NULL THEN
            PERFORM rating_count(OLD.subject, of_what, OLD.stars, -1);
        END IF;
    END IF;
    IF NEW.hidden_at IS NULL THEN
        PERFORM rating_count(NEW.subject, of_what, NEW.stars, 1);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER review_counted AFTER INSERT OR UPDATE ON review FOR EACH ROW EXECUTE FUNCTION review_counted();

CREATE TABLE review_report (
    review_id   uuid        NOT NULL REFERENCES review (id),
    reporter_id uuid        NOT NULL REFERENCES app_user (id),
    reason      text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (review_id, reporter_id)
);
CREATE INDEX review_report_newest ON review_report (reported_at DESC, review_id DESC);

-- Search sorts and filters by what buyers say.
CREATE FUNCTION rating_hundredths(p_listing uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT round(100.0 * (ones + 2 * twos + 3 * threes + 4 * fours + 5 * fives) / nullif(ones + twos + threes + fours + fives, 0))
                     FROM rating WHERE subject = 'LISTING' AND subject_id = p_listing), 0)::integer
$$;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW search_document_source AS '
        || replace(pg_get_viewdef('search_document_source'::regclass), '0 AS rating', 'rating_hundredths(l.id) AS rating');
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION rating_searched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_document_move(NEW.subject_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER rating_searched AFTER UPDATE ON rating
    FOR EACH ROW WHEN (NEW.subject = 'LISTING') EXECUTE FUNCTION rating_searched();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW search_document_source AS '
        || replace(pg_get_viewdef('search_document_source'::regclass), 'rating_hundredths(l.id) AS rating', '0 AS rating');
END $$;
-- +goose StatementEnd
DROP TABLE review_report;
DROP TRIGGER review_counted ON review;
DROP FUNCTION review_counted(), rating_count(text, uuid, smallint, integer);
DROP TRIGGER rating_searched ON rating;
DROP FUNCTION rating_searched(), rating_hundredths(uuid);
DROP TABLE rating, review;
