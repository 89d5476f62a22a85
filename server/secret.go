package main

import (
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// Secret is a setting that must never be printed. Every way of formatting it gives "[redacted]".
type Secret string

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String says whether there is one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString covers %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue covers slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText covers JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil } //nolint:unparam // encoding.TextMarshaler

// SecretURL is an address that may hold a password, which is cut out wherever it is printed.
type SecretURL string

// Reveal is the address with its password.
func (u SecretURL) Reveal() string { return string(u) }

// String is the address without secrets. What it cannot read, it does not show.
func (u SecretURL) String() string {
	if u == "" {
		return ""
	}
	if !strings.Contains(string(u), "://") {
		if !strings.Contains(string(u), "=") {
			return redacted
		}
		return keywordPassword.ReplaceAllString(string(u), "${1}"+redacted)
	}
	parsed, err := url.Parse(string(u))
	if err != nil {
		return redacted
	}
	query := parsed.Query()
	for key := range query {
		if secretKey.MatchString(key) {
			query.Set(key, "xxxxx")
		}
	}
	parsed.RawQuery = query.Encode()
	return parsed.Redacted()
}

// GoString covers %#v.
func (u SecretURL) GoString() string { return u.String() }

// LogValue covers slog.
func (u SecretURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText covers JSON and its like.
func (u SecretURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil } //nolint:unparam // encoding.TextMarshaler

var (
	// secretKey finds query parameters such as password and sslpassword.
	secretKey = regexp.MustCompile(`(?i)pass|secret|token|key`)
	// keywordPassword finds the password in libpq's "host=… password='a b'" form.
	keywordPassword = regexp.MustCompile(`(?i)(\w*pass\w*\s*=\s*)('(?:\\.|[^'\\])*'?|(?:\\.|\S)+)`)
)
