-- A captured payment has put both its parts into its order's escrow by one entry, its wallet's part out of the wallet or its hold, whose rest
-- went back to the wallet, and one
-- that somebody captured while it was let go has put what they took on its way back; no other payment has. The card's part has the provider's record.
WITH wanted AS (
    SELECT p.order_id, CASE WHEN p.card_amount > 0 THEN 'order_payment:' || p.id || ':capture' ELSE 'order:' || p.order_id || ':pay' END AS key,
           p.currency, l.kind, l.owner, l.amount
    FROM order_payment p
    LEFT JOIN hold h ON h.id = p.hold_id,
         LATERAL (VALUES ('escrow', p.order_id, p.wallet_amount + p.card_amount),
                         ('wallet_held', p.user_id, -coalesce(h.amount, 0)),
                         ('wallet', p.user_id, coalesce(h.amount, 0) - p.wallet_amount)) AS l (kind, owner, amount)
    WHERE p.status = 'CAPTURED' AND l.amount <> 0
    UNION ALL
    SELECT p.order_id, t.entry_key, p.currency, 'refund_in_flight', p.id, t.gross
    FROM order_payment p JOIN provider_txn t ON t.entry_key = 'order_payment:' || p.id || ':taken'
    WHERE p.status = 'VOIDED' AND p.charge_id IS NOT NULL
), posted AS (
    SELECT e.cause_id AS order_id, e.key, a.currency, a.kind, a.owner, sum(p.amount) AS amount
    FROM ledger.entry e
    JOIN ledger.posting p ON p.entry_id = e.id
    JOIN ledger.account a ON a.id = p.account_id AND a.kind NOT IN ('psp_clearing', 'psp_fees')
    WHERE e.cause_kind = 'order' AND e.flow IN ('purchase', 'capture') AND e.reverses IS NULL
    GROUP BY e.cause_id, e.key, a.currency, a.kind, a.owner
)
SELECT format('order %s', order_id), format('%s: %s of %s got %s %s, not %s', key, kind, owner, coalesce(p.amount, 0), currency, coalesce(w.amount, 0))
FROM wanted w
FULL JOIN posted p USING (order_id, key, currency, kind, owner)
WHERE w.amount IS DISTINCT FROM p.amount
UNION ALL
SELECT format('payment %s', p.id), format('no record of the provider says that it charged %s %s for %s (%s)', p.card_amount, p.currency, p.fee, p.balance_txn_id)
FROM order_payment p
WHERE p.status = 'CAPTURED' AND p.card_amount > 0
  AND NOT EXISTS (
      SELECT FROM provider_txn t
      WHERE (t.id, t.kind, t.currency, t.gross, t.fee, t.entry_key)
          = (p.balance_txn_id, 'CHARGE', p.currency, p.card_amount, p.fee, 'order_payment:' || p.id || ':capture'))
UNION ALL
SELECT format('payment %s', p.id), format('no record of the provider says that somebody charged %s %s or less (%s)', p.card_amount, p.currency, p.balance_txn_id)
FROM order_payment p
WHERE p.status = 'VOIDED' AND p.charge_id IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM provider_txn t
      WHERE (t.id, t.kind, t.currency, t.entry_key) = (p.balance_txn_id, 'CHARGE', p.currency, 'order_payment:' || p.id || ':taken')
        AND t.gross BETWEEN 1 AND p.card_amount)
