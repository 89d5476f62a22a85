package graph_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

// A seller says that they are registered; what they send bears tax, and the order tells it.
func TestTaxThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, other, buyer := a.Person(identity.Seller), a.Person(identity.Seller), a.Funded(100)
	home := fill(t, a, buyer, seller, other)
	const set = `mutation($input: TaxRegistrationSetInput!) { taxRegistrationSet(input: $input) { taxRegistration { country number } userErrors { code field } } }`
	for code, in := range map[string]apitest.Vars{"TAX_NUMBER": {"country": "FR", "number": "1"}, "ADDRESS_COUNTRY": {"country": "ZZ", "number": "12345"}} {
		if got := codeOf(t, seller.Client, set, input(in)); got != code {
			t.Errorf("%s: %s", code, got)
		}
	}
	if got := string(seller.Must(t, set, input(apitest.Vars{"country": "FR", "number": "FR 83 404 833 048"})).Raw()); got != `{"taxRegistrationSet":{"taxRegistration":{"country":"FR","number":"FR83404833048"},"userErrors":[]}}` {
		t.Errorf("registered: %s", got)
	}
	quote := `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id taxEstimated total { amount } groups { charges { kind bearer label estimated amount { amount } } } } userErrors { code } } }`
	answer := buyer.Must(t, quote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"}))
	if got := string(answer.Raw()); !strings.Contains(got, `{"kind":"TAX","bearer":"SELLER","label":"VAT 20 %","estimated":false,"amount":{"amount":"3.33"}}`) || strings.Count(got, `"TAX"`) != 1 || !strings.Contains(got, `"taxEstimated":false`) {
		t.Errorf("quoted: %s", got)
	}
	confirm := `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { taxEstimated charges { kind } } userErrors { code } } }`
	done := buyer.Must(t, confirm, input(apitest.Vars{"quoteId": answer.Str("checkoutQuote.quote.id"), "total": eur("58"), "idempotencyKey": "c"}))
	if got := string(done.Raw()); strings.Count(got, `"taxEstimated":false`) != 3 || strings.Count(got, `"TAX"`) != 1 {
		t.Errorf("confirmed: %s", got)
	}
	seller.Must(t, set, input(apitest.Vars{}))
	if got := string(seller.Must(t, `{ viewer { taxRegistration { number } } }`, nil).Raw()); got != `{"viewer":{"taxRegistration":null}}` {
		t.Errorf("registered no more: %s", got)
	}
}
