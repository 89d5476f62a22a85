-- An order's escrow holds what is left of its total, with the promotion's part of that, in its currency, while it is PAID; the promotion alone
-- while it may be paid, and nothing otherwise; no escrow is without an order.
SELECT format('order %s', id),
       format('escrow holds %s %s; the order %s', coalesce(e.balance, 0), currency,
              coalesce(format('is %s over %s with a subsidy of %s, of which %s are refunded and %s charged back', o.payment, o.total, o.subsidy, o.refunded, o.charged_back), 'does not exist in this currency'))
FROM orders o
FULL JOIN (
    SELECT a.owner AS id, a.currency, sum(b.balance) AS balance
    FROM ledger.account a JOIN ledger.balance b ON b.account_id = a.id
    WHERE a.kind = 'escrow'
    GROUP BY a.owner, a.currency
) e USING (id, currency)
WHERE coalesce(e.balance, 0) <> CASE
    WHEN o.payment = 'PAID' THEN o.total - o.refunded - o.charged_back + (order_parts(o)).subsidy
    WHEN o.payment IN ('PENDING', 'AUTHORISED') AND o.fulfilment <> 'CANCELLED' THEN o.subsidy
    ELSE 0 END
