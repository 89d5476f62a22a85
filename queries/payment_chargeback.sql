-- name: ChargebackLock :one
SELECT * FROM chargeback WHERE id = @id FOR UPDATE;
