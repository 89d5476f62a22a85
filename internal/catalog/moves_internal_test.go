package catalog

import (
	"slices"
	"testing"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/pgtest"
)

// The matrix in code is the matrix in the database.
func TestMovesAreTheTables(t *testing.T) {
	t.Parallel()
	rows, err := db.New().ListingMoves(t.Context(), pgtest.Tx(t))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for from, states := range moves {
		for _, to := range states {
			n++
			if !slices.Contains(rows, db.ListingMove{FromState: string(from), ToState: string(to)}) {
				t.Errorf("the code allows %s to %s, the table does not", from, to)
			}
		}
	}
	if len(rows) != n {
		t.Errorf("%d moves in the table, %d in the code", len(rows), n)
	}
}
