-- What was refunded of a top-up, and has not failed, is no more than it; each refund is of its user's own charge, by the provider's id of it.
SELECT format('refund %s', r.id),
       format('%s %s of user %s by %s; top-up %s %s', r.amount, r.currency, r.user_id, r.intent_id, r.source_id,
              coalesce(format('is %s, in %s, of user %s, by %s', t.status, t.currency, t.user_id, t.provider_id), 'is unknown'))
FROM refund r
LEFT JOIN top_up t ON t.id = r.source_id
WHERE r.source_kind = 'TOP_UP'
  AND (t.status, t.currency, t.user_id, t.provider_id) IS DISTINCT FROM ('SUCCEEDED', r.currency, r.user_id, r.intent_id)
UNION ALL
SELECT format('top-up %s', t.id), format('%s %s of %s are refunded', r.given, t.currency, t.amount)
FROM top_up t
JOIN (
    SELECT source_id, sum(amount) AS given FROM refund WHERE source_kind = 'TOP_UP' AND status <> 'FAILED' GROUP BY source_id
) r ON r.source_id = t.id
WHERE r.given > t.amount
