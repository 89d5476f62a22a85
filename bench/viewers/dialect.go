//go:build linux

package viewers

import (
	"bytes"
	"fmt"
	"strings"
)

// watchLot is what every viewer subscribes to. Its version comes first, so that a client finds it without reading on.
const watchLot = `subscription Watch($lot: ID!, $after: Int, $epoch: String) {
  auctionEvents(auctionId: $lot, afterVersion: $after, epoch: $epoch) {
    version epoch kind at serverTime
    auction {
      id status bidCount endsAt
      price { amount currencyCode } nextMinimum { amount currencyCode }
      leader { id name }
    }
    bids { id number amount { amount currencyCode } bidder { id name } placedAt }
  }
}`

// dialect is what a viewer says to one of the servers.
type dialect struct {
	path, subprotocol string
	first             string                               // what it opens with
	welcome           []byte                               // is in the answer to that
	subscribe         func(lot string, after int64) string // after is negative where it begins anew
	live              []byte                               // is in the answer that says that events follow; nil: the first event is it
	ping, pong        []byte                               // a sign of life in words, and its answer; nil: by control frames
}

var dialects = map[string]dialect{
	"graphql": {
		path: "/graphql", subprotocol: "graphql-transport-ws",
		first: `{"type":"connection_init"}`, welcome: []byte(`"connection_ack"`),
		subscribe: func(lot string, after int64) string {
			variables := `{"lot":` + quoted(lot) + `}`
			if after >= 0 {
				variables = fmt.Sprintf(`{"lot":%s,"after":%d}`, quoted(lot), after)
			}
			query := strings.Join(strings.Fields(watchLot), " ")
			return `{"id":"1","type":"subscribe","payload":{"query":` + quoted(query) + `,"variables":` + variables + `}}`
		},
		ping: []byte(`{"type":"ping"`), pong: []byte(`{"type":"pong"}`),
	},
	"centrifuge": {
		path:  "/connection/websocket",
		first: `{"id":1,"connect":{}}`, welcome: []byte(`"connect":`),
		subscribe: func(string, int64) string { return `{"id":2,"subscribe":{"channel":"lot"}}` },
		live:      []byte(`"subscribe":`),
		ping:      []byte("{}"), pong: []byte("{}"),
	},
}

// handshake is the request that opens a WebSocket.
func (d dialect) handshake(addr string) string {
	lines := []string{
		"GET " + d.path + " HTTP/1.1", "Host: " + addr, "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}
	if d.subprotocol != "" {
		lines = append(lines, "Sec-WebSocket-Protocol: "+d.subprotocol)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func (d dialect) isPing(message []byte) bool {
	return bytes.HasPrefix(message, d.ping)
}
