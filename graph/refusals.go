package graph

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
)

// refusedPayload is the payload of any mutation that was refused before its resolver ran: userErrors, and null for the
// rest. What type it has is told by the resolver's method.
func refusedPayload(mutation string, errs []model.UserError) (any, error) {
	method, ok := reflect.TypeFor[generated.MutationResolver]().MethodByName(strings.ToUpper(mutation[:1]) + mutation[1:])
	if !ok {
		return nil, fmt.Errorf("the mutation %s has no resolver", mutation)
	}
	payload := reflect.New(method.Type.Out(0)).Elem()
	payload.FieldByName(userErrorsField).Set(reflect.ValueOf(errs))
	return payload.Interface(), nil
}

const userErrorsField = "UserErrors"

// refusalsOf are the userErrors of a mutation's payload.
func refusalsOf(payload any) []model.UserError {
	errs, _ := reflect.TypeAssert[[]model.UserError](reflect.ValueOf(payload).FieldByName(userErrorsField))
	return errs
}

// writtenRefusal is a refusal as it is kept, with its type and all its fields.
type writtenRefusal struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

func writeRefusals(errs []model.UserError) (json.RawMessage, error) {
	if len(errs) == 0 {
		return nil, nil
	}
	out := make([]writtenRefusal, len(errs))
	for i, e := range errs {
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("write a refusal: %w", err)
		}
		out[i] = writtenRefusal{Type: reflect.TypeOf(e).Name(), Value: raw}
	}
	return json.Marshal(out)
}

func readRefusals(raw json.RawMessage) ([]model.UserError, error) {
	var in []writtenRefusal
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	out := make([]model.UserError, len(in))
	for i, w := range in {
		e, err := readRefusal(w)
		if err != nil {
			return nil, fmt.Errorf("read a %s: %w", w.Type, err)
		}
		out[i] = e
	}
	return out, nil
}

// refusalTypes are the types that a refusal can have.
var refusalTypes = []model.UserError{
	model.InputError{}, model.BidTooLow{}, model.InsufficientFunds{}, model.CardDeclined{}, model.WalletFrozen{}, model.ExchangeRateMoved{},
	model.WithdrawalNotFunded{}, model.EntryNotReversible{}, model.OutOfStock{},
	model.RefundTooLarge{}, model.CardAmountOutOfRange{}, model.ChatWait{}, model.ChatWordBlocked{},
	model.AlreadyLeading{}, model.AuctionNotOpen{}, model.AuctionClosed{}, model.BidderNotEligible{}, model.ShowHasOpenLot{},
	model.AttributeValueInvalid{}, model.AttributesMissing{}, model.PriceChanged{},
	model.PostalCodeInvalid{}, model.ListingHasHistory{}, model.CouponRefused{}, model.OfferRefused{}, model.OfferPriceRefused{},
}

func readRefusal(w writtenRefusal) (model.UserError, error) {
	as := reflect.TypeFor[model.InputError]() // which has what all have, for a type that this version does not know
	for _, known := range refusalTypes {
		if t := reflect.TypeOf(known); t.Name() == w.Type {
			as = t
		}
	}
	e := reflect.New(as)
	err := json.Unmarshal(w.Value, e.Interface())
	return e.Elem().Interface().(model.UserError), err
}
