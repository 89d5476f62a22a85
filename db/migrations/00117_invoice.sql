-- Invoices and credit notes: docs/invoices.md. All of it is written once.

-- +goose Up
-- The last number of each series: a seller's, of one kind, in one year (UTC).
CREATE TABLE invoice_series (
    seller_id uuid        NOT NULL REFERENCES app_user (id),
    kind      text        NOT NULL CHECK (kind IN ('INVOICE', 'CREDIT_NOTE')),
    year      smallint    NOT NULL,
    last      integer     NOT NULL CHECK (last > 0),
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (seller_id, kind, year)
);

CREATE TABLE invoice (
    id         uuid        PRIMARY KEY,
    kind       text        NOT NULL,
    order_id   uuid        NOT NULL REFERENCES orders (id),
    seller_id  uuid        NOT NULL REFERENCES app_user (id),
    buyer_id   uuid        NOT NULL REFERENCES app_user (id),
    invoice_id uuid        REFERENCES invoice (id), -- that a credit note is of
    refund_id  uuid        UNIQUE REFERENCES order_refund (id),
    year       smallint    NOT NULL,
    number     integer     NOT NULL,
    issued_at  timestamptz NOT NULL,
    currency   text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total      bigint      NOT NULL CHECK (total > 0), -- what the platform's promotion pays is in it
    tax        bigint      NOT NULL CHECK (tax BETWEEN 0 AND total),
    content    jsonb       NOT NULL, -- all that it says
    CONSTRAINT invoice_number UNIQUE (seller_id, kind, year, number),
    CHECK (kind IN ('INVOICE', 'CREDIT_NOTE')),
    CHECK ((kind = 'CREDIT_NOTE') = (invoice_id IS NOT NULL)),
    CHECK ((kind = 'CREDIT_NOTE') = (refund_id IS NOT NULL))
);
CREATE UNIQUE INDEX invoice_once ON invoice (order_id) WHERE kind = 'INVOICE';
CREATE INDEX invoice_of_order ON invoice (order_id, issued_at, id);

-- Orders that may want an invoice or a credit note which is not issued yet.
CREATE TABLE invoice_due (
    id       bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    order_id uuid        NOT NULL REFERENCES orders (id),
    due_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX invoice_due_order ON invoice_due (order_id);

-- A PDF of an invoice, as it was made once: what lies in a store has this hash for ever.
CREATE TABLE invoice_file (
    invoice_id uuid        NOT NULL REFERENCES invoice (id),
    language   text        NOT NULL CHECK (language IN ('en', 'fr', 'ar')),
    sha256     bytea       NOT NULL CHECK (length(sha256) = 32),
    bytes      integer     NOT NULL CHECK (bytes > 0),
    made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (invoice_id, language)
);

-- Which lines the money of a refund went back for, for its credit note: [{"number": 1, "quantity": 2}]; null where nobody said.
ALTER TABLE order_refund ADD COLUMN lines jsonb;

-- The next number of its series, under the series' lock, which is held to the end of the transaction: so there is no gap, whoever is
-- killed or undone. The time is read under the lock, so that numbers are in the order of their times, and the year is that time's.
-- +goose StatementBegin
CREATE FUNCTION invoice_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_invoice   record;
    credited     numeric;
    credited_tax numeric;
BEGIN
    NEW.year := extract(year FROM clock_timestamp() AT TIME ZONE 'UTC');
    INSERT INTO invoice_series AS s (seller_id, kind, year, last, last_at) VALUES (NEW.seller_id, NEW.kind, NEW.year, 1, clock_timestamp())
    ON CONFLICT (seller_id, kind, year) DO UPDATE SET last = s.last + 1, last_at = greatest(s.last_at, clock_timestamp())
    RETURNING last, last_at INTO NEW.number, NEW.issued_at;
    IF extract(year FROM NEW.issued_at AT TIME ZONE 'UTC') <> NEW.year THEN
        RAISE EXCEPTION 'the year has ended meanwhile' USING ERRCODE = '40001'; -- its transaction is undone and done again
    END IF;
    IF NEW.kind = 'CREDIT_NOTE' THEN
        SELECT * INTO of_invoice FROM invoice WHERE id = NEW.invoice_id;
        SELECT coalesce(sum(total), 0), coalesce(sum(tax), 0) INTO credited, credited_tax FROM invoice WHERE invoice_id = NEW.invoice_id;
        IF of_invoice.kind <> 'INVOICE' OR (of_invoice.order_id, of_invoice.currency) IS DISTINCT FROM (NEW.order_id, NEW.currency)
            OR credited + NEW.total > of_invoice.total OR credited_tax + NEW.tax > of_invoice.tax
        THEN
            RAISE EXCEPTION 'a credit note is of its order''s invoice, and all of them are no more than it' USING ERRCODE = 'SK460';
        END IF;
    END IF;
    IF NOT EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND (seller_id, buyer_id, currency) = (NEW.seller_id, NEW.buyer_id, NEW.currency)) THEN
        RAISE EXCEPTION 'an invoice is between its order''s parties' USING ERRCODE = 'SK460';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER invoice_count BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_count();

-- +goose StatementBegin
CREATE FUNCTION invoice_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was issued is kept as it was' USING ERRCODE = 'SK461';
END $$;
-- +goose StatementEnd
CREATE TRIGGER invoice_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice FOR EACH STATEMENT EXECUTE FUNCTION invoice_refuse();
CREATE TRIGGER invoice_file_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_file FOR EACH STATEMENT EXECUTE FUNCTION invoice_refuse();

-- Whatever sends an order, or refunds one that was sent, wants a document of it.
-- +goose StatementBegin
CREATE FUNCTION invoice_want() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'orders' THEN
        INSERT INTO invoice_due (order_id) VALUES (NEW.id);
    ELSE
        INSERT INTO invoice_due (order_id) SELECT id FROM orders WHERE id = NEW.order_id AND sent_at IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER invoice_want_sent AFTER UPDATE ON orders FOR EACH ROW WHEN (OLD.sent_at IS NULL AND NEW.sent_at IS NOT NULL) EXECUTE FUNCTION invoice_want();
CREATE TRIGGER invoice_want_refunded AFTER INSERT ON order_refund FOR EACH ROW EXECUTE FUNCTION invoice_want();

-- What was sent before there were invoices has one too, of the day on which it is issued.
INSERT INTO invoice_due (order_id) SELECT id FROM orders WHERE sent_at IS NOT NULL ORDER BY sent_at, id;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM invoice) THEN
        RAISE EXCEPTION 'invoices were issued: they are never deleted';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER invoice_want_refunded ON order_refund;
DROP TRIGGER invoice_want_sent ON orders;
DROP TABLE invoice_file, invoice_due, invoice, invoice_series;
DROP FUNCTION invoice_want();
DROP FUNCTION invoice_refuse();
DROP FUNCTION invoice_count();
ALTER TABLE order_refund DROP COLUMN lines;
