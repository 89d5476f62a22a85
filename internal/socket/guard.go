package socket

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/souklive/souk/internal/pace"
)

// slot is an admitted request's place. It is held until the handler returns, and by an accepted connection until its end.
type slot struct {
	addr  string
	taken bool // by a connection
}

type slotKey struct{}

// refusal is an answer before the upgrade.
type refusal struct {
	status  int
	reason  string // the metric's label
	message string
	header  [2]string
}

var (
	refuseOrigin    = &refusal{status: http.StatusForbidden, reason: "origin", message: "This origin may not open a WebSocket here."}
	refuseFull      = &refusal{status: http.StatusServiceUnavailable, reason: "full", message: "This server has no room for another connection.", header: [2]string{"Retry-After", "5"}}
	refuseDraining  = &refusal{status: http.StatusServiceUnavailable, reason: "draining", message: "This server is restarting.", header: [2]string{"Retry-After", "1"}}
	refuseAddr      = &refusal{status: http.StatusTooManyRequests, reason: "address", message: "This address has too many connections open.", header: [2]string{"Retry-After", "30"}}
	refuseHandshake = &refusal{status: http.StatusBadRequest, reason: "handshake", message: "This is not a WebSocket handshake."}
	refuseVersion   = &refusal{status: http.StatusUpgradeRequired, reason: "handshake", message: "Only WebSocket version 13 is spoken here.", header: [2]string{"Sec-WebSocket-Version", "13"}}
)

// Guard lets WebSocket requests through while there is room.
// Other requests pass, without an offer to speak another protocol that their client may have made
// (Java's offers h2c with each POST): the transport would take it for a WebSocket's.
func (s *Sockets) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !offersWebSocket(r) {
			if r.Header.Get("Upgrade") != "" {
				r = r.WithContext(r.Context()) // a copy, as the request is not ours to change
				r.Header = r.Header.Clone()
				r.Header.Del("Upgrade")
			}
			next.ServeHTTP(w, r)
			return
		}
		addr := addressKey(s.config.RemoteAddr(r))
		if no := s.admit(r, addr); no != nil {
			s.metrics.refused.WithLabelValues(no.reason).Inc()
			if no.header[0] != "" {
				w.Header().Set(no.header[0], no.header[1])
			}
			http.Error(w, no.message, no.status)
			return
		}
		held := &slot{addr: addr}
		defer func() {
			if !held.taken {
				s.leave(addr)
			}
		}()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), slotKey{}, held)))
	})
}

func offersWebSocket(r *http.Request) bool {
	for _, value := range r.Header.Values("Upgrade") {
		for offer := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(offer), "websocket") {
				return true
			}
		}
	}
	return false
}

// admit takes a slot, or says why not.
func (s *Sockets) admit(r *http.Request, addr string) *refusal {
	switch {
	case !websocket.IsWebSocketUpgrade(r) || r.Method != http.MethodGet || r.Header.Get("Sec-WebSocket-Key") == "":
		return refuseHandshake
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return refuseVersion
	case !s.allowed(r):
		return refuseOrigin
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return refuseDraining
	case s.perAddr[addr] >= s.config.MaxConnsPerAddr:
		return refuseAddr
	case s.slots >= s.config.MaxConns:
		return refuseFull
	}
	s.slots++
	s.perAddr[addr]++
	return nil
}

func (s *Sockets) leave(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots--
	if s.perAddr[addr]--; s.perAddr[addr] == 0 {
		delete(s.perAddr, addr)
	}
	s.checkIdle()
}

// checkIdle tells Drain that nothing is open; mu is held.
func (s *Sockets) checkIdle() {
	if !s.draining || s.slots > 0 {
		return
	}
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}

func (s *Sockets) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || s.config.AllowOrigin(r, origin)
}

func sameHost(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func peerAddr(r *http.Request) string { return r.RemoteAddr }

// addressKey is whom a connection is counted to.
func addressKey(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	return pace.Customer(ip).String()
}
