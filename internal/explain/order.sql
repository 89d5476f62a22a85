-- All that happened to one order ($1; $2 is its id as the API writes it). Each row is a time, the part of the product that knows of it, and what it knows.
WITH o AS (SELECT * FROM orders WHERE id = $1),
p AS (SELECT * FROM order_payment WHERE order_id = $1),
q AS (SELECT q.*, g.number AS part, g.parcels FROM quote_group g JOIN quote q ON q.id = g.quote_id WHERE g.order_id = $1),
f AS (SELECT f.* FROM order_refund r JOIN refund f ON f.id = r.id WHERE r.order_id = $1),
b AS (SELECT b.* FROM chargeback b JOIN p ON p.id = b.order_payment_id),
-- What was looked at before its money moved: of its quote, its reservation or itself.
k AS (SELECT k.* FROM o JOIN risk_check k ON k.user_id = o.buyer_id AND (k.order_id = o.id OR k.reservation_id = o.reservation_id OR k.quote_id IN (SELECT id FROM q))),
-- What a checkout has added to what was won: all but the platform's fee.
c AS (SELECT c.*, k.confirmed_at AS added_at FROM o JOIN order_charge c ON c.order_id = o.id LEFT JOIN checkout k ON k.quote_id = o.quote_id AND c.kind <> 'PLATFORM_FEE')
SELECT at, part, what FROM (
    SELECT r.created_at AS at, 1 AS rank, 'STOCK' AS part, format('reservation %s, until %s', r.id, r.expires_at) AS what FROM o JOIN reservation r ON r.id = o.reservation_id
    UNION ALL
    SELECT r.ended_at, 3, 'STOCK', format('reservation %s is %s', r.id, r.status) FROM o JOIN reservation r ON r.id = o.reservation_id WHERE r.ended_at IS NOT NULL
    UNION ALL
    SELECT q.created_at, 2, 'QUOTE', format('quote %s over %s %s, of which this is group %s', q.id, q.total, q.currency, q.part) FROM q
    UNION ALL
    SELECT q.created_at, 2, 'QUOTE', format('told in %s: %s %s, which give %s %s at %s by %s of %s, less %s basis points', x.from_currency, x.from_amount, x.from_currency, x.to_amount, x.to_currency, x.rate, x.source, x.as_of, x.margin_bp)
    FROM q JOIN quote_exchange x ON x.quote_id = q.id AND x.group_number = q.part
    UNION ALL
    SELECT q.created_at, 3, 'QUOTE', format('chosen of %s: %s (%s), %s %s for %s g%s%s%s', jsonb_array_length(p.plan -> 'options'), p.plan ->> 'chosen', c ->> 'name', c -> 'cost' ->> 'minor', c -> 'cost' ->> 'currency', p.plan ->> 'grams',
           CASE WHEN (c ->> 'estimated')::boolean THEN ', estimated' END, CASE WHEN (c ->> 'free')::boolean THEN ', borne by the seller' END, coalesce(', to point ' || (p.plan -> 'point' ->> 'ID'), ''))
    FROM q CROSS JOIN LATERAL jsonb_array_elements(q.parcels) AS p(plan) CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'options') AS c WHERE c ->> 'code' = p.plan ->> 'chosen'
    UNION ALL
    SELECT s.moved_at, 0, 'OFFER', format('%s by the %s: %s × %s at %s %s', s.status, lower(s.moved_by), f.quantity, f.title, s.unit_price, f.currency)
    FROM q JOIN price_offer f ON f.id = q.offer_id JOIN price_offer_step s ON s.offer_id = f.id
    UNION ALL
    SELECT c.confirmed_at, 3, 'QUOTE', format('quote %s confirmed: %s from the wallet, %s by card%s', c.quote_id, c.wallet_amount, c.card_amount, CASE WHEN c.exchanged IS NOT NULL THEN format(', %s %s exchanged for it', c.exchanged, q.pay_currency) END) FROM q JOIN checkout c ON c.quote_id = q.id
    UNION ALL
    SELECT coalesce(c.added_at, o.created_at), 5, 'ORDER', format('charge %s: %s%s of %s, borne by the %s, with the %s%s%s', c.number, c.kind, CASE c.label WHEN '' THEN '' ELSE format(' (%s)', c.label) END, c.amount, lower(c.bearer), lower(c.counterparty),
           CASE WHEN c.basis_points IS NOT NULL THEN format(', %s basis points', c.basis_points) END, CASE WHEN c.estimated THEN ', estimated' END)
    FROM o CROSS JOIN c
    UNION ALL
    SELECT o.created_at, 4, 'ORDER', format('made over %s %s with a fee of %s: %s', o.total - (SELECT coalesce(sum(c.amount), 0) FROM c WHERE c.bearer = 'BUYER' AND c.added_at IS NOT NULL), o.currency, o.fee,
           (SELECT string_agg(format('%s × %s at %s', l.quantity, l.title, l.unit_price), ', ' ORDER BY l.number) FROM order_line l WHERE l.order_id = o.id)) FROM o
    UNION ALL
    SELECT e.at, 10 + least(e.version, 1000), 'ORDER', format('%s: %s and %s (version %s)', e.kind, e.payload ->> 'payment', e.payload ->> 'fulfilment', e.version)
    FROM event e WHERE e.topic = 'order:' || $1::text
    UNION ALL
    SELECT m.moved_at, 5, 'STOCK', format('%s %s of variant %s at %s: %s are left', m.kind, m.quantity, m.variant_id, m.location_id, m.on_hand)
    FROM o JOIN order_line l ON l.order_id = o.id JOIN stock_movement m ON m.variant_id = l.variant_id AND m.cause_id IN (o.id, o.reservation_id)
    UNION ALL
    SELECT c.sold_at, 6, 'CODE', format('code %s sold', c.id) FROM code c WHERE c.order_id = $1
    UNION ALL
    SELECT v.revealed_at, 6, 'CODE', format('code %s shown to %s', v.code_id, v.user_id) FROM code c JOIN code_reveal v ON v.code_id = c.id WHERE c.order_id = $1
    UNION ALL
    SELECT p.created_at, 7, 'PAYMENT', format('%s begun: %s from the wallet, %s by card', p.id, p.wallet_amount, p.card_amount) FROM p
    UNION ALL
    SELECT p.authorised_at, 8, 'PAYMENT', format('%s authorised, as %s', p.id, p.provider_id) FROM p WHERE p.authorised_at IS NOT NULL
    UNION ALL
    SELECT p.capture_at, 8, 'PAYMENT', format('%s is to be captured', p.id) FROM p WHERE p.capture_at IS NOT NULL
    UNION ALL
    SELECT coalesce(p.resolved_at, clock_timestamp()), 9, 'PAYMENT',
           format('%s is %s%s%s', p.id, p.status, coalesce(', ' || p.failure_code, ''), coalesce(', attempt ' || nullif(p.attempt, 1), '')) FROM p WHERE p.resolved_at IS NOT NULL OR p.status NOT IN ('CAPTURED', 'VOIDED', 'FAILED')
    UNION ALL
    SELECT e.received_at, 9, 'PROVIDER', format('%s %s of %s, %s after %s attempts%s', e.provider, e.kind, e.object_id, e.status, e.attempts, coalesce(': ' || e.error, ''))
    FROM provider_event e WHERE e.object_id IN (
        SELECT provider_id FROM p UNION SELECT charge_id FROM p UNION SELECT provider_id FROM f UNION SELECT dispute_id FROM b)
    UNION ALL
    SELECT t.posted_at, 2000, 'MONEY', format('%s (%s): %s', t.flow, t.key, (
        SELECT string_agg(format('%s %s %s', a.kind, g.amount, g.currency), ', ' ORDER BY g.amount, a.kind) FROM ledger.posting g JOIN ledger.account a ON a.id = g.account_id WHERE g.entry_id = t.id))
    FROM ledger.entry t WHERE t.cause_kind = 'order' AND t.cause_id = $1
        OR t.cause_id IN (SELECT id FROM p UNION SELECT id FROM f UNION SELECT id FROM b UNION SELECT id FROM shipment WHERE order_id = $1 UNION SELECT id FROM exchange WHERE order_id = $1) AND t.cause_kind <> 'order'
    UNION ALL
    SELECT r.created_at, 20, 'REFUND', format('%s to the wallet, %s to the card, by %s: %s', r.wallet_amount, r.card_amount, r.user_id, r.reason) FROM order_refund r WHERE r.order_id = $1
    UNION ALL
    SELECT coalesce(f.settled_at, f.failed_at, clock_timestamp()), 21, 'REFUND', format('%s to the card is %s%s', f.id, f.status, coalesce(', ' || f.failure_code, '')) FROM f
    UNION ALL
    SELECT b.opened_at, 22, 'CHARGEBACK', format('%s of %s, %s', b.id, b.amount, b.reason) FROM b
    UNION ALL
    SELECT b.decided_at, 22, 'CHARGEBACK', format('%s is %s', b.id, b.status) FROM b WHERE b.decided_at IS NOT NULL
    UNION ALL
    SELECT i.issued_at, 25, 'INVOICE', format('%s %s-%s over %s %s, of which %s is tax', i.kind, i.year, i.number, i.total, i.currency, i.tax) FROM invoice i WHERE i.order_id = $1
    UNION ALL
    SELECT d.due_at, 25, 'INVOICE', 'an invoice or a credit note is to be issued' FROM invoice_due d WHERE d.order_id = $1
    UNION ALL
    SELECT f.made_at, 26, 'INVOICE', format('PDF of %s-%s in %s: %s bytes', i.year, i.number, f.language, f.bytes) FROM invoice i JOIN invoice_file f ON f.invoice_id = i.id WHERE i.order_id = $1
    UNION ALL
    SELECT s.created_at, 15, 'SHIPMENT', format('%s is to be brought by %s as %s, %s g', s.id, s.carrier, s.product, s.grams) FROM shipment s WHERE s.order_id = $1
    UNION ALL
    SELECT s.labelled_at, 16, 'SHIPMENT', format('%s is labelled as %s, for %s %s', s.id, s.carrier_number, s.cost, s.currency) FROM shipment s WHERE s.order_id = $1 AND s.labelled_at IS NOT NULL
    UNION ALL
    SELECT (t ->> 'at')::timestamptz, 17, 'SHIPMENT', format('%s: %s %s', s.id, t ->> 'text', t ->> 'place') FROM shipment s, jsonb_array_elements(s.steps) t WHERE s.order_id = $1
    UNION ALL
    SELECT coalesce(s.ended_at, clock_timestamp()), 18, 'SHIPMENT', format('%s is %s after %s attempts%s', s.id, s.status, s.attempts, coalesce(': ' || s.outcome || ' ' || s.failure_code, '')) FROM shipment s WHERE s.order_id = $1
    UNION ALL
    SELECT n.received_at, 17, 'SHIPMENT', format('%s tells of %s, by %s: %s%s', n.carrier, n.number, n.id, n.status, CASE n.note WHEN '' THEN '' ELSE format(', %s', n.note) END)
    FROM o CROSS JOIN shipment s JOIN carrier_news n ON n.carrier = s.carrier AND n.number = s.carrier_number AND n.received_at >= o.created_at WHERE s.order_id = o.id
    UNION ALL
    SELECT coalesce(h.handed_at, clock_timestamp()), 16, 'SHIPMENT', format('%s in person, after %s wrong codes', CASE WHEN h.handed_at IS NULL THEN 'not handed over yet' ELSE 'handed over' END, h.wrong) FROM hand_over h WHERE h.order_id = $1
    UNION ALL
    SELECT m.opened_at, 18, 'CLAIM', format('%s: %s says its buyer: %s', m.id, m.reason, m.body) FROM order_claim m WHERE m.order_id = $1
    UNION ALL
    SELECT m.answered_at, 19, 'CLAIM', format('%s is answered: %s', m.id, m.answer) FROM order_claim m WHERE m.order_id = $1 AND m.answered_at IS NOT NULL
    UNION ALL
    SELECT coalesce(m.ended_at, clock_timestamp()), 20, 'CLAIM', format('%s is %s%s', m.id, m.status, CASE WHEN m.due_at IS NOT NULL THEN format(', its next step comes by itself at %s', m.due_at) END) FROM order_claim m WHERE m.order_id = $1
    UNION ALL
    SELECT k.checked_at, 2, 'RISK', format('%s%s', k.verdict, CASE k.rules WHEN '{}' THEN '' ELSE format(', because of %s', array_to_string(k.rules, ', ')) END) FROM k
    UNION ALL
    SELECT v.decided_at, 19, 'RISK', format('%s by %s: %s', v.status, v.decided_by, v.reason) FROM k JOIN risk_review v ON v.check_id = k.id WHERE v.decided_at IS NOT NULL
    UNION ALL
    SELECT coalesce(v.undone_at, clock_timestamp()), 20, 'RISK', CASE WHEN v.status = 'OPEN' THEN 'staff are to look at it' WHEN v.undone_at IS NULL THEN 'it is still to be cancelled' ELSE 'its orders were asked to be cancelled' END
    FROM k JOIN risk_review v ON v.check_id = k.id WHERE v.status <> 'ALLOWED'
    UNION ALL
    SELECT a.at, 19, 'STAFF', format('%s by %s: %s', a.action, a.actor_id, a.reason) FROM admin_action a WHERE a.subject = $2
    UNION ALL
    SELECT n.created_at, 2001, 'NOTICE', format('%s to %s%s', n.kind, n.recipient_id, CASE WHEN n.read_at IS NULL THEN '' ELSE ', read' END) FROM notification n WHERE n.subject = $2
) happened
ORDER BY at, rank, what
