package checkout_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/risk"
)

// judgedBy is the shop's checkout with rules, or with a pace.
func (s *shop) judgedBy(rules risk.Rules, pace bool) {
	s.T.Helper()
	c := checkout.Config{
		Pool: s.Pool, Addresses: s.Addresses, Carts: s.Carts, Inventory: s.Inventory, Codes: s.Codes, Orders: s.Orders, Promotion: s.Promotions, Tax: s.Taxes, Shipping: s.Shipping, Payment: s.Payment, Hub: s.Told, Pace: pace,
	}
	if rules != nil {
		c.Risk = risk.New(s.Pool, rules, slog.New(slog.DiscardHandler))
	}
	s.Checkout = checkout.New(c)
}

// ready is what a buyer of one shirt confirms.
func (s *shop) ready(buyer, shirt uuid.UUID) checkout.ConfirmInput {
	s.T.Helper()
	s.put(buyer, 1, shirt)
	in := agreed(s.quoted(buyer))
	in.Client = netip.MustParseAddr("2001:db8::7")
	return in
}

// kept is how many looks have a verdict, for a rule where one is given.
func (s *shop) kept(v risk.Verdict, why ...risk.Rule) int64 {
	s.T.Helper()
	rules := []string{}
	for _, r := range why {
		rules = append(rules, string(r))
	}
	return s.Int(`SELECT count(*) FROM risk_check WHERE verdict = $1 AND rules @> $2`, string(v), rules)
}

// Who buys too often, and whose cards fail too often, is refused before anything is done; who shares a place or an address with many is looked at.
func TestVelocity(t *testing.T) {
	t.Parallel()
	s, w := setupWithCards(t)
	defer s.Audited()
	s.judgedBy(risk.NewVelocity(s.Pool, risk.Limits{
		Checkouts: risk.Limit{Most: 4, Within: time.Hour}, FailedCards: risk.Limit{Most: 2, Within: time.Hour}, Place: risk.Limit{Most: 1, Within: time.Hour}, Client: risk.Limit{Most: 2, Within: time.Hour},
	}), false)
	shirt, buyer := s.shirts(s.seller, 1, 100)[0], s.Buyer(100_00)
	first := s.ready(buyer, shirt)
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, first))
	declines := w.Card(buyer, "pm_card_chargeCustomerFail")
	for range 2 {
		in := s.ready(buyer, shirt)
		in.Card = &declines
		if _, err := s.Checkout.Confirm(t.Context(), buyer, in); domaintest.Code(err) != "CARD_DECLINED" {
			t.Errorf("a card that fails: %v", err)
		}
	}
	in := s.ready(buyer, shirt)
	before, left := s.Digest(), s.onHand(shirt)
	byCard := in
	byCard.Card = &declines
	_, err := s.Checkout.Confirm(t.Context(), buyer, byCard)
	if f, ok := fault.As(err); !ok || f.Code != "CARDS_FAILED" || f.RetryIn <= 0 {
		t.Errorf("a third card: %v", err)
	}
	if s.Digest() != before || s.onHand(shirt) != left || s.kept(risk.Refuse, risk.FailedCards) != 1 {
		t.Error("a refusal has done something, or is not kept")
	}
	s.Must2(s.Checkout.Confirm(t.Context(), buyer, in)) // the wallet may
	last := s.ready(buyer, shirt)
	if _, err := s.Checkout.Confirm(t.Context(), buyer, last); domaintest.Code(err) != "TOO_MANY_CHECKOUTS" {
		t.Errorf("a fifth: %v", err)
	}
	if again, err := s.Checkout.Confirm(t.Context(), buyer, first); err != nil || len(again) != 1 {
		t.Errorf("what was done before is answered: %+v, %v", again, err)
	}
	if n := s.kept(risk.Allow); n != 4 {
		t.Errorf("%d were let through", n)
	}
	for i, want := range []struct {
		rules []risk.Rule
		n     int64
	}{{[]risk.Rule{risk.Place}, 1}, {[]risk.Rule{risk.Place, risk.Client}, 1}} {
		other := s.Buyer(10_00)
		if orders, err := s.Checkout.Confirm(t.Context(), other, s.ready(other, shirt)); err != nil || len(orders) != 1 {
			t.Errorf("%d: %+v, %v", i, orders, err)
		}
		if n := s.kept(risk.Review, want.rules...); n != want.n {
			t.Errorf("%d are to be looked at for %v", n, want.rules)
		}
	}
	for _, statement := range []string{`UPDATE risk_check SET verdict = 'ALLOW', rules = '{}'`, `DELETE FROM risk_check`, `DELETE FROM risk_review`,
		`UPDATE risk_review SET checked_at = now()`, `UPDATE risk_review SET status = 'REFUSED'`, `UPDATE risk_review SET undone_at = now()`} {
		if _, err := s.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s", statement)
		}
	}
}

