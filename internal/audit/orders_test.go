package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/audit"
)

// Whatever is about orders is among their checks.
func TestChecksOfOrders(t *testing.T) {
	t.Parallel()
	checks, err := audit.Checks()
	if err != nil {
		t.Fatal(err)
	}
	names, err := audit.OfOrders()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		of := slices.Contains(names, c.Name)
		for _, about := range []string{"order_", "reservation_", "return_", "shipment_", "chargeback_", "invoice_", "code_", "stock_", "refund_", "promotion_", "offer_"} {
			if strings.HasPrefix(c.Name, about) && !of {
				t.Errorf("%s is left out", c.Name)
			}
		}
	}
}
