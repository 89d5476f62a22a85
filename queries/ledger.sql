-- name: LedgerPost :one
SELECT p.entry_id::bigint AS entry_id, p.replayed::boolean AS replayed
FROM ledger.post(
    sqlc.arg(key)::text, sqlc.arg(hash)::bytea, sqlc.arg(flow)::text, sqlc.arg(cause_kind)::text, sqlc.arg(cause_id)::uuid,
    sqlc.arg(kinds)::text[], sqlc.arg(owners)::uuid[], sqlc.arg(refs)::text[], sqlc.arg(currencies)::text[],
    sqlc.arg(amounts)::bigint[]) AS p;

-- name: LedgerReverse :one
SELECT p.entry_id::bigint AS entry_id, p.replayed::boolean AS replayed
FROM ledger.reverse(
    sqlc.arg(reverses)::bigint, sqlc.arg(key)::text, sqlc.arg(hash)::bytea, sqlc.arg(flow)::text,
    sqlc.arg(cause_kind)::text, sqlc.arg(cause_id)::uuid) AS p;

-- name: LedgerRollUp :one
SELECT ledger.roll_up()::bigint AS moved;

-- A guarded account answers its projection; a recorded one its rollup and the tail behind it, which are
-- exact together because one statement sees one snapshot.
-- name: LedgerBalance :one
SELECT coalesce(
    (SELECT b.balance FROM ledger.balance b WHERE b.account_id = a.id),
    (SELECT r.balance + coalesce((
         SELECT sum(p.amount) FROM ledger.posting p
         WHERE p.account_id = r.account_id AND p.seq IS NULL AND p.xid >= r.through), 0)
     FROM ledger.rollup r WHERE r.account_id = a.id))::bigint AS balance
FROM ledger.account a
WHERE a.owner = sqlc.arg(owner) AND a.kind = sqlc.arg(kind) AND a.currency = sqlc.arg(currency) AND a.ref = sqlc.arg(ref);

-- name: LedgerWallets :many
SELECT a.owner, a.currency,
       coalesce(sum(b.balance) FILTER (WHERE a.kind = 'wallet'), 0)::bigint AS available,
       coalesce(sum(b.balance) FILTER (WHERE a.kind = 'wallet_held'), 0)::bigint AS held,
       EXISTS (SELECT FROM ledger.freeze f WHERE f.owner = a.owner AND f.lifted_at IS NULL) AS frozen
FROM ledger.account a
JOIN ledger.balance b ON b.account_id = a.id
WHERE a.owner = ANY (sqlc.arg(owners)::uuid[]) AND a.kind IN ('wallet', 'wallet_held') AND a.ref = ''
GROUP BY a.owner, a.currency
ORDER BY a.owner, a.currency;

-- A reversal's cause is who reversed and why, which is not for the account's owner: their line is about what was reversed.
-- name: LedgerStatement :many
SELECT p.seq::bigint AS seq, p.entry_id, p.amount, p.balance::bigint AS balance, e.flow,
       coalesce(o.cause_kind, e.cause_kind) AS cause_kind, coalesce(o.cause_id, e.cause_id) AS cause_id, e.posted_at
FROM ledger.account a
JOIN ledger.posting p ON p.account_id = a.id
JOIN ledger.entry e ON e.id = p.entry_id
LEFT JOIN ledger.entry o ON o.id = e.reverses
WHERE a.owner = sqlc.arg(owner) AND a.kind = sqlc.arg(kind) AND a.currency = sqlc.arg(currency) AND a.ref = sqlc.arg(ref)
  AND p.seq < sqlc.arg(before)::bigint
ORDER BY p.seq DESC
LIMIT sqlc.arg(page_size);

-- name: LedgerOfCause :one
SELECT coalesce(sum(p.amount), 0)::bigint AS amount
FROM ledger.entry e
JOIN ledger.posting p ON p.entry_id = e.id
JOIN ledger.account a ON a.id = p.account_id
WHERE e.cause_kind = sqlc.arg(cause_kind) AND e.cause_id = sqlc.arg(cause_id)
  AND a.owner = sqlc.arg(owner) AND a.kind = sqlc.arg(kind) AND a.currency = sqlc.arg(currency) AND a.ref = sqlc.arg(ref);

-- name: LedgerOwned :many
SELECT a.kind, a.currency, b.balance
FROM ledger.account a
JOIN ledger.balance b ON b.account_id = a.id
WHERE a.owner = sqlc.arg(owner) AND a.kind = ANY (sqlc.arg(kinds)::text[])
ORDER BY a.currency, a.kind;

-- name: LedgerFreeze :one
SELECT f.freeze_id::uuid AS freeze_id, f.fresh::boolean AS fresh
FROM ledger.freeze(
    sqlc.arg(id)::uuid, sqlc.arg(owner)::uuid, sqlc.arg(cause_kind)::text, sqlc.arg(cause_id)::uuid, sqlc.arg(reason)::text) AS f;

-- name: LedgerLift :one
SELECT ledger.lift(sqlc.arg(id)::uuid, sqlc.arg(lifted_kind)::text, sqlc.arg(lifted_by)::uuid, sqlc.arg(reason)::text)::boolean AS fresh;

-- name: LedgerFrozen :one
SELECT EXISTS (SELECT FROM ledger.freeze WHERE owner = sqlc.arg(owner) AND lifted_at IS NULL) AS frozen;

-- name: LedgerFreezes :many
SELECT * FROM ledger.freeze
WHERE owner = sqlc.arg(owner) AND (NOT sqlc.arg(open_only)::boolean OR lifted_at IS NULL)
ORDER BY frozen_at DESC, id DESC
LIMIT sqlc.arg(at_most);

-- name: LedgerFreezeGet :one
SELECT * FROM ledger.freeze WHERE id = sqlc.arg(id);
