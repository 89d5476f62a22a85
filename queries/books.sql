-- name: BooksAccounts :many
SELECT id, kind, owner, ref, currency, mode, floor, ceiling, opened_at
FROM ledger.account WHERE id = ANY (@ids::bigint[]) ORDER BY id;

-- name: BooksAccountNamed :one
SELECT id, kind, owner, ref, currency, mode, floor, ceiling, opened_at
FROM ledger.account WHERE owner = @owner AND kind = @kind AND currency = @currency AND ref = @ref;

-- Three lists and not one with conditions that may be off: each has the index that it reads by.
-- name: BooksAccountPage :many
SELECT id, kind, owner, ref, currency, mode, floor, ceiling, opened_at
FROM ledger.account
WHERE id < @before AND (sqlc.narg(currency)::text IS NULL OR currency = sqlc.narg(currency))
ORDER BY id DESC
LIMIT @page_size;

-- name: BooksAccountPageOfKind :many
SELECT id, kind, owner, ref, currency, mode, floor, ceiling, opened_at
FROM ledger.account
WHERE kind = @kind AND id < @before AND (sqlc.narg(currency)::text IS NULL OR currency = sqlc.narg(currency))
ORDER BY id DESC
LIMIT @page_size;

-- name: BooksAccountPageOfOwner :many
SELECT id, kind, owner, ref, currency, mode, floor, ceiling, opened_at
FROM ledger.account
WHERE owner = @owner AND id < @before AND (sqlc.narg(kind)::text IS NULL OR kind = sqlc.narg(kind))
  AND (sqlc.narg(currency)::text IS NULL OR currency = sqlc.narg(currency))
ORDER BY id DESC
LIMIT @page_size;

-- As LedgerBalance, for many accounts.
-- name: BooksBalances :many
SELECT a.id, coalesce(
    (SELECT b.balance FROM ledger.balance b WHERE b.account_id = a.id),
    (SELECT r.balance + coalesce((
         SELECT sum(p.amount) FROM ledger.posting p
         WHERE p.account_id = r.account_id AND p.seq IS NULL AND p.xid >= r.through), 0)
     FROM ledger.rollup r WHERE r.account_id = a.id))::bigint AS balance
FROM ledger.account a
WHERE a.id = ANY (@ids::bigint[])
ORDER BY a.id;

-- The postings of guarded accounts below a number, the newest first; so many of each account.
-- name: BooksNumberedPostings :many
SELECT p.entry_id, p.account_id, p.currency, p.amount, p.seq, p.balance
FROM (SELECT unnest(@accounts::bigint[]) AS account_id, unnest(@befores::bigint[]) AS before, unnest(@sizes::int[]) AS size) l
CROSS JOIN LATERAL (
    SELECT * FROM ledger.posting o
    WHERE o.account_id = l.account_id AND o.seq < l.before
    ORDER BY o.seq DESC
    LIMIT l.size
) p
ORDER BY p.account_id, p.seq DESC;

-- The postings of recorded accounts below an entry, the newest first; so many of each account. They have no numbers. The
-- transaction's id and the entry's give them an order that the index of the rollups' tails holds, so that posting need not
-- keep another index up to date.
-- name: BooksTailPostings :many
SELECT p.entry_id, p.account_id, p.currency, p.amount, p.seq, p.balance
FROM (SELECT unnest(@accounts::bigint[]) AS account_id, unnest(@befores::bigint[]) AS before, unnest(@sizes::int[]) AS size) l
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT e.xid FROM ledger.entry e WHERE e.id = l.before), '18446744073709551615'::xid8) AS xid
) b
CROSS JOIN LATERAL (
    SELECT * FROM ledger.posting o
    WHERE o.account_id = l.account_id AND o.seq IS NULL AND (o.xid, o.entry_id) < (b.xid, l.before)
    ORDER BY o.xid DESC, o.entry_id DESC
    LIMIT l.size
) p
ORDER BY p.account_id, p.xid DESC, p.entry_id DESC;

-- name: BooksEntries :many
SELECT e.id, e.key, e.flow, e.cause_kind, e.cause_id, e.reverses, e.posted_at,
       coalesce((SELECT r.id FROM ledger.entry r WHERE r.reverses = e.id), 0)::bigint AS reversed_by
FROM ledger.entry e
WHERE e.id = ANY (@ids::bigint[])
ORDER BY e.id;

-- name: BooksEntryByKey :one
SELECT e.id, e.reverses, e.cause_kind, e.cause_id FROM ledger.entry e WHERE e.key = @key;

-- name: BooksPostingsOfEntries :many
SELECT entry_id, account_id, currency, amount, seq, balance
FROM ledger.posting
WHERE entry_id = ANY (@entry_ids::bigint[])
ORDER BY entry_id, account_id;
