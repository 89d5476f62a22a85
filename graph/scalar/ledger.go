package scalar

import (
	"io"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
)

// ErrEnum refuses what is no name at all; the schema refuses names that it does not have.
var ErrEnum = fault.New(fault.Invalid, "GRAPHQL_VALIDATION_FAILED", "An enum's value is one of its names.")

// MarshalLedgerFlow writes a flow: the ledger's names are in lower case, the schema's in upper.
func MarshalLedgerFlow(f ledger.Flow) graphql.Marshaler { return upper(string(f)) }

// UnmarshalLedgerFlow reads a flow.
func UnmarshalLedgerFlow(v any) (ledger.Flow, error) { return lower[ledger.Flow](v) }

// MarshalLedgerAccountKind writes a kind of account.
func MarshalLedgerAccountKind(k ledger.Kind) graphql.Marshaler { return upper(string(k)) }

// UnmarshalLedgerAccountKind reads a kind of account.
func UnmarshalLedgerAccountKind(v any) (ledger.Kind, error) { return lower[ledger.Kind](v) }

func upper(name string) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(strings.ToUpper(name))) })
}

func lower[T ~string](v any) (T, error) {
	s, ok := v.(string)
	if !ok {
		return "", ErrEnum
	}
	return T(strings.ToLower(s)), nil
}
