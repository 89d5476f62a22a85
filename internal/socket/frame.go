package socket

import (
	"encoding/binary"
	"strings"

	"github.com/gorilla/websocket"
)

// Message is one text message: Head, Body and Tail, one after the other. Many connections may share the parts;
// nobody changes them.
type Message struct{ Head, Body, Tail []byte }

func (m Message) size() int { return len(m.Head) + len(m.Body) + len(m.Tail) }

// Frames by RFC 6455, section 5.2: unmasked, as a server's are, and final, as ours are.
const (
	final      = 0x80
	len16      = 126
	len64      = 127
	maxControl = 125
	maxHeader  = 10
)

// appendMessage appends a message as one frame.
func appendMessage(b []byte, m Message) []byte {
	b = appendHeader(b, websocket.TextMessage, m.size())
	b = append(b, m.Head...)
	b = append(b, m.Body...)
	return append(b, m.Tail...)
}

// appendControl appends a control frame; its payload is cut to what one may have.
func appendControl(b []byte, kind int, payload []byte) []byte {
	payload = payload[:min(len(payload), maxControl)]
	return append(appendHeader(b, kind, len(payload)), payload...)
}

func appendHeader(b []byte, kind, size int) []byte {
	b = append(b, final|byte(kind))
	switch {
	case size < len16:
		return append(b, byte(size))
	case size <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, len16), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, len64), uint64(size))
}

// closePayload is what a close frame says; a reason is cut where it would not fit.
func closePayload(code int, reason string) []byte {
	if most := maxControl - 2; len(reason) > most {
		reason = strings.ToValidUTF8(reason[:most], "")
	}
	return websocket.FormatCloseMessage(code, reason)
}
