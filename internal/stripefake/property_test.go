package stripefake

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"
)

// modelCharge is what a charge has to be, by the rules alone: no statuses, no events, no ids but the
// one to ask by.
type modelCharge struct {
	intent, charge, card string

	amount, captured, refunded int64
	gone                       bool  // cancelled before it was captured
	failing                    int64 // refunds that will come back

	dispute  int64  // what was charged back, or 0
	decision string // the evidence that will decide
	outcome  string // won or lost, once it is
}

// moved is what the charge has left in the balance.
func (m *modelCharge) moved() int64 {
	if m.captured == 0 {
		return 0
	}
	fee := min(m.captured, (m.captured*150+5_000)/10_000+25)
	sum := m.captured - fee - m.refunded
	if m.dispute > 0 {
		sum -= 20_00
		if m.outcome != won {
			sum -= m.dispute
		}
	}
	return sum
}

func (m *modelCharge) refundable(amount int64) bool {
	return m.captured > 0 && amount >= 1 && amount <= m.captured-m.refunded && (m.dispute == 0 || m.outcome == won)
}

// pass is what the time that advance lets pass does to a charge.
func (m *modelCharge) pass() {
	m.refunded -= m.failing
	m.failing = 0
	switch {
	case m.decision == winningEvidence && m.outcome == "":
		m.outcome = won
	case m.decision == losingEvidence && m.outcome == "":
		m.outcome = lost
	case m.card == "pm_card_createDispute" && m.dispute == 0 && m.captured > 0:
		if m.dispute = m.captured - m.refunded; m.dispute == 0 {
			m.card = "pm_card_visa" // all of it was refunded in time
		}
	}
}

// machine drives the fake and the model side by side.
type machine struct {
	*bundle
	t       *rapid.T
	charges []*modelCharge
}

func (m *machine) expect(what string, err error, good bool) {
	if (err == nil) != good {
		m.t.Fatalf("%s: %v, and the model says %v", what, err, good)
	}
}

func (m *machine) pay() {
	m.payBy(rapid.SampledFrom([]string{"pm_card_visa", "pm_card_refundFail", "pm_card_pendingRefund", "pm_card_createDispute"}).Draw(m.t, "card"))
}

// suffer is a payment that is charged back.
func (m *machine) suffer() {
	m.payBy("pm_card_createDispute")
	m.pass()
}

func (m *machine) payBy(card string) {
	c := &modelCharge{card: card, amount: rapid.Int64Range(50, 9_999).Draw(m.t, "amount")}
	p := payment(c.card)
	p.Amount = &c.amount
	if rapid.Bool().Draw(m.t, "manual") {
		p.CaptureMethod = new("manual")
	} else {
		c.captured = c.amount
	}
	intent, err := m.api.PaymentIntents.New(p)
	m.expect("pay", err, true)
	c.intent, c.charge = intent.ID, intent.LatestCharge.ID
	m.charges = append(m.charges, c)
}

func (m *machine) pick() *modelCharge { return rapid.SampledFrom(m.charges).Draw(m.t, "charge") }

func (m *machine) capture() {
	c := m.pick()
	amount := rapid.Int64Range(1, c.amount+1).Draw(m.t, "captured")
	good := c.captured == 0 && !c.gone && amount <= c.amount
	_, err := m.api.PaymentIntents.Capture(c.intent, &stripe.PaymentIntentCaptureParams{AmountToCapture: &amount})
	m.expect(fmt.Sprintf("capture %d of %+v", amount, *c), err, good)
	if good {
		c.captured = amount
	}
}

func (m *machine) cancel() {
	c := m.pick()
	good := c.captured == 0 && !c.gone
	_, err := m.api.PaymentIntents.Cancel(c.intent, nil)
	m.expect(fmt.Sprintf("cancel %+v", *c), err, good)
	c.gone = c.gone || good
}

