INSERT INTO variant (id, listing_id, seller_id, price, currency)
SELECT v.id, v.listing_id, md5('fill seller ' || m.seller)::uuid, v.price, v.currency FROM made_variant v JOIN made m ON m.n = v.n WHERE v.once ORDER BY v.n;
INSERT INTO price_change (variant_id, price, currency) SELECT id, price, currency FROM made_variant WHERE price IS NOT NULL;
INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id)
SELECT variant_id, location_id, 1, 'RECEIVED', on_hand, on_hand, cause_id, actor_id FROM made_stock;
UPDATE stock s SET on_hand = m.on_hand, number = 1 FROM made_stock m WHERE s.variant_id = m.variant_id AND s.location_id = m.location_id;
