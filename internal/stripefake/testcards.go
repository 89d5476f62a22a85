package stripefake

import (
	"crypto/sha256"
	"encoding/hex"
)

// authentication says when a card asks for its holder.
type authentication uint8

const (
	noAuthentication   authentication = iota
	alwaysAuthenticate                // even a card that was set up before
)

// testCard is one of the cards that Stripe documents for testing, and what it does.
// Source: https://docs.stripe.com/testing.
type testCard struct {
	number, brand, funding, country string

	code, declineCode, message string // of the decline, where it declines
	authentication             authentication
	attaches                   bool // a card that declines a charge but can be attached to a customer
}

func (t testCard) declines() bool { return t.code != "" }

func (t testCard) last4() string { return t.number[len(t.number)-4:] }

// fingerprint is what the real one is: the same for the same number. It also tells the fake, when it
// reads its state back, which test card a stored payment method is.
func (t testCard) fingerprint() string {
	sum := sha256.Sum256([]byte(t.number))
	return hex.EncodeToString(sum[:8])
}

const (
	declinedMessage = "Your card was declined."
	fundsMessage    = "Your card has insufficient funds."
)

// testCards are the documented payment method ids. Some have had two spellings over the years, with
// and without the brand; both are answered.
func testCards() map[string]testCard {
	ok := func(number, brand, funding, country string) testCard {
		return testCard{number: number, brand: brand, funding: funding, country: country}
	}
	refuse := func(number, code, declineCode, message string) testCard {
		c := ok(number, "visa", "credit", "US")
		c.code, c.declineCode, c.message = code, declineCode, message
		return c
	}
	generic := refuse("4000000000000002", "card_declined", "generic_decline", declinedMessage)
	funds := refuse("4000000000009995", "card_declined", "insufficient_funds", fundsMessage)
	lost := refuse("4000000000009987", "card_declined", "lost_card", declinedMessage)
	stolen := refuse("4000000000009979", "card_declined", "stolen_card", declinedMessage)
	velocity := refuse("4000000000006975", "card_declined", "card_velocity_exceeded",
		"Your card was declined for making repeated attempts too frequently or exceeding its amount limit.")
	customerFail := refuse("4000000000000341", "card_declined", "generic_decline", declinedMessage)
	customerFail.attaches = true
	always := ok("4000002760003184", "visa", "credit", "IE")
	always.authentication = alwaysAuthenticate
	threeD := ok("4000000000003220", "visa", "credit", "US")
	threeD.authentication = alwaysAuthenticate
	authThenFunds := refuse("4000008260003178", "card_declined", "insufficient_funds", fundsMessage)
	authThenFunds.authentication, authThenFunds.attaches = alwaysAuthenticate, true

	return map[string]testCard{
		"pm_card_visa":               ok("4242424242424242", "visa", "credit", "US"),
		"pm_card_visa_debit":         ok("4000056655665556", "visa", "debit", "US"),
		"pm_card_mastercard":         ok("5555555555554444", "mastercard", "credit", "US"),
		"pm_card_mastercard_debit":   ok("5200828282828210", "mastercard", "debit", "US"),
		"pm_card_mastercard_prepaid": ok("5105105105105100", "mastercard", "prepaid", "US"),
		"pm_card_amex":               ok("378282246310005", "amex", "credit", "US"),
		"pm_card_discover":           ok("6011111111111117", "discover", "credit", "US"),
		"pm_card_diners":             ok("3056930009020004", "diners", "credit", "US"),
		"pm_card_jcb":                ok("3566002020360505", "jcb", "credit", "JP"),
		"pm_card_unionpay":           ok("6200000000000005", "unionpay", "credit", "CN"),
		"pm_card_fr":                 ok("4000002500000003", "visa", "credit", "FR"),
		"pm_card_de":                 ok("4000002760000016", "visa", "credit", "DE"),
		"pm_card_gb":                 ok("4000008260000000", "visa", "credit", "GB"),

		"pm_card_visa_chargeDeclined":                      generic,
		"pm_card_chargeDeclined":                           generic,
		"pm_card_visa_chargeDeclinedInsufficientFunds":     funds,
		"pm_card_chargeDeclinedInsufficientFunds":          funds,
		"pm_card_visa_chargeDeclinedLostCard":              lost,
		"pm_card_visa_chargeDeclinedStolenCard":            stolen,
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": velocity,
		"pm_card_chargeDeclinedExpiredCard": refuse("4000000000000069", "expired_card", "expired_card",
			"Your card has expired."),
		"pm_card_chargeDeclinedIncorrectCvc": refuse("4000000000000127", "incorrect_cvc", "incorrect_cvc",
			"Your card's security code is incorrect."),
		"pm_card_chargeDeclinedProcessingError": refuse("4000000000000119", "processing_error", "processing_error",
			"An error occurred while processing your card. Try again in a little bit."),
		"pm_card_radarBlock":               refuse("4100000000000019", "card_declined", "fraudulent", declinedMessage),
		"pm_card_chargeDeclinedFraudulent": refuse("4100000000000019", "card_declined", "fraudulent", declinedMessage),
		"pm_card_chargeCustomerFail":       customerFail,

		"pm_card_authenticationRequired":                                always,
		"pm_card_threeDSecure2Required":                                 threeD,
		"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": authThenFunds,
	}
}

// cardByNumber and cardByFingerprint search the documented cards.
func cardByNumber(number string) (testCard, bool) {
	return findCard(func(t testCard) bool { return t.number == number })
}

func cardByFingerprint(digest string) (testCard, bool) {
	return findCard(func(t testCard) bool { return t.fingerprint() == digest })
}

func findCard(is func(testCard) bool) (testCard, bool) {
	for _, t := range testCards() {
		if is(t) {
			return t, true
		}
	}
	return testCard{}, false
}
