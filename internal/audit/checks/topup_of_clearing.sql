-- Money that a top-up's entry takes from a provider belongs to a top-up that succeeded with that amount less that fee.
SELECT format('entry %s', e.id),
       format('%s %s at provider %s for %s %s: top-up %s', p.amount, p.currency, a.ref, e.cause_kind, e.cause_id,
              coalesce(format('is %s with %s %s less %s', t.status, t.amount, t.currency, coalesce(t.fee::text, 'no fee')), 'is unknown'))
FROM ledger.entry e
JOIN ledger.posting p ON p.entry_id = e.id
JOIN ledger.account a ON a.id = p.account_id AND a.kind = 'psp_clearing'
LEFT JOIN top_up t ON t.id = e.cause_id AND e.cause_kind = 'top_up'
WHERE e.flow = 'top_up'
  AND (t.status, t.fee - t.amount, t.currency) IS DISTINCT FROM ('SUCCEEDED', p.amount, p.currency)
