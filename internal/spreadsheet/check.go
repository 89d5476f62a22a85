package spreadsheet

import (
	"bytes"
	"unicode/utf8"
)

// Check looks at the bytes of a file as they pass, so that one in another encoding is known for it before any of it is read: all that of
// Latin-1 is ASCII reads as UTF-8. It is an io.Writer that keeps nothing but the beginning of a character.
type Check struct {
	begun []byte
	bad   bool
}

// Write implements io.Writer; it never fails.
func (c *Check) Write(b []byte) (int, error) {
	n := len(b)
	if c.bad || n == 0 {
		return n, nil
	}
	if len(c.begun) > 0 {
		for len(b) > 0 && len(c.begun) < utf8.UTFMax && !utf8.FullRune(c.begun) {
			c.begun, b = append(c.begun, b[0]), b[1:]
		}
		if !utf8.FullRune(c.begun) {
			return n, nil
		}
		c.bad, c.begun = !utf8.Valid(c.begun), c.begun[:0]
	}
	whole := len(b)
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if at := len(b) - back; utf8.RuneStart(b[at]) {
			if !utf8.FullRune(b[at:]) {
				whole = at
			}
			break
		}
	}
	c.begun = append(c.begun, b[whole:]...)
	c.bad = c.bad || !utf8.Valid(b[:whole]) || bytes.IndexByte(b[:whole], 0) >= 0
	return n, nil
}

// Err is ErrEncoding where what has passed, as a whole, is no UTF-8 text.
func (c *Check) Err() error {
	if c.bad || len(c.begun) > 0 {
		return ErrEncoding
	}
	return nil
}
