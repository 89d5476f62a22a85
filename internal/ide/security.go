package ide

import (
	"net/http"
	"regexp"
)

// plainHost is a Host header that may stand in a policy: name or address, and a port.
var plainHost = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)

// setSecurityHeaders keeps the page to our own origin. Scripts come from files alone: no inline
// script, no eval. Inline styles stay allowed, because the editor positions its lines with them.
func setSecurityHeaders(h http.Header, host string) {
	h.Set("Content-Security-Policy", contentPolicy(host))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
}

// contentPolicy names the WebSocket's origin beside 'self', since not every browser takes ws: for
// the page's own origin.
func contentPolicy(host string) string {
	connect := "'self'"
	if plainHost.MatchString(host) {
		connect += " ws://" + host + " wss://" + host
	}
	return "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data: blob:; font-src 'self' data:; connect-src " + connect + "; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
