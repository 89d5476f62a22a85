package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire stands between the servers and Redis. It repeats, delays, swaps and loses what is published, as no network does to
// one connection but as servers see it that publish at once; and it can go silent, which networks do.
type wire struct {
	*tally
	URL   string
	redis string // its address

	mangling atomic.Bool
	silent   atomic.Bool

	guard sync.Mutex
	rng   *rand.Rand
	conns map[net.Conn]struct{}
}

// startWire leads to that Redis until the test ends.
func startWire(t *testing.T, redis string, seed uint64, counts *tally) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{
		URL: "redis://" + listener.Addr().String(), redis: redis, tally: counts,
		rng: rand.New(rand.NewPCG(seed, 3)), conns: map[net.Conn]struct{}{},
	}
	t.Cleanup(func() { _ = listener.Close(); w.cut() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(client)
		}
	}()
	return w
}

// carry serves one connection.
func (w *wire) carry(client net.Conn) {
	defer w.drop(client)
	server, err := net.DialTimeout("tcp", w.redis, time.Second)
	if err != nil {
		return
	}
	defer w.drop(server)
	w.keep(client, server)
	go func() {
		defer w.drop(server)
		_, _ = io.Copy(quiet{w, server}, client)
	}()
	out := &outlet{wire: w, to: client}
	replies := bufio.NewReader(server)
	for {
		reply, err := readReply(replies)
		if err != nil {
			w.count("connections that Redis ended", 1)
			return
		}
		if out.pass(reply) != nil {
			return
		}
	}
}

func (w *wire) keep(conns ...net.Conn) {
	w.guard.Lock()
	defer w.guard.Unlock()
	for _, c := range conns {
		w.conns[c] = struct{}{}
	}
}

func (w *wire) drop(c net.Conn) {
	_ = c.Close()
	w.guard.Lock()
	defer w.guard.Unlock()
	delete(w.conns, c)
}

// cut ends all connections.
func (w *wire) cut() {
	w.guard.Lock()
	defer w.guard.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

// quiet writes, unless the wire is silent.
type quiet struct {
	wire *wire
	to   io.Writer
}

func (q quiet) Write(b []byte) (int, error) {
	if q.wire.silent.Load() {
		return len(b), nil
	}
	return q.to.Write(b)
}

// outlet is one connection's way to its server.
type outlet struct {
	wire *wire
	mu   sync.Mutex
	to   io.Writer
	held []byte // a message that the next one overtakes
}

func (o *outlet) write(replies ...[]byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, reply := range replies {
		if _, err := (quiet{o.wire, o.to}).Write(reply); err != nil {
			return err
		}
	}
	return nil
}

// pass hands a reply on; a published message may fare differently.
func (o *outlet) pass(reply []byte) error {
	if !o.wire.mangling.Load() || !isMessage(reply) {
		return o.write(reply)
	}
	o.wire.guard.Lock()
	fate, wait := o.wire.rng.IntN(20), time.Duration(o.wire.rng.Int64N(int64(150*time.Millisecond)))
	o.wire.guard.Unlock()
	if held := o.held; held != nil {
		o.held = nil
		o.wire.count("publishes swapped", 1)
		return o.write(reply, held)
	}
	switch fate {
	case 0, 1:
		o.wire.count("publishes repeated", 1)
		return o.write(reply, reply)
	case 2, 3:
		o.wire.count("publishes delayed", 1)
		time.AfterFunc(wait, func() { _ = o.write(reply) })
		return nil
	case 4, 5:
		o.held = reply
		return nil
	case 6:
		o.wire.count("publishes lost", 1)
		return nil
	}
	return o.write(reply)
}

func isMessage(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("*3\r\n$7\r\nmessage\r\n")) || bytes.HasPrefix(reply, []byte(">3\r\n$7\r\nmessage\r\n"))
}

// readReply reads one whole reply of Redis's protocol, as it is.
func readReply(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil || len(line) < 3 {
		return nil, fmt.Errorf("a reply %q: %w", line, err)
	}
	size, _ := strconv.Atoi(string(bytes.TrimRight(line[1:], "\r\n")))
	parts := 0
	switch line[0] {
	case '$', '=', '!':
		if size < 0 {
			return line, nil
		}
		text := make([]byte, size+2)
		_, err := io.ReadFull(r, text)
		return append(line, text...), err
	case '*', '~', '>':
		parts = size
	case '%', '|':
		parts = 2 * size
	}
	for range parts {
		part, err := readReply(r)
		if err != nil {
			return nil, err
		}
		line = append(line, part...)
	}
	return line, nil
}
