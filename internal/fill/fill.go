// Package fill makes an invented catalogue of any size: sellers, categories, brands, listings of every kind with prices, photos' rows,
// places and stock. It is for trying and measuring, and writes in bulk: each table by one statement, with the tables' triggers off for
// this one transaction, and what they would have written by statements of its own. search_rebuild() makes the documents.
//
// What must stay true: the rows are those that the triggers would have made (TestBulkIsWhatTriggersMake), and a run that is killed
// leaves nothing.
package fill

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

// The limits of a run.
const (
	Least = 1
	Most  = 10_000_000
)

// ErrSize refuses to make nothing, or more than anybody has room for.
var ErrSize = errors.New("a catalogue is filled with 1 to 10,000,000 listings")

//go:embed made.sql
var made string // what is made, in temporary tables

//go:embed rows.sql
var rows string // the rows that anybody writes

//go:embed derived.sql
var derived string // the rows that triggers write

// tables are those whose triggers are off meanwhile.
var tables = []string{"listing", "variant", "price_change", "listing_place", "listing_attribute", "stock", "stock_movement"}

// Run adds so many listings, as the schema's owner. bulk writes without triggers; without it they run, which takes ten times as long.
func Run(ctx context.Context, admin *pgxpool.Pool, listings int, bulk bool) (err error) {
	if listings < Least || listings > Most {
		return ErrSize
	}
	defer fault.Wrap(&err, "fill the catalogue")
	return postgres.InTx(ctx, admin, func(tx pgx.Tx) error {
		steps := []string{strings.ReplaceAll(made, ":listings", strconv.Itoa(listings)), rows}
		if bulk {
			var off, on strings.Builder
			for _, table := range tables {
				fmt.Fprintf(&off, "ALTER TABLE %s DISABLE TRIGGER USER;", table)
				fmt.Fprintf(&on, "ALTER TABLE %s ENABLE TRIGGER USER;", table)
			}
			steps = []string{steps[0], off.String(), rows, derived, "SET CONSTRAINTS ALL IMMEDIATE", on.String(), "SELECT search_rebuild()"}
		} else {
			steps = append(steps, "INSERT INTO stock_movement (variant_id, location_id, number, kind, quantity, on_hand, cause_id, actor_id) SELECT variant_id, location_id, 0, 'RECEIVED', on_hand, 0, cause_id, actor_id FROM made_stock")
		}
		steps = append(steps, "DROP TABLE made, made_variant, made_stock")
		for _, step := range steps {
			if _, err := tx.Exec(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})
}