func (m *machine) refund() {
	c := m.pick()
	amount := rapid.Int64Range(1, c.amount+1).Draw(m.t, "refunded")
	good := c.refundable(amount)
	_, err := m.api.Refunds.New(refundOf(c.intent, amount))
	m.expect(fmt.Sprintf("refund %d of %+v", amount, *c), err, good)
	if good {
		c.refunded += amount
		if c.card == "pm_card_refundFail" {
			c.failing += amount
		}
	}
}

func (m *machine) answer() {
	disputed := slices.DeleteFunc(slices.Clone(m.charges), func(c *modelCharge) bool { return c.dispute == 0 })
	if len(disputed) == 0 {
		return
	}
	c := rapid.SampledFrom(disputed).Draw(m.t, "disputed")
	text := rapid.SampledFrom([]string{winningEvidence, losingEvidence}).Draw(m.t, "evidence")
	good := c.decision == "" && c.outcome == ""
	i := m.api.Disputes.List(&stripe.DisputeListParams{Charge: &c.charge})
	if !i.Next() {
		m.t.Fatalf("no dispute of %+v", *c)
	}
	_, err := m.api.Disputes.Update(i.Dispute().ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: &text}})
	m.expect(fmt.Sprintf("answer %+v", *c), err, good)
	if good {
		c.decision = text
	}
}

func (m *machine) pass() {
	m.clock.advance(6 * time.Second)
	m.server.Tick()
	for _, c := range m.charges {
		c.pass()
	}
}

func (m *machine) agrees() {
	var want int64
	for _, c := range m.charges {
		want += c.moved()
		got, err := m.api.Charges.Get(c.charge, nil)
		if err != nil {
			m.t.Fatal(err)
		}
		released := c.amount - c.captured // of the authorisation, which counts as refunded
		if c.captured == 0 && !c.gone {
			released = 0
		}
		if got.AmountCaptured != c.captured || got.AmountRefunded != c.refunded+released || got.Disputed != (c.dispute > 0) {
			m.t.Fatalf("captured %d, refunded %d, disputed %v; the model: %+v", got.AmountCaptured, got.AmountRefunded, got.Disputed, *c)
		}
	}
	if got := m.net(); got != want {
		m.t.Fatalf("the journal sums to %d, the model to %d", got, want)
	}
}

// same holds that a fake which reads the state back is the one that wrote it.
func (m *machine) same(path string) {
	if err := m.server.Close(); err != nil {
		m.t.Fatal(err)
	}
	again, err := New(Config{Key: testKey, Clock: m.clock, StateFile: path})
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	for id, r := range m.server.store.byID {
		if !bytes.Equal(mustMarshal(again.store.byID[id]), mustMarshal(r)) {
			m.t.Fatalf("read back: %s\nwas: %s", mustMarshal(again.store.byID[id]), mustMarshal(r))
		}
	}
	if len(again.store.byID) != len(m.server.store.byID) || !bytes.Equal(mustMarshal(again.agenda), mustMarshal(m.server.agenda)) {
		m.t.Fatalf("%d objects and agenda %v, was %d and %v", len(again.store.byID), again.agenda, len(m.server.store.byID), m.server.agenda)
	}
}

// TestMoneyFollowsTheRules drives random flows and compares the balance with the model's after each step.
func TestMoneyFollowsTheRules(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	run, ends := 0, make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		run++
		path := filepath.Join(directory, strconv.Itoa(run))
		m := &machine{bundle: setupWith(t, Config{Seed: uint64(run), StateFile: path}), t: rt}
		m.pay()
		steps := []func(){m.pay, m.suffer, m.capture, m.cancel, m.refund, m.refund, m.answer, m.answer, m.pass}
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")]()
			m.agrees()
		}
		m.same(path)
		for _, c := range m.charges {
			ends[c.outcome]++
		}
	})
	for _, outcome := range []string{won, lost} {
		if ends[outcome] == 0 && !t.Failed() {
			t.Errorf("no dispute was %s", outcome)
		}
	}
}
