package stripefake

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
)

// authentication says when a card asks for its holder.
type authentication uint8

const (
	neverAuthenticates  authentication = iota
	alwaysAuthenticates                // on session; off session it declines
	unlessSetUp                        // as always, but off session it is content once it was set up
	onSessionOnly                      // off session it is content, as if it had been set up elsewhere
)

// refunding is what becomes of a refund to a card.
type refunding uint8

const (
	refundsAtOnce    refunding = iota
	refundsLater               // pending first
	refundFailsLater           // succeeded first, and then failed
)

// testCard is one of the cards that Stripe documents for testing, and what it does.
// Source: https://docs.stripe.com/testing.
type testCard struct {
	number, brand, funding, country string

	code, declineCode, message string // of the decline, where it declines
	attaches                   bool   // it declines a charge but can be attached to a customer
	authentication             authentication
	refunding                  refunding
	disputed                   string // the reason of the dispute that each charge ends in
	inquiry                    bool   // and whether the issuer asks first, before it takes money
	settlesAtOnce              bool   // the money skips the pending balance
	risk                       string // the level that the charge's outcome shows, "normal" where empty
}

func (t testCard) declines() bool { return t.code != "" }

func (t testCard) last4() string { return t.number[len(t.number)-4:] }

// fingerprint is what the real one is: the same for the same number. It also tells the fake, when it
// reads its state back, which test card a stored payment method is.
func (t testCard) fingerprint() string {
	sum := sha256.Sum256([]byte(t.number))
	return hex.EncodeToString(sum[:8])
}

// catalogue finds a test card by what a request or a stored payment method says of it.
type catalogue struct {
	byID, byNumber, byFingerprint map[string]testCard
}

func newCatalogue() catalogue {
	c := catalogue{make(map[string]testCard), make(map[string]testCard), make(map[string]testCard)}
	for ids, card := range testCards() {
		for id := range strings.FieldsSeq(ids) {
			c.byID["pm_card_"+id] = card
			c.byID["tok_"+id] = card
		}
		c.byNumber[card.number] = card
		c.byFingerprint[card.fingerprint()] = card
	}
	return c
}

const (
	declinedMessage = "Your card was declined."
	fundsMessage    = "Your card has insufficient funds."
)

// testCards are the documented cards by what follows pm_card_ or tok_ in their ids. Some have had two
// spellings over the years, with and without the brand; all are answered.
func testCards() map[string]testCard {
	cards := goodCards()
	for _, more := range []map[string]testCard{decliningCards(), authenticatingCards(), disputedCards()} {
		maps.Copy(cards, more)
	}
	return cards
}

// visa is an American Visa credit card, as most of the cards with a behaviour are.
func visa(number string) testCard {
	return testCard{number: number, brand: "visa", funding: "credit", country: "US"}
}

func from(country, number string) testCard {
	card := visa(number)
	card.country = country
	return card
}

func branded(brand, funding, country, number string) testCard {
	return testCard{number: number, brand: brand, funding: funding, country: country}
}

func goodCards() map[string]testCard {
	elevated, highest := visa("4000000000009235"), visa("4000000000004954")
	elevated.risk, highest.risk = "elevated", "highest"
	atOnce, atOnceAbroad := visa("4000000000000077"), from("BR", "4000003720000278")
	atOnce.settlesAtOnce, atOnceAbroad.settlesAtOnce = true, true
	later, fails := visa("4000000000007726"), visa("4000000000005126")
	later.refunding, fails.refunding = refundsLater, refundFailsLater
	return map[string]testCard{
		"visa":               visa("4242424242424242"),
		"visa_debit":         branded("visa", "debit", "US", "4000056655665556"),
		"mastercard":         branded("mastercard", "credit", "US", "5555555555554444"),
		"mastercard_debit":   branded("mastercard", "debit", "US", "5200828282828210"),
		"mastercard_prepaid": branded("mastercard", "prepaid", "US", "5105105105105100"),
		"amex":               branded("amex", "credit", "US", "378282246310005"),
		"discover":           branded("discover", "credit", "US", "6011111111111117"),
		"diners":             branded("diners", "credit", "US", "3056930009020004"),
		"jcb":                branded("jcb", "credit", "JP", "3566002020360505"),
		"unionpay":           branded("unionpay", "credit", "CN", "6200000000000005"),
		"us":                 visa("4242424242424242"),
		"fr":                 from("FR", "4000002500000003"),
		"de":                 from("DE", "4000002760000016"),
		"gb":                 from("GB", "4000008260000000"),

		"bypassPending":              atOnce,
		"bypassPendingInternational": atOnceAbroad,
		"pendingRefund":              later,
		"refundFail":                 fails,
		"riskLevelElevated":          elevated,
		"riskLevelHighest":           highest,
	}
}

