package payment

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/stripefake"
)

// saves is a card that a user has saved.
func (b *bundle) saves(user uuid.UUID, method string) Card {
	b.t.Helper()
	setup, err := b.StartCardSetup(b.t.Context(), user, method)
	if err != nil || setup.Status != TopUpSucceeded || setup.Card == nil {
		b.t.Fatalf("save a card: %+v, %v", setup, err)
	}
	return *setup.Card
}

func (b *bundle) byCard(card uuid.UUID, cents int64) TopUpInput {
	return TopUpInput{Amount: eur(cents), Card: &card, IdempotencyKey: uuid.NewString()}
}

func TestSaveCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	told := make(hub, 16)
	b.hub = told
	card := b.saves(b.user, "pm_card_visa")
	if card.Brand != "visa" || card.Last4 != "4242" || card.ExpMonth < 1 || card.ExpYear < time.Now().Year() || card.User != b.user {
		t.Errorf("got %+v", card)
	}
	if e := told.wants(t, 1); e.Topic != feed.Topic(b.user) || e.Kind != string(feed.CardSetupChanged) {
		t.Errorf("told %+v", e)
	}
	second := b.saves(b.user, "pm_card_mastercard")
	cards, err := b.Cards(t.Context(), b.user)
	if err != nil || len(cards) != 2 || cards[0].ID != second.ID || cards[1].ID != card.ID {
		t.Errorf("the newest first: %+v, %v", cards, err)
	}
	if n := b.count("SELECT count(*) FROM provider_customer WHERE customer_id IS NOT NULL"); n != 1 {
		t.Errorf("%d customers for one user", n)
	}
	if _, err := b.CardOf(t.Context(), b.newUser(), card.ID); code(err) != "CARD_NOT_FOUND" {
		t.Errorf("a stranger: %v", err)
	}
	if b.entries() != 0 {
		t.Error("saving a card moved money")
	}
}

func TestCardNumbersAreNotKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.saves(b.user, "pm_card_visa")
	if n := b.count("SELECT count(*) FROM card c, card_setup s, provider_customer p WHERE (c.*, s.*, p.*)::text ~ '[0-9]{13}' AND (c.*, s.*, p.*)::text LIKE '%424242%'"); n != 0 {
		t.Error("a card's number is in the database")
	}
}

func TestSaveCardRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for method, want := range map[string]string{
		"pm_card_visa_chargeDeclined":       "CARD_DECLINED",
		"pm_card_chargeDeclinedExpiredCard": "CARD_EXPIRED",
		"pm_nobody_knows":                   "PAYMENT_METHOD_UNKNOWN",
		"pm with a space":                   "PAYMENT_METHOD_INVALID",
	} {
		setup, err := b.StartCardSetup(t.Context(), b.user, method)
		if code(err) != want {
			t.Errorf("%s: %v", method, err)
		}
		if want == "PAYMENT_METHOD_INVALID" {
			continue
		}
		if setup.Status != TopUpFailed {
			t.Errorf("%s: %+v", method, setup)
		}
		if again, err := b.FinishCardSetup(t.Context(), b.user, setup.ID); code(err) != want || again.Status != TopUpFailed {
			t.Errorf("%s, finished: %+v, %v", method, again, err)
		}
	}
	if cards, err := b.Cards(t.Context(), b.user); err != nil || len(cards) != 0 {
		t.Errorf("got %+v, %v", cards, err)
	}
}

func TestSaveCardByAuthentication(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string]string{"succeed": "", "fail": "AUTHENTICATION_FAILED"} {
		for _, by := range []string{"webhook", "client", "sweep"} {
			t.Run(outcome+" by "+by, func(t *testing.T) {
				t.Parallel()
				b := listening(t)
				if by == "sweep" {
					b.fake.Deliveries().Add(stripefake.MishapRule{Mishap: stripefake.Drop, Times: -1})
				}
				setup, err := b.StartCardSetup(t.Context(), b.user, cardWith3DS)
				if err != nil || setup.Status != RequiresAction {
					t.Fatalf("got %+v, %v", setup, err)
				}
				b.authenticates(setup.NextActionURL(), outcome)
				switch by {
				case "webhook":
					b.hears(map[string]string{"succeed": "setup_intent.succeeded", "fail": "setup_intent.setup_failed"}[outcome], 1)
					b.handles()
				case "sweep":
					if err := b.sweepProvider(t.Context(), -time.Hour); err != nil {
						t.Fatal(err)
					}
				case "client":
					if _, err := b.FinishCardSetup(t.Context(), b.user, setup.ID); want != "" && code(err) != want {
						t.Errorf("finish: %v", err)
					}
				}
				done, err := b.CardSetupOf(t.Context(), b.user, setup.ID)
				if err != nil {
					t.Fatal(err)
				}
				if want == "" && (done.Status != TopUpSucceeded || done.Card == nil || done.Refusal() != nil) {
					t.Errorf("got %+v", done)
				}
				if want != "" && (done.Status != TopUpFailed || done.Card != nil || code(done.Refusal()) != want) {
					t.Errorf("got %+v", done)
				}
			})
		}
	}
}

