-- +goose Up
-- A price that was agreed on is checked out: docs/offers.md, "Checkout".
ALTER TABLE quote
    ADD COLUMN offer_id uuid REFERENCES price_offer (id),
    ADD CONSTRAINT quote_offer CHECK (offer_id IS NULL OR reservation_id IS NOT NULL);
CREATE INDEX quote_of_offer ON quote (offer_id) WHERE offer_id IS NOT NULL;

-- Nobody confirms a quote of an offer but by its use, a server of the release before neither.
-- +goose StatementBegin
CREATE FUNCTION checkout_uses_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM quote q JOIN price_offer o ON o.id = q.offer_id
        WHERE q.id = NEW.quote_id AND NOT EXISTS (SELECT FROM quote_group g WHERE g.quote_id = q.id AND g.order_id = o.order_id))
    THEN
        RAISE EXCEPTION 'the offer of quote % is used by no order of it', NEW.quote_id USING ERRCODE = 'SK471';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER checkout_uses_offer AFTER INSERT ON checkout FOR EACH ROW EXECUTE FUNCTION checkout_uses_offer();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM quote WHERE offer_id IS NOT NULL) THEN
        RAISE EXCEPTION 'offers were quoted: the record of it is never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER checkout_uses_offer ON checkout;
DROP FUNCTION checkout_uses_offer();
ALTER TABLE quote DROP COLUMN offer_id;
