-- +goose Up
-- Parcels of orders, and what became of them: docs/shipping.md.
CREATE TABLE shipment (
    id             uuid        PRIMARY KEY,
    order_id       uuid        NOT NULL REFERENCES orders (id),
    seller_id      uuid        NOT NULL REFERENCES app_user (id),
    location_id    uuid        REFERENCES location (id), -- where it is sent from; null for all of the order in one
    carrier        text        NOT NULL CHECK (carrier ~ '^[A-Z_]{2,30}$'),
    product        text        NOT NULL CHECK (length(product) BETWEEN 1 AND 60),
    point_id       text        CHECK (length(point_id) BETWEEN 1 AND 40),
    reference      text        NOT NULL CHECK (reference ~ '^[0-9A-Z]{15}$'), -- by which the carrier may be asked for it
    grams          integer     NOT NULL CHECK (grams > 0),
    ship_from      jsonb       NOT NULL,
    ship_to        jsonb       NOT NULL,
    losses         jsonb       NOT NULL, -- what of the address the carrier does not print

    status         text        NOT NULL DEFAULT 'PENDING'
        CHECK (status IN ('PENDING', 'LABELLED', 'IN_TRANSIT', 'READY_FOR_PICKUP', 'DELIVERED', 'RETURNED', 'FAILED')),
    -- While it is PENDING: how often it was tried, when again (null: when somebody says so), who is at it, and whether the last call may have had an effect.
    attempts       integer     NOT NULL DEFAULT 0,
    next_try_at    timestamptz DEFAULT clock_timestamp(),
    busy_until     timestamptz,
    in_doubt       boolean     NOT NULL DEFAULT false,
    outcome        text        CHECK (outcome IN ('UNKNOWN', 'UNAVAILABLE', 'REFUSED', 'LOCKED', 'CANCELLED')),
    failure_code   text        NOT NULL DEFAULT '',
    failure_text   text        NOT NULL DEFAULT '',
    alerted_at     timestamptz,

    carrier_number text,
    document       text, -- by which the carrier gives the label
    label_key      text, -- under which we keep it
    cost           bigint      CHECK (cost > 0),
    currency       text        CHECK (currency ~ '^[A-Z]{3}$'),
    steps          jsonb       NOT NULL DEFAULT '[]',
    track_at       timestamptz, -- when the carrier is asked again where it is; null once that is decided
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    labelled_at    timestamptz,
    delivered_at   timestamptz,
    ended_at       timestamptz,
    CONSTRAINT shipment_reference UNIQUE (reference),
    CHECK ((cost IS NULL) = (currency IS NULL)),
    CHECK (status IN ('PENDING', 'FAILED') OR carrier_number IS NOT NULL AND label_key IS NOT NULL)
);
CREATE INDEX shipment_of_order ON shipment (order_id, created_at, id);
-- One parcel at a time from each place of an order: no label is bought twice.
CREATE UNIQUE INDEX shipment_live ON shipment (order_id, coalesce(location_id, '00000000-0000-0000-0000-000000000000')) WHERE status <> 'FAILED';
CREATE UNIQUE INDEX shipment_number ON shipment (carrier, carrier_number);
CREATE INDEX shipment_to_try ON shipment (next_try_at, id) WHERE status = 'PENDING';
CREATE INDEX shipment_to_track ON shipment (track_at, id) WHERE track_at IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION shipment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT (CASE OLD.status
        WHEN 'PENDING' THEN NEW.status IN ('LABELLED', 'FAILED')
        WHEN 'LABELLED' THEN NEW.status IN ('IN_TRANSIT', 'READY_FOR_PICKUP', 'DELIVERED', 'RETURNED', 'FAILED')
        WHEN 'IN_TRANSIT' THEN NEW.status IN ('READY_FOR_PICKUP', 'DELIVERED', 'RETURNED')
        WHEN 'READY_FOR_PICKUP' THEN NEW.status IN ('IN_TRANSIT', 'DELIVERED', 'RETURNED')
        ELSE false END) THEN
        RAISE EXCEPTION 'a shipment does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'SK460';
    END IF;
    IF OLD.carrier_number IS NOT NULL AND (NEW.carrier_number, NEW.cost, NEW.currency) IS DISTINCT FROM (OLD.carrier_number, OLD.cost, OLD.currency) THEN
        RAISE EXCEPTION 'a shipment is registered once' USING ERRCODE = 'SK461';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER shipment_guard BEFORE UPDATE ON shipment FOR EACH ROW EXECUTE FUNCTION shipment_guard();

-- +goose Down
DROP TABLE shipment;
DROP FUNCTION shipment_guard();
