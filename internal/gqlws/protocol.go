package gqlws

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Close codes of graphql-transport-ws. The older protocol has none of its own and gets the same.
const (
	closeNormal        = 1000
	closeInvalidUTF8   = 1007
	closeInternal      = 1011
	closeBadMessage    = 4400
	closeUnauthorized  = 4401
	closeNoSubprotocol = 4406
	closeInitTimeout   = 4408
	closeDuplicate     = 4409
	closeTooManyInits  = 4429
)

// protocol is how one of the two words things.
type protocol struct {
	name string
	// what the client says
	start, stop string
	terminate   string // where it can say goodbye in words
	// what the server says
	next      string
	keepAlive string // where the server says in words that it is there
}

var protocols = map[string]*protocol{
	"graphql-transport-ws": {name: "graphql-transport-ws", start: "subscribe", stop: "complete", next: "next"},
	"graphql-ws":           {name: "graphql-ws", start: "start", stop: "stop", terminate: "connection_terminate", next: "data", keepAlive: "ka"},
}

// names are the protocols, the preferred one first.
var names = []string{"graphql-transport-ws", "graphql-ws"}

func (p *protocol) legacy() bool { return p.keepAlive != "" }

// message is what either side sends.
type message struct {
	ID      *string         `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// head is what comes before an answer's bytes.
func (p *protocol) head(id string) []byte {
	quoted, _ := json.Marshal(id) // a string always can be
	return append(append([]byte(`{"type":"`+p.next+`","id":`), quoted...), `,"payload":`...)
}

var tail = []byte("}")

// errorPayload is the errors that an operation ends with; the older protocol has room for one.
func (p *protocol) errorPayload(errs gqlerror.List) any {
	if p.legacy() && len(errs) > 0 {
		return errs[0]
	}
	return errs
}
