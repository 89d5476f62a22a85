-- A listing's price is the lowest of its variants', and a variant's is the newest of its history.
SELECT format('listing %s', l.id), format('costs %s %s, its variants %s %s', l.price, l.currency, v.price, v.currency)
FROM listing l LEFT JOIN (
    SELECT listing_id, min(price) AS price, min(currency) AS currency FROM variant WHERE retired_at IS NULL GROUP BY listing_id
) v ON v.listing_id = l.id
WHERE (l.price, l.currency) IS DISTINCT FROM (v.price, v.currency)
UNION ALL
SELECT format('variant %s', v.id), format('costs %s %s, its history ends with %s %s', v.price, v.currency, h.price, h.currency)
FROM variant v LEFT JOIN (
    SELECT DISTINCT ON (variant_id) variant_id, price, currency FROM price_change ORDER BY variant_id, id DESC
) h ON h.variant_id = v.id
WHERE (v.price, v.currency) IS DISTINCT FROM (h.price, h.currency)
