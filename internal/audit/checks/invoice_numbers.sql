-- A seller's invoices of a year are numbered from 1 without a gap, and so are their credit notes, in the order of their times; the series stands at the last of them.
SELECT format('seller %s, %s of %s', coalesce(s.seller_id, i.seller_id), coalesce(s.kind, i.kind), coalesce(s.year, i.year)),
       format('%s were issued, numbered %s to %s%s; the series stands at %s', coalesce(i.issued, 0), i.first, i.last, CASE WHEN i.disordered THEN ', not in the order of their times' END, coalesce(s.last::text, 'nothing'))
FROM invoice_series s
FULL JOIN (
    SELECT seller_id, kind, year, count(*) AS issued, min(number) AS first, max(number) AS last, bool_or(issued_at < before OR extract(year FROM issued_at AT TIME ZONE 'UTC') <> year) AS disordered
    FROM (SELECT *, lag(issued_at) OVER (PARTITION BY seller_id, kind, year ORDER BY number) AS before FROM invoice) numbered
    GROUP BY seller_id, kind, year
) i ON (i.seller_id, i.kind, i.year) = (s.seller_id, s.kind, s.year)
WHERE i.issued IS DISTINCT FROM s.last OR i.first <> 1 OR i.last <> i.issued OR i.disordered