func decliningCards() map[string]testCard {
	refuse := func(number, code, declineCode, message string) testCard {
		card := visa(number)
		card.code, card.declineCode, card.message = code, declineCode, message
		return card
	}
	attaches := refuse("4000000000000341", "card_declined", "generic_decline", declinedMessage)
	attaches.attaches = true
	return map[string]testCard{
		"visa_chargeDeclined chargeDeclined": refuse("4000000000000002", "card_declined", "generic_decline", declinedMessage),
		"visa_chargeDeclinedInsufficientFunds chargeDeclinedInsufficientFunds": refuse("4000000000009995", "card_declined",
			"insufficient_funds", fundsMessage),
		"visa_chargeDeclinedLostCard chargeDeclinedLostCard":     refuse("4000000000009987", "card_declined", "lost_card", declinedMessage),
		"visa_chargeDeclinedStolenCard chargeDeclinedStolenCard": refuse("4000000000009979", "card_declined", "stolen_card", declinedMessage),
		"visa_chargeDeclinedVelocityLimitExceeded chargeDeclinedVelocityLimitExceeded": refuse("4000000000006975", "card_declined",
			"card_velocity_exceeded", "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."),
		"chargeDeclinedExpiredCard visa_chargeDeclinedExpiredCard": refuse("4000000000000069", "expired_card", "expired_card",
			"Your card has expired."),
		"chargeDeclinedIncorrectCvc visa_chargeDeclinedIncorrectCvc": refuse("4000000000000127", "incorrect_cvc", "incorrect_cvc",
			"Your card's security code is incorrect."),
		"chargeDeclinedProcessingError visa_chargeDeclinedProcessingError": refuse("4000000000000119", "processing_error",
			"processing_error", "An error occurred while processing your card. Try again in a little bit."),
		"radarBlock chargeDeclinedFraudulent visa_chargeDeclinedFraudulent": refuse("4100000000000019", "card_declined",
			"fraudulent", declinedMessage),
		"chargeCustomerFail visa_chargeCustomerFail": attaches,
	}
}

func authenticatingCards() map[string]testCard {
	asks := func(number string, when authentication) testCard {
		card := visa(number)
		card.authentication = when
		return card
	}
	then := func(card testCard, declineCode, message string) testCard {
		card.code, card.declineCode, card.message, card.attaches = "card_declined", declineCode, message, true
		return card
	}
	lookupFails := then(visa("4000008400001280"), "generic_decline", declinedMessage)
	return map[string]testCard{
		"authenticationRequiredOnSetup":            asks("4000002500003155", unlessSetUp),
		"authenticationRequired":                   asks("4000002760003184", alwaysAuthenticates),
		"authenticationRequiredSetupForOffSession": asks("4000003800000446", onSessionOnly),
		"authenticationRequiredChargeDeclinedInsufficientFunds": then(asks("4000008260003178", alwaysAuthenticates),
			"insufficient_funds", fundsMessage),

		"threeDSecure2Required threeDSecureRequired": asks("4000000000003220", alwaysAuthenticates),
		"threeDSecureRequiredChargeDeclined": then(asks("4000008400001629", alwaysAuthenticates),
			"generic_decline", declinedMessage),
		"threeDSecureRequiredProcessingError": lookupFails,
		"threeDSecureOptional":                visa("4000000000003055"),
		"threeDSecureOptionalProcessingError": visa("4000000000003097"),
		"amex_threeDSecureNotSupported":       branded("amex", "credit", "US", "378282246310005"),
	}
}

func disputedCards() map[string]testCard {
	disputed := func(number, reason string, inquiry bool) testCard {
		card := visa(number)
		card.disputed, card.inquiry = reason, inquiry
		return card
	}
	return map[string]testCard{
		"createDispute":                   disputed("4000000000000259", "fraudulent", false),
		"createDisputeProductNotReceived": disputed("4000000000002685", "product_not_received", false),
		"createDisputeInquiry":            disputed("4000000000001976", "fraudulent", true),
	}
}
