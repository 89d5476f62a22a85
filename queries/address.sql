-- Whoever changes a user's addresses waits for who does already.
-- name: AddressUserLock :exec
SELECT FROM app_user WHERE id = @id FOR NO KEY UPDATE;

-- name: AddressCount :one
SELECT count(*) FROM address WHERE user_id = @user_id;

-- The same address, if it is there already: a retry adds nothing.
-- name: AddressSame :one
SELECT * FROM address
WHERE user_id = @user_id AND (name, line1, line2, city, region, postal_code, country, phone)
    = (@name::text, @line1::text, @line2::text, @city::text, @region::text, @postal_code::text, @country::text, @phone::text)
ORDER BY created_at, id LIMIT 1;

-- name: AddressInsert :one
INSERT INTO address (id, user_id, name, line1, line2, city, region, postal_code, country, phone, is_default)
VALUES (@id, @user_id, @name, @line1, @line2, @city, @region, @postal_code, @country, @phone, @is_default)
RETURNING *;

-- name: AddressSet :one
UPDATE address
SET name = @name, line1 = @line1, line2 = @line2, city = @city, region = @region, postal_code = @postal_code, country = @country, phone = @phone
WHERE id = @id AND user_id = @user_id
RETURNING *;

-- name: AddressDelete :one
DELETE FROM address WHERE id = @id AND user_id = @user_id RETURNING is_default;

-- name: AddressUndefault :exec
UPDATE address SET is_default = false WHERE user_id = @user_id AND is_default AND id <> @id;

-- name: AddressDefault :one
UPDATE address SET is_default = true WHERE id = @id AND user_id = @user_id RETURNING *;

-- The newest takes the place of a default that was deleted.
-- name: AddressNewDefault :exec
UPDATE address a SET is_default = true
WHERE a.id = (SELECT n.id FROM address n WHERE n.user_id = @user_id ORDER BY n.created_at DESC, n.id DESC LIMIT 1);

-- name: AddressOfUser :one
SELECT * FROM address WHERE id = @id AND user_id = @user_id;

-- The default first, then the newest.
-- name: AddressesOfUser :many
SELECT * FROM address WHERE user_id = @user_id ORDER BY is_default DESC, created_at DESC, id DESC;
