package graph_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/risk"
)

const (
	riskTierSet  = `mutation($input: RiskTierSetInput!) { riskTierSet(input: $input) { standing { tier reason setBy { id } } userErrors { code field } } }`
	riskStanding = `query($id: ID!) { riskStanding(userId: $id) { user { id } tier reason setBy { id } setAt } }`
)

// A tier is asked before money moves: staff look at what who was warned buys, no card is taken from who is at risk, and who is restricted pays nothing, until that is taken back.
func TestTheTierOfRisk(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	b.JudgeBy(risk.DefaultLimits())
	support, ada := b.Person(identity.Support), id.User.Encode(b.buyer.ID)
	ask := apitest.Vars{"id": ada}
	b.wants(support.Must(t, riskStanding, ask).At("riskStanding"), fmt.Sprintf(`{"user":{"id":%q},"tier":"NORMAL","reason":null,"setBy":null,"setAt":null}`, ada))
	set := func(tier, reason string) {
		t.Helper()
		got := support.Must(t, riskTierSet, input(apitest.Vars{"userId": ada, "tier": tier, "reason": reason})).At("riskTierSet")
		b.wants(got, fmt.Sprintf(`{"standing":{"tier":%q,"reason":%q,"setBy":{"id":%q}},"userErrors":[]}`, tier, "said of "+tier, id.User.Encode(support.ID)))
	}
	buy := func(more apitest.Vars) apitest.Vars {
		vars := apitest.Vars{"orderId": b.owed(20), "idempotencyKey": b.key()}
		maps.Copy(vars, more)
		return vars
	}
	byCard := apitest.Vars{"cardId": b.card}

	b.paid(20)
	if n := b.Int(`SELECT count(*) FROM risk_review`); n != 0 {
		t.Fatalf("%d purchases of somebody of whom nothing is known are looked at", n)
	}
	set("WARNING", "said of WARNING")
	set("WARNING", "once more, which is not kept")
	b.paid(20)
	if n := b.Int(`SELECT count(*) FROM risk_check WHERE verdict = 'REVIEW' AND rules = '{TIER}'`); n != 1 {
		t.Errorf("%d purchases of somebody who was warned are looked at", n)
	}

	set("AT_RISK", "said of AT_RISK")
	refused(t, b.buyer.Client, "CARDS_NOT_TAKEN", orderPay, input(buy(byCard)))
	b.paid(20)

	set("RESTRICTED", "said of RESTRICTED")
	refused(t, b.buyer.Client, "CHECKOUT_REFUSED", orderPay, input(buy(nil)))
	refused(t, b.buyer.Client, "CHECKOUT_REFUSED", orderPay, input(buy(byCard)))
	standing := support.Must(t, riskStanding, ask).At("riskStanding")
	if _, err := time.Parse(time.RFC3339, standing.Str("setAt")); err != nil || standing.Str("tier") != "RESTRICTED" {
		t.Errorf("the standing: %s", standing.Raw())
	}

	set("NORMAL", "said of NORMAL")
	b.paid(20)
	b.wants(b.Person(identity.Admin).Must(t, `{ adminActions(first: 5) { nodes { action subject } } }`, nil).At("adminActions.nodes"), fmt.Sprintf(
		`[{"action":"RISK_TIER_NORMAL","subject":%[1]q},{"action":"RISK_TIER_RESTRICTED","subject":%[1]q},{"action":"RISK_TIER_AT_RISK","subject":%[1]q},{"action":"RISK_TIER_WARNING","subject":%[1]q}]`, ada))
	if n := b.Int(`SELECT count(*) FROM risk_check WHERE verdict = 'REVIEW'`); n != 2 {
		t.Errorf("%d are looked at", n)
	}
}

// Nobody else is told of a tier, and none is given to nobody, or for no reason.
func TestWhoGivesTiersOfRisk(t *testing.T) {
	t.Parallel()
	b := newBazaarByCard(t, "pm_card_visa")
	support, nobody := b.Person(identity.Support), id.User.Encode(id.New())
	if got := support.Must(t, riskStanding, apitest.Vars{"id": nobody}); string(got.At("riskStanding").Raw()) != "null" {
		t.Errorf("of nobody: %s", got.Raw())
	}
	for name, c := range map[string]struct {
		user, reason, code string
	}{
		"nobody":    {nobody, "a reason", "USER_NOT_FOUND"},
		"no reason": {id.User.Encode(b.buyer.ID), " ", "REASON_LENGTH"},
		"an order":  {id.Order.Encode(id.New()), "a reason", "ID_WRONG_KIND"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, support.Client, c.code, riskTierSet, input(apitest.Vars{"userId": c.user, "tier": "WARNING", "reason": c.reason}))
		})
	}
	if n := b.Int(`SELECT count(*) FROM risk_tier`); n != 0 {
		t.Errorf("%d tiers", n)
	}
}
