-- Whoever reads what everybody may see of listings shows who sells them: their row is looked at in any case.

-- +goose Up
CREATE OR REPLACE VIEW public_listing AS
SELECT l.*, u.email AS seller_email, u.name AS seller_name, u.role AS seller_role, u.birth_date AS seller_birth_date, u.tier AS seller_tier,
    u.created_at AS seller_since
FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL AND l.minimum_tier IS NULL;

-- +goose Down
DROP VIEW public_listing;
CREATE VIEW public_listing AS
SELECT l.* FROM listing l JOIN app_user u ON u.id = l.seller_id
WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD', 'ENDED') AND l.published_at IS NOT NULL AND u.banned_at IS NULL AND l.minimum_tier IS NULL;
