package stripefake

import "net/http"

// apiError is an answer that is no success, in Stripe's shape: {"error": {…}}.
type apiError struct {
	status  int
	headers map[string]string

	Type          string         `json:"type"`
	Code          string         `json:"code,omitempty"`
	DeclineCode   string         `json:"decline_code,omitempty"`
	DocURL        string         `json:"doc_url,omitempty"`
	Message       string         `json:"message"`
	Param         string         `json:"param,omitempty"`
	Charge        string         `json:"charge,omitempty"`
	PaymentIntent *PaymentIntent `json:"payment_intent,omitempty"`
	PaymentMethod *PaymentMethod `json:"payment_method,omitempty"`
	SetupIntent   *SetupIntent   `json:"setup_intent,omitempty"`
}

func (e *apiError) with(header, value string) *apiError {
	if e.headers == nil {
		e.headers = make(map[string]string, 1)
	}
	e.headers[header] = value
	return e
}

// executed tells whether the endpoint ran, so that the idempotency layer keeps the answer: "we save
// results only after the execution of the endpoint begins", which leaves out what failed validation.
func (e *apiError) executed() bool {
	return e.status == http.StatusPaymentRequired || e.status >= http.StatusInternalServerError
}

func newError(status int, kind, code, message string) *apiError {
	e := &apiError{status: status, Type: kind, Code: code, Message: message}
	if code != "" {
		e.DocURL = "https://stripe.com/docs/error-codes/" + dashed(code)
	}
	return e
}

func dashed(code string) string {
	b := []byte(code)
	for i := range b {
		if b[i] == '_' {
			b[i] = '-'
		}
	}
	return string(b)
}

func invalid(param, code, message string) *apiError {
	e := newError(http.StatusBadRequest, "invalid_request_error", code, message)
	e.Param = param
	return e
}

func missing(param string) *apiError {
	return invalid(param, "parameter_missing", "Missing required param: "+param+".")
}

func notFound(param, what, id string) *apiError {
	e := newError(http.StatusNotFound, "invalid_request_error", "resource_missing", "No such "+what+": '"+id+"'")
	e.Param = param
	return e
}

func unauthorized(message string) *apiError {
	return newError(http.StatusUnauthorized, "invalid_request_error", "", message)
}

func rateLimited() *apiError {
	return newError(http.StatusTooManyRequests, "invalid_request_error", "rate_limit",
		"Too many requests hit the API too quickly. We recommend an exponential backoff of your requests.").
		with("Stripe-Rate-Limited-Reason", "global-rate")
}

func keyInUse(key string) *apiError {
	return newError(http.StatusConflict, "invalid_request_error", "idempotency_key_in_use",
		"There is currently another in-progress request using this Idempotent Key: "+key+". Please try again later.").
		with("Stripe-Should-Retry", "true")
}

func keyReused(key string) *apiError {
	return newError(http.StatusBadRequest, "idempotency_error", "",
		"Keys for idempotent requests can only be used with the same parameters they were first used with. "+
			"Try using a key other than '"+key+"' if you meant to execute a different request.")
}

func unknownFailure() *apiError {
	return newError(http.StatusInternalServerError, "api_error", "", "An unknown error occurred.")
}

// wrongState refuses a move that the intent's status does not allow.
func wrongState(intent *PaymentIntent, verb string) *apiError {
	e := invalid("", "payment_intent_unexpected_state",
		"This PaymentIntent's status is "+intent.Status+", so it can't be "+verb+".")
	e.PaymentIntent = intent
	return e
}
