package graph

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/identity"
)

const (
	documentCache   = 1_000
	socketInit      = 10 * time.Second
	socketPing      = 20 * time.Second
	socketReadLimit = 64 << 10
	streamPing      = 15 * time.Second
)

// Config is what the handler needs beside the resolver.
type Config struct {
	Sockets    transport.WebsocketImplementation
	Limits     Limits
	Production bool // introspection is then for staff only
}

// NewHandler serves the API over HTTP (POST and GET), server-sent events and WebSocket.
func NewHandler(r *Resolver, c Config) http.Handler {
	srv := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers:  r,
		Directives: generated.DirectiveRoot{Auth: auth},
		Complexity: complexityRoot(),
	}))
	readLimit := int64(socketReadLimit)
	// Half-open peers are found by the sockets' own pings, below the protocol.
	srv.AddTransport(transport.Websocket{
		Implementation:        c.Sockets,
		InitFunc:              initWebSocket(r.Identity),
		InitTimeout:           socketInit,
		KeepAlivePingInterval: socketPing,
		PayloadReadLimit:      &readLimit,
		ErrorFunc: func(ctx context.Context, err error) {
			r.Log.DebugContext(ctx, "a WebSocket ended", "error", err)
		},
	})
	srv.AddTransport(transport.SSE{KeepAlivePingInterval: streamPing})
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})

	srv.SetQueryCache(lru.New[*ast.QueryDocument](documentCache))
	srv.SetParserTokenLimit(c.Limits.Tokens)
	srv.SetErrorPresenter(presenter(r.Log))
	srv.SetRecoverFunc(recovered(r.Log))
	srv.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](documentCache)})
	srv.Use(introspection{production: c.Production})
	srv.Use(&limiter{Limits: c.Limits})
	srv.AroundResponses(r.withLoaders)
	return withActor(r.Identity, WriteError(r.Log), srv)
}

// recovered turns a panic of a resolver into an internal error with its stack in the log.
func recovered(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, cause any) error {
		log.ErrorContext(ctx, "a resolver panicked", "panic", cause, "stack", string(debug.Stack()))
		return fmt.Errorf("panic: %v", cause)
	}
}

// introspection is open in development, so that tools can read the schema, and for staff in production.
type introspection struct{ production bool }

// ExtensionName names the extension for gqlgen.
func (introspection) ExtensionName() string { return "SoukIntrospection" }

// Validate has nothing to check.
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext decides for one operation.
func (i introspection) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	session, _ := actor(ctx)
	op.DisableIntrospection = i.production && !session.User.Role.May([]identity.Role{identity.Support})
	return nil
}
