package payment

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v76"
)

// CreateCustomer implements Vault. Stripe learns our id of the user, and nothing about the person.
func (s *Stripe) CreateCustomer(ctx context.Context, reference, key string) (string, error) {
	p := &stripe.CustomerParams{Params: params(ctx, key)}
	p.AddMetadata("reference", reference)
	customer, err := s.api.Customers.New(p)
	if err != nil {
		return "", stripeError("create a customer", err)
	}
	return customer.ID, nil
}

// setupParams fetches the card along with the setup.
func setupParams(ctx context.Context, key string) stripe.Params {
	p := params(ctx, key)
	p.AddExpand("payment_method")
	return p
}

// CreateSetup implements Vault.
func (s *Stripe) CreateSetup(ctx context.Context, r SetupRequest) (Setup, error) {
	p := &stripe.SetupIntentParams{
		Params:             setupParams(ctx, r.Key),
		Customer:           new(r.Customer),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		Usage:              new(string(stripe.SetupIntentUsageOffSession)),
	}
	if r.PaymentMethod != "" {
		p.PaymentMethod = new(r.PaymentMethod)
	}
	p.AddMetadata("reference", r.Reference)
	return setupFrom("create a setup intent")(s.api.SetupIntents.New(p))
}

// ConfirmSetup implements Vault.
func (s *Stripe) ConfirmSetup(ctx context.Context, id, returnURL, key string) (Setup, error) {
	p := &stripe.SetupIntentConfirmParams{Params: setupParams(ctx, key)}
	if returnURL != "" {
		p.ReturnURL = new(returnURL)
	}
	return setupFrom("confirm a setup intent")(s.api.SetupIntents.Confirm(id, p))
}

// Setup implements Vault.
func (s *Stripe) Setup(ctx context.Context, id string) (Setup, error) {
	return setupFrom("fetch a setup intent")(s.api.SetupIntents.Get(id, &stripe.SetupIntentParams{Params: setupParams(ctx, "")}))
}

// CancelSetup implements Vault.
func (s *Stripe) CancelSetup(ctx context.Context, id, key string) (Setup, error) {
	return setupFrom("cancel a setup intent")(
		s.api.SetupIntents.Cancel(id, &stripe.SetupIntentCancelParams{Params: setupParams(ctx, key)}))
}

// Method implements Vault.
func (s *Stripe) Method(ctx context.Context, id string) (Method, error) {
	method, err := s.api.PaymentMethods.Get(id, &stripe.PaymentMethodParams{Params: params(ctx, "")})
	if err != nil {
		return Method{}, stripeError("fetch a payment method", err)
	}
	read, err := readMethod(method)
	if err != nil {
		return Method{}, &ProviderError{Op: "fetch a payment method", Outcome: Unknown, Err: err}
	}
	return read, nil
}

// DetachMethod implements Vault.
func (s *Stripe) DetachMethod(ctx context.Context, id, key string) error {
	if _, err := s.api.PaymentMethods.Detach(id, &stripe.PaymentMethodDetachParams{Params: params(ctx, key)}); err != nil {
		return stripeError("detach a payment method", err)
	}
	return nil
}

// setupFrom turns stripe-go's answer to one operation into ours.
func setupFrom(op string) func(*stripe.SetupIntent, error) (Setup, error) {
	return func(p *stripe.SetupIntent, err error) (Setup, error) {
		if err != nil {
			return Setup{}, stripeError(op, err)
		}
		setup, err := readSetup(p)
		if err != nil {
			return Setup{}, &ProviderError{Op: op, Outcome: Unknown, Err: err}
		}
		return setup, nil
	}
}

func readSetup(p *stripe.SetupIntent) (setup Setup, err error) {
	setup = Setup{ID: p.ID, ClientSecret: p.ClientSecret}
	switch p.Status {
	case stripe.SetupIntentStatusRequiresConfirmation:
		setup.State = Unconfirmed
	case stripe.SetupIntentStatusRequiresPaymentMethod:
		setup.State = AwaitingMethod
		if last := p.LastSetupError; last != nil {
			setup.State, setup.FailureCode, setup.DeclineCode = Declined, string(last.Code), string(last.DeclineCode)
		}
	case stripe.SetupIntentStatusRequiresAction:
		setup.State = AwaitingHolder
		if next := p.NextAction; next != nil && next.RedirectToURL != nil {
			setup.NextActionURL = next.RedirectToURL.URL
		}
	case stripe.SetupIntentStatusProcessing:
		setup.State = InProgress
	case stripe.SetupIntentStatusCanceled:
		setup.State = Canceled
	case stripe.SetupIntentStatusSucceeded:
		setup.State = Succeeded
		if p.PaymentMethod == nil {
			return Setup{}, fmt.Errorf("setup %s succeeded without a payment method", p.ID)
		}
		setup.Method, err = readMethod(p.PaymentMethod)
	default:
		return Setup{}, fmt.Errorf("setup %s has status %q", p.ID, p.Status)
	}
	return setup, err
}

func readMethod(p *stripe.PaymentMethod) (Method, error) {
	if p.Card == nil {
		return Method{}, fmt.Errorf("payment method %s is no card", p.ID)
	}
	m := Method{
		ID: p.ID, Brand: string(p.Card.Brand), Last4: p.Card.Last4, ExpMonth: int(p.Card.ExpMonth), ExpYear: int(p.Card.ExpYear), Fingerprint: p.Card.Fingerprint,
	}
	if p.Customer != nil {
		m.Customer = p.Customer.ID
	}
	return m, nil
}
