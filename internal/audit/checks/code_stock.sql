-- The codes of a variant that are not sold are its stock, and lie where its seller's codes lie.
SELECT format('variant %s', v.id), format('%s codes are not sold, and %s are on hand, %s of them elsewhere', coalesce(c.unsold, 0), coalesce(s.on_hand, 0), coalesce(s.elsewhere, 0))
FROM variant v JOIN listing l ON l.id = v.listing_id AND l.kind = 'DIGITAL_CODE'
LEFT JOIN (SELECT variant_id, count(*) FILTER (WHERE order_id IS NULL) AS unsold FROM code GROUP BY variant_id) c ON c.variant_id = v.id
LEFT JOIN (
    SELECT s.variant_id, sum(s.on_hand) AS on_hand, coalesce(sum(s.on_hand) FILTER (WHERE NOT p.digital), 0) AS elsewhere
    FROM stock s JOIN location p ON p.id = s.location_id GROUP BY s.variant_id
) s ON s.variant_id = v.id
WHERE coalesce(c.unsold, 0) <> coalesce(s.on_hand, 0) OR s.elsewhere <> 0
