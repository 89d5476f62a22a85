package stripefake

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"
)

// onboardingPrefix is where the fake serves the page on which a seller tells who they are.
const onboardingPrefix = "/connect/onboarding/"

// successfulBank is the documented account number whose payouts arrive.
const successfulBank = "000123456789"

// serveOnboarding shows the page (GET) and takes the seller's bank account (POST account_number). A link
// that is used up or too old leads to the address for a fresh one.
func (s *Server) serveOnboarding(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	link, ok := lookup[*onboarding](s.store, strings.TrimPrefix(r.URL.Path, onboardingPrefix))
	if !ok {
		http.NotFound(w, r)
		return
	}
	account, ok := lookup[*Account](s.store, link.Account)
	switch {
	case !ok:
		http.NotFound(w, r)
	case link.Used || s.now().Unix() >= link.ExpiresAt:
		http.Redirect(w, r, link.RefreshURL, http.StatusSeeOther)
	case r.Method == http.MethodPost:
		s.finishOnboarding(w, r, link, account)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = onboardingPage().Execute(w, map[string]string{"Account": account.ID, "Bank": successfulBank})
	}
}

func (s *Server) finishOnboarding(w http.ResponseWriter, r *http.Request, link *onboarding, account *Account) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	number := r.PostFormValue("account_number")
	if !regexp.MustCompile(`^[0-9A-Z]{8,34}$`).MatchString(number) {
		http.Error(w, "account_number is not that of a bank account", http.StatusBadRequest)
		return
	}
	c := &call{Server: s, now: s.now().Unix(), form: &form{}, host: r.Host}
	link.Used = true
	c.save(link)
	c.onboard(account, number)
	if err := c.commit(0, nil, false); err != nil {
		s.log.Error("the Stripe fake could not write its state", "error", err)
		http.Error(w, "the state could not be written", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, link.ReturnURL, http.StatusSeeOther) //nolint:gosec // the merchant's own address, given with its key
}

func onboardingPage() *template.Template {
	return template.Must(template.New("onboarding").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Onboarding, play money</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}
button,input{font:inherit;padding:.6rem 1rem;border:1px solid #888;border-radius:.4rem}</style></head>
<body><h1>Become a seller</h1>
<p>This is no bank: the Stripe fake plays one, with play money. Account <code>{{.Account}}</code>.</p>
<form method="post"><label>Bank account <input name="account_number" value="{{.Bank}}"></label>
<button>Complete onboarding</button></form>
</body></html>
`))
}