// saying are rules that say what they are told to.
type saying func(context.Context) (risk.Judgement, error)

// Judge implements risk.Rules.
func (r saying) Judge(ctx context.Context, _ risk.Attempt) (risk.Judgement, error) { return r(ctx) }

// Rules that fail, are slow or make no sense stop nobody, and leave a row; those that refuse are believed.
func TestRulesThatFail(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	shirt := s.shirts(s.seller, 1, 9)[0]
	fails := map[string]saying{
		"an error": func(context.Context) (risk.Judgement, error) { return risk.Judgement{}, errors.New("down") },
		"slow": func(ctx context.Context) (risk.Judgement, error) {
			<-ctx.Done()
			return risk.Judgement{}, ctx.Err()
		},
		"no verdict": func(context.Context) (risk.Judgement, error) { return risk.Judgement{}, nil },
		"another": func(context.Context) (risk.Judgement, error) {
			return risk.Judgement{Verdict: "MAYBE", Rules: []risk.Rule{"X"}}, nil
		},
		"without a reason": func(context.Context) (risk.Judgement, error) { return risk.Judgement{Verdict: risk.Refuse}, nil },
	}
	for name, rules := range fails {
		s.judgedBy(rules, false)
		buyer := s.Buyer(10_00)
		if orders, err := s.Checkout.Confirm(t.Context(), buyer, s.ready(buyer, shirt)); err != nil || len(orders) != 1 {
			t.Errorf("%s: %+v, %v", name, orders, err)
		}
	}
	if n := s.kept(risk.Review, risk.Unavailable); n != int64(len(fails)) {
		t.Errorf("%d are kept", n)
	}
	s.judgedBy(saying(func(context.Context) (risk.Judgement, error) {
		return risk.Judgement{Verdict: risk.Refuse, Rules: []risk.Rule{"A_LIST"}}, nil
	}), false)
	buyer := s.Buyer(10_00)
	in := s.ready(buyer, shirt)
	if _, err := s.Checkout.Confirm(t.Context(), buyer, in); domaintest.Code(err) != "CHECKOUT_REFUSED" {
		t.Error(err)
	}
	if _, err := s.Checkout.Confirm(t.Context(), s.User(identity.Buyer), in); domaintest.Code(err) != "QUOTE_NOT_FOUND" {
		t.Errorf("another's: %v", err)
	}
	s.WantWallet(buyer, 10_00, 0)
}

// One quote is confirmed at once from everywhere: it is judged by each, and kept once, with its orders.
func TestJudgedAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	s.judgedBy(risk.NewVelocity(s.Pool, risk.DefaultLimits()), false)
	shirt, buyer := s.shirts(s.seller, 1, 9)[0], s.Buyer(90_00)
	for round := range 5 {
		in := s.ready(buyer, shirt)
		codes := domaintest.Codes(domaintest.AtOnce(6, func(int) error {
			_, err := s.Checkout.Confirm(t.Context(), buyer, in)
			return err
		}))
		if codes[""] != 6 || s.kept(risk.Allow) != int64(round+1) {
			t.Errorf("round %d: %v, %d are kept", round, codes, s.kept(risk.Allow))
		}
	}
}

// Who asks faster than anybody buys is told to wait, and for how long; somebody else is not.
func TestThePaceOfCheckouts(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.judgedBy(nil, true)
	buyer, in := s.Buyer(0), checkout.QuoteInput{}
	var err error
	for range 1000 { // one more is allowed each second that this takes
		in.IdempotencyKey = uuid.NewString()
		if _, err = s.Checkout.Quote(t.Context(), buyer, in); domaintest.Code(err) != "CART_EMPTY" {
			break
		}
	}
	if f, ok := fault.As(err); !ok || f.Code != "CHECKOUT_TOO_FAST" || f.RetryIn <= 0 || f.RetryIn > time.Second {
		t.Errorf("%v", err)
	}
	if _, err := s.Checkout.Quote(t.Context(), s.Buyer(0), in); domaintest.Code(err) != "CART_EMPTY" {
		t.Errorf("another: %v", err)
	}
}
