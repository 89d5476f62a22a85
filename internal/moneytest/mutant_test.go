package moneytest

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/referral"
)

// mutant is the product with one mistake in it that people make.
type mutant struct {
	name  string
	parts []part // in which it shows
	twist twist
	harm  func(*world)
}

// hasty takes a lost answer for a refusal.
type hasty struct{ payment.Provider }

func (p hasty) ConfirmIntent(ctx context.Context, id, returnURL, key string) (payment.Intent, error) {
	intent, err := p.Provider.ConfirmIntent(ctx, id, returnURL, key)
	if lostAnswer(err) {
		err = &payment.ProviderError{Op: "confirm", Outcome: payment.Refused, Code: "card_declined", Err: err}
	}
	return intent, err
}

// insistent charges anew where an answer was lost, instead of asking what has happened.
type insistent struct{ payment.Provider }

func (p insistent) ConfirmIntent(ctx context.Context, id, returnURL, key string) (payment.Intent, error) {
	intent, err := p.Provider.ConfirmIntent(ctx, id, returnURL, key)
	if !lostAnswer(err) {
		return intent, err
	}
	if again, err := p.Intent(ctx, id); err == nil {
		request := payment.IntentRequest{Key: uuid.NewString(), Amount: again.Amount, PaymentMethod: "pm_card_visa", Reference: "again"}
		if again, err = p.CreateIntent(ctx, request); err == nil {
			_, _ = p.Provider.ConfirmIntent(ctx, again.ID, returnURL, uuid.NewString())
		}
	}
	return intent, err
}

// generous forgets what Stripe takes for itself.
type generous struct{ payment.Provider }

func (p generous) ConfirmIntent(ctx context.Context, id, returnURL, key string) (payment.Intent, error) {
	intent, err := p.Provider.ConfirmIntent(ctx, id, returnURL, key)
	intent.Charge.Fee = money.New(0, intent.Charge.Fee.Currency)
	return intent, err
}

// doubling sends a refund again under another key where the answer was lost.
type doubling struct{ payment.Provider }

func (p doubling) CreateRefund(ctx context.Context, r payment.RefundRequest) (payment.SentRefund, error) {
	sent, err := p.Provider.CreateRefund(ctx, r)
	if lostAnswer(err) {
		r.Key = uuid.NewString()
		return p.Provider.CreateRefund(ctx, r)
	}
	return sent, err
}

// forgetful says that a card is let go, and keeps its money aside.
type forgetful struct{ payment.Provider }

func (p forgetful) CancelIntent(ctx context.Context, id, _ string) (payment.Intent, error) {
	intent, err := p.Intent(ctx, id)
	intent.State = payment.Canceled
	return intent, err
}

// thrifty forgets what Stripe takes for a dispute.
type thrifty struct{ payment.Provider }

func (p thrifty) Dispute(ctx context.Context, id string) (payment.Dispute, error) {
	d, err := p.Provider.Dispute(ctx, id)
	d.Withdrawn.Fee.Minor = 0
	return d, err
}

// deaf does not hear what the bank does with an order's money.
type deaf struct{ *order.Service }

func (deaf) ChargedBackTx(context.Context, pgx.Tx, uuid.UUID, payment.OrderChargeback) ([]realtime.Event, payment.Settlement, error) {
	return nil, nil, nil
}

// lavish leaves a commission where it is, whatever becomes of its order.
type lavish struct{ *referral.Service }

func (lavish) ReversedTx(context.Context, pgx.Tx, uuid.UUID) ([]realtime.Event, error) {
	return nil, nil
}

// greedy rounds the platform's fee up.
const greedy = `
	CREATE FUNCTION greedy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.fee := ceil(NEW.total * 0.085); RETURN NEW; END';
	CREATE TRIGGER greedy BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION greedy();`

// untaxed makes orders whose tax nobody hands on.
const untaxed = `
	CREATE FUNCTION untaxed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.tax := 0; RETURN NEW; END';
	CREATE TRIGGER untaxed BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION untaxed();`

// stingy makes orders for which the platform's campaign pays nothing.
const stingy = `
	CREATE FUNCTION stingy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.subsidy := 0; NEW.campaign_id := NULL; RETURN NEW; END';
	CREATE TRIGGER stingy BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stingy();`

