package graph_test

import (
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// moneyMovers are the mutations that move money, written down apart from the schema: a new one belongs here.
var moneyMovers = []string{
	"auctionBuyNow",
	"bidCancel",
	"bidPlace",
	"checkoutConfirm",
	"ledgerEntryReverse",
	"lotClose",
	"lotPass",
	"orderCancel",
	"orderConfirmReceipt",
	"orderHandOver",
	"orderPay",
	"orderRefund",
	"orderReturnLabel",
	"orderReturnReceived",
	"orderShip",
	"promotionChange",
	"promotionCreate",
	"reservationPay",
	"secondChanceAccept",
	"shipmentCreate",
	"walletExchange",
	"walletTopUp",
	"walletWithdraw",
}

// stockMovers are those that move stock, or quote it: they keep their answers as well.
var stockMovers = []string{"cartReserve", "checkoutQuote", "codesUpload", "orderQuote", "reservationCreate", "stockAdjust", "stockMove", "stockReceive"}

// repeatable take a key and move no money: the row that they make holds it, and is the answer.
var repeatable = []string{"showMessageSend"}

// Whoever takes a key has to keep the answer, and whoever keeps the answer needs a key.
func TestMoneyMoversAreIdempotent(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, f := range rootFields(s)[s.Mutation] {
		idempotent := f.Directives.ForName("idempotent") != nil
		if keyed := keyOf(s, f) != nil && !slices.Contains(repeatable, f.Name); keyed != idempotent {
			t.Errorf("%s: takes an idempotencyKey: %v; is @idempotent: %v", f.Name, keyed, idempotent)
		}
		if moves := slices.Contains(append(stockMovers, moneyMovers...), f.Name); moves != idempotent {
			t.Errorf("%s: in the lists of what moves money or stock: %v; is @idempotent: %v", f.Name, moves, idempotent)
		}
		if !idempotent {
			continue
		}
		if key := keyOf(s, f); key.Type.String() != "String!" {
			t.Errorf("%s: its key is %s", f.Name, key.Type)
		}
		// gqlgen runs the last directive first: who may not do it takes no key.
		if last := f.Directives[len(f.Directives)-1].Name; last != "auth" {
			t.Errorf("%s: @auth stands before @%s", f.Name, last)
		}
	}
	for _, name := range moneyMovers {
		if s.Mutation.Fields.ForName(name) == nil {
			t.Errorf("there is no mutation %s", name)
		}
	}
	for _, root := range []*ast.Definition{s.Query, s.Subscription} {
		for _, f := range root.Fields {
			if f.Directives.ForName("idempotent") != nil {
				t.Errorf("%s.%s is no mutation", root.Name, f.Name)
			}
		}
	}
}

// keyOf is the field of a mutation's input that takes the key; nil where there is none.
func keyOf(s *ast.Schema, f *ast.FieldDefinition) *ast.FieldDefinition {
	in := f.Arguments.ForName("input")
	if in == nil {
		return nil
	}
	return s.Types[in.Type.Name()].Fields.ForName("idempotencyKey")
}
