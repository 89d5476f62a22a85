package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/ledger"
)

const (
	aDispute   = "/v1/disputes/*"
	withdrawn  = "OLD.withdrawn_txn_id IS NULL AND NEW.withdrawn_txn_id IS NOT NULL"
	reinstated = "OLD.reinstated_txn_id IS NULL AND NEW.reinstated_txn_id IS NOT NULL"
	givenUp    = "OLD.status <> 'LOST' AND NEW.status = 'LOST'"
)

// decision is a stage of a dispute at Stripe. Two events tell of it; we stop at one of them.
type decision struct {
	name    string
	outcome string // that Stripe decides; empty where the dispute only opens
	told    string // the event
	changes string // what changes in our row
	entry   trap   // before the entry
	status  string // of our chargeback, afterwards
}

func decisions() []decision {
	return []decision{
		{"opened", "", "charge.dispute.created", withdrawn, write("INSERT", "provider_txn", "NEW.kind = 'CHARGEBACK'"), "NEEDS_RESPONSE"},
		{"won", "won", "charge.dispute.closed", reinstated, write("INSERT", "provider_txn", "NEW.kind = 'CHARGEBACK_REVERSAL'"), "WON"},
		{"lost", "lost", "charge.dispute.closed", givenUp, write("UPDATE", "chargeback", givenUp), "LOST"},
	}
}

// points are every moment between Stripe's telling of it and our being done with it.
func (d decision) points() []crashPoint {
	return append([]crashPoint{
		at("before the webhook arrives", webhook(d.told)),
		at("before the event is kept", commit("INSERT", "provider_event", "NEW.kind = '"+d.told+"'", lost)),
		at("when the event is kept", commit("INSERT", "provider_event", "NEW.kind = '"+d.told+"'", happens)),
		at("when the webhook is answered", webhookAnswer(d.told)),
		at("before the look", request("GET", aDispute, lost)),
		at("when the event is done", commit("UPDATE", "provider_event", handled, happens)),
		at("after the look, and then before the next server's record is committed", answer("GET", aDispute), commit("UPDATE", "chargeback", d.changes, lost)),
	}, d.own()...)
}

// own are those that differ from one decision to another.
func (d decision) own() []crashPoint {
	return append([]crashPoint{
		at("after the look", answer("GET", aDispute)),
		at("before the event is done", commit("UPDATE", "provider_event", handled, lost)),
	}, d.records()...)
}

// records are those that differ by what was paid with the charge, too.
func (d decision) records() []crashPoint {
	return []crashPoint{
		at("before the entry is posted", d.entry),
		at("before the record is committed", commit("UPDATE", "chargeback", d.changes, lost)),
		at("when the record is committed", commit("UPDATE", "chargeback", d.changes, happens)),
	}
}

// holdings are what stands after a chargeback: the wallet, its freezes, escrow, what is withdrawn and undecided, what the
// platform has lost, and whether the order waits.
type holdings struct{ wallet, freezes, escrow, withdrawn, loss, disputed int }

func TestKilledInATopUpsChargeback(t *testing.T) {
	t.Parallel()
	ends := map[string]holdings{
		"opened": {wallet: 2000, freezes: 1, withdrawn: -2000},
		"won":    {wallet: 2000},
		"lost":   {},
	}
	for _, d := range decisions() {
		points := d.points()
		if d.outcome != "" { // on the way to us all events are the same
			points = d.own()
		}
		for _, point := range points {
			t.Run(d.name+" "+point.name, func(t *testing.T) {
				t.Parallel()
				c := newCrashSite(t)
				c.server.signUp("Bilal", "BUYER").topUp(t, 20)
				c.chargedBack(d, point, `SELECT charge_id FROM top_up`)
				c.holds(ends[d.name])
			})
		}
	}
}

func TestKilledInAnOrdersChargeback(t *testing.T) {
	t.Parallel()
	for _, order := range []struct {
		name  string
		ready func(o *owed)
		ends  map[string]holdings
	}{
		{"before the release", (*owed).sent, map[string]holdings{
			"opened": {wallet: 500, escrow: 4000, withdrawn: -2500, disputed: 1},
			"won":    {wallet: 500, escrow: 4000},
			"lost":   {wallet: 500, escrow: 1500},
		}},
		{"after the release", (*owed).released, map[string]holdings{
			"opened": {wallet: 500, withdrawn: -2500, disputed: 1},
			"won":    {wallet: 500},
			"lost":   {wallet: 500, loss: -2500, disputed: 1},
		}},
	} {
		for _, d := range decisions() {
			for _, point := range d.records() {
				t.Run(order.name+" "+d.name+" "+point.name, func(t *testing.T) {
					t.Parallel()
					o := newOwed(t)
					order.ready(o)
					o.chargedBack(d, point, `SELECT charge_id FROM order_payment`)
					o.holds(order.ends[d.name])
				})
			}
		}
	}
}

// chargedBack has a charge disputed and, where the decision says so, decided; the server dies at the point.
func (c *crashSite) chargedBack(d decision, point crashPoint, charge string) {
	c.t.Helper()
	var id string
	if err := c.db.Admin.QueryRow(c.t.Context(), charge).Scan(&id); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "the events so far", c.told)
	var dispute string
	opens := func() (wait func()) {
		opened, err := c.fake.OpenDispute(id, "fraudulent", 0, false)
		if err != nil {
			c.t.Fatal(err)
		}
		dispute = opened.ID
		return func() {}
	}
	if d.outcome == "" {
		c.dieAt(point, opens)
	} else {
		opens()
		eventually(c.t, "the withdrawal", func() bool { return c.hasChargeback("NEEDS_RESPONSE") && c.told() })
		c.dieAt(point, func() (wait func()) {
			if err := c.fake.DecideDispute(dispute, d.outcome); err != nil {
				c.t.Fatal(err)
			}
			return func() {}
		})
	}
	eventually(c.t, "the chargeback's end", func() bool { return c.hasChargeback(d.status) && c.heard() })
}

func (c *crashSite) hasChargeback(status string) bool {
	return c.count(`SELECT count(*) FROM chargeback WHERE status = $1`, status) == 1
}

// holds insists on what stands, that Stripe's movements are booked once each, and that nobody but those is touched.
func (c *crashSite) holds(want holdings) {
	c.t.Helper()
	got := holdings{
		wallet: c.balance(ledger.Wallet), escrow: c.balance(ledger.Escrow), withdrawn: c.balance(ledger.Chargeback), loss: c.balance(ledger.ChargebackLoss),
		freezes:  c.count(`SELECT count(*) FROM ledger.freeze WHERE lifted_at IS NULL`),
		disputed: c.count(`SELECT count(*) FROM orders WHERE disputed`),
	}
	if got != want {
		c.t.Errorf("there are %+v, want %+v", got, want)
	}
	if rows := c.count(`SELECT count(*) FROM chargeback`); rows != 1 {
		c.t.Errorf("there are %d chargebacks", rows)
	}
	c.checkBooks()
}
