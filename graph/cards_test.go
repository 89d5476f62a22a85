package graph_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const (
	setupStart = `mutation($input: CardSetupStartInput!) { cardSetupStart(input: $input) {
		cardSetup { id status nextActionUrl failureCode card { id last4 } } setupIntentId clientSecret userErrors { code field } } }`
	setupFinish = `mutation($input: CardSetupFinishInput!) { cardSetupFinish(input: $input) {
		cardSetup { id status nextActionUrl failureCode card { id brand last4 expMonth expYear removedAt } } clientSecret userErrors { code } } }`
	topUpByCard = `mutation($input: WalletTopUpInput!) { walletTopUp(input: $input) {
		topUp { id status nextActionUrl failureCode } userErrors { code field } } }`
	topUpRefresh = `mutation($input: WalletTopUpRefreshInput!) { walletTopUpRefresh(input: $input) {
		topUp { id status nextActionUrl failureCode } userErrors { code field } } }`
	cardRemove = `mutation($input: CardRemoveInput!) { cardRemove(input: $input) { card { id removedAt } userErrors { code field } } }`
	myCards    = `{ viewer { cards { id brand last4 } wallets { available { minor } } } }`
	myEvents   = `subscription { viewerEvents(afterVersion: 0) { version kind object { id ... on TopUp { status } ... on Card { removedAt } } } }`
)

// holder is the card's holder at the bank's page.
func holder(t *testing.T, page, outcome string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("the page answered %s", answer.Status)
	}
}

// A card that asks for its holder is saved, pays twice with their consent and without it, and is removed; its owner
// is told of each step.
func TestCardsOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	buyer, stranger := a.Person(identity.Buyer), a.Person(identity.Buyer)
	events := buyer.Subscribe(t, myEvents, nil)

	started := buyer.Must(t, setupStart, input(apitest.Vars{"paymentMethod": "pm_card_authenticationRequired"})).At("cardSetupStart")
	if started.Str("cardSetup.status") != "REQUIRES_ACTION" || !strings.HasPrefix(started.Str("setupIntentId"), "seti_") ||
		!strings.HasPrefix(started.Str("clientSecret"), started.Str("setupIntentId")+"_secret_") {
		t.Fatalf("got %s", started.Raw())
	}
	holder(t, started.Str("cardSetup.nextActionUrl"), "succeed")
	setup := input(apitest.Vars{"cardSetupId": started.Str("cardSetup.id")})
	if got := stranger.Must(t, setupFinish, setup).Str("cardSetupFinish.userErrors.0.code"); got != "CARD_SETUP_NOT_FOUND" {
		t.Errorf("a stranger: %s", got)
	}
	finished := buyer.Must(t, setupFinish, setup).At("cardSetupFinish.cardSetup")
	card := finished.Str("card.id")
	if finished.Str("status") != "SUCCEEDED" || finished.Str("card.brand") != "visa" {
		t.Fatalf("got %s", finished.Raw())
	}
	if got := buyer.Must(t, myCards, nil); got.Str("viewer.cards.0.id") != card {
		t.Errorf("the cards: %s", got.Raw())
	}

	pay := func(key string) string {
		t.Helper()
		top := buyer.Must(t, topUpByCard, input(apitest.Vars{"amount": eur("20"), "cardId": card, "idempotencyKey": key})).At("walletTopUp")
		if top.Str("topUp.status") != "REQUIRES_ACTION" || string(top.At("userErrors").Raw()) != "[]" {
			t.Fatalf("got %s", top.Raw())
		}
		holder(t, top.Str("topUp.nextActionUrl"), key)
		return top.Str("topUp.id")
	}
	good := input(apitest.Vars{"topUpId": pay("succeed")})
	if got := buyer.Must(t, topUpRefresh, good); got.Str("walletTopUpRefresh.topUp.status") != "SUCCEEDED" {
		t.Errorf("got %s", got.Raw())
	}
	if got := stranger.Must(t, topUpRefresh, good); got.Str("walletTopUpRefresh.userErrors.0.code") != "TOP_UP_NOT_FOUND" {
		t.Errorf("a stranger: %s", got.Raw())
	}
	bad := buyer.Must(t, topUpRefresh, input(apitest.Vars{"topUpId": pay("fail")})).At("walletTopUpRefresh")
	if bad.Str("topUp.status") != "FAILED" || bad.Str("topUp.failureCode") != "AUTHENTICATION_FAILED" || bad.Str("userErrors.0.code") != "AUTHENTICATION_FAILED" {
		t.Errorf("got %s", bad.Raw())
	}

	named := apitest.Vars{"id": card}
	if got := stranger.Must(t, `query($id: ID!) { node(id: $id) { id } }`, named); string(got.At("node").Raw()) != "null" {
		t.Errorf("a stranger sees the card: %s", got.Raw())
	}
	if got := stranger.Must(t, cardRemove, input(apitest.Vars{"cardId": card})); got.Str("cardRemove.userErrors.0.code") != "CARD_NOT_FOUND" {
		t.Errorf("a stranger removes the card: %s", got.Raw())
	}
	if got := stranger.Must(t, topUpByCard, input(apitest.Vars{"amount": eur("20"), "cardId": card, "idempotencyKey": "k"})); got.Str("walletTopUp.userErrors.0.field.0") != "cardId" {
		t.Errorf("a stranger pays with it: %s", got.Raw())
	}
	for range 2 {
		if got := buyer.Must(t, cardRemove, input(apitest.Vars{"cardId": card})); got.Str("cardRemove.card.removedAt") == "" {
			t.Errorf("got %s", got.Raw())
		}
	}
	if got := buyer.Must(t, myCards, nil); string(got.At("viewer.cards").Raw()) != "[]" || got.Str("viewer.wallets.0.available.minor") != "2000" {
		t.Errorf("in the end: %s", got.Raw())
	}
	for i, kind := range []string{"CARD_SETUP_CHANGED", "CARD_SETUP_CHANGED", "TOP_UP_CHANGED", "TOP_UP_CHANGED", "TOP_UP_CHANGED", "TOP_UP_CHANGED", "CARD_REMOVED"} {
		e := events.Next().At("viewerEvents")
		if e.Int("version") != i+1 || e.Str("kind") != kind || e.Str("object.id") == "" {
			t.Errorf("event %d: %s", i+1, e.Raw())
		}
	}
}

