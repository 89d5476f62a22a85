package gqlws

import (
	"sync/atomic"

	"github.com/souklive/souk/internal/socket"
)

// line is what each message to an operation's client needs, side by side: a broadcast meets every operation's memory cold.
type line struct {
	conn *socket.Conn
	head []byte
	over atomic.Bool // nothing more is said
}

func (l *line) send(answers [][]byte) {
	if !l.over.Load() {
		l.conn.SendEach(l.head, answers, tail)
	}
}
