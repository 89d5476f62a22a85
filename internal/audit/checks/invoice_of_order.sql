-- An order over something that was sent has an invoice over its total with what the platform's promotion pays, and its tax, and a credit note for each refund over what went back, unless one is due; no other has any. All credit
-- notes take as much of the tax back as the ledger has, but where a card's bank took a part besides.
SELECT format('order %s', o.id), format('is over %s with %s of tax and a subsidy of %s, of which %s is refunded; its invoice is over %s with %s of tax, its credit notes come to %s with %s of tax, and %s refunds have none',
              o.total, o.tax, o.subsidy, o.refunded, coalesce(i.total::text, 'nothing'), coalesce(i.tax, 0), n.total, n.tax, r.without)
FROM orders o
LEFT JOIN invoice i ON i.order_id = o.id AND i.kind = 'INVOICE'
CROSS JOIN LATERAL (SELECT coalesce(sum(total), 0) AS total, coalesce(sum(tax), 0) AS tax, bool_or(invoice_id <> i.id) AS strange FROM invoice WHERE order_id = o.id AND kind = 'CREDIT_NOTE') n
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE c.id IS NULL) AS without,
           bool_or(c.id IS NOT NULL AND (c.order_id <> o.id OR c.total <> f.wallet_amount + f.card_amount + f.subsidy_amount)) AS wrong
    FROM order_refund f LEFT JOIN invoice c ON c.refund_id = f.id WHERE f.order_id = o.id
) r
WHERE NOT EXISTS (SELECT FROM invoice_due d WHERE d.order_id = o.id)
  AND CASE WHEN o.sent_at IS NULL OR o.total = 0 THEN i.id IS NOT NULL OR n.total > 0
           ELSE i.id IS NULL OR (i.total, i.tax, i.currency, i.seller_id, i.buyer_id) IS DISTINCT FROM (o.total + o.subsidy, o.tax, o.currency, o.seller_id, o.buyer_id)
                OR r.without > 0 OR r.wrong OR n.strange OR n.total > i.total OR n.tax > i.tax
                OR (o.charged_back = 0 AND i.tax - n.tax <> (order_parts(o)).tax) END
