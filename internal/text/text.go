// Package text says which texts of a person may be shown to others.
//
// Refused are control characters, and the characters that turn the direction of writing (U+202A to U+202E, U+2066
// to U+2069): unclosed, they reach beyond their text, and can make one name or price read as another. The marks
// U+200E, U+200F and U+061C, which Arabic and Hebrew need beside digits and Latin, pass.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean takes the space around a text away, and writes the ends of its lines in one way.
func Clean(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}

// IsLine reports whether a text may be shown in one line: a name, a title. Something of it has to be visible.
func IsLine(s string) bool {
	return utf8.ValidString(s) && strings.ContainsFunc(s, visible) && !strings.ContainsFunc(s, hidden)
}

// IsProse reports whether a text may be shown in several lines: a description, a message. It may be empty.
func IsProse(s string) bool {
	breaks := func(r rune) bool { return hidden(r) && r != '\n' && r != '\t' }
	return utf8.ValidString(s) && (s == "" || strings.ContainsFunc(s, visible)) && !strings.ContainsFunc(s, breaks)
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) ||
		('\u202a' <= r && r <= '\u202e') || ('\u2066' <= r && r <= '\u2069')
}
