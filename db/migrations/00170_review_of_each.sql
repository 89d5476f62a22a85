-- +goose Up
-- A buyer may review each listing of an order, not its first line's alone, and the seller once: docs/reviews.md. One index has both, under the
-- name that servers of before know.
ALTER TABLE review DROP CONSTRAINT IF EXISTS review_once;
CREATE UNIQUE INDEX IF NOT EXISTS review_once ON review (order_id, subject, (CASE subject WHEN 'LISTING' THEN listing_id ELSE seller_id END));

-- As in migration 63; a review is of what its order has, too, and by who has bought it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION review_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    ELSIF NOT EXISTS (SELECT FROM orders o JOIN order_line l ON l.order_id = o.id
                      WHERE o.id = NEW.order_id AND o.buyer_id = NEW.author_id AND o.seller_id = NEW.seller_id AND l.listing_id = NEW.listing_id)
    THEN
        RAISE EXCEPTION 'a review is of what its order has, by its buyer' USING ERRCODE = 'SK420';
    END IF;
    IF NEW.hidden_at IS NULL THEN
        PERFORM rating_count(NEW.subject, of_what, NEW.stars, 1);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION review_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
-- The index stays: what is reviewed under it would not fit under the constraint of before.
