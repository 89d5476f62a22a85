-- +goose Up
-- A lot's bids are backed by holds on wallets, or by saved cards that are asked for money only after the lot is won.
ALTER TABLE auction
    ADD COLUMN backing     text NOT NULL DEFAULT 'HOLD' CHECK (backing IN ('HOLD', 'CARD')),
    ADD COLUMN leader_card uuid REFERENCES card (id),
    ADD CHECK (backing = 'HOLD' OR leader_hold IS NULL),
    ADD CHECK (backing = 'CARD' OR leader_card IS NULL),
    ADD CHECK (backing = 'HOLD' OR (leader_id IS NULL) = (leader_card IS NULL));
ALTER TABLE bid
    ALTER COLUMN hold_id DROP NOT NULL,
    ADD COLUMN card_id uuid REFERENCES card (id),
    ADD CHECK (num_nonnulls(hold_id, card_id) = 1);

-- More states, and the moves between them.
INSERT INTO order_move VALUES
    ('PAYMENT', 'PENDING', 'AUTHORISED'),
    ('PAYMENT', 'PENDING', 'VOIDED'),
    ('PAYMENT', 'AUTHORISED', 'PAID'),
    ('PAYMENT', 'AUTHORISED', 'PENDING'), -- the authorisation expired, or was not honoured
    ('PAYMENT', 'AUTHORISED', 'VOIDED'),
    ('PAYMENT', 'PAID', 'REFUNDED'),
    ('PAYMENT', 'SETTLED', 'REFUNDED'),
    ('FULFILMENT', 'PENDING', 'CANCELLED');

