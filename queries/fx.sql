-- All rates of one reading have one time: the transaction's. The caller sorts them, which keeps two readers from a deadlock.
-- name: FxRatesPut :exec
INSERT INTO fx_rate (source, as_of, currency, base, rate, fetched_at)
SELECT @source, @as_of::date, unnest(@currencies::text[]), @base, unnest(@rates::text[]), now()
ON CONFLICT (source, as_of, currency) DO UPDATE
SET base = excluded.base, rate = excluded.rate, fetched_at = excluded.fetched_at;

-- What the source said last. A currency that the last reading of a day no longer had is not among them.
-- name: FxRatesNewest :many
SELECT r.currency, r.base, r.rate, r.as_of, r.fetched_at, clock_timestamp()::timestamptz AS read_at
FROM fx_rate r
WHERE r.source = @source
  AND (r.as_of, r.fetched_at) = (
      SELECT n.as_of, n.fetched_at FROM fx_rate n WHERE n.source = @source ORDER BY n.as_of DESC, n.fetched_at DESC LIMIT 1)
ORDER BY r.currency;

-- name: FxRateEverHad :one
SELECT EXISTS (SELECT 1 FROM fx_rate WHERE source = @source AND currency = @currency);

-- name: FxNow :one
SELECT clock_timestamp()::timestamptz AS now;
