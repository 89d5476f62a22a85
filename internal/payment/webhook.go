package payment

import (
	"io"
	"net/http"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/httpx"
)

// WebhookPath is where the provider sends its events.
const WebhookPath = "/webhooks/stripe"

// ReturnPath is where a card's holder comes back to after the bank's page, where no client says otherwise.
const ReturnPath = "/payments/return"

// Returned is the page at ReturnPath. It changes nothing: what the holder did there comes by webhook.
func Returned(w http.ResponseWriter, r *http.Request) {
	text := "You can close this page and go back to where you came from."
	if r.URL.Query().Get("redirect_status") == "failed" {
		text = "That did not work, and nothing was charged. " + text
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text+"\n") // the client may be gone
}

// maxWebhook bounds a webhook's body; Stripe's are a few kilobytes.
const maxWebhook = 256 << 10

// Refusals of webhooks. The provider sends again what was refused, for three days.
var (
	ErrWebhookSignature = fault.New(fault.Invalid, "WEBHOOK_SIGNATURE_INVALID", "This webhook is not signed with the endpoint's secret.")
	ErrWebhookStale     = fault.New(fault.Invalid, "WEBHOOK_STALE", "This webhook was signed too long ago.")
	ErrWebhookMalformed = fault.New(fault.Invalid, "WEBHOOK_MALFORMED", "This webhook's body is no event.")
)

// WebhookHandler takes the provider's events into the inbox and answers at once; jobs act on them.
func (s *Service) WebhookHandler() http.Handler {
	return httpx.BodyLimit(maxWebhook)(http.HandlerFunc(s.takeWebhook))
}

func (s *Service) takeWebhook(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		httpx.Refuse(w, r, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "Webhooks are sent with POST.")
		return
	}
	if s.webhookSecret == "" { // an empty secret would believe anybody
		httpx.Refuse(w, r, http.StatusServiceUnavailable, "WEBHOOKS_OFF", "This server has no secret to check webhooks with.")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		httpx.Refuse(w, r, http.StatusBadRequest, "BODY_UNREADABLE", "The request's body could not be read.")
		return
	}
	event, err := s.provider.ReadEvent(body, r.Header.Get("Stripe-Signature"), s.webhookSecret)
	if refusal, ok := fault.As(err); ok {
		s.log.WarnContext(r.Context(), "a webhook was refused", "error", err)
		httpx.Refuse(w, r, http.StatusBadRequest, refusal.Code, refusal.Message)
		return
	}
	if err == nil {
		_, err = s.take(r.Context(), event)
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "a webhook could not be kept", "error", err)
		httpx.Refuse(w, r, http.StatusInternalServerError, "INTERNAL", "The webhook could not be kept; send it again.")
		return
	}
	w.WriteHeader(http.StatusOK)
}
