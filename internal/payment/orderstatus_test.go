package payment

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/souklive/souk/internal/pgtest"
)

// The moves of a payment's status that follow in code, from a sight of the intent or from what buyer and seller do, are
// those that the database allows.
func TestOrderPaymentMovesAreTheTriggers(t *testing.T) {
	t.Parallel()
	code := map[string]bool{}
	move := func(from, to OrderPaymentStatus) { code[fmt.Sprintf("%s-%s", from, to)] = true }
	for from, seen := range seenAs {
		for state := range seen {
			if to := nextStatus(from, state); to != from {
				move(from, to)
			}
		}
	}
	move(OrderAuthorised, OrderCapturing)
	for _, from := range []OrderPaymentStatus{OrderProcessing, OrderRequiresAction, OrderAuthorised} {
		move(from, OrderVoiding)
	}
	move(OrderProcessing, OrderVoided) // without an intent
	var source string
	if err := pgtest.Tx(t).QueryRow(t.Context(), "SELECT prosrc FROM pg_proc WHERE proname = 'order_payment_guard'").Scan(&source); err != nil {
		t.Fatal(err)
	}
	database := map[string]bool{}
	for _, pair := range regexp.MustCompile(`\('([A-Z_]+)', '([A-Z_]+)'\)`).FindAllStringSubmatch(source, -1) {
		database[pair[1]+"-"+pair[2]] = true
	}
	if got, want := slices.Sorted(maps.Keys(code)), slices.Sorted(maps.Keys(database)); !slices.Equal(got, want) {
		t.Errorf("the code has %v, the trigger %v", got, want)
	}
}

// Sights of an intent may come late and in any order: whatever is seen again leads no further back than the status is.
func TestOldSightsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, life := range [][]IntentState{
		{Unconfirmed, AwaitingHolder, Authorised, Succeeded},
		{Unconfirmed, AwaitingHolder, Declined},
		{Unconfirmed, Authorised, Canceled},
		{Unconfirmed, InProgress, Canceled},
	} {
		status := OrderProcessing
		for i, seen := range life {
			status = nextStatus(status, seen)
			status = nextStatus(status, seen) // Succeeded takes two looks from the beginning
			for _, old := range life[:i+1] {
				if again := nextStatus(status, old); again != status {
					t.Errorf("%v: %s after %d becomes %s after %d", life, status, seen, again, old)
				}
			}
		}
	}
}
