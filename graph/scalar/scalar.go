// Package scalar writes and reads the API's own scalars.
package scalar

import (
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souklive/souk/internal/fault"
)

// The refusals of this package.
var (
	ErrTime   = fault.New(fault.Invalid, "TIME_MALFORMED", "A time is written by RFC 3339: 2026-01-31T18:30:00Z.")
	ErrBigInt = fault.New(fault.Invalid, "BIG_INT_MALFORMED", "A BigInt is a 64-bit integer in a string.")
)

// TimeLayout is how a Time is written, in quotes.
const TimeLayout = `"2006-01-02T15:04:05.999999Z07:00"`

// MarshalTime writes an instant by RFC 3339 in UTC, to the microsecond that the database keeps.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, t.UTC().Format(TimeLayout))
	})
}

// UnmarshalTime reads an instant by RFC 3339.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, ErrTime
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, ErrTime
	}
	return t.UTC(), nil
}

// MarshalBigInt writes a 64-bit integer as a string.
func MarshalBigInt(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(strconv.FormatInt(n, 10)))
	})
}

// UnmarshalBigInt reads a 64-bit integer from a string.
func UnmarshalBigInt(v any) (int64, error) {
	s, ok := v.(string)
	if !ok {
		return 0, ErrBigInt
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, ErrBigInt
	}
	return n, nil
}
