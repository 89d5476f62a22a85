-- name: RiskCheckInsert :exec
INSERT INTO risk_check (id, user_id, quote_id, card_id, place, client, verdict, rules)
VALUES (@id, @user_id, @quote_id, sqlc.narg('card_id'), sqlc.narg('place'), nullif(@client::text, '')::inet, @verdict, @rules);

-- How often, and by how many, of late. Of what a place or an address has had the newest thousand are looked at, however many there were.
-- name: RiskCounts :one
SELECT
    (SELECT count(*) FROM risk_check c WHERE c.user_id = @user_id AND c.verdict <> 'REFUSE' AND c.checked_at > clock_timestamp() - make_interval(secs => @checkout_seconds::float8)) AS checkouts,
    (SELECT count(*) FROM order_payment p
     WHERE p.user_id = @user_id AND p.status = 'FAILED' AND p.card_amount > 0 AND p.created_at > clock_timestamp() - make_interval(secs => @card_seconds::float8)) AS failed_cards,
    (SELECT count(DISTINCT c.user_id) FROM (
        SELECT r.user_id FROM risk_check r WHERE r.place = sqlc.narg('place')::bytea AND r.checked_at > clock_timestamp() - make_interval(secs => @place_seconds::float8)
        ORDER BY r.checked_at DESC LIMIT 1000) c WHERE c.user_id <> @user_id) AS place_users,
    (SELECT count(DISTINCT c.user_id) FROM (
        SELECT r.user_id FROM risk_check r WHERE r.client = nullif(@client::text, '')::inet AND r.checked_at > clock_timestamp() - make_interval(secs => @client_seconds::float8)
        ORDER BY r.checked_at DESC LIMIT 1000) c WHERE c.user_id <> @user_id) AS client_users;
