package payment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/souklive/souk/internal/money"
)

const (
	// stripeTimeout bounds one request: shorter than the resolver's first delay, so that a resolver
	// seldom meets the request that it is there to replace.
	stripeTimeout = 10 * time.Second
	// stripeRetries is how often stripe-go repeats a request that was cut or met a conflict, with the
	// same key. Whatever is still unknown then is the resolver's.
	stripeRetries = 1
)

// Stripe is the Provider that speaks to Stripe, or to a server that speaks as Stripe does.
type Stripe struct{ api *client.API }

// NewStripe makes a client of its own: no global key, no global backend. backendURL is empty for
// Stripe itself; httpClient is nil for one with a time-out of ten seconds.
func NewStripe(secretKey, backendURL string, httpClient *http.Client) *Stripe {
	if httpClient == nil {
		httpClient = &http.Client{Timeout: stripeTimeout}
	}
	config := func() *stripe.BackendConfig {
		c := &stripe.BackendConfig{
			HTTPClient:        httpClient,
			MaxNetworkRetries: stripe.Int64(stripeRetries),
			LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // what matters reaches our own log
			EnableTelemetry:   new(false),
		}
		if backendURL != "" {
			c.URL = new(backendURL)
		}
		return c
	}
	return &Stripe{api: client.New(secretKey, &stripe.Backends{
		API:     stripe.GetBackendWithConfig(stripe.APIBackend, config()),
		Connect: stripe.GetBackendWithConfig(stripe.ConnectBackend, config()),
		Uploads: stripe.GetBackendWithConfig(stripe.UploadsBackend, config()),
	})}
}

// params carries the context and the key.
func params(ctx context.Context, key string) stripe.Params {
	p := stripe.Params{Context: ctx}
	if key != "" {
		p.SetIdempotencyKey(key)
	}
	return p
}

// intentParams fetches what an intent's money has become along with it.
func intentParams(ctx context.Context, key string) stripe.Params {
	p := params(ctx, key)
	p.AddExpand("latest_charge.balance_transaction")
	return p
}

// CreateIntent implements Provider.
func (s *Stripe) CreateIntent(ctx context.Context, r IntentRequest) (Intent, error) {
	p := &stripe.PaymentIntentParams{
		Params:             intentParams(ctx, r.Key),
		Amount:             new(r.Amount.Minor),
		Currency:           new(strings.ToLower(string(r.Amount.Currency))),
		PaymentMethod:      new(r.PaymentMethod),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
	}
	if r.Customer != "" {
		p.Customer = new(r.Customer)
	}
	if r.Manual {
		p.CaptureMethod = new(string(stripe.PaymentIntentCaptureMethodManual))
	}
	p.AddMetadata("reference", r.Reference)
	return intentFrom("create a payment intent")(s.api.PaymentIntents.New(p))
}

// ConfirmIntent implements Provider.
func (s *Stripe) ConfirmIntent(ctx context.Context, id, returnURL, key string) (Intent, error) {
	p := &stripe.PaymentIntentConfirmParams{Params: intentParams(ctx, key)}
	if returnURL != "" {
		p.ReturnURL = new(returnURL)
	}
	return intentFrom("confirm a payment intent")(s.api.PaymentIntents.Confirm(id, p))
}

// Intent implements Provider.
func (s *Stripe) Intent(ctx context.Context, id string) (Intent, error) {
	return intentFrom("fetch a payment intent")(
		s.api.PaymentIntents.Get(id, &stripe.PaymentIntentParams{Params: intentParams(ctx, "")}))
}

// CaptureIntent implements Provider.
func (s *Stripe) CaptureIntent(ctx context.Context, id, key string) (Intent, error) {
	return intentFrom("capture a payment intent")(
		s.api.PaymentIntents.Capture(id, &stripe.PaymentIntentCaptureParams{Params: intentParams(ctx, key)}))
}

