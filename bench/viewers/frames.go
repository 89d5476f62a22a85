//go:build linux

package viewers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
)

// What the load client has to know of RFC 6455, and no more: servers send whole, unmasked frames.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA

	finalBit = 0x80
	maskBit  = 0x80
)

var errFrame = errors.New("a frame that no server of this benchmark sends")

// nextFrame cuts the first frame off b; ok is false where it has not come whole yet.
func nextFrame(b []byte) (op byte, payload, rest []byte, ok bool, err error) {
	if len(b) < 2 {
		return 0, nil, b, false, nil
	}
	if b[0]&finalBit == 0 || b[1]&maskBit != 0 {
		return 0, nil, b, false, errFrame
	}
	size, header := int(b[1]), 2
	switch size {
	case 126:
		if len(b) < 4 {
			return 0, nil, b, false, nil
		}
		size, header = int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0, nil, b, false, nil
		}
		size, header = int(binary.BigEndian.Uint64(b[2:])), 10
	}
	if len(b) < header+size {
		return 0, nil, b, false, nil
	}
	return b[0] & 0xF, b[header : header+size], b[header+size:], true, nil
}

// clientFrame is a frame as clients send it: masked, by a key of zeros, which changes nothing.
func clientFrame(op byte, payload []byte) []byte {
	b := []byte{finalBit | op}
	if len(payload) < 126 {
		b = append(b, maskBit|byte(len(payload)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, maskBit|126), uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

var versionKey = []byte(`"version":`)

// nextVersion finds the next event's version in a message, and what follows it. The operation selects one field of that name.
func nextVersion(message []byte) (version int64, rest []byte, ok bool) {
	for {
		i := bytes.Index(message, versionKey)
		if i < 0 {
			return 0, nil, false
		}
		message = message[i+len(versionKey):]
		digits := 0
		for digits < len(message) && message[digits] >= '0' && message[digits] <= '9' {
			version = version*10 + int64(message[digits]-'0')
			digits++
		}
		if digits > 0 {
			return version, message[digits:], true
		}
	}
}

// textField is a field's text, where the message has one and nothing in it is escaped.
func textField(message []byte, name string) (string, bool) {
	key := `"` + name + `":"`
	_, after, found := bytes.Cut(message, []byte(key))
	value, _, closed := bytes.Cut(after, []byte(`"`))
	return string(value), found && closed
}

// quoted is a text as JSON has it.
func quoted(s string) string { return strconv.Quote(s) }
