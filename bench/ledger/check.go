package main

import (
	"context"
	_ "embed" // the purchases
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/souklive/souk/internal/audit"
)

//go:embed scripts/purchases.sql
var purchases string

// postingsAPurchase is what one purchase of loadBooks leaves in the ledger.
const postingsAPurchase = 8

// loadBooks makes whole books of about n postings, as the use cases would have left them: purchases, each of which a buyer tops up for by card, pays
// from the wallet, and receives. There are 50 000 buyers and 5000 sellers. Triggers are off while it loads, and indexes are built when the
// rows are there.
func loadBooks(ctx context.Context, b *books, n int64) error {
	const buyers, sellers, price, fee, charge = 50_000, 5_000, 1000, 100, 39
	text := strings.NewReplacer("$purchases", strconv.FormatInt(n/postingsAPurchase, 10), "$buyers", strconv.Itoa(buyers), "$sellers", strconv.Itoa(sellers),
		"$price", strconv.Itoa(price), "$fee", strconv.Itoa(fee), "$charge", strconv.Itoa(charge))
	var statements []string
	for statement := range strings.SplitSeq(text.Replace(purchases), ";\n") {
		if strings.TrimSpace(statement) != "" {
			statements = append(statements, statement)
		}
	}
	return b.load(ctx, statements...)
}

// checkLarge runs every check on large books, and says what it took.
func checkLarge(ctx context.Context, b *books, postings int64, out io.Writer) error {
	fmt.Fprintf(out, "loading %d postings\n", postings)
	if err := loadBooks(ctx, b, postings); err != nil {
		return err
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	peak := watchPeak(watch, b)
	fmt.Fprintf(out, "\n%-28s %8s\n", "check", "seconds")
	begun := time.Now()
	ok, err := audit.Run(ctx, b.admin, audit.Options{}, func(r audit.Result) {
		fmt.Fprintf(out, "%-28s %8.1f\n", r.Name, r.Took.Seconds())
		for _, f := range r.Findings[:min(3, len(r.Findings))] {
			fmt.Fprintf(out, "  %s: %s\n", f.Subject, f.Detail)
		}
	})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	stop()
	if !ok {
		return errors.New("the loaded books do not hold")
	}
	fmt.Fprintf(out, "%-28s %8.1f\n\n", "all", took.Seconds())
	fmt.Fprintf(out, "peak memory of this process %d MB; of PostgreSQL's largest backend, shared buffers aside, %d MB\n",
		statusMB("self", peakPattern), <-peak)
	return nil
}

var (
	peakPattern = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)
	anonPattern = regexp.MustCompile(`(?m)^RssAnon:\s+(\d+) kB$`)
)

// statusMB reads one number of /proc/<pid>/status; where there is none, 0.
func statusMB(pid string, pattern *regexp.Regexp) int64 {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	match := pattern.FindSubmatch(text)
	if match == nil {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(match[1]), 10, 64)
	return kilobytes >> 10
}

// watchPeak gives, at the end, the most private memory that a backend of this database had at one time.
func watchPeak(ctx context.Context, b *books) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		var most int64
		for ctx.Err() == nil {
			rows, _ := b.admin.Query(ctx, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database()")
			for rows.Next() {
				var pid string
				if rows.Scan(&pid) == nil {
					most = max(most, statusMB(pid, anonPattern))
				}
			}
			rows.Close()
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		peak <- most
	}()
	return peak
}
