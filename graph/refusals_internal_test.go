package graph

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/taxonomy"
)

// Every type of refusal is kept with all its fields, and comes back as it was.
func TestRefusalsComeBack(t *testing.T) {
	t.Parallel()
	declined := "insufficient_funds"
	all := []model.UserError{
		model.InputError{Code: "A", Message: "a <b>", Field: []string{"input", "a"}},
		model.BidTooLow{Code: "B", Message: "b", Minimum: money.New(1<<62, "TND"), Price: money.New(0, "TND")},
		model.AlreadyLeading{Code: "B", Message: "b", Field: []string{"amount"}, Maximum: money.New(1, "EUR")},
		model.AuctionNotOpen{Code: "B", Message: "b", OpensAt: new(time.Date(2026, 1, 31, 18, 30, 0, 0, time.UTC))},
		model.AuctionClosed{Code: "B", Message: "b", EndsAt: time.Date(2026, 1, 31, 18, 30, 0, 0, time.UTC)},
		model.BidderNotEligible{Code: "B", Message: "b", MinimumAge: new(18), MinimumTier: new(identity.Trusted)},
		model.InsufficientFunds{Code: "C", Message: "c", Field: []string{"amount"}, Available: money.New(0, "JPY")},
		model.CardDeclined{Code: "D", Message: "d", DeclineCode: &declined},
		model.ExchangeRateMoved{Code: "E", Message: "e", Field: []string{"minimum"}, Offer: money.New(1, "EUR")},
		model.WalletFrozen{Code: "E", Message: "e", Since: time.Date(2026, 1, 31, 18, 30, 0, 0, time.UTC)},
		model.EntryNotReversible{Code: "E", Message: "e", Field: []string{"entryId"}, Instead: "refund"},
		model.WithdrawalNotFunded{Code: "E", Message: "e", Field: []string{"amount"}, Withdrawable: money.New(1, "EUR")},
		model.RefundTooLarge{Code: "F", Message: "f", Field: []string{"amount"}, Maximum: money.New(1, "EUR")},
		model.CardAmountOutOfRange{Code: "G", Message: "g", Field: []string{"walletAmount"}, Limit: money.New(50, "EUR")},
		model.ChatWait{Code: "H", Message: "h", Until: time.Date(2026, 1, 31, 18, 30, 0, 0, time.UTC), RetryAfterMs: 1},
		model.ShowHasOpenLot{Code: "I", Message: "i", Lot: auction.Auction{ID: id.New(), Status: auction.Paused}},
		model.OutOfStock{Code: "J", Message: "j", Field: []string{"quantity"}, VariantID: id.Variant.ID(id.New()), Available: 2},
		model.PriceChanged{Code: "I", Message: "i", Field: []string{"total"}, Total: new(money.New(1, "EUR"))},
		model.PostalCodeInvalid{Code: "K", Message: "k", Field: []string{"postalCode"}, Example: new("75001")},
		model.ListingHasHistory{Code: "J", Message: "j", Field: []string{"listingIds", "0"}, ListingID: id.Listing.ID(id.New()), History: []catalog.History{catalog.HistoryOrder}},
		model.CouponRefused{Code: "L", Message: "l", Field: []string{"couponCodes"}, Coupon: "EID", Missing: new(money.New(1, "EUR"))},
		model.OfferRefused{Code: "J", Message: "j", Field: []string{"version"}, Offer: offer.Offer{ID: id.New(), LastStatus: offer.Accepted, Version: 3, EndsAt: time.Date(2026, 1, 31, 18, 30, 0, 0, time.UTC)}},
		model.OfferPriceRefused{Code: "J", Message: "j", Field: []string{"price"}, Minimum: new(money.New(1, "EUR")), Maximum: new(money.New(2, "EUR"))},
		model.ChatWordBlocked{Code: "I", Message: "i", Word: "spam"},
		model.AttributeValueInvalid{Code: "J", Message: "j", Field: []string{"attributes", "0"}, Attribute: taxonomy.Attribute{ID: id.New(), Code: "size"}},
		model.AttributesMissing{Code: "J", Message: "j", Attributes: []taxonomy.Attribute{{ID: id.New(), Code: "size", Required: true}}},
	}
	raw, err := writeRefusals(all)
	if err != nil {
		t.Fatal(err)
	}
	back, err := readRefusals(raw)
	if err != nil || !reflect.DeepEqual(back, all) {
		t.Errorf("%#v, %v", back, err)
	}
	tested := func(name string) bool {
		return slices.ContainsFunc(all, func(e model.UserError) bool { return reflect.TypeOf(e).Name() == name })
	}
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for _, def := range schema.GetPossibleTypes(schema.Types["UserError"]) {
		if !slices.ContainsFunc(refusalTypes, func(e model.UserError) bool { return reflect.TypeOf(e).Name() == def.Name }) {
			t.Errorf("refusalTypes lacks %s", def.Name)
		}
		if !tested(def.Name) {
			t.Errorf("this test lacks %s", def.Name)
		}
	}
}

// The payload of each mutation under @idempotent can be made of refusals alone.
func TestRefusedPayloads(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for _, f := range schema.Mutation.Fields {
		if f.Directives.ForName(idempotentDirective) == nil {
			continue
		}
		errs := []model.UserError{model.InputError{Code: f.Name}}
		payload, err := refusedPayload(f.Name, errs)
		if err != nil || reflect.TypeOf(payload).Name() != f.Type.Name() {
			t.Fatalf("%s is answered by %T, %v", f.Name, payload, err)
		}
		if got := refusalsOf(payload); !reflect.DeepEqual(got, errs) {
			t.Errorf("%s: %v", f.Name, got)
		}
	}
}
