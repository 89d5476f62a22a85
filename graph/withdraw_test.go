package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	withdraw = `mutation($input: WalletWithdrawInput!) { walletWithdraw(input: $input) {
		withdrawal { id status amount { minor } createdAt refunds { id status failureCode amount { minor } createdAt } }
		userErrors { code field ... on WithdrawalNotFunded { withdrawable { minor currencyCode } } ... on InsufficientFunds { available { minor } } } } }`
	myFunds     = `{ viewer { wallets { currencyCode available { minor } withdrawable { minor currencyCode } } } }`
	moneyEvents = `subscription { viewerEvents { kind object { id ... on Refund { arrived: status } ... on Withdrawal { all: status } } } }`
	nodeOf      = `query($id: ID!) { node(id: $id) { id ... on Refund { arrived: status } ... on Withdrawal { all: status refunds { id } } } }`
)

// What cards have paid in goes back to them, is told, and belongs to its owner alone.
func TestWithdrawOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	buyer, stranger := a.Person(identity.Buyer), a.Person(identity.Buyer)
	for _, amount := range []string{"20", "30"} {
		top := buyer.Must(t, topUpByCard, input(apitest.Vars{"amount": eur(amount), "paymentMethod": "pm_card_visa", "idempotencyKey": amount}))
		if top.Str("walletTopUp.topUp.status") != "SUCCEEDED" {
			t.Fatalf("got %s", top.Raw())
		}
	}
	if got := buyer.Must(t, myFunds, nil); got.Str("viewer.wallets.0.withdrawable.minor") != "5000" {
		t.Errorf("got %s", got.Raw())
	}
	events := buyer.Subscribe(t, moneyEvents, nil)
	if first := events.Next(); first.Str("viewerEvents.kind") != "SNAPSHOT" {
		t.Fatalf("got %s", first.Raw())
	}
	vars := input(apitest.Vars{"amount": eur("35"), "idempotencyKey": "k"})
	got := buyer.Must(t, withdraw, vars)
	w := got.At("walletWithdraw.withdrawal")
	if w.Str("status") != "SUCCEEDED" || w.Str("amount.minor") != "3500" || w.Str("refunds.0.amount.minor") != "3000" || w.Str("refunds.1.amount.minor") != "500" {
		t.Fatalf("got %s", got.Raw())
	}
	if again := buyer.Must(t, withdraw, vars); string(again.Raw()) != string(got.Raw()) {
		t.Errorf("again: %s, want %s", again.Raw(), got.Raw())
	}
	for i, want := range []string{"REFUND_CHANGED", "WITHDRAWAL_CHANGED", "REFUND_CHANGED", "WITHDRAWAL_CHANGED"} {
		e := events.Next().At("viewerEvents")
		object := w.Str("id")
		if want == "REFUND_CHANGED" {
			object = w.Str([]string{"refunds.0.id", "", "refunds.1.id"}[i])
		}
		if e.Str("kind") != want || e.Str("object.id") != object {
			t.Errorf("event %d: %s", i, e.Raw())
		}
	}
	for field, thing := range map[string]string{"all": w.Str("id"), "arrived": w.Str("refunds.0.id")} {
		if got := buyer.Must(t, nodeOf, apitest.Vars{"id": thing}); got.Str("node."+field) != "SUCCEEDED" {
			t.Errorf("got %s", got.Raw())
		}
		if got := stranger.Must(t, nodeOf, apitest.Vars{"id": thing}); string(got.At("node").Raw()) != "null" {
			t.Errorf("a stranger sees %s", got.Raw())
		}
	}
	funds := buyer.Must(t, myFunds, nil)
	if funds.Str("viewer.wallets.0.available.minor") != "1500" || funds.Str("viewer.wallets.0.withdrawable.minor") != "1500" {
		t.Errorf("in the end: %s", funds.Raw())
	}
}

func TestBadWithdrawals(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	buyer := a.Person(identity.Buyer)
	top := buyer.Must(t, topUpByCard, input(apitest.Vars{"amount": eur("20"), "paymentMethod": "pm_card_visa", "idempotencyKey": "k"}))
	if top.Str("walletTopUp.topUp.status") != "SUCCEEDED" {
		t.Fatalf("got %s", top.Raw())
	}
	if got := buyer.Must(t, withdraw, input(apitest.Vars{"amount": eur("20"), "idempotencyKey": "all"})); got.Str("walletWithdraw.withdrawal.status") != "SUCCEEDED" {
		t.Fatalf("got %s", got.Raw())
	}
	a.Exec(`SELECT ledger.post('gift', sha256('gift'), 'referral', 'test', $1, ARRAY['wallet', 'referral_cost'],
		ARRAY[$1, '00000000-0000-0000-0000-000000000000']::uuid[], ARRAY['', ''], ARRAY['EUR', 'EUR'], ARRAY[500, -500]::bigint[])`, buyer.ID)
	for key, test := range map[string]struct {
		amount any
		code   string
		datum  string
		want   string
	}{
		"nothing":    {eur("0"), "WITHDRAWAL_TOO_SMALL", "field.0", "amount"},
		"negative":   {eur("-1"), "WITHDRAWAL_TOO_SMALL", "field.0", "amount"},
		"too fine":   {eur("0.001"), "AMOUNT_TOO_PRECISE", "field.0", "amount"},
		"francs":     {apitest.Vars{"amount": "1", "currencyCode": "CHF"}, "CURRENCY_UNSUPPORTED", "field.0", "amount"},
		"millimes":   {apitest.Vars{"amount": "1.001", "currencyCode": "TND"}, "AMOUNT_TOO_PRECISE", "field.0", "amount"},
		"too much":   {eur("5.01"), "INSUFFICIENT_FUNDS", "available.minor", "500"},
		"not a card": {eur("5"), "WITHDRAWAL_NOT_FUNDED_BY_CARD", "withdrawable.minor", "0"},
		"":           {eur("5"), "IDEMPOTENCY_KEY_INVALID", "field.0", "idempotencyKey"},
	} {
		got := buyer.Must(t, withdraw, input(apitest.Vars{"amount": test.amount, "idempotencyKey": key})).At("walletWithdraw.userErrors.0")
		if got.Str("code") != test.code || got.Str(test.datum) != test.want {
			t.Errorf("%q: %s, want %s", key, got.Raw(), test.code)
		}
	}
	for _, kind := range []id.Kind{id.Refund, id.Withdrawal} {
		if got := buyer.Must(t, nodeOf, apitest.Vars{"id": kind.Encode(id.New())}); string(got.At("node").Raw()) != "null" {
			t.Errorf("got %s", got.Raw())
		}
	}
	if got := a.Log.Drain(8); len(got) != 0 {
		t.Errorf("logged: %v", got)
	}
}
