-- What went into an order's escrow is what came out of it and what is there.
SELECT format('order %s', owner), format('%s %s went in, %s came out, %s is there', went_in, currency, came_out, there)
FROM (
    SELECT a.owner, a.currency,
           coalesce(sum(p.went_in), 0) AS went_in, coalesce(sum(p.came_out), 0) AS came_out, coalesce(sum(b.balance), 0) AS there
    FROM ledger.account a
    LEFT JOIN ledger.balance b ON b.account_id = a.id
    LEFT JOIN LATERAL (
        SELECT sum(amount) FILTER (WHERE amount > 0) AS went_in, -sum(amount) FILTER (WHERE amount < 0) AS came_out
        FROM ledger.posting WHERE account_id = a.id
    ) p ON true
    WHERE a.kind = 'escrow'
    GROUP BY a.owner, a.currency
) f
WHERE went_in <> came_out + there
