-- Each refund of an order has left its escrow by one entry, for the wallet, for the card and for the platform's promotion; of a released order
-- it came there by another, from the platform and the seller. No other entry is for a refund of an order.
WITH paid AS (
    SELECT r.*, o.seller_id, o.campaign_id, p.user_id AS buyer_id
    FROM order_refund r
    JOIN orders o ON o.id = r.order_id
    LEFT JOIN order_payment p ON p.order_id = o.id AND p.status = 'CAPTURED'
), wanted AS (
    SELECT 'order_refund:' || r.id || ':' || l.step AS key, r.currency, l.side, l.owner, l.amount
    FROM paid r,
         LATERAL (VALUES ('refund', 'escrow', r.order_id, -r.wallet_amount - r.card_amount - r.subsidy_amount),
                         ('refund', 'wallet', r.buyer_id, r.wallet_amount),
                         ('refund', 'refund_in_flight', r.id, r.card_amount),
                         ('refund', 'promo_budget', r.campaign_id, r.subsidy_amount),
                         ('return', 'escrow', r.order_id, r.fee_returned + r.tax_returned + r.shipping_returned + r.seller_returned),
                         ('return', 'tax_payable', '00000000-0000-0000-0000-000000000000'::uuid, -r.tax_returned),
                         ('return', 'shipping_income', '00000000-0000-0000-0000-000000000000'::uuid, -r.shipping_returned),
                         ('return', 'platform_fees', '00000000-0000-0000-0000-000000000000'::uuid, -r.fee_returned),
                         ('return', 'seller', r.seller_id, -r.seller_returned)) AS l (step, side, owner, amount)
    WHERE l.amount <> 0
), posted AS (
    SELECT e.key, a.currency, CASE WHEN a.kind IN ('seller_pending', 'seller_available', 'seller_debt') THEN 'seller' ELSE a.kind END AS side, a.owner,
           sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id
    WHERE e.cause_kind = 'order' AND e.flow IN ('refund', 'return') AND e.reverses IS NULL
    GROUP BY 1, 2, 3, 4
)
SELECT key, format('%s of %s got %s %s, not %s', side, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (key, currency, side, owner)
WHERE w.amount IS DISTINCT FROM p.amount
