package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/payment"
)

const (
	batch    = 5_000 // records are held in memory
	attempts = 5     // to get one page
	strays   = 1_000 // records of ours are asked for one by one
)

// The provider's side of the comparison, for as long as the connection lasts.
const temporary = `
	CREATE TEMPORARY TABLE provider_record (
		id text NOT NULL, type text NOT NULL, kind text NOT NULL, currency text NOT NULL, gross bigint NOT NULL, fee bigint NOT NULL,
		source text NOT NULL, created_at timestamptz NOT NULL);
	CREATE TEMPORARY TABLE scope (provider text NOT NULL, since timestamptz, cut timestamptz NOT NULL);`

// fetch copies the provider's records into the temporary table. Each batch is a statement of its own: no transaction
// waits for the provider.
func (c *comparison) fetch(ctx context.Context) error {
	if _, err := c.conn.Exec(ctx, temporary); err != nil {
		return fmt.Errorf("make the temporary tables: %w", err)
	}
	if _, err := c.conn.Exec(ctx, "INSERT INTO scope VALUES ($1, $2, $3)", c.provider, c.run.Since, c.run.Cut); err != nil {
		return err
	}
	if err := c.pages(ctx); err != nil {
		return err
	}
	// The provider lists a record once; twice, the sums would be wrong.
	if _, err := c.conn.Exec(ctx, "CREATE UNIQUE INDEX ON provider_record (id)"); err != nil {
		return fmt.Errorf("the provider listed a record twice: %w", err)
	}
	if err := c.strays(ctx); err != nil {
		return err
	}
	_, err := c.conn.Exec(ctx, "ANALYZE provider_record")
	return err
}

// pages goes through the provider's list, the newest first. What is added meanwhile is younger than the cut.
func (c *comparison) pages(ctx context.Context) error {
	held := make([]payment.Record, 0, batch)
	for after := ""; ; {
		page, more, err := c.page(ctx, after)
		if err != nil {
			return err
		}
		held = append(held, page...)
		if len(held) > batch-len(page) || !more {
			if err := c.copyIn(ctx, held); err != nil {
				return err
			}
			held = held[:0]
		}
		switch {
		case !more:
			return nil
		case len(page) == 0 || page[len(page)-1].ID == after:
			return fmt.Errorf("the provider has more records after %q and does not give them", after)
		}
		after = page[len(page)-1].ID
	}
}

// page asks for one page until the provider answers: reading is safe to repeat.
func (c *comparison) page(ctx context.Context, after string) (page []payment.Record, more bool, err error) {
	for attempt := 1; ; attempt++ {
		page, more, err = c.books.Records(ctx, c.options.Since, after)
		failed, ok := errors.AsType[*payment.ProviderError](err)
		if err == nil || !ok || attempt == attempts || failed.Outcome == payment.Rejected || failed.Outcome == payment.Locked {
			return page, more, err
		}
		select {
		case <-time.After(c.pause << (attempt - 1)):
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

func (c *comparison) copyIn(ctx context.Context, records []payment.Record) error {
	_, err := c.conn.CopyFrom(ctx, pgx.Identifier{"provider_record"},
		[]string{"id", "type", "kind", "currency", "gross", "fee", "source", "created_at"},
		pgx.CopyFromSlice(len(records), func(i int) ([]any, error) {
			r := records[i]
			return []any{r.ID, r.Type, r.Kind, string(r.Gross.Currency), r.Gross.Minor, r.Fee.Minor, r.Source, r.CreatedAt}, nil
		}))
	if err != nil {
		return fmt.Errorf("copy the provider's records: %w", err)
	}
	c.run.ProviderRecords += int64(len(records))
	if c.options.Read != nil {
		c.options.Read(c.run.ProviderRecords)
	}
	return nil
}

// strays fetches one by one what we booked lately and the provider made before the list begins: a webhook may come days
// late. More than some are no matter of time, and stay differences.
func (c *comparison) strays(ctx context.Context) error {
	if c.run.Since == nil {
		return nil
	}
	rows, err := c.conn.Query(ctx, `SELECT t.id FROM provider_txn t JOIN scope s ON t.provider = s.provider AND t.booked_at >= s.since AND t.booked_at < s.cut
		WHERE NOT EXISTS (SELECT FROM provider_record p WHERE p.id = t.id) ORDER BY t.id LIMIT $1`, strays)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, id := range ids {
		record, err := c.books.Record(ctx, id)
		if errors.Is(err, payment.ErrNoRecord) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.copyIn(ctx, []payment.Record{record}); err != nil {
			return err
		}
	}
	return nil
}
