package graph

import (
	"context"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/obs"
)

type actorKey struct{}

// The close codes for a connection_init that is refused, and for one that the server failed at: the first is
// graphql-transport-ws's, on the second its clients come back.
const (
	closeForbidden = 4403
	closeInternal  = 1011
)

// actor is who asks; ok is false where nobody is signed in.
func actor(ctx context.Context) (identity.Session, bool) {
	session, ok := ctx.Value(actorKey{}).(identity.Session)
	return session, ok
}

// actorID is the user who asks. Only fields under @auth call it, so that there is one.
func actorID(ctx context.Context) uuid.UUID {
	session, _ := actor(ctx)
	return session.User.ID
}

// authenticate finds the session of an Authorization value. Where there is no value nobody is signed in, which
// public fields allow; a value that is no good is refused, so that nobody believes to be signed in.
func authenticate(ctx context.Context, users *identity.Service, authorization string) (context.Context, error) {
	if authorization == "" {
		return ctx, nil
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ctx, identity.ErrUnauthenticated
	}
	session, err := users.Authenticate(ctx, strings.TrimSpace(token))
	if err != nil {
		return ctx, err
	}
	ctx = obs.With(ctx, "user", session.User.NodeID().String())
	return context.WithValue(ctx, actorKey{}, session), nil
}

// withActor authenticates HTTP requests, the one that upgrades to a WebSocket included.
func withActor(users *identity.Service, fail func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := authenticate(r.Context(), users, r.Header.Get("Authorization"))
		if err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// initWebSocket authenticates by the payload of connection_init, which is where browsers can put a token.
func initWebSocket(users *identity.Service, present graphql.ErrorPresenterFunc) transport.WebsocketInitFunc {
	return func(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
		ctx, err := authenticate(ctx, users, payload.Authorization())
		if err != nil && fault.KindOf(err) == fault.Unauthenticated {
			refused := transport.AppendCloseReason(transport.WithWebsocketCloseCode(ctx, closeForbidden), "Forbidden")
			return refused, nil, err
		}
		if err != nil { // the transport sends the error's own words: only the presenter's may leave
			failed := transport.AppendCloseReason(transport.WithWebsocketCloseCode(ctx, closeInternal), "Internal server error")
			return failed, nil, present(ctx, err)
		}
		return ctx, nil, nil
	}
}
