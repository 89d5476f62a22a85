//go:build linux

package main

import (
	"net/http"
	"slices"
	"sync"

	"github.com/gorilla/websocket"
)

// raw is the least that a server can do: gorilla's PreparedMessage, written to every connection in a loop. It executes nothing,
// encodes nothing, has no queue and no deadline, and waits for whoever does not read.
type raw struct {
	upgrader websocket.Upgrader

	mu    sync.Mutex
	conns []*websocket.Conn
}

// runRaw is this program in the role of that server.
func runRaw(args []string) error {
	r := &raw{upgrader: websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}}}
	return runRival(args, r, r.broadcast)
}

// broadcast writes a message as it came to all.
func (r *raw) broadcast(message string) error {
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, []byte(message))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		_ = conn.WritePreparedMessage(prepared) // its reader sees to one that fails
	}
	return nil
}

// ServeHTTP speaks as much of the protocol as the load client needs.
func (r *raw) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	conn, err := r.upgrader.Upgrade(w, req, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for _, answer := range []string{`{"type":"connection_ack"}`, `{"type":"next","id":"1","payload":` + noEvent + `}`} {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		if err := conn.WriteMessage(websocket.TextMessage, []byte(answer)); err != nil {
			return
		}
	}
	r.mu.Lock()
	r.conns = append(r.conns, conn)
	r.mu.Unlock()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = slices.DeleteFunc(r.conns, func(c *websocket.Conn) bool { return c == conn })
}