// A client with Stripe's own library gets a secret, and gives its card to Stripe itself.
func TestSaveCardByTheClientItself(t *testing.T) {
	t.Parallel()
	b := listening(t)
	setup, err := b.StartCardSetup(t.Context(), b.user, "")
	if err != nil || setup.Status != Processing || setup.ClientSecret == "" || setup.ProviderID == "" {
		t.Fatalf("got %+v, %v", setup, err)
	}
	if same, err := b.FinishCardSetup(t.Context(), b.user, setup.ID); err != nil || same.Status != Processing || same.ClientSecret != setup.ClientSecret {
		t.Errorf("nothing was given yet: %+v, %v", same, err)
	}
	if _, err := b.FinishCardSetup(t.Context(), b.newUser(), setup.ID); code(err) != "CARD_SETUP_NOT_FOUND" {
		t.Errorf("a stranger: %v", err)
	}
	b.confirms(setup.ProviderID, "pm_card_visa_chargeDeclined") // and then another card
	b.hears("setup_intent.setup_failed", 1)
	b.handles()
	if same, err := b.CardSetupOf(t.Context(), b.user, setup.ID); err != nil || same.Status != Processing {
		t.Errorf("a declined card is not the end: %+v, %v", same, err)
	}
	b.confirms(setup.ProviderID, "pm_card_visa")
	b.hears("setup_intent.succeeded", 1)
	b.handles()
	done, err := b.CardSetupOf(t.Context(), b.user, setup.ID)
	if err != nil || done.Status != TopUpSucceeded || done.Card == nil || done.ClientSecret != "" {
		t.Errorf("got %+v, %v", done, err)
	}
}

// confirms is what a client's library does with the client secret.
func (b *bundle) confirms(setup, method string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.listen()+"/v1/setup_intents/"+setup+"/confirm?payment_method="+method, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = answer.Body.Close()
}

// TestSaveCardSurvivesEachFault breaks each call in each way; nothing but asking again is needed.
func TestSaveCardSurvivesEachFault(t *testing.T) {
	t.Parallel()
	faults := []stripefake.Fault{stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.RateLimit}
	for step, path := range map[string]string{"customer": "/v1/customers", "create": "/v1/setup_intents", "confirm": "/v1/setup_intents/*/confirm"} {
		for _, kind := range faults {
			t.Run(step+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.fake.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: path, Fault: kind, Times: -1})
				setup, err := b.StartCardSetup(t.Context(), b.user, "pm_card_visa")
				if b.fake.Faults().Fired()[kind] == 0 {
					t.Fatal("the fault never fired")
				}
				b.fake.Faults().Clear()
				if step == "customer" {
					if code(err) != "PAYMENT_PROVIDER_UNAVAILABLE" {
						t.Fatalf("got %+v, %v", setup, err)
					}
					b.saves(b.user, "pm_card_visa")
					return
				}
				if err != nil || setup.Status != Processing {
					t.Fatalf("got %+v, %v; want it processing", setup, err)
				}
				for range 4 {
					if setup, err = b.FinishCardSetup(t.Context(), b.user, setup.ID); err != nil {
						t.Fatal(err)
					}
				}
				if cards, err := b.Cards(t.Context(), b.user); err != nil || len(cards) != 1 || setup.Status != TopUpSucceeded {
					t.Errorf("got %+v, %+v, %v", setup, cards, err)
				}
			})
		}
	}
}

func TestCardSetupIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.returnURL = func() string { return comeBackTo }
	abandoned := map[string]CardSetup{}
	for name, method := range map[string]string{"at the bank's page": cardWith3DS, "in the client": ""} {
		setup, err := b.StartCardSetup(t.Context(), b.user, method)
		if err != nil {
			t.Fatal(err)
		}
		abandoned[name] = setup
	}
	b.fake.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: "/v1/setup_intents", Fault: stripefake.CutBefore, Times: -1})
	setup, err := b.StartCardSetup(t.Context(), b.user, "pm_card_visa")
	if err != nil || setup.Status != Processing {
		t.Fatalf("got %+v, %v", setup, err)
	}
	abandoned["never registered"] = setup
	b.fake.Faults().Clear()
	if _, err := b.data.Admin.Exec(t.Context(), "UPDATE card_setup SET created_at = created_at - interval '24 hours'"); err != nil {
		t.Fatal(err)
	}
	if err := b.sweepProvider(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, setup := range abandoned {
		if done, err := b.CardSetupOf(t.Context(), b.user, setup.ID); err != nil || code(done.Refusal()) != "TOP_UP_ABANDONED" {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
	}
}

func TestTopUpByCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.saves(b.user, "pm_card_visa")
	in := b.byCard(card.ID, 20_00)
	first, err := b.TopUp(t.Context(), b.user, in)
	if err != nil || first.Status != TopUpSucceeded {
		t.Fatalf("got %+v, %v", first, err)
	}
	both := in
	both.PaymentMethod, both.IdempotencyKey = "pm_card_visa", uuid.NewString()
	if _, err := b.TopUp(t.Context(), b.user, both); code(err) != "PAYMENT_METHOD_INVALID" {
		t.Errorf("a card and a method: %v", err)
	}
	if _, err := b.TopUp(t.Context(), b.newUser(), b.byCard(card.ID, 20_00)); code(err) != "CARD_NOT_FOUND" {
		t.Errorf("another's card: %v", err)
	}
	var method string
	if err := b.data.Admin.QueryRow(t.Context(), "SELECT method_id FROM card").Scan(&method); err != nil {
		t.Fatal(err)
	}
	if top, err := b.TopUp(t.Context(), b.newUser(), input(method, 20_00)); code(err) != "PAYMENT_REJECTED" || top.Status != TopUpFailed {
		t.Errorf("another's card by the provider's id of it: %+v, %v", top, err)
	}
	other := in
	other.Card, other.PaymentMethod = nil, method
	if _, err := b.TopUp(t.Context(), b.user, other); code(err) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("the key for a method: %v", err)
	}
	if _, err := b.RemoveCard(t.Context(), b.user, card.ID); err != nil {
		t.Fatal(err)
	}
	if again, err := b.TopUp(t.Context(), b.user, in); err != nil || again.ID != first.ID || again.Status != TopUpSucceeded {
		t.Errorf("the same key after the card was removed: %+v, %v", again, err)
	}
	if _, err := b.TopUp(t.Context(), b.user, b.byCard(card.ID, 20_00)); code(err) != "CARD_NOT_FOUND" {
		t.Errorf("a removed card: %v", err)
	}
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

func TestTopUpBySavedCardThatAsks(t *testing.T) {
	t.Parallel()
	b := listening(t)
	setup, err := b.StartCardSetup(t.Context(), b.user, cardWith3DS)
	if err != nil {
		t.Fatal(err)
	}
	b.authenticates(setup.NextActionURL(), "succeed")
	if setup, err = b.FinishCardSetup(t.Context(), b.user, setup.ID); err != nil || setup.Card == nil {
		t.Fatalf("got %+v, %v", setup, err)
	}
	top, err := b.TopUp(t.Context(), b.user, b.byCard(setup.Card.ID, 20_00))
	if err != nil || top.Status != RequiresAction {
		t.Fatalf("got %+v, %v", top, err)
	}
	b.authenticates(top.NextActionURL(), "succeed")
	b.hears("payment_intent.succeeded", 1)
	b.handles()
	b.wants(b.user, 20_00, 0)
	b.agrees()
}

func TestRemoveCard(t *testing.T) {
	t.Parallel()
	b := listening(t)
	card := b.saves(b.user, "pm_card_visa")
	if _, err := b.RemoveCard(t.Context(), b.newUser(), card.ID); code(err) != "CARD_NOT_FOUND" {
		t.Errorf("a stranger: %v", err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if gone, err := b.RemoveCard(t.Context(), b.user, card.ID); err != nil || gone.RemovedAt == nil {
				t.Errorf("got %+v, %v", gone, err)
			}
		})
	}
	group.Wait()
	if cards, err := b.Cards(t.Context(), b.user); err != nil || len(cards) != 0 {
		t.Errorf("left: %+v, %v", cards, err)
	}
	if n := b.count("SELECT count(*) FROM river_job WHERE kind = 'card_detach'"); n != 1 {
		t.Errorf("%d jobs detach it", n)
	}
	if n := b.count("SELECT count(*) FROM event WHERE topic = $1 AND kind = 'CARD_REMOVED'", "user:"+b.user.String()); n != 1 {
		t.Errorf("the user was told %d times", n)
	}
	for _, kind := range []stripefake.Fault{stripefake.RateLimit, stripefake.CutBefore, stripefake.ErrorBefore, stripefake.CutAfter} {
		b.fake.Faults().Add(stripefake.Rule{Method: http.MethodPost, Path: "/v1/payment_methods/*/detach", Fault: kind, Times: -1})
		if err := b.detach(t.Context(), card.ID, 1); err == nil || b.fake.Faults().Fired()[kind] == 0 {
			t.Errorf("%s: no error", kind)
		}
		b.fake.Faults().Clear()
	}
	if err := b.sweepProvider(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := b.count("SELECT count(*) FROM card WHERE detached_at IS NOT NULL"); n != 1 {
		t.Error("the card was not detached")
	}
	b.hears("payment_method.detached", 1)
	b.handles()
	if status, reason := b.eventStatus("payment_method.detached"); status != eventDone {
		t.Errorf("the event is %s: %s", status, reason)
	}
}

