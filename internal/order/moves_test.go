package order

import (
	"slices"
	"testing"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/pgtest"
)

// The matrix in code is the matrix in the database.
func TestMovesAreTheTables(t *testing.T) {
	t.Parallel()
	rows, err := db.New().OrderMoves(t.Context(), pgtest.Tx(t))
	if err != nil {
		t.Fatal(err)
	}
	var code []db.OrderMove
	for from, states := range paymentMoves {
		for _, to := range states {
			code = append(code, db.OrderMove{Machine: "PAYMENT", FromState: string(from), ToState: string(to)})
		}
	}
	for from, states := range fulfilmentMoves {
		for _, to := range states {
			code = append(code, db.OrderMove{Machine: "FULFILMENT", FromState: string(from), ToState: string(to)})
		}
	}
	for _, move := range code {
		if !slices.Contains(rows, move) {
			t.Errorf("the code allows %v, the table does not", move)
		}
	}
	if len(rows) != len(code) {
		t.Errorf("%d moves in the table, %d in the code", len(rows), len(code))
	}
}

// Every action is made of allowed moves, and is offered to its party alone, in its state alone.
func TestActions(t *testing.T) {
	t.Parallel()
	for name, m := range actions {
		if !allowed(m.from, m.to) {
			t.Errorf("%s goes from %v to %v", name, m.from, m.to)
		}
		for _, p := range []Payment{PaymentPending, Paid, Settled} {
			for _, f := range []Fulfilment{FulfilmentPending, Sent, Received} {
				for _, party := range []Party{AsBuyer, AsSeller, ""} {
					offered := slices.Contains(Order{Payment: p, Fulfilment: f}.AvailableActions(party), name)
					if want := party == m.by && m.from == (state{p, f}); offered != want {
						t.Errorf("%s of %s %s to %q: %t", name, p, f, party, offered)
					}
				}
			}
		}
	}
}
