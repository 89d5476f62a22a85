package reconcile

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

//go:embed compare/*.sql
var files embed.FS

const (
	// young is how long a record may be on one side alone: webhooks, resolvers and sweeps bring it over within minutes.
	young = time.Hour
	// keep is how many differences of each kind are stored.
	keep = 100
)

// Service compares our books with one provider's.
type Service struct {
	pool     *pgxpool.Pool
	books    payment.Books
	provider string
	clock    clock.Clock
	pause    time.Duration // before a page is asked for again, longer each time
	q        *db.Queries
}

// New makes a Service for the provider that payment works with.
func New(pool *pgxpool.Pool, books payment.Books, c clock.Clock) *Service {
	return &Service{pool: pool, books: books, provider: payment.ProviderName, clock: c, pause: time.Second, q: db.New()}
}

// Options are what is compared, and who is told meanwhile.
type Options struct {
	Since time.Time // of the provider's records; all where it is zero. Sums are compared only where all are
	Cut   time.Time // records from then on may be on one side alone; an hour ago where it is zero

	Read  func(records int64) // told how many records have come, where it is not nil
	Found func(Difference)    // told each difference, and each that is Pending, where it is not nil
}

// Run is a comparison that is finished.
type Run struct {
	ID              uuid.UUID
	Provider        string
	Since           *time.Time
	Cut             time.Time
	StartedAt       time.Time
	FinishedAt      time.Time
	ProviderRecords int64
	OurRecords      int64
	Pending         int64
	DifferenceCount int64
}

// Agrees says that there is no difference.
func (r Run) Agrees() bool { return r.DifferenceCount == 0 }

// Run compares, and stores what came of it. An error says that nothing is known.
func (s *Service) Run(ctx context.Context, o Options) (_ Run, err error) {
	defer fault.Wrap(&err, "reconcile with %s", s.provider)
	c := &comparison{Service: s, options: o, pending: map[money.Currency]int64{}, kept: map[Kind]int{}}
	c.run = Run{ID: id.New(), Provider: s.provider, StartedAt: s.clock.Now(), Cut: o.Cut}
	if c.run.Cut.IsZero() {
		c.run.Cut = c.run.StartedAt.Add(-young)
	}
	if !o.Since.IsZero() {
		c.run.Since = &o.Since
	}
	acquired, err := s.pool.Acquire(ctx)
	if err != nil {
		return Run{}, err
	}
	c.conn = acquired.Hijack() // what is temporary ends with it
	defer func() { _ = c.conn.Close(context.WithoutCancel(ctx)) }()
	if err := c.fetch(ctx); err != nil {
		return Run{}, err
	}
	if err := c.compare(ctx); err != nil {
		return Run{}, err
	}
	c.run.FinishedAt = s.clock.Now()
	return c.run, c.store(ctx)
}

// comparison is one run while it is made.
type comparison struct {
	*Service
	options Options
	conn    *pgx.Conn
	run     Run
	pending map[money.Currency]int64 // what the provider is ahead of us, by what is pending
	found   []Difference             // the first of each kind
	kept    map[Kind]int
}

// compare reads all of our side in one snapshot.
func (c *comparison) compare(ctx context.Context) error {
	tx, err := c.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	err = tx.QueryRow(ctx, `SELECT count(*) FROM provider_txn t JOIN scope s ON t.provider = s.provider AND (s.since IS NULL OR t.booked_at >= s.since)`).
		Scan(&c.run.OurRecords)
	if err != nil {
		return err
	}
	for _, name := range []string{"records", "reversed", "posted"} {
		if err := c.differences(ctx, tx, name); err != nil {
			return fmt.Errorf("compare %s: %w", name, err)
		}
	}
	if c.run.Since != nil {
		return nil
	}
	if err := c.balances(ctx, tx); err != nil {
		return fmt.Errorf("compare the sums: %w", err)
	}
	return nil
}

// differences runs one query of compare/, whose rows are differences.
func (c *comparison) differences(ctx context.Context, tx pgx.Tx, name string) error {
	query, err := files.ReadFile("compare/" + name + ".sql")
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, string(query))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			d            Difference
			entry        int64
			theirs, ours *int64
		)
		if err := rows.Scan(&d.Kind, &d.ProviderID, &d.EntryKey, &entry, &d.Currency, &theirs, &ours, &d.Detail); err != nil {
			return err
		}
		if entry != 0 {
			d.EntryID = &entry
		}
		d.Theirs, d.Ours = amountOf(theirs, d.Currency), amountOf(ours, d.Currency)
		c.add(d)
	}
	return rows.Err()
}

// add counts a difference, tells it, and keeps the first of each kind.
func (c *comparison) add(d Difference) {
	if d.Kind == Pending {
		c.run.Pending++
		c.pending[d.Currency] += minor(d.Theirs) - minor(d.Ours)
	} else {
		c.run.DifferenceCount++
		d.Number = c.run.DifferenceCount
		if c.kept[d.Kind]++; c.kept[d.Kind] <= keep {
			c.found = append(c.found, d)
		}
	}
	if c.options.Found != nil {
		c.options.Found(d)
	}
}

// balances compares the sums: what is pending is on one side, and known.
func (c *comparison) balances(ctx context.Context, tx pgx.Tx) error {
	query, err := files.ReadFile("compare/balance.sql")
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, string(query))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		d := Difference{Kind: BalanceDiffers}
		var theirs, ours int64
		if err := rows.Scan(&d.Currency, &theirs, &ours); err != nil {
			return err
		}
		pending := c.pending[d.Currency]
		if theirs == ours+pending {
			continue
		}
		d.Theirs, d.Ours = amountOf(&theirs, d.Currency), amountOf(&ours, d.Currency)
		d.Detail = fmt.Sprintf("the provider's records come to %d %s, our clearing account to %d, and %d is pending: %d is not explained",
			theirs, d.Currency, ours, pending, theirs-ours-pending)
		c.add(d)
	}
	return rows.Err()
}

func amountOf(minor *int64, c money.Currency) *money.Amount {
	if minor == nil {
		return nil
	}
	amount := money.New(*minor, c)
	return &amount
}

func minor(a *money.Amount) int64 {
	if a == nil {
		return 0
	}
	return a.Minor
}
