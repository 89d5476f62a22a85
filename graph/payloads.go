package graph

import (
	"github.com/souklive/souk/graph/model"
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

// textOrNil is null for a text that is empty.
func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
