package httpx

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// DeviceHeader is where a client says what it calls the device that it runs on.
const DeviceHeader = "Souk-Device"

type clientKey struct{}

// ClientAddr finds the address that a request came from. X-Forwarded-For is believed only as far as it
// was written by the trusted proxies: it is read from its end, and the first address that is none of
// theirs is the client's. With no proxies, the header means nothing.
func ClientAddr(trusted []netip.Prefix) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			addr := clientAddr(r, trusted)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, addr)))
		})
	}
}

// Client is the address that the request came from, as ClientAddr found it; invalid outside a request.
func Client(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(clientKey{}).(netip.Addr)
	return addr
}

func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // a unix socket has no address
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !within(addr, trusted) {
			break
		}
		named, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = named.Unmap().WithZone("")
	}
	return addr
}

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
