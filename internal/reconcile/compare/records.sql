-- Each of the provider's records is booked once and as it is there, and each record that we booked is one of the provider's.
-- A refund that is on its way has left there, and is booked here when it has arrived.
SELECT kind, coalesce(provider_id, ''), coalesce(entry_key, ''),
       coalesce((SELECT e.id FROM ledger.entry e WHERE e.key = d.entry_key), 0), currency,
       CASE kind WHEN 'FEE_DIFFERS' THEN their_fee WHEN 'PENDING' THEN their_gross - their_fee ELSE their_gross END,
       CASE kind WHEN 'FEE_DIFFERS' THEN our_fee WHEN 'PENDING' THEN our_gross - our_fee ELSE our_gross END,
       detail
FROM (
    SELECT CASE WHEN t.id IS NULL AND p.kind = '' THEN 'UNBOOKED_KIND'
                WHEN t.id IS NULL AND (p.created_at >= s.cut OR EXISTS (
                    SELECT FROM refund r WHERE r.provider_id = p.source AND r.status = 'PROCESSING')) THEN 'PENDING'
                WHEN t.id IS NULL THEN 'UNBOOKED'
                WHEN p.id IS NULL AND t.booked_at >= s.cut THEN 'PENDING'
                WHEN p.id IS NULL THEN 'UNKNOWN_TO_PROVIDER'
                WHEN p.currency <> t.currency THEN 'CURRENCY_DIFFERS'
                WHEN p.gross <> t.gross THEN 'AMOUNT_DIFFERS'
                WHEN p.fee <> t.fee THEN 'FEE_DIFFERS'
                ELSE 'KIND_DIFFERS' END AS kind,
           coalesce(p.id, t.id) AS provider_id, t.entry_key, coalesce(t.currency, p.currency) AS currency,
           p.gross AS their_gross, p.fee AS their_fee, t.gross AS our_gross, t.fee AS our_fee,
           concat_ws('; ',
               'the provider has a ' || p.type || ' of ' || p.gross || ' ' || p.currency || ' less ' || p.fee || ' about ' || coalesce(nullif(p.source, ''), 'nothing')
                   || ', made ' || to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'we booked a ' || t.kind || ' of ' || t.gross || ' ' || t.currency || ' less ' || t.fee
                   || ' at ' || to_char(t.booked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS detail
    FROM provider_record p
    FULL JOIN (SELECT o.* FROM provider_txn o, scope WHERE o.provider = scope.provider) t USING (id)
    CROSS JOIN scope s
    WHERE (p.id IS NULL AND (s.since IS NULL OR t.booked_at >= s.since))
       OR t.id IS NULL
       OR (p.kind, p.currency, p.gross, p.fee) IS DISTINCT FROM (t.kind, t.currency, t.gross, t.fee) AND p.id IS NOT NULL
) d