// A card that is detached at the provider, by its dashboard, is gone here as well.
func TestCardIsDetachedElsewhere(t *testing.T) {
	t.Parallel()
	b := listening(t)
	card := b.saves(b.user, "pm_card_visa")
	var method string
	if err := b.data.Admin.QueryRow(t.Context(), "SELECT method_id FROM card").Scan(&method); err != nil {
		t.Fatal(err)
	}
	if err := b.provider.DetachMethod(t.Context(), method, "by hand"); err != nil {
		t.Fatal(err)
	}
	b.hears("payment_method.detached", 1)
	b.handles()
	if gone, err := b.CardOf(t.Context(), b.user, card.ID); err != nil || gone.RemovedAt == nil {
		t.Errorf("got %+v, %v", gone, err)
	}
	if n := b.count("SELECT count(*) FROM river_job WHERE kind = 'card_detach'"); n != 0 {
		t.Errorf("%d jobs detach what is detached", n)
	}
}

func TestTooManyCards(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range maxCards {
		b.saves(b.user, "pm_card_visa")
	}
	if _, err := b.StartCardSetup(t.Context(), b.user, "pm_card_visa"); code(err) != "TOO_MANY_CARDS" {
		t.Errorf("got %v", err)
	}
}

// Who begins the same again gets what is open, and nobody tries cards without end.
func TestSetupsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	start := func(method string) CardSetup {
		t.Helper()
		s, err := b.StartCardSetup(t.Context(), b.user, method)
		b.must(err)
		return s
	}
	blank, asked := start(""), start(cardWith3DS)
	if again := start(""); again.ID != blank.ID || again.ProviderID != blank.ProviderID || again.ClientSecret != blank.ClientSecret {
		t.Errorf("%+v, then %+v", blank, again)
	}
	if again := start(cardWith3DS); again.ID != asked.ID || again.Status != RequiresAction {
		t.Errorf("%+v, then %+v", asked, again)
	}
	if n := b.count("SELECT count(*) FROM card_setup"); n != 2 {
		t.Errorf("%d setups", n)
	}
	stranger, err := b.StartCardSetup(t.Context(), b.newUser(), "")
	if err != nil || stranger.ID == blank.ID {
		t.Errorf("a stranger: %+v, %v", stranger, err)
	}
	for range maxSetups - 2 {
		if _, err := b.StartCardSetup(t.Context(), b.user, "pm_card_visa_chargeDeclined"); code(err) != "CARD_DECLINED" {
			t.Fatal(err)
		}
	}
	if _, err := b.StartCardSetup(t.Context(), b.user, "pm_card_mastercard"); code(err) != "TOO_MANY_CARD_SETUPS" {
		t.Errorf("got %v", err)
	}
	if again := start(""); again.ID != blank.ID {
		t.Errorf("what is open: %+v", again)
	}
}

// One setup finished by everybody at once is one card.
func TestSetupIsFinishedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.returnURL = func() string { return comeBackTo }
	setup, err := b.StartCardSetup(t.Context(), b.user, cardWith3DS)
	if err != nil {
		t.Fatal(err)
	}
	b.authenticates(setup.NextActionURL(), "succeed")
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if done, err := b.FinishCardSetup(context.Background(), b.user, setup.ID); err != nil || done.Status != TopUpSucceeded {
				t.Errorf("got %+v, %v", done, err)
			}
		})
	}
	group.Wait()
	if n := b.count("SELECT count(*) FROM card"); n != 1 {
		t.Errorf("%d cards", n)
	}
	if n := b.count("SELECT count(*) FROM event WHERE topic = $1", "user:"+b.user.String()); n != 2 {
		t.Errorf("the user was told %d times", n)
	}
}
