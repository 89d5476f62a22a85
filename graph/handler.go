package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/gqlsse"
	"github.com/souklive/souk/internal/gqlws"
	"github.com/souklive/souk/internal/identity"
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
	Sessions   *identity.Watch // ends what a session holds open when it ends
	Limits     Limits
	Production bool // introspection is then for staff only
}

// Handler serves the API over HTTP (POST and GET), server-sent events and WebSocket.
type Handler struct {
	http.Handler
	streams *gqlsse.Handler
}

// DrainStreams ends the streams of server-sent events; their clients come back elsewhere.
func (h *Handler) DrainStreams() { h.streams.Drain() }

// NewHandler makes the Handler.
func NewHandler(r *Resolver, c Config) *Handler {
	schema := generated.NewExecutableSchema(generated.Config{
		Resolvers:  r,
		Directives: generated.DirectiveRoot{Auth: auth, Idempotent: r.idempotent},
		Complexity: complexityRoot(),
	})
	srv := handler.New(schema)
	srv.AddTransport(gqlws.New(gqlws.Config{
		Sockets: c.Sockets, Init: initWebSocket(r.Identity, presenter(r.Log)), Present: presenter(r.Log),
		Join: r.counted(c.Audience.Join), Alone: alone, Attach: attachSocket(c.Sessions), Log: r.Log,
	}))
	fail := WriteError(r.Log)
	streams := gqlsse.New(gqlsse.Config{
		Read: readStreamed, Fail: fail, Epoch: r.Hub.Epoch, Join: r.counted(c.Audience.Join), Attach: r.attachStream(c.Sessions), Owner: callerOf,
		PingEvery: streamPing, Log: r.Log,
	})
	srv.AddTransport(streams)
	srv.AddTransport(overHTTP{fail: fail, answer: c.Audience.Answer})

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
	srv.AroundOperations(straight(schema, r))
	srv.AroundOperations(straightLists(schema, r))
	srv.AroundResponses(r.withLoaders())
	srv.AroundRootFields(r.keepAnswer)
	return &Handler{withActor(r.Identity, fail, srv), streams}
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