// CancelIntent implements Provider.
func (s *Stripe) CancelIntent(ctx context.Context, id, key string) (Intent, error) {
	return intentFrom("cancel a payment intent")(
		s.api.PaymentIntents.Cancel(id, &stripe.PaymentIntentCancelParams{Params: intentParams(ctx, key)}))
}

// intentFrom turns stripe-go's answer to one operation into ours.
func intentFrom(op string) func(*stripe.PaymentIntent, error) (Intent, error) {
	return func(p *stripe.PaymentIntent, err error) (Intent, error) {
		if err != nil {
			return Intent{}, stripeError(op, err)
		}
		intent, err := readIntent(p)
		if err != nil {
			return Intent{}, &ProviderError{Op: op, Outcome: Unknown, Err: err}
		}
		return intent, nil
	}
}

func readIntent(p *stripe.PaymentIntent) (Intent, error) {
	intent := Intent{ID: p.ID, Amount: stripeAmount(p.Amount, p.Currency)}
	switch p.Status {
	case stripe.PaymentIntentStatusRequiresConfirmation:
		intent.State = Unconfirmed
	case stripe.PaymentIntentStatusRequiresPaymentMethod: // ours are made with one, so it was refused
		intent.State = Declined
		if last := p.LastPaymentError; last != nil {
			intent.FailureCode, intent.DeclineCode = string(last.Code), string(last.DeclineCode)
		}
	case stripe.PaymentIntentStatusRequiresAction:
		intent.State = AwaitingHolder
		if next := p.NextAction; next != nil && next.RedirectToURL != nil {
			intent.NextActionURL = next.RedirectToURL.URL
		}
	case stripe.PaymentIntentStatusProcessing:
		intent.State = InProgress
	case stripe.PaymentIntentStatusRequiresCapture:
		intent.State = Authorised
	case stripe.PaymentIntentStatusCanceled:
		intent.State = Canceled
	case stripe.PaymentIntentStatusSucceeded:
		intent.State = Succeeded
		charge := p.LatestCharge
		if charge == nil {
			return Intent{}, fmt.Errorf("intent %s succeeded without a charge", p.ID)
		}
		intent.Charge = Charge{ID: charge.ID, Amount: stripeAmount(charge.AmountCaptured, charge.Currency)}
		if t := charge.BalanceTransaction; t != nil {
			intent.Charge.BalanceTxnID, intent.Charge.Fee = t.ID, stripeAmount(t.Fee, t.Currency)
		}
	default:
		return Intent{}, fmt.Errorf("intent %s has status %q", p.ID, p.Status)
	}
	return intent, nil
}

// stripeAmount reads Stripe's minor units, which for the currencies in limits are those of ISO 4217.
func stripeAmount(minor int64, c stripe.Currency) money.Amount {
	return money.New(minor, money.Currency(strings.ToUpper(string(c))))
}

// stripeError says what is known after a failed call.
func stripeError(op string, err error) *ProviderError {
	e := &ProviderError{Op: op, Outcome: Unknown, Err: err}
	var se *stripe.Error
	if !errors.As(err, &se) { // the connection failed: the request may have arrived
		return e
	}
	e.Code, e.DeclineCode = string(se.Code), string(se.DeclineCode)
	// stripe.Error prints the whole object; the log needs no more than this.
	e.Err = fmt.Errorf("stripe answered %d %s %s (request %s): %s", se.HTTPStatusCode, se.Type, se.Code, se.RequestID, se.Msg)
	switch status := se.HTTPStatusCode; {
	case se.Type == stripe.ErrorTypeCard || status == http.StatusPaymentRequired:
		e.Outcome = Refused
	case status == http.StatusTooManyRequests || status == http.StatusConflict:
		e.Outcome = Busy
	case se.Type == stripe.ErrorTypeIdempotency:
		// The key was sent before, with other parameters (we have moved, and come back to elsewhere):
		// what that request did is not known, and this key will not tell.
		e.Outcome = Poisoned
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Outcome = Locked
	case status >= http.StatusInternalServerError:
		e.Outcome = Poisoned
	case status >= http.StatusBadRequest:
		e.Outcome = Rejected
	}
	return e
}