ALTER TABLE orders
    DROP CONSTRAINT orders_payment_check,
    DROP CONSTRAINT orders_fulfilment_check,
    DROP CONSTRAINT orders_check2, -- SETTLED with RECEIVED
    DROP CONSTRAINT orders_check3, -- nothing is sent that is not paid
    ADD COLUMN card_id       uuid REFERENCES card (id), -- that the buyer's winning bid named
    ADD COLUMN refunded      bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    ADD COLUMN cancel_reason text NOT NULL DEFAULT '' CHECK (length(cancel_reason) <= 500),
    ADD COLUMN authorised_at timestamptz,
    ADD COLUMN cancelled_at  timestamptz,
    ADD CHECK (payment IN ('PENDING', 'AUTHORISED', 'PAID', 'SETTLED', 'REFUNDED', 'VOIDED')),
    ADD CHECK (fulfilment IN ('PENDING', 'SENT', 'RECEIVED', 'CANCELLED')),
    -- Escrow leaves for the seller only when the buyer has the goods.
    ADD CHECK (payment <> 'SETTLED' OR fulfilment = 'RECEIVED'),
    ADD CHECK (fulfilment NOT IN ('SENT', 'RECEIVED') OR payment IN ('PAID', 'SETTLED', 'REFUNDED')),
    -- What is cancelled waits for the card to be let go at most.
    ADD CHECK (fulfilment <> 'CANCELLED' OR payment IN ('PENDING', 'AUTHORISED', 'VOIDED', 'REFUNDED')),
    ADD CHECK (payment <> 'VOIDED' OR fulfilment = 'CANCELLED'),
    ADD CHECK (payment <> 'REFUNDED' OR fulfilment <> 'PENDING'),
    ADD CHECK ((payment = 'REFUNDED') = (refunded = total)),
    ADD CHECK (refunded = 0 OR payment IN ('PAID', 'SETTLED', 'REFUNDED')),
    ADD CHECK ((fulfilment = 'CANCELLED') = (cancelled_at IS NOT NULL));

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION order_guard_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never deleted' USING ERRCODE = 'SK301';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.payment <> 'PENDING' OR NEW.fulfilment <> 'PENDING' THEN
            RAISE EXCEPTION 'an order begins as PENDING and PENDING' USING ERRCODE = 'SK301';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.payment <> OLD.payment AND NOT EXISTS (
        SELECT 1 FROM order_move WHERE machine = 'PAYMENT' AND from_state = OLD.payment AND to_state = NEW.payment)
    THEN
        RAISE EXCEPTION 'payment cannot move from % to %', OLD.payment, NEW.payment USING ERRCODE = 'SK301';
    END IF;
    IF NEW.fulfilment <> OLD.fulfilment AND NOT EXISTS (
        SELECT 1 FROM order_move WHERE machine = 'FULFILMENT' AND from_state = OLD.fulfilment AND to_state = NEW.fulfilment)
    THEN
        RAISE EXCEPTION 'fulfilment cannot move from % to %', OLD.fulfilment, NEW.fulfilment USING ERRCODE = 'SK301';
    END IF;
    IF (NEW.id, NEW.buyer_id, NEW.seller_id, NEW.listing_id, NEW.auction_id, NEW.total, NEW.fee, NEW.currency, NEW.card_id, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.buyer_id, OLD.seller_id, OLD.listing_id, OLD.auction_id, OLD.total, OLD.fee, OLD.currency, OLD.card_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'an order''s parties, goods and price are fixed' USING ERRCODE = 'SK301';
    END IF;
    IF NEW.refunded < OLD.refunded THEN
        RAISE EXCEPTION 'what was refunded stays refunded' USING ERRCODE = 'SK301';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- How an order is paid: a part from the wallet, a part by a saved card. The row is committed before the provider
-- is called, and provider_id before the card is asked for money.
CREATE TABLE order_payment (
    id              uuid        PRIMARY KEY,
    order_id        uuid        NOT NULL REFERENCES orders (id),
    user_id         uuid        NOT NULL REFERENCES app_user (id), -- the buyer
    wallet_amount   bigint      NOT NULL CHECK (wallet_amount >= 0),
    card_amount     bigint      NOT NULL CHECK (card_amount >= 0),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    card_id         uuid        REFERENCES card (id),
    payment_method  text        CHECK (length(payment_method) BETWEEN 1 AND 255),
    hold_id         uuid        UNIQUE REFERENCES hold (id) DEFERRABLE INITIALLY DEFERRED, -- the hold is made last
    idempotency_key text        CHECK (length(idempotency_key) BETWEEN 1 AND 255), -- NULL: paid by a lot's closing
    request_hash    bytea       CHECK (octet_length(request_hash) = 32),
    status          text        NOT NULL CHECK (status IN
                    ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORISED', 'CAPTURING', 'CAPTURED', 'VOIDING', 'VOIDED', 'FAILED')),
    attempt         integer     NOT NULL DEFAULT 1 CHECK (attempt > 0), -- of the provider's idempotency key
    provider_id     text        UNIQUE,                                 -- the PaymentIntent
    charge_id       text        UNIQUE,
    balance_txn_id  text        UNIQUE,                                 -- the provider's own record of the money
    fee             bigint      CHECK (fee >= 0),                       -- the provider's
    next_action_url text,                                               -- where the card's holder authenticates
    tracking        text        NOT NULL DEFAULT '' CHECK (length(tracking) <= 100), -- of the shipment that captures
    failure_code    text,
    decline_code    text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    authorised_at   timestamptz,
    capture_at      timestamptz, -- when the capture was asked for
    resolved_at     timestamptz,
    UNIQUE (user_id, idempotency_key),
    CHECK (wallet_amount + card_amount > 0),
    CHECK ((card_amount > 0) = (card_id IS NOT NULL)),
    CHECK ((card_amount > 0) = (payment_method IS NOT NULL)),
    CHECK (card_amount > 0 OR (status = 'CAPTURED' AND provider_id IS NULL)),
    CHECK (card_amount = 0 OR (wallet_amount > 0) = (hold_id IS NOT NULL)),
    CHECK ((idempotency_key IS NULL) = (request_hash IS NULL)),
    CHECK (status NOT IN ('AUTHORISED', 'CAPTURING') OR num_nulls(provider_id, authorised_at) = 0),
    CHECK ((status = 'CAPTURING') <= (capture_at IS NOT NULL)),
    CHECK ((status IN ('CAPTURED', 'VOIDED', 'FAILED')) = (resolved_at IS NOT NULL)),
    CHECK ((status = 'CAPTURED' AND card_amount > 0) = (fee IS NOT NULL)),
    CHECK (fee IS NULL OR num_nulls(provider_id, charge_id, balance_txn_id) = 0),
    CHECK ((status = 'FAILED') = (failure_code IS NOT NULL))
);
-- An order is paid once, and tried one way at a time. What is being voided takes no money any more.
CREATE UNIQUE INDEX order_payment_live ON order_payment (order_id) WHERE status NOT IN ('VOIDING', 'VOIDED', 'FAILED');
CREATE INDEX order_payment_order ON order_payment (order_id, created_at DESC, id DESC);
CREATE INDEX order_payment_open ON order_payment (id) WHERE status IN ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORISED', 'CAPTURING', 'VOIDING');
CREATE INDEX order_payment_card ON order_payment (card_id) WHERE card_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION order_payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT 1 FROM orders WHERE id = NEW.order_id AND buyer_id = NEW.user_id
                       AND total = NEW.wallet_amount + NEW.card_amount AND currency = NEW.currency)
        THEN
            RAISE EXCEPTION 'a payment is its order''s total, by its buyer' USING ERRCODE = 'SK203';
        END IF;
        IF NEW.status <> (CASE WHEN NEW.card_amount > 0 THEN 'PROCESSING' ELSE 'CAPTURED' END) THEN
            RAISE EXCEPTION 'a payment begins as PROCESSING, or from the wallet alone as CAPTURED' USING ERRCODE = 'SK203';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('PROCESSING', 'REQUIRES_ACTION'), ('PROCESSING', 'AUTHORISED'), ('PROCESSING', 'FAILED'), ('PROCESSING', 'VOIDING'), ('PROCESSING', 'VOIDED'),
        ('REQUIRES_ACTION', 'AUTHORISED'), ('REQUIRES_ACTION', 'FAILED'), ('REQUIRES_ACTION', 'VOIDING'),
        ('AUTHORISED', 'CAPTURING'), ('AUTHORISED', 'CAPTURED'), ('AUTHORISED', 'FAILED'), ('AUTHORISED', 'VOIDING'),
        ('CAPTURING', 'CAPTURED'), ('CAPTURING', 'FAILED'),
        ('VOIDING', 'VOIDED'))
    THEN
        RAISE EXCEPTION 'a payment cannot move from % to %', OLD.status, NEW.status USING ERRCODE = 'SK203';
    END IF;
    IF OLD.status IN ('CAPTURED', 'VOIDED', 'FAILED') OR (OLD.provider_id IS NOT NULL AND NEW.provider_id IS DISTINCT FROM OLD.provider_id) OR
       (NEW.id, NEW.order_id, NEW.user_id, NEW.wallet_amount, NEW.card_amount, NEW.currency, NEW.card_id, NEW.payment_method, NEW.hold_id,
        NEW.idempotency_key, NEW.request_hash, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.order_id, OLD.user_id, OLD.wallet_amount, OLD.card_amount, OLD.currency, OLD.card_id, OLD.payment_method, OLD.hold_id,
        OLD.idempotency_key, OLD.request_hash, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what a payment is about is fixed, and one that has ended stays' USING ERRCODE = 'SK203';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_payment_guard BEFORE INSERT OR UPDATE ON order_payment
    FOR EACH ROW EXECUTE FUNCTION order_payment_guard();

-- Every order so far was paid by its lot's closing, from its winner's hold.
INSERT INTO order_payment (id, order_id, user_id, wallet_amount, card_amount, currency, hold_id, status, created_at, resolved_at)
SELECT gen_random_uuid(), o.id, o.buyer_id, o.total, 0, o.currency, a.leader_hold, 'CAPTURED', o.paid_at, o.paid_at
FROM orders o LEFT JOIN auction a ON a.id = o.auction_id
WHERE o.payment IN ('PAID', 'SETTLED');

-- Money of an order that goes back to where it came from; amount is wallet_amount + card_amount.
CREATE TABLE order_refund (
    id              uuid        PRIMARY KEY,
    order_id        uuid        NOT NULL REFERENCES orders (id),
    user_id         uuid        NOT NULL REFERENCES app_user (id), -- who decided it
    wallet_amount   bigint      NOT NULL CHECK (wallet_amount >= 0),
    card_amount     bigint      NOT NULL CHECK (card_amount >= 0),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    fee_returned    bigint      NOT NULL CHECK (fee_returned >= 0),    -- by the platform, where it had its fee already
    seller_returned bigint      NOT NULL CHECK (seller_returned >= 0), -- by the seller, where they had it already
    reason          text        NOT NULL CHECK (length(reason) <= 500),
    idempotency_key text        CHECK (length(idempotency_key) BETWEEN 1 AND 255), -- NULL: by a cancellation
    request_hash    bytea       CHECK (octet_length(request_hash) = 32),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (user_id, idempotency_key),
    CHECK (wallet_amount + card_amount > 0),
    CHECK (fee_returned + seller_returned IN (0, wallet_amount + card_amount)),
    CHECK ((idempotency_key IS NULL) = (request_hash IS NULL))
);
CREATE INDEX order_refund_order ON order_refund (order_id, created_at, id);

-- +goose StatementBegin
CREATE FUNCTION order_refund_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refunds of orders are append-only' USING ERRCODE = 'SK303';
END $$;
-- +goose StatementEnd
CREATE TRIGGER order_refund_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON order_refund
    FOR EACH STATEMENT EXECUTE FUNCTION order_refund_refuse_change();

-- +goose Down
DROP TABLE order_refund;
DROP FUNCTION order_refund_refuse_change();
DROP TABLE order_payment;
DROP FUNCTION order_payment_guard();
DELETE FROM order_move WHERE (machine, to_state) IN (('PAYMENT', 'AUTHORISED'), ('PAYMENT', 'VOIDED'), ('PAYMENT', 'REFUNDED'),
    ('PAYMENT', 'PENDING'), ('FULFILMENT', 'CANCELLED')) OR from_state = 'AUTHORISED';
ALTER TABLE bid DROP COLUMN card_id, ALTER COLUMN hold_id SET NOT NULL;
ALTER TABLE auction DROP COLUMN leader_card, DROP COLUMN backing;
