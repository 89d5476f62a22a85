package order

import (
	"fmt"
	"maps"
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
	for _, m := range Moves() {
		code = append(code, db.OrderMove{Machine: m.Machine, FromState: m.From, ToState: m.To})
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

// An action is offered to who may do it, where they may, and to nobody else.
func TestActions(t *testing.T) {
	t.Parallel()
	offered := map[string]string{}
	for _, p := range []Payment{PaymentPending, Authorised, Paid, Settled, Refunded, Voided} {
		for _, f := range []Fulfilment{FulfilmentPending, Sent, EnRoute, Received, Cancelled} {
			for _, party := range []Party{AsBuyer, AsSeller, AsAdmin, ""} {
				if got := (Order{Payment: p, Fulfilment: f}).AvailableActions(party); len(got) > 0 {
					offered[fmt.Sprint(p, "/", f, " ", party)] = fmt.Sprint(got)
				}
			}
		}
	}
	want := map[string]string{
		"PENDING/PENDING BUYER": "[PAY CANCEL]", "PENDING/PENDING SELLER": "[CANCEL]", "PENDING/PENDING ADMIN": "[CANCEL]",
		"AUTHORISED/PENDING SELLER": "[SHIP HAND_OVER CANCEL]", "AUTHORISED/PENDING ADMIN": "[CANCEL]",
		"PAID/PENDING SELLER": "[SHIP HAND_OVER CANCEL REFUND]", "PAID/PENDING ADMIN": "[CANCEL REFUND]",
		"PAID/SENT BUYER": "[CONFIRM_RECEIPT REPORT_PROBLEM REQUEST_RETURN]", "PAID/SENT SELLER": "[HAND_OVER REFUND]", "PAID/SENT ADMIN": "[REFUND]",
		"PAID/EN_ROUTE BUYER": "[CONFIRM_RECEIPT REPORT_PROBLEM REQUEST_RETURN]", "PAID/EN_ROUTE SELLER": "[HAND_OVER REFUND]", "PAID/EN_ROUTE ADMIN": "[REFUND]",
		"PAID/RECEIVED BUYER": "[CONFIRM_RECEIPT REPORT_PROBLEM REQUEST_RETURN]", "PAID/RECEIVED SELLER": "[REFUND]", "PAID/RECEIVED ADMIN": "[REFUND]",
		"SETTLED/RECEIVED BUYER": "[REPORT_PROBLEM REQUEST_RETURN]", "SETTLED/RECEIVED SELLER": "[REFUND]", "SETTLED/RECEIVED ADMIN": "[REFUND]",
	}
	if !maps.Equal(offered, want) {
		t.Errorf("offered %v", offered)
	}
}
