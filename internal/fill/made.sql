-- What is made. Everything follows from a listing's number, so that two runs of one size make the same words and prices.
CREATE TEMP TABLE made ON COMMIT DROP AS
WITH first AS (
    SELECT coalesce(max(substring(email FROM '^seller-([0-9]+)@fill')::bigint), 0) AS seller FROM app_user WHERE email LIKE 'seller-%@fill.souk.example'
), numbered AS (
    SELECT n, ('x' || substr(md5('a' || n), 1, 7))::bit(28)::int AS r1, ('x' || substr(md5('b' || n), 1, 7))::bit(28)::int AS r2,
        ('x' || substr(md5('c' || n), 1, 7))::bit(28)::int AS r3
    FROM generate_series(1, :listings) n
)
SELECT n, r1, r2, r3,
    (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(md5('i' || n), 1, 3) || '8' || substr(md5(first.seller || 'i' || n), 4, 15))::uuid AS id,
    md5('photo' || first.seller || ' ' || n)::uuid AS photo,
    first.seller + 1 + n % greatest(:listings / 100, 1) AS seller,
    CASE WHEN r1 % 100 < 55 THEN 'ONE_OFF' WHEN r1 % 100 < 85 THEN 'RETAIL' WHEN r1 % 100 < 90 THEN 'DIGITAL_CODE' WHEN r1 % 100 < 95 THEN 'GIVEAWAY' ELSE 'LOT' END AS kind,
    CASE WHEN r2 % 50 = 0 THEN 'DRAFT' ELSE 'ACTIVE' END AS status,
    (ARRAY['NEW', 'LIKE_NEW', 'GOOD', 'FAIR'])[1 + r2 % 4] AS condition,
    (ARRAY['EUR', 'EUR', 'EUR', 'MAD', 'USD'])[1 + r3 % 5] AS currency,
    -- few are dear
    (199 + (power(r2 % 1000 / 1000.0, 4) * 400000)::bigint + r3 % 1000)::bigint AS price,
    clock_timestamp() - make_interval(secs => r3 % 31536000) AS created_at,
    CASE r1 % 3
        WHEN 0 THEN (ARRAY['Red', 'Blue', 'Vintage', 'Small', 'Large', 'Wooden', 'Leather', 'Copper', 'Wireless', 'Handmade'])[1 + r2 % 10] || ' '
            || (ARRAY['lamp', 'chair', 'phone', 'headphones', 'watch', 'bag', 'shoes', 'carpet', 'camera', 'bicycle', 'jacket', 'table', 'guitar', 'tent', 'book', 'teapot'])[1 + r3 % 16]
        WHEN 1 THEN (ARRAY['Lampe', 'Chaise', 'Téléphone', 'Casque', 'Montre', 'Sac', 'Chaussures', 'Tapis', 'Appareil photo', 'Vélo', 'Veste', 'Table', 'Guitare', 'Tente', 'Livre', 'Théière'])[1 + r3 % 16] || ' '
            || (ARRAY['rouge', 'bleu', 'ancien', 'petit', 'grand', 'en bois', 'en cuir', 'en cuivre', 'sans fil', 'artisanal'])[1 + r2 % 10]
        ELSE (ARRAY['مصباح', 'كرسي', 'هاتف', 'سماعات', 'ساعة', 'حقيبة', 'حذاء', 'سجادة', 'كاميرا', 'دراجة', 'سترة', 'طاولة', 'قيثارة', 'خيمة', 'كتاب', 'إبريق'])[1 + r3 % 16] || ' '
            || (ARRAY['أحمر', 'أزرق', 'قديم', 'صغير', 'كبير', 'خشبي', 'جلدي', 'نحاسي', 'لاسلكي', 'يدوي'])[1 + r2 % 10]
    END || ' ' || initcap(substr(md5('m' || r3 % 997), 1, 4)) || ' ' || r2 % 500 AS title,
    (ARRAY['Well kept, seldom used.', 'Comme neuf, peu servi.', 'مستعمل قليلا وبحالة جيدة.', 'Sent within two days, or fetched by hand.', 'Envoi sous deux jours.'])[1 + r1 % 5]
        || ' ' || (ARRAY['Smoke-free home', 'Original box', 'Facture disponible', 'مع الفاتورة', 'No returns'])[1 + r3 % 5] AS description,
    md5('fill category ' || 8 + r3 % 64)::uuid AS category,
    md5('fill brand ' || (power(r1 % 1000 / 1000.0, 2) * 200)::int)::uuid AS brand,
    CASE WHEN r1 % 2 = 0 THEN (ARRAY['red', 'blue', 'black', 'white', 'green', 'brown'])[1 + r2 % 6] END AS colour,
    CASE WHEN r2 % 3 = 0 THEN 30 + r3 % 600 / 100.0 + 15 * (r1 % 2) END AS latitude,
    CASE WHEN r2 % 3 = 0 THEN -9 + r1 % 1200 / 100.0 END AS longitude
FROM numbered, first;
ALTER TABLE made ADD PRIMARY KEY (n);
ANALYZE made;

-- What is bought: one of what exists once, under its own number; of a product two sizes.
CREATE TEMP TABLE made_variant ON COMMIT DROP AS
SELECT m.id, m.id AS listing_id, m.n, 1 AS position, NULL::text AS sku, '{}'::text[] AS option_values, true AS once,
    CASE m.kind WHEN 'LOT' THEN NULL WHEN 'GIVEAWAY' THEN 0 ELSE m.price END AS price, CASE WHEN m.kind <> 'LOT' THEN m.currency END AS currency
FROM made m WHERE m.kind IN ('ONE_OFF', 'GIVEAWAY', 'LOT')
UNION ALL
SELECT (substr(m.id::text, 1, 19) || substr(md5(v || m.id::text), 1, 4)::text || '-' || substr(md5(v || m.id::text), 5, 12))::uuid, m.id, m.n, v, 'F' || m.n || '-' || v,
    ARRAY[(ARRAY['S', 'M'])[v]], false, m.price + (v - 1) * 100, m.currency
FROM made m, generate_series(1, 2) v WHERE m.kind IN ('RETAIL', 'DIGITAL_CODE');

CREATE TEMP TABLE made_stock ON COMMIT DROP AS
SELECT v.id AS variant_id, md5('fill location ' || m.seller)::uuid AS location_id, md5('fill seller ' || m.seller)::uuid AS actor_id, 10 + m.r2 % 90 AS on_hand, v.id AS cause_id
FROM made_variant v JOIN made m ON m.n = v.n WHERE m.kind = 'RETAIL';
