package graph_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// A place in a waiting room is worth a purchase, however often its buyer quotes until then: with another address, after a quote that ran out, twice at one instant.
func TestAFlashSaleIsCheckedOut(t *testing.T) {
	t.Parallel()
	const (
		schedule    = `mutation($input: FlashSaleScheduleInput!) { flashSaleSchedule(input: $input) { flashSale { id } userErrors { code } } }`
		cartAdd     = `mutation($input: CartLineAddInput!) { cartLineAdd(input: $input) { cart { lineCount } userErrors { code } } }`
		cartReserve = `mutation($input: CartReserveInput!) { cartReserve(input: $input) { reservation { id status } userErrors { code } } }`
		quote       = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id status total { amount } } userErrors { code } } }`
		confirm     = `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { payment } userErrors { code } } }`
	)
	a := graphtest.New(t)
	seller, ann := a.Person(identity.Seller), a.Funded(100)
	game := gameOf(t, a, seller, "9")
	seller.Must(t, codesUpload, input(apitest.Vars{"variantId": game, "codes": "ONE\nTWO\nTHREE", "idempotencyKey": "k"}))
	listing := seller.Must(t, `query($id: ID!) { node(id: $id) { ... on Variant { listing { id } } } }`, apitest.Vars{"id": game}).Str("node.listing.id")
	sale := seller.Must(t, schedule, input(apitest.Vars{
		"listingId": listing, "startsAt": time.Now().UTC().Format(time.RFC3339Nano), "endsAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano), "admitPerMinute": 600, "perBuyer": 2,
	})).Str("flashSaleSchedule.flashSale.id")
	of := input(apitest.Vars{"flashSaleId": sale})
	ann.Must(t, flashJoin, of)
	a.Exec(`UPDATE flash_sale SET admitted = joined`)
	pass := func() string { return ann.Must(t, flashPass, of).Str("flashSalePassCreate.pass") }
	used := func() string {
		return string(ann.Must(t, flashSale, apitest.Vars{"id": sale}).At("flashSale.place.used").Raw())
	}
	mine := pass()
	ann.Must(t, cartAdd, input(apitest.Vars{"variantId": game, "quantity": 2}))
	asks := func(pass any) apitest.Vars {
		in := apitest.Vars{"idempotencyKey": uuid.NewString()}
		if pass != nil {
			in["admissionPass"] = pass
		}
		return input(in)
	}
	for op, query := range map[string]string{"cartReserve": cartReserve, "checkoutQuote": quote} {
		if code := codeOf(t, ann.Client, query, asks(nil)); code != "PASS_REQUIRED" {
			t.Errorf("%s without a pass: %s", op, code)
		}
		if code := codeOf(t, ann.Client, query, asks("x")); code != "PASS_INVALID" {
			t.Errorf("%s with another's: %s", op, code)
		}
	}
	if got := ann.Must(t, cartReserve, asks(mine)).Str("cartReserve.reservation.status"); got != "OPEN" || used() != "true" {
		t.Errorf("set aside: %s, used %s", got, used())
	}
	first := ann.Must(t, quote, asks(mine)).Str("checkoutQuote.quote.id")
	second := ann.Must(t, quote, asks(pass())).Str("checkoutQuote.quote.id") // another pass, as the first may have expired
	status := func(of string) checkout.QuoteStatus {
		t.Helper()
		which, err := id.Quote.Decode(of)
		if err != nil {
			t.Fatal(err)
		}
		q, err := a.Resolver.Checkout.GetQuote(t.Context(), ann.ID, which)
		if err != nil {
			t.Fatal(err)
		}
		return q.Status
	}
	if status(first) != "OVER" || status(second) != "OPEN" {
		t.Errorf("the first is %s, the second %s", status(first), status(second))
	}
	// One more than each may have is refused, and the second is as it was.
	ann.Must(t, cartAdd, input(apitest.Vars{"variantId": game, "quantity": 1}))
	if code := codeOf(t, ann.Client, quote, asks(mine)); code != "ADMISSION_USED" || status(second) != "OPEN" {
		t.Errorf("three of two: %s, and the second is %s", code, status(second))
	}
	a.Exec(`UPDATE cart_line SET quantity = 2`)
	if code := codeOf(t, ann.Client, reservationCreate, input(apitest.Vars{"lines": []any{apitest.Vars{"variantId": game}}, "admissionPass": mine, "idempotencyKey": "beside"})); code != "ADMISSION_USED" {
		t.Errorf("beside the cart: %s", code)
	}
	a.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE status = 'OPEN'`)
	if status(second) != "OVER" || used() != "false" {
		t.Errorf("the second, that ran out, is %s, and the place is used: %s", status(second), used())
	}
	third := ann.Must(t, quote, asks(mine)).Str("checkoutQuote.quote.id")
	quotes := []apitest.Vars{asks(mine), asks(mine), asks(mine)}
	codes := domaintest.AtOnce(len(quotes), func(i int) error {
		_, err := ann.Do(quote, quotes[i])
		return err
	})
	for _, err := range codes {
		if err != nil {
			t.Error(err)
		}
	}
	if open := a.Texts(`SELECT q.id::text FROM quote q JOIN reservation r ON r.id = q.reservation_id WHERE r.status = 'OPEN'`); len(open) != 1 || status(third) != "OVER" {
		t.Errorf("%d quotes are open, the third is %s", len(open), status(third))
	}
	last := ann.Must(t, quote, asks(mine))
	ann.Must(t, confirm, input(apitest.Vars{"quoteId": last.Str("checkoutQuote.quote.id"), "total": eur("18"), "idempotencyKey": "k"}))
	ann.Must(t, cartAdd, input(apitest.Vars{"variantId": game, "quantity": 1}))
	for op, query := range map[string]string{"cartReserve": cartReserve, "checkoutQuote": quote} {
		if code := codeOf(t, ann.Client, query, asks(mine)); code != "ADMISSION_USED" {
			t.Errorf("%s once it was bought: %s", op, code)
		}
	}
	if code := codeOf(t, ann.Client, flashPass, of); code != "ADMISSION_USED" || used() != "true" {
		t.Errorf("another pass once it was bought: %s, used %s", code, used())
	}
}
