INSERT INTO app_user (id, email, name, role, password_hash)
SELECT DISTINCT md5('fill seller ' || seller)::uuid, 'seller-' || seller || '@fill.souk.example', 'Seller ' || seller, 'SELLER', 'nobody signs in' FROM made;
INSERT INTO location (id, seller_id, name, region)
SELECT DISTINCT md5('fill location ' || seller)::uuid, md5('fill seller ' || seller)::uuid, 'Store', 'MA' FROM made;
INSERT INTO category (id, parent_id, slug, name_ar, name_en, name_fr)
SELECT md5('fill category ' || c)::uuid, CASE WHEN c >= 8 THEN md5('fill category ' || c % 8)::uuid END, 'fill-' || c, 'قسم ' || c, 'Section ' || c, 'Rayon ' || c
FROM generate_series(0, 71) c ORDER BY c ON CONFLICT DO NOTHING;
INSERT INTO brand (id, name, normalised)
SELECT md5('fill brand ' || b)::uuid, 'Maker ' || b, 'maker ' || b FROM generate_series(0, 200) b ON CONFLICT DO NOTHING;
INSERT INTO attribute (id, category_id, code, name_ar, name_en, name_fr, type)
SELECT md5('fill colour ' || c)::uuid, md5('fill category ' || c)::uuid, 'colour', 'لون', 'Colour', 'Couleur', 'CHOICE' FROM generate_series(0, 7) c ON CONFLICT DO NOTHING;
INSERT INTO attribute_option (attribute_id, code, name_ar, name_en, name_fr)
SELECT md5('fill colour ' || c)::uuid, o, o, o, o FROM generate_series(0, 7) c, unnest(ARRAY['red', 'blue', 'black', 'white', 'green', 'brown']) o ON CONFLICT DO NOTHING;

INSERT INTO listing (id, seller_id, kind, title, description, condition, price, currency, option_names, status, created_at, published_at, category_id, brand_id)
SELECT id, md5('fill seller ' || seller)::uuid, kind, title, description, condition,
    CASE kind WHEN 'LOT' THEN NULL WHEN 'GIVEAWAY' THEN 0 ELSE price END, CASE WHEN kind <> 'LOT' THEN currency END,
    CASE WHEN kind IN ('RETAIL', 'DIGITAL_CODE') THEN ARRAY['Size'] ELSE '{}'::text[] END, status, created_at, CASE WHEN status = 'ACTIVE' THEN created_at END, category, brand
FROM made ORDER BY n;
INSERT INTO variant (id, listing_id, seller_id, position, sku, option_values, price, currency)
SELECT v.id, v.listing_id, md5('fill seller ' || m.seller)::uuid, v.position, v.sku, v.option_values, v.price, v.currency
FROM made_variant v JOIN made m ON m.n = v.n WHERE NOT v.once ORDER BY v.n, v.position;
INSERT INTO listing_attribute (listing_id, attribute_id, type, value)
SELECT m.id, a.id, 'CHOICE', m.colour FROM made m JOIN category c ON c.id = m.category JOIN attribute a ON a.category_id = c.parent_id AND a.code = 'colour' WHERE m.colour IS NOT NULL;
INSERT INTO listing_place (listing_id, latitude, longitude) SELECT id, round(latitude::numeric, 2), round(longitude::numeric, 2) FROM made WHERE latitude IS NOT NULL;
INSERT INTO photo (id, owner_id, content_type, bytes, width, height, status)
SELECT photo, md5('fill seller ' || seller)::uuid, 'image/jpeg', 100000, 1200, 900, 'STORED' FROM made;
INSERT INTO listing_photo (listing_id, position, photo_id) SELECT id, 1, photo FROM made;
INSERT INTO stock (variant_id, location_id, seller_id) SELECT variant_id, location_id, actor_id FROM made_stock;