func TestBadCards(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Person(identity.Buyer)
	for _, test := range []struct {
		query, code, path string
		vars              apitest.Vars
	}{
		{setupStart, "CARD_DECLINED", "cardSetupStart", apitest.Vars{"paymentMethod": "pm_card_visa_chargeDeclined"}},
		{setupStart, "PAYMENT_METHOD_UNKNOWN", "cardSetupStart", apitest.Vars{"paymentMethod": "pm_nobody"}},
		{setupStart, "PAYMENT_METHOD_INVALID", "cardSetupStart", apitest.Vars{"paymentMethod": "4242 4242 4242 4242"}},
		{setupFinish, "ID_WRONG_KIND", "cardSetupFinish", apitest.Vars{"cardSetupId": id.Card.Encode(id.New())}},
		{setupFinish, "CARD_SETUP_NOT_FOUND", "cardSetupFinish", apitest.Vars{"cardSetupId": id.CardSetup.Encode(id.New())}},
		{cardRemove, "ID_WRONG_KIND", "cardRemove", apitest.Vars{"cardId": id.TopUp.Encode(id.New())}},
		{cardRemove, "CARD_NOT_FOUND", "cardRemove", apitest.Vars{"cardId": id.Card.Encode(id.New())}},
		{topUpRefresh, "ID_WRONG_KIND", "walletTopUpRefresh", apitest.Vars{"topUpId": id.Card.Encode(id.New())}},
		{topUpRefresh, "TOP_UP_NOT_FOUND", "walletTopUpRefresh", apitest.Vars{"topUpId": id.TopUp.Encode(id.New())}},
		{topUpByCard, "PAYMENT_METHOD_INVALID", "walletTopUp", apitest.Vars{"amount": eur("20"), "idempotencyKey": "k"}},
		{topUpByCard, "PAYMENT_METHOD_INVALID", "walletTopUp", apitest.Vars{"amount": eur("20"), "idempotencyKey": "k2", "paymentMethod": "pm_card_visa", "cardId": id.Card.Encode(id.New())}},
		{topUpByCard, "ID_WRONG_KIND", "walletTopUp", apitest.Vars{"amount": eur("20"), "idempotencyKey": "k3", "cardId": id.User.Encode(id.New())}},
	} {
		if got := buyer.Must(t, test.query, input(test.vars)); got.Str(test.path+".userErrors.0.code") != test.code {
			t.Errorf("%s %v: %s, want %s", test.path, test.vars, got.Raw(), test.code)
		}
	}
	// A client with the provider's own library starts without a card.
	if got := buyer.Must(t, setupStart, input(apitest.Vars{})).At("cardSetupStart"); got.Str("cardSetup.status") != "PROCESSING" || got.Str("clientSecret") == "" {
		t.Errorf("got %s", got.Raw())
	}
	if got := a.Log.Drain(8); len(got) != 0 { // errors
		t.Errorf("logged: %v", got)
	}
}
