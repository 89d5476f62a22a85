package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
)

// What a buyer claims, what carriers tell, wrong codes at a hand-over, and what was looked at before the money moved is told; nothing of another order's is.
func TestOrderTellsClaimsAndLooks(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithCards(t)
	defer w.Audited()
	o, other := sold(t, w), w.Sale(20_00)
	w.Exec(`INSERT INTO risk_check (id, user_id, quote_id, verdict, rules) SELECT gen_random_uuid(), $1, quote_id, 'REVIEW', '{DEVICE}' FROM quote_group WHERE order_id = $2`, o.BuyerID, o.ID)
	w.Exec(`INSERT INTO risk_check (id, user_id, order_id, verdict, rules) VALUES (gen_random_uuid(), $1, $2, 'ALLOW', '{}')`, other.BuyerID, other.ID)
	w.Exec(`UPDATE risk_review SET status = 'ALLOWED', decided_by = $1, reason = 'a family', decided_at = clock_timestamp()`, w.User(identity.Admin))
	w.Must2(w.Orders.Ship(t.Context(), o.SellerID, o.ID, "LX 1"))
	w.Exec(`INSERT INTO hand_over (order_id, wrong) VALUES ($1, 2)`, o.ID)
	w.Exec(`INSERT INTO shipment (id, order_id, seller_id, carrier, product, reference, grams, ship_from, ship_to, losses, status, next_try_at, carrier_number, label_key)
		VALUES (gen_random_uuid(), $1, $2, 'FEDEX', 'GROUND', '0123456789ABCDE', 600, '{}', '{}', '[]', 'LABELLED', NULL, '7946', 'labels/x')`, o.ID, o.SellerID)
	w.Exec(`INSERT INTO carrier_news (carrier, id, number, status, note) VALUES ('FEDEX', 'n1', '7946', 'DONE', ''), ('FEDEX', 'n2', '7946', 'IGNORED', 'of the past'), ('FEDEX', 'n3', '1111', 'DONE', '')`)
	w.Must2(w.Orders.ReportProblem(t.Context(), o.BuyerID, o.ID, order.NotArrived, "Nothing came."))
	all, err := explain.New(w.Pool).Order(t.Context(), o.ID)
	w.Must(err)
	for _, want := range []string{
		"RISK REVIEW, because of DEVICE", "RISK ALLOWED by ", "SHIPMENT FEDEX tells of 7946, by n1: DONE", "by n2: IGNORED, of the past", "SHIPMENT not handed over yet in person, after 2 wrong codes",
		": NOT_ARRIVED says its buyer: Nothing came.", " is OPEN, its next step comes by itself at ",
	} {
		if !slices.ContainsFunc(all, func(h explain.Happening) bool { return strings.Contains(string(h.Part)+" "+h.What, want) }) {
			t.Errorf("%q is not told: %+v", want, all)
		}
	}
	theirs, err := explain.New(w.Pool).Order(t.Context(), other.ID)
	w.Must(err)
	risks := 0
	for _, h := range theirs {
		if h.Part == explain.Claim || h.Part == explain.Shipment || strings.Contains(h.What, "DEVICE") {
			t.Errorf("another's: %+v", h)
		}
		if h.Part == explain.Risk {
			risks++
		}
	}
	if risks != 1 {
		t.Errorf("%d looks at another", risks)
	}
}
