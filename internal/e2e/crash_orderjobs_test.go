package e2e

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/ledger"
)

// orderJob is a job that brings orders on by time.
type orderJob struct {
	kind   string
	ready  func(*owed)
	due    string // makes its time come
	table  string
	step   string // the condition that a row is brought on
	ends   string
	seller ledger.Kind
	earned int
}

func orderJobs() []orderJob {
	const over = `UPDATE order_claim SET due_at = clock_timestamp() WHERE ended_at IS NULL`
	return []orderJob{
		{
			kind: "order_complete", ready: (*owed).sent, due: `UPDATE orders SET complete_by = clock_timestamp()`, table: "orders",
			step: "OLD.payment <> 'SETTLED' AND NEW.payment = 'SETTLED'", ends: "SETTLED RECEIVED", seller: ledger.SellerPending, earned: 3800,
		},
		{
			kind: "order_mature", ready: (*owed).released, due: `UPDATE orders SET mature_by = clock_timestamp()`, table: "orders",
			step: "OLD.matured_at IS NULL AND NEW.matured_at IS NOT NULL", ends: "SETTLED RECEIVED", seller: ledger.SellerAvailable, earned: 3800,
		},
		{
			kind: "order_claim", ready: (*owed).complained, due: over, table: "order_claim", step: "OLD.status <> 'RESOLVED' AND NEW.status = 'RESOLVED'", ends: "REFUNDED SENT", seller: ledger.SellerAvailable,
		},
	}
}

// complained has it sent, its buyer complain, and nobody answer: staff are to decide.
func (o *owed) complained() {
	o.t.Helper()
	o.sent()
	o.bilal.Must(o.t, tour(o.t, "Report a problem"), apitest.Vars{"input": apitest.Vars{"orderId": o.order, "reason": "NOT_ARRIVED", "text": "Nothing came."}})
	o.count(`WITH c AS (UPDATE order_claim SET status = 'ESCALATED' RETURNING 1), o AS (UPDATE orders SET claim = 'ESCALATED' RETURNING 1) SELECT count(*) FROM c, o`)
}

// Killed in the jobs that complete orders, mature what they earned and decide what nobody answers: each has happened, or happens once the next server is there, once.
func TestKilledInAnOrdersJobs(t *testing.T) {
	t.Parallel()
	for _, job := range orderJobs() {
		for _, point := range []crashPoint{
			at("when it is written", write("UPDATE", job.table, job.step)),
			at("before the commit", commit("UPDATE", job.table, job.step, lost)),
			at("after the commit", commit("UPDATE", job.table, job.step, happens)),
		} {
			t.Run(job.kind+" "+point.name, func(t *testing.T) {
				t.Parallel()
				o := newOwed(t, untold)
				job.ready(o)
				o.dieAt(point, func() (wait func()) {
					o.count(`WITH d AS (` + job.due + ` RETURNING 1), j AS (INSERT INTO river_job (args, kind, max_attempts) VALUES ('{}', '` + job.kind + `', 1) RETURNING 1) SELECT count(*) FROM d, j`)
					return func() {}
				})
				eventually(t, "the job's end", func() bool {
					return o.state() == job.ends && o.balance(job.seller) == job.earned && o.balance(ledger.Escrow) == 0 && o.count(`SELECT count(*) FROM refund WHERE status = 'PROCESSING'`) == 0
				})
				if n := o.count(`SELECT count(*) FROM orders WHERE claim IS NOT NULL`) + o.count(`SELECT count(*) FROM order_claim WHERE ended_at IS NULL`); n != 0 {
					t.Errorf("%d claims are open", n)
				}
				o.charged(2000, 2500)
				o.checkBooks()
			})
		}
	}
}
