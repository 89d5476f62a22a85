package scalar

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// The refusals of input that no field takes.
var (
	ErrText    = fault.New(fault.Invalid, "TEXT_MALFORMED", "A text is valid UTF-8 without the character NUL.")
	ErrInt     = fault.New(fault.Invalid, "INT_OUT_OF_RANGE", "An Int has 32 bits.")
	ErrDecimal = fault.New(fault.Invalid, "DECIMAL_MALFORMED", "A Decimal is written in a string: \"12.50\".")
)

// MarshalString writes a text.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a text that PostgreSQL can hold. What else a text must be is for its field to say.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok || strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return "", ErrText
	}
	return s, nil
}

// MarshalInt writes a number.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt reads a number of 32 bits, which is what GraphQL's Int is.
func UnmarshalInt(v any) (int, error) {
	var (
		n   int64
		err error
	)
	switch v := v.(type) {
	case int: // a default of the schema
		n = int64(v)
	case int64: // in the document
		n = v
	case json.Number: // in the variables
		n, err = strconv.ParseInt(v.String(), 10, 64)
	default:
		err = ErrInt
	}
	if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, ErrInt
	}
	return int(n), nil
}

// MarshalDecimal writes a decimal number as a string.
func MarshalDecimal(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalDecimal reads a decimal number. It has to be a string: a number in JSON or in GraphQL is a float on its
// way here, and no float touches money.
func UnmarshalDecimal(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", ErrDecimal
	}
	return s, nil
}

// MarshalCurrencyCode writes a currency.
func MarshalCurrencyCode(c money.Currency) graphql.Marshaler { return graphql.MarshalString(string(c)) }

// UnmarshalCurrencyCode reads a currency; that there is one of that code is checked with the amount, whose field
// the refusal then names.
func UnmarshalCurrencyCode(v any) (money.Currency, error) {
	s, ok := v.(string)
	if !ok {
		return "", money.ErrCurrency
	}
	return money.Currency(s), nil
}
