package graph

import (
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/payment"
)

// setupPayload answers with a setup and, where its card was refused, why.
func setupPayload(setup payment.CardSetup, err error) (model.CardSetupStartPayload, error) {
	errs, err := refused(err)
	payload := model.CardSetupStartPayload{UserErrors: errs}
	if setup.Status != "" {
		payload.CardSetup, payload.SetupIntentID, payload.ClientSecret = &setup, textOrNil(setup.ProviderID), textOrNil(setup.ClientSecret)
	}
	return payload, err
}

// answered is what a use case gave, as a payload has it: the thing, or why it was refused.
func answered[T any](v T, err error) (*T, []model.UserError, error) {
	if err != nil {
		errs, err := refused(err)
		return nil, errs, err
	}
	return &v, nil, nil
}

// deletionPayload says of each listing what became of it.
func deletionPayload(deletions []catalog.Deletion, err error) (model.ListingDeletePayload, error) {
	if err != nil {
		errs, err := refused(err)
		return model.ListingDeletePayload{UserErrors: errs}, err
	}
	payload := model.ListingDeletePayload{DeletedIds: []id.ID{}}
	for _, d := range deletions {
		if d.Refused != nil {
			payload.UserErrors = append(payload.UserErrors, userError(d.Refused))
			continue
		}
		payload.DeletedIds = append(payload.DeletedIds, id.Listing.ID(d.Listing))
	}
	return payload, nil
}

// orZero is what was given, or nothing.
func orZero[T any](given *T) (value T) {
	if given != nil {
		value = *given
	}
	return value
}

// textOrNil is null for a text that is empty.
func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
