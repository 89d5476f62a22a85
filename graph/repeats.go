package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
)

// repeats bounds how often a document names one field. Validation compares each pair of fields that would have the
// same name in the answer, so its time grows with the square of that: 50 kB that say one field again and again cost
// seconds, before any limit on the operation is looked at. This reads words, and a document once.
type repeats struct{ limit, tokens int }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = repeats{}

// ExtensionName names the extension for gqlgen.
func (repeats) ExtensionName() string { return "SoukRepeats" }

// Validate has nothing to check.
func (repeats) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses the document before it is parsed. What is no document, or too long, is left to
// the parser to refuse.
func (r repeats) MutateOperationParameters(_ context.Context, request *graphql.RawParams) *gqlerror.Error {
	seen, most := map[string]int{}, 0
	words := lexer.New(&ast.Source{Input: request.Query})
	named := false // the word before was a colon: behind an alias or an argument's name, this one is not the answer's
	for range r.tokens {
		token, err := words.ReadToken()
		if err != nil {
			return nil //nolint:nilerr // the parser says it better
		}
		switch {
		case token.Kind == lexer.EOF && most <= r.limit:
			return nil
		case token.Kind == lexer.EOF:
			return tooMuch("QUERY_TOO_COSTLY", "The document repeats one name %d times; the limit is %d.", most, r.limit)
		case token.Kind == lexer.Name && !named:
			seen[token.Value]++
			most = max(most, seen[token.Value])
		}
		named = token.Kind == lexer.Colon
	}
	return nil
}
