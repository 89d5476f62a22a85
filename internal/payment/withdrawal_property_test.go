package payment

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/stripefake"
)

// books is what the money of one user should be: no SQL, no provider, two numbers and a list.
type books struct {
	wallet int64
	tops   []paidIn // the newest first
	parts  []partOf // on their way, or with a card that will send them back
}

type paidIn struct {
	card   string
	amount int64
	given  int64
}

type partOf struct {
	top    int // counted from the oldest
	amount int64
}

func (m *books) covered() (sum int64) {
	for _, top := range m.tops {
		sum += top.amount - top.given
	}
	return sum
}

func (m *books) topUp(card string, amount int64) {
	m.wallet += amount
	m.tops = slices.Insert(m.tops, 0, paidIn{card: card, amount: amount})
}

// withdraw answers the refusal's code, or what goes back to each top-up.
func (m *books) withdraw(amount int64) (refused string, parts []int64) {
	switch {
	case amount > m.wallet:
		return "INSUFFICIENT_FUNDS", nil
	case amount > m.covered():
		return "WITHDRAWAL_NOT_FUNDED_BY_CARD", nil
	}
	m.wallet -= amount
	for i := range m.tops {
		top := &m.tops[i]
		part := min(amount, top.amount-top.given)
		if part == 0 {
			continue
		}
		amount, top.given = amount-part, top.given+part
		parts = append(parts, part)
		m.parts = append(m.parts, partOf{len(m.tops) - 1 - i, part})
	}
	return "", parts
}

// settle is time: what a card does not take is in the wallet, and can be withdrawn again.
func (m *books) settle() {
	for _, part := range m.parts {
		if top := &m.tops[len(m.tops)-1-part.top]; top.card == "pm_card_refundFail" {
			top.given -= part.amount
			m.wallet += part.amount
		}
	}
	m.parts = nil
}

// refundFaults are those that a request of a refund has to survive.
var refundFaults = []stripefake.Fault{
	stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.RateLimit,
}

// Random top-ups, purchases, withdrawals, faults and failures end with the balances of the model, and with the
// provider's own journal. rapid prints the seed that replays a failure.
func TestWithdrawalsAgreeWithTheModel(t *testing.T) {
	t.Parallel()
	fake, err := stripefake.New(stripefake.Config{Key: testKey, Seed: 7, Clock: clock.Fixed(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	b := setupWith(t, fake)
	refusals := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		b.user = b.newUser()
		m := &books{}
		p := &play{b, r, m}
		for range rapid.IntRange(3, 15).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"top up", "top up", "receive", "buy", "withdraw", "withdraw", "withdraw", "settle"}).Draw(r, "step") {
			case "top up":
				p.topUp()
			case "receive":
				amount := rapid.Int64Range(1, 10_00).Draw(r, "amount")
				b.receives(b.user, amount)
				m.wallet += amount
			case "buy":
				p.buy()
			case "withdraw":
				p.breaks()
				refusals[p.withdraw(rapid.Int64Range(1, m.wallet+5_00).Draw(r, "amount"))]++
			case "settle":
				p.settle()
			}
			p.compare()
		}
		p.settle()
		p.compare()
	})
	b.agrees()
	for _, each := range []string{"", "INSUFFICIENT_FUNDS", "WITHDRAWAL_NOT_FUNDED_BY_CARD"} {
		if refusals[each] == 0 {
			t.Errorf("no withdrawal ended with %q", each)
		}
	}
	for _, fault := range refundFaults {
		if b.fake.Faults().Fired()[fault] == 0 {
			t.Errorf("%s never fired", fault)
		}
	}
	if n := b.count("SELECT count(*) FROM refund WHERE status = 'FAILED' AND settled_at IS NOT NULL"); n == 0 {
		t.Error("no card sent its money back")
	}
	if n := b.count("SELECT count(*) FROM refund WHERE attempt > 1"); n == 0 {
		t.Error("no refund needed another attempt")
	}
}

// play is one run of the property.
type play struct {
	*bundle
	r *rapid.T
	m *books
}

func (p *play) withdraw(amount int64) (refused string) {
	w, err := p.Withdraw(p.t.Context(), p.user, withdrawal(amount))
	refused, parts := p.m.withdraw(amount)
	if refused != "" {
		if code(err) != refused {
			p.r.Fatalf("got %v, want %s", err, refused)
		}
		return refused
	}
	if err != nil {
		p.r.Fatal(err)
	}
	var got []int64
	for _, part := range w.Refunds {
		got = append(got, part.Amount.Minor)
	}
	if !slices.Equal(got, parts) {
		p.r.Fatalf("the parts are %v, want %v", got, parts)
	}
	return ""
}

// settle lets the provider work again, and time pass until each refund is where it will stay.
func (p *play) settle() {
	p.fake.Faults().Clear()
	for range 2 {
		for refund := range p.openRefunds() {
			p.ages(refund, refundDecided)
			if _, err := p.PushRefund(p.t.Context(), refund); err != nil {
				p.r.Fatal(err)
			}
		}
		if err := p.fake.Advance(10 * time.Second); err != nil {
			p.r.Fatal(err)
		}
	}
	if err := p.sweepProvider(p.t.Context(), -time.Hour); err != nil {
		p.r.Fatal(err)
	}
	p.m.settle()
}

func (p *play) topUp() {
	card := rapid.SampledFrom([]string{"pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail"}).Draw(p.r, "card")
	amount := rapid.Int64Range(1_00, 30_00).Draw(p.r, "amount")
	p.paid(card, amount)
	p.m.topUp(card, amount)
}

// breaks lets the next requests about refunds fail, or none.
func (p *play) breaks() {
	times := rapid.IntRange(0, 4).Draw(p.r, "times")
	fault := rapid.SampledFrom(refundFaults).Draw(p.r, "fault")
	method := rapid.SampledFrom([]string{http.MethodPost, ""}).Draw(p.r, "method")
	if times > 0 {
		p.fake.Faults().Add(stripefake.Rule{Method: method, Path: "/v1/refunds", Fault: fault, Times: times})
	}
}

func (p *play) buy() {
	if p.m.wallet == 0 {
		return
	}
	amount := rapid.Int64Range(1, p.m.wallet).Draw(p.r, "amount")
	err := p.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return p.PayFromWalletTx(ctx, tx, p.user, uuid.New(), eur(amount), uuid.NewString())
	})
	if err != nil {
		p.r.Fatal(err)
	}
	p.m.wallet -= amount
}

// compare holds the wallet and what can be withdrawn against the model.
func (p *play) compare() {
	wallet, covered := p.sum(ledger.Wallet, p.user), p.refundable(p.user)
	if wallet != p.m.wallet || covered != p.m.covered() {
		p.r.Fatalf("the wallet has %d and %d is covered, want %d and %d", wallet, covered, p.m.wallet, p.m.covered())
	}
}
