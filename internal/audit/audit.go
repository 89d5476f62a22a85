// Package audit checks the books: every invariant that money rests on is a query in checks/, named after its file,
// whose first comment says what must hold and whose rows are what breaks it.
//
// It owns no table and changes nothing. All checks see one snapshot, so that they are exact while servers work.
package audit

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed checks/*.sql
var files embed.FS

// defaultLimit is how many rows of a broken invariant are kept where nobody says.
const defaultLimit = 20

// Options are how Run reports.
type Options struct {
	Limit int          // how many rows of each broken invariant to keep; 20 where it is not above 0
	Only  []string     // the names of the checks to run; all where it is empty
	Begun func(*Check) // told before each check, where it is not nil: some take a minute on large books
}

// UnknownCheckError names a check that does not exist.
type UnknownCheckError struct{ Name string }

func (e *UnknownCheckError) Error() string { return fmt.Sprintf("there is no check %q", e.Name) }

// Finding is one row that breaks an invariant: what it is about, and how it is wrong.
type Finding struct {
	Subject, Detail string
}

// Result is what one check found. Count is of all rows that break the invariant, Findings are the first of them.
type Result struct {
	Name, Sentence string
	Count          int64
	Findings       []Finding
	Took           time.Duration
}

// OK says that nothing breaks the invariant.
func (r Result) OK() bool { return r.Count == 0 }

// Check is one invariant.
type Check struct {
	Name     string // of its file
	Sentence string // what must hold
	query    string
}

// Checks are all invariants, by name.
func Checks() ([]Check, error) {
	names, err := fs.Glob(files, "checks/*.sql") // sorted
	if err != nil {
		return nil, fmt.Errorf("list the checks: %w", err)
	}
	checks := make([]Check, len(names))
	for i, name := range names {
		query, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a check: %w", err)
		}
		checks[i] = Check{
			Name: strings.TrimSuffix(path.Base(name), ".sql"), Sentence: leadingComment(string(query)), query: string(query),
		}
	}
	return checks, nil
}

// chosen is the checks of some names, in their usual order; all where there are no names.
func chosen(names []string) ([]Check, error) {
	checks, err := Checks()
	if err != nil || len(names) == 0 {
		return checks, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(checks, func(c Check) bool { return c.Name == name }) {
			return nil, &UnknownCheckError{name}
		}
	}
	return slices.DeleteFunc(checks, func(c Check) bool { return !slices.Contains(names, c.Name) }), nil
}

// leadingComment is the text of the comment lines that a query begins with.
func leadingComment(query string) string {
	var words []string
	for line := range strings.Lines(query) {
		text, ok := strings.CutPrefix(line, "--")
		if !ok {
			break
		}
		words = append(words, strings.TrimSpace(text))
	}
	return strings.Join(words, " ")
}

// Run runs the checks and reports each as it ends; ok says that all hold. A database that can't be read is an
// error, and then nothing is known. The caller needs no right but SELECT; memory stays small however much is broken.
func Run(ctx context.Context, pool *pgxpool.Pool, o Options, report func(Result)) (ok bool, err error) {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return false, fmt.Errorf("audit: begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	return runAll(ctx, tx, o, report)
}

func runAll(ctx context.Context, tx pgx.Tx, o Options, report func(Result)) (ok bool, err error) {
	checks, err := chosen(o.Only)
	if err != nil {
		return false, err
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	ok = true
	for _, check := range checks {
		if o.Begun != nil {
			o.Begun(&check)
		}
		result, err := run(ctx, tx, check, o.Limit)
		if err != nil {
			return false, fmt.Errorf("audit: %s: %w", check.Name, err)
		}
		report(result)
		ok = ok && result.OK()
	}
	return ok, nil
}

func run(ctx context.Context, tx pgx.Tx, check Check, limit int) (Result, error) {
	result := Result{Name: check.Name, Sentence: check.Sentence}
	begun := time.Now()
	rows, err := tx.Query(ctx, check.query)
	if err != nil {
		return Result{}, err
	}
	defer rows.Close()
	for rows.Next() {
		if result.Count++; len(result.Findings) == limit {
			continue // counted, not kept
		}
		var f Finding
		if err := rows.Scan(&f.Subject, &f.Detail); err != nil {
			return Result{}, err
		}
		result.Findings = append(result.Findings, f)
	}
	result.Took = time.Since(begun)
	return result, rows.Err()
}
