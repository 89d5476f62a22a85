package stripefake

import (
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// nextAction is what the card's holder has to do before an intent goes on.
type nextAction struct {
	Type          string         `json:"type"`
	RedirectToURL *redirectToURL `json:"redirect_to_url,omitempty"`
	UseStripeSDK  map[string]any `json:"use_stripe_sdk,omitempty"`
}

type redirectToURL struct {
	ReturnURL string `json:"return_url"`
	URL       string `json:"url"`
}

// pagePrefix is where the fake serves its own 3-D Secure page: it plays the issuer's part.
const pagePrefix = "/3d_secure/"

// challenge sends the holder to the page: by a redirect where the caller has said where to come back
// to, and else as a client library would be told.
func (c *call) challenge(intent, clientSecret string) *nextAction {
	_, secret, _ := strings.Cut(clientSecret, "_secret_")
	page := c.baseURL() + pagePrefix + intent + "/" + secret
	if back := c.form.str("return_url"); back != "" {
		return &nextAction{Type: "redirect_to_url", RedirectToURL: &redirectToURL{ReturnURL: back, URL: page}}
	}
	return &nextAction{Type: "use_stripe_sdk", UseStripeSDK: map[string]any{
		"type": "three_d_secure_redirect", "stripe_js": page,
	}}
}

func (c *call) baseURL() string {
	if c.publicURL != "" {
		return c.publicURL
	}
	return "http://" + c.host
}

// checkReturn allows addresses of pages and of apps, and nothing that would run in a page.
func checkReturn(address string) *apiError {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript" {
		return invalid("return_url", "url_invalid", "Not a valid URL: "+address)
	}
	return nil
}

// returnURL is where the holder is sent after the page, empty where nobody said.
func (n *nextAction) returnURL() string {
	if n == nil || n.RedirectToURL == nil {
		return ""
	}
	return n.RedirectToURL.ReturnURL
}

// authenticated is an intent of either kind that waits at the page.
type authenticated interface {
	resource
	what() (amount, clientSecret, status string, next *nextAction)
	passed(c *call)
	failed(c *call)
}

// serveAuthentication is the issuer's page: GET shows the two buttons, POST with outcome=succeed or
// outcome=fail is one of them. The secret in the path is the client secret's, so that only who may
// pay finds the page.
func (s *Server) serveAuthentication(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	id, secret, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, pagePrefix), "/")
	intent, ok := lookup[authenticated](s.store, id)
	if !ok {
		http.NotFound(w, r)
		return
	}
	amount, clientSecret, status, next := intent.what()
	if subtle.ConstantTimeCompare([]byte(clientSecret), []byte(id+"_secret_"+secret)) != 1 {
		http.NotFound(w, r)
		return
	}
	view := authenticationView{ID: id, Amount: amount, Status: status, Waits: status == needsAction}
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		view.show(w, http.StatusOK)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case !view.Waits:
		view.show(w, http.StatusConflict)
	default:
		s.authenticate3D(w, r, intent, next, view)
	}
}

func (s *Server) authenticate3D(w http.ResponseWriter, r *http.Request, intent authenticated, next *nextAction, view authenticationView) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	c := &call{Server: s, now: s.now().Unix(), form: &form{}, host: r.Host}
	switch r.PostFormValue("outcome") {
	case "succeed":
		intent.passed(c)
	case "fail":
		intent.failed(c)
	default:
		http.Error(w, "outcome is succeed or fail", http.StatusBadRequest)
		return
	}
	if err := c.commit(0, nil, false); err != nil {
		s.log.Error("the Stripe fake could not write its state", "error", err)
		http.Error(w, "the state could not be written", http.StatusInternalServerError)
		return
	}
	_, clientSecret, status, _ := intent.what()
	view.Status, view.Waits = status, false
	if back := next.returnURL(); back != "" {
		http.Redirect(w, r, withOutcome(back, intent.head(), clientSecret, status), http.StatusSeeOther) //nolint:gosec // the merchant's own address, given with its key
		return
	}
	view.show(w, http.StatusOK)
}

// withOutcome adds what Stripe adds to a return URL.
func withOutcome(back string, h *base, clientSecret, status string) string {
	u, err := url.Parse(back)
	if err != nil { // checkReturn has parsed it
		return back
	}
	redirect := "failed"
	if status == succeeded || status == needsCapture {
		redirect = "succeeded"
	}
	q := u.Query()
	q.Set(h.Object, h.ID)
	q.Set(h.Object+"_client_secret", clientSecret)
	q.Set("redirect_status", redirect)
	u.RawQuery = q.Encode()
	return u.String()
}

type authenticationView struct {
	ID, Amount, Status string
	Waits              bool
}

func (v authenticationView) show(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(status)
	_ = authenticationPage().Execute(w, v)
}

func authenticationPage() *template.Template {
	return template.Must(template.New("3d_secure").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>3-D Secure, play money</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}
button{font:inherit;padding:.6rem 1rem;margin-right:.5rem;border:1px solid #888;border-radius:.4rem;cursor:pointer}
code{overflow-wrap:anywhere}</style></head>
<body><h1>3-D Secure</h1>
<p>This is no bank: the Stripe fake plays one, with play money.</p>
<p>{{with .Amount}}<strong>{{.}}</strong>, {{end}}<code>{{.ID}}</code></p>
{{if .Waits}}<form method="post">
<button name="outcome" value="succeed">Complete authentication</button>
<button name="outcome" value="fail">Fail authentication</button>
</form>{{else}}<p>Nothing waits here: its status is <strong>{{.Status}}</strong>.</p>{{end}}
</body></html>
`))
}

// what implements authenticated.
func (intent *PaymentIntent) what() (amount, clientSecret, status string, next *nextAction) {
	return inUnits(intent.Amount, intent.Currency), intent.ClientSecret, intent.Status, intent.NextAction
}

// passed goes on with the payment: the card may still decline.
func (intent *PaymentIntent) passed(c *call) {
	method, ok := lookup[*PaymentMethod](c.store, *intent.PaymentMethod)
	if !ok {
		intent.failed(c)
		return
	}
	intent.NextAction = nil
	_, _ = c.charge(intent, method, c.cardOf(method)) // a decline is the intent's last_payment_error
}

func (intent *PaymentIntent) failed(c *call) {
	problem := invalid("", "payment_intent_authentication_failure",
		"The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "+
			"to attempt to fulfill this PaymentIntent again.")
	problem.PaymentMethod, _ = lookup[*PaymentMethod](c.store, *intent.PaymentMethod)
	intent.LastPaymentError, intent.NextAction = problem, nil
	intent.Status, intent.PaymentMethod = needsMethod, nil
	c.save(intent)
	c.emit("payment_intent.payment_failed", intent)
}
