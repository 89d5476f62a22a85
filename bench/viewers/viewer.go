//go:build linux

package viewers

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// viewer is one connection of the load client.
type viewer struct {
	fd      int
	at      int // its place
	lot     string
	state   viewerState
	version int64  // the last that it has seen
	rest    []byte // of a frame that has not come whole
}

type viewerState int

const (
	closed viewerState = iota
	dialing
	upgrading
	greeting
	subscribing
	live
)

// unknown is the version of a viewer that has seen none.
const unknown = -1

// ready does what a socket is ready for.
func (l *load) ready(v *viewer) error {
	if v.fd < 0 {
		return nil // closed in the same round
	}
	if v.state == dialing {
		code, err := syscall.GetsockoptInt(v.fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
		if err != nil || code != 0 {
			return fmt.Errorf("viewer %d cannot connect: %w", v.at, errors.Join(err, syscall.Errno(code)))
		}
		v.state = upgrading
		if err := l.watch(v, syscall.EPOLL_CTL_MOD, syscall.EPOLLIN); err != nil {
			return err
		}
		return l.send(v, []byte(l.dialect.handshake(l.spec.Addr)))
	}
	n, err := syscall.Read(v.fd, l.read)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return nil
	case l.stalled && l.mayStall(v) && (n <= 0 || err != nil):
		l.close(v) // given up by its server, which is what it is for
		return nil //nolint:nilerr // see above
	case err != nil || n == 0:
		return fmt.Errorf("viewer %d was cut in state %d: %w", v.at, v.state, err)
	}
	now := time.Now()
	l.tally.reads++
	b := l.read[:n]
	if len(v.rest) > 0 {
		b = append(v.rest, b...)
		v.rest = nil
	}
	return l.take(v, b, now)
}

// take goes through what has come.
func (l *load) take(v *viewer, b []byte, now time.Time) error {
	if v.state == upgrading {
		head, rest, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		if !whole {
			v.rest = bytes.Clone(b)
			return nil
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
			return fmt.Errorf("viewer %d was refused: %.200s", v.at, head)
		}
		v.state, b = greeting, rest
		if err := l.say(v, l.dialect.first); err != nil {
			return err
		}
	}
	for {
		op, payload, rest, whole, err := nextFrame(b)
		if err != nil {
			return fmt.Errorf("viewer %d: %w", v.at, err)
		}
		if !whole {
			if len(rest) > 0 {
				v.rest = bytes.Clone(rest)
			}
			return nil
		}
		b = rest
		switch op {
		case opText:
			err = l.message(v, payload, now)
		case opPing:
			err = l.send(v, clientFrame(opPong, payload))
		case opClose:
			err = fmt.Errorf("viewer %d was sent away: %q", v.at, payload)
		}
		if err != nil {
			return err
		}
	}
}

// message takes one message of the server's.
func (l *load) message(v *viewer, message []byte, now time.Time) error {
	switch {
	case v.state == live:
		return l.events(v, message, now)
	case v.state == greeting && bytes.Contains(message, l.dialect.welcome):
		v.state = subscribing
		return l.say(v, l.dialect.subscribe(v.lot, v.version))
	case v.state == subscribing && (l.dialect.live == nil || bytes.Contains(message, l.dialect.live)):
		if l.dialect.live == nil {
			if _, _, ok := nextVersion(message); !ok {
				return fmt.Errorf("viewer %d subscribed and heard %.300q", v.at, message)
			}
		}
		v.state = live
		l.open++
		l.dialing--
		if err := l.dialMore(); err != nil || l.dialect.live != nil {
			return err
		}
		return l.events(v, message, now)
	case l.dialect.isPing(message):
		return l.say(v, string(l.dialect.pong))
	}
	return fmt.Errorf("viewer %d heard %.300q in state %d", v.at, message, v.state)
}

// events counts the events of a message, of which a server may put several into one.
func (l *load) events(v *viewer, message []byte, now time.Time) error {
	version, rest, ok := nextVersion(message)
	if !ok {
		if l.dialect.isPing(message) {
			return l.say(v, string(l.dialect.pong))
		}
		return fmt.Errorf("viewer %d heard %.300q", v.at, message)
	}
	if v.at == 0 {
		l.recorded = append(l.recorded, bytes.Clone(message))
	}
	for ok {
		l.event(v, version, message, now)
		if l.dialect.live == nil { // GraphQL has one in each
			return nil
		}
		version, rest, ok = nextVersion(rest)
	}
	if l.dialect.isPing(message) || bytes.Contains(message, []byte("\n{}")) {
		return l.say(v, string(l.dialect.pong))
	}
	return nil
}

func (l *load) event(v *viewer, version int64, message []byte, now time.Time) {
	l.tally.note(v, version, message, now, l.counts(v))
	reached := v.version < l.target && version >= l.target
	v.version = version
	if version == 0 { // of noEvent
		v.version = unknown
	}
	if reached && l.counts(v) {
		l.behind--
		l.checkTarget()
	}
}

func (l *load) say(v *viewer, text string) error { return l.send(v, clientFrame(opText, []byte(text))) }

// send writes; what a client says is short, and fits.
func (l *load) send(v *viewer, b []byte) error {
	n, err := syscall.Write(v.fd, b)
	if err != nil || n != len(b) {
		return fmt.Errorf("viewer %d cannot write: %w", v.at, err)
	}
	return nil
}
