-- name: ReconciliationRunInsert :exec
INSERT INTO reconciliation_run (id, provider, since, cut, started_at, finished_at, provider_records, our_records, pending, differences)
VALUES (@id, @provider, @since, @cut, @started_at, @finished_at, @provider_records, @our_records, @pending, @differences);

-- name: ReconciliationDifferenceInsert :exec
INSERT INTO reconciliation_difference (run_id, number, kind, provider_id, entry_key, entry_id, currency, theirs, ours, detail)
VALUES (@run_id, @number, @kind, @provider_id, @entry_key, @entry_id, @currency, @theirs, @ours, @detail);

-- name: ReconciliationRunLast :one
SELECT * FROM reconciliation_run ORDER BY finished_at DESC, id DESC LIMIT 1;

-- name: ReconciliationDifferencePage :many
SELECT * FROM reconciliation_difference
WHERE run_id = @run_id AND number > @after
ORDER BY number
LIMIT @page_size;
