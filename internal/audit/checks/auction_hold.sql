-- An open or paused auction that holds back, with a leader, has one open hold, its leader's for their maximum; any other has none.
SELECT format('auction %s', id),
       CASE WHEN a.status IS NULL THEN format('does not exist and has %s open holds', h.holds)
            ELSE format('of backing %s is %s at %s %s, led by %s with hold %s; open holds: %s', a.backing, a.status, a.leader_maximum, a.currency,
                        coalesce(a.leader_id::text, 'nobody'), coalesce(a.leader_hold::text, 'none'), coalesce(h.text, 'none')) END
FROM auction a
FULL JOIN (
    SELECT cause_id AS id, count(*) AS holds, min(id::text) AS hold, min(user_id::text) AS bidder, sum(amount) AS amount, min(currency) AS currency,
           (array_agg(format('%s of %s for %s %s', id, user_id, amount, currency) ORDER BY id))[1:5]::text AS text
    FROM hold
    WHERE status = 'OPEN' AND cause_kind = 'auction'
    GROUP BY cause_id
) h USING (id)
WHERE CASE WHEN a.status IN ('OPEN', 'PAUSED') AND a.backing = 'HOLD' AND a.leader_id IS NOT NULL
           THEN (h.holds, h.hold, h.bidder, h.amount, h.currency)
                IS DISTINCT FROM (1, a.leader_hold::text, a.leader_id::text, a.leader_maximum, a.currency)
           ELSE h.holds IS NOT NULL END