// carefree says of each label back that it is paid, before anybody has.
const carefree = `
	CREATE FUNCTION carefree() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
		IF NEW.carried_at IS NOT NULL AND OLD.carried_at IS NULL THEN NEW.label_cost := 1; NEW.label_charge := 0; NEW.label_currency := ''EUR''; END IF; RETURN NEW; END';
	CREATE TRIGGER carefree BEFORE UPDATE ON order_claim FOR EACH ROW EXECUTE FUNCTION carefree();`

func lostAnswer(err error) bool {
	e, ok := errors.AsType[*payment.ProviderError](err)
	return ok && (e.Outcome == payment.Unknown || e.Outcome == payment.Poisoned)
}

func mutants() []mutant {
	return []mutant{
		{name: "a lost answer is a refusal", parts: []part{toppingUp, hearing}, twist: func(c *payment.Config) { c.Provider = hasty{c.Provider} }},
		{name: "a lost answer is followed by another charge", parts: []part{toppingUp, hearing}, twist: func(c *payment.Config) { c.Provider = insistent{c.Provider} }},
		{name: "a lost answer is followed by another refund", parts: []part{withdrawing, waiting}, twist: func(c *payment.Config) { c.Provider = doubling{c.Provider} }},
		{name: "Stripe's fee is forgotten", parts: []part{toppingUp}, twist: func(c *payment.Config) { c.Provider = generous{c.Provider} }},
		{name: "a card is let go in our books alone", parts: []part{paying, selling}, twist: func(c *payment.Config) { c.Provider = forgetful{c.Provider} }},
		{name: "the fee of a dispute is forgotten", parts: []part{disputing, toppingUp}, twist: func(c *payment.Config) { c.Provider = thrifty{c.Provider} }},
		{name: "an order does not hear of its chargeback", parts: []part{disputing, selling}, harm: func(w *world) { w.Payment.ServeOrders(deaf{w.Orders}) }},
		{name: "a commission stays though its order is refunded", parts: []part{bringing, selling}, harm: func(w *world) { w.Orders.UseReferrals(lavish{w.Referrals}) }},
		{name: "the tax of a checkout is the seller's", parts: []part{checkingOut, selling}, harm: func(w *world) { w.Exec(untaxed) }},
		{name: "a campaign does not pay its part", parts: []part{checkingOut}, harm: func(w *world) { w.Exec(stingy) }},
		{name: "a label back is nobody's", parts: []part{selling}, harm: func(w *world) { w.Exec(carefree) }},
		{name: "the fee is rounded up", parts: []part{selling, paying}, harm: func(w *world) { w.Exec(greedy) }},
	}
}

// TestMutantsAreFound is what the model is worth: it has to find each of these.
func TestMutantsAreFound(t *testing.T) {
	t.Parallel()
	for _, mutant := range mutants() {
		t.Run(mutant.name, func(t *testing.T) {
			t.Parallel()
			play := &stage{t: t, twist: mutant.twist, harm: mutant.harm, parts: mutant.parts, seen: new(tally), scenes: scenes(), shares: 2, first: 4}
			var found any
			(&court{name: t.Name()}).hear(func(run *rapid.T) {
				if found != nil {
					return // rapid wants to make it smaller, which would take long and prove nothing
				}
				defer func() {
					if found = recover(); found != nil {
						panic(found)
					}
				}()
				for range play.first + play.shares { // until it is found: at random, or by scenes as some hide well
					play.run(run)
				}
			})
			if found == nil {
				t.Errorf("%d runs have not found it", play.runs)
			}
			t.Logf("found in run %d: %v", play.runs, found)
		})
	}
}

// court is a test that may fail without ours failing.
type court struct {
	rapid.TB // for what nobody calls
	name     string
	failed   bool
}

// hear checks a property, until it fails.
func (c *court) hear(property func(*rapid.T)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		rapid.Check(c, property)
	}()
	<-done
}

func (c *court) Helper()               {}
func (c *court) Name() string          { return c.name }
func (c *court) Failed() bool          { return c.failed }
func (c *court) FailNow()              { runtime.Goexit() }
func (c *court) Log(...any)            {}
func (c *court) Logf(string, ...any)   {}
func (c *court) Errorf(string, ...any) { c.failed = true }
