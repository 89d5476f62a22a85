// Package locale tells which of the product's languages a person reads.
package locale

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Locale is one of the product's languages.
type Locale string

// The product's languages.
const (
	Arabic  Locale = "ar"
	English Locale = "en" // where nothing else is asked for
	French  Locale = "fr"
)

var (
	known   = []Locale{English, Arabic, French} // the first is for who reads none
	matcher = language.NewMatcher([]language.Tag{language.English, language.Arabic, language.French})
)

// maxAccepted is the longest wish that is looked at, in bytes: what browsers send is below a hundred.
const maxAccepted = 1_000

// Accepted is the best of the product's languages by a value of Accept-Language (RFC 9110, section 12.5.4), and English where the
// value is empty, malformed or of other languages.
func Accepted(value string) Locale {
	if value == "" || len(value) > maxAccepted {
		return English
	}
	if first := Locale(firstOf(value)); slices.Contains(known, first) {
		return first
	}
	tags, _, err := language.ParseAcceptLanguage(value)
	if err != nil {
		return English
	}
	_, i, confidence := matcher.Match(tags...)
	if confidence == language.No {
		return English
	}
	return known[i]
}

// firstOf is the language that is asked for first, where it is asked for without reservation: then there is none better.
func firstOf(value string) string {
	first, _, _ := strings.Cut(value, ",")
	if strings.Contains(first, ";") {
		return ""
	}
	tag, _, _ := strings.Cut(strings.TrimSpace(first), "-")
	return strings.ToLower(tag)
}
