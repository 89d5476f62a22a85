-- Those of some users who are registered.
-- name: TaxRegistrationsOf :many
SELECT user_id, country FROM tax_registration WHERE user_id = ANY (@user_ids::uuid[]) AND active ORDER BY user_id;

-- name: TaxRegistrationGet :one
SELECT * FROM tax_registration WHERE user_id = @user_id AND active;

-- name: TaxRegistrationSet :one
INSERT INTO tax_registration (user_id, country, number, active) VALUES (@user_id, @country, @number, true)
ON CONFLICT (user_id) DO UPDATE SET country = excluded.country, number = excluded.number, active = true, changed_at = clock_timestamp()
RETURNING *;

-- name: TaxRegistrationEnd :exec
UPDATE tax_registration SET active = false, changed_at = clock_timestamp() WHERE user_id = @user_id AND active;

-- Those of some listings that are in a category, or below it.
-- name: TaxListingsOfCategory :many
WITH RECURSIVE down AS (
    SELECT k.id FROM category k WHERE k.slug = @slug
    UNION ALL
    SELECT c.id FROM category c JOIN down ON c.parent_id = down.id
)
SELECT l.id FROM listing l WHERE l.id = ANY (@listing_ids::uuid[]) AND l.category_id IN (SELECT id FROM down) ORDER BY l.id;
