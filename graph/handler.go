package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/gqlws"
	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/socket"
)

const (
	documentCache = 1_000
	streamPing    = 15 * time.Second
)

// Config is what the handler needs beside the resolver.
type Config struct {
	Sockets    *socket.Sockets
	Audience   *audience.Groups
	Limits     Limits
	Production bool // introspection is then for staff only
}

// NewHandler serves the API over HTTP (POST and GET), server-sent events and WebSocket.
func NewHandler(r *Resolver, c Config) http.Handler {
	srv := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers:  r,
		Directives: generated.DirectiveRoot{Auth: auth, Idempotent: r.idempotent},
		Complexity: complexityRoot(),
	}))
	srv.AddTransport(gqlws.New(gqlws.Config{
		Sockets: c.Sockets, Init: initWebSocket(r.Identity, presenter(r.Log)), Present: presenter(r.Log), Join: c.Audience.Join, Log: r.Log,
	}))
	fail := WriteError(r.Log)
	srv.AddTransport(serverSentEvents{SSE: transport.SSE{KeepAlivePingInterval: streamPing}, fail: fail})
	srv.AddTransport(overHTTP{fail: fail})

	srv.SetQueryCache(lru.New[*ast.QueryDocument](documentCache))
	srv.SetParserTokenLimit(c.Limits.Tokens)
	srv.SetErrorPresenter(presenter(r.Log))
	srv.SetRecoverFunc(recovered)
	srv.SetDisableSuggestion(c.Production) // "did you mean" tells the schema field by field
	srv.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](documentCache)})
	srv.Use(repeats{limit: c.Limits.Repeats, tokens: c.Limits.Tokens}) // after persisted queries, which it has to see
	srv.Use(&exactEnums{})
	srv.Use(&limiter{Limits: c.Limits})
	srv.Use(introspection{production: c.Production})
	srv.AroundOperations(noteOperation)
	srv.AroundOperations(r.recheckSocket)
	srv.AroundResponses(r.withLoaders)
	srv.AroundRootFields(r.keepAnswer)
	return withActor(r.Identity, fail, srv)
}

// noteOperation puts the operation's kind and name on the request's line in the access log.
func noteOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	obs.Note(ctx, "operation", string(op.Operation.Operation))
	if op.OperationName != "" {
		obs.Note(ctx, "name", op.OperationName)
	}
	return next(ctx)
}
