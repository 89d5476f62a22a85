package httpx

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Origins are the web sites whose pages may call the server, as scheme://host[:port]; "*" is any.
type Origins []string

// Allows reports whether a page of the origin may call. A page of the server itself always may, and so
// may a client that is no browser and sends no Origin.
func (o Origins) Allows(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(o, "*") {
		return true
	}
	if slices.ContainsFunc(o, func(allowed string) bool { return strings.EqualFold(allowed, origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// CORS lets pages of the allowed origins call, with a bearer token and no cookies, so credentials are
// never allowed. It only answers the browser's question: the socket's handshake must ask Allows itself.
func CORS(origins Origins) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header := w.Header()
			header.Add("Vary", "Origin")
			origin := r.Header.Get("Origin")
			if origin == "" || !origins.Allows(r) {
				next.ServeHTTP(w, r)
				return
			}
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", RequestIDHeader+", Retry-After")
			if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
				next.ServeHTTP(w, r)
				return
			}
			header.Set("Access-Control-Allow-Methods", "GET, POST, PUT")
			header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept-Language, "+DeviceHeader+", "+RequestIDHeader)
			header.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
		})
	}
}
