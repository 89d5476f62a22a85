package graph

import (
	"context"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/arrival"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/gqlws"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/locale"
	"github.com/souklive/souk/internal/obs"
)

type actorKey struct{}

// bearer is the token that the actor came with, kept to ask again: a connection outlives its first request.
type bearer struct {
	token  string
	socket bool
}

type bearerKey struct{}

// The close codes for a connection_init that is refused, and for one that the server failed at: the first is
// graphql-transport-ws's, on the second its clients come back.
const (
	closeForbidden    = 4403
	closeInternal     = 1011
	closeUnauthorized = 4401
	closeTooMany      = 4429
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
	token = strings.TrimSpace(token)
	session, err := users.Authenticate(ctx, token)
	if err != nil {
		return ctx, err
	}
	ctx = obs.With(ctx, "user", session.User.NodeID().String())
	ctx = context.WithValue(ctx, bearerKey{}, bearer{token: token})
	return context.WithValue(ctx, actorKey{}, session), nil
}

// stillSignedIn asks again for the session that a connection began with: it may have been revoked or have expired
// since. Where nobody signed in there is nothing to ask.
func (r *Resolver) stillSignedIn(ctx context.Context) error {
	b, ok := ctx.Value(bearerKey{}).(bearer)
	if !ok {
		return nil
	}
	_, err := r.Identity.Authenticate(ctx, b.token)
	return err
}

// recheckSocket refuses an operation on a socket whose session has ended. Over HTTP, it was looked at just now.
func (r *Resolver) recheckSocket(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if b, ok := ctx.Value(bearerKey{}).(bearer); !ok || !b.socket {
		return next(ctx)
	}
	if err := r.stillSignedIn(ctx); err != nil {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{presenter(r.Log)(ctx, err)}})
	}
	return next(ctx)
}

// withActor authenticates HTTP requests, the one that upgrades to a WebSocket included. A POST is one operation, which has its place
// among all others from when its packet came; what comes over a WebSocket has it likewise, message by message (gqlws).
func withActor(users *identity.Service, fail func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if r.Method == http.MethodPost {
			ctx = arrival.Mark(ctx)
		}
		ctx, err := authenticate(withDevice(ctx, deviceIn(r)), users, r.Header.Get("Authorization"))
		if err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(withKind(ctx, locale.Accepted(r.Header.Get(acceptLanguage)))))
	})
}

const acceptLanguage = "Accept-Language"

// withKind notes of what kind the viewer is, for those who are served together.
func withKind(ctx context.Context, reads locale.Locale) context.Context {
	kind := audience.Kind{Class: audience.Anonymous, Locale: reads}
	if session, ok := actor(ctx); ok {
		kind.Class = audience.SignedIn
		if session.User.Role.May([]identity.Role{identity.Support}) {
			kind.Class = audience.Staff
		}
	}
	return audience.WithKind(ctx, kind)
}

// initWebSocket authenticates by the payload of connection_init, which is where browsers can put a token.
func initWebSocket(users *identity.Service, present graphql.ErrorPresenterFunc) func(context.Context, map[string]any) (context.Context, error) {
	return func(ctx context.Context, payload map[string]any) (context.Context, error) {
		ctx, err := authenticate(withDevice(ctx, headerIn(payload, httpx.DeviceHeader)), users, headerIn(payload, "Authorization"))
		if err != nil && fault.KindOf(err) == fault.Unauthenticated {
			return nil, &gqlws.RefusedError{Code: closeForbidden, Reason: "Forbidden"}
		}
		if err != nil {
			_ = present(ctx, err) // logs it; only the presenter's words may leave
			return nil, &gqlws.RefusedError{Code: closeInternal, Reason: "Internal server error"}
		}
		if b, ok := ctx.Value(bearerKey{}).(bearer); ok {
			ctx = context.WithValue(ctx, bearerKey{}, bearer{token: b.token, socket: true})
		}
		reads := audience.KindOf(ctx).Locale // by the header of the upgrade, which browsers send
		if value := headerIn(payload, acceptLanguage); value != "" {
			reads = locale.Accepted(value)
		}
		return withKind(ctx, reads), nil
	}
}

// headerIn is what a client has put into its payload in a header's place, under the header's name or in lower case.
func headerIn(payload map[string]any, header string) string {
	for _, name := range []string{header, strings.ToLower(header)} {
		if value, ok := payload[name].(string); ok {
			return value
		}
	}
	return ""
}

// attachSocket ends a socket with its session. The code is one on which clients do not come back by themselves: the token
// that they have is no good any more.
func attachSocket(sessions *identity.Watch) func(context.Context, func(int, string)) (func(), error) {
	return func(ctx context.Context, end func(int, string)) (func(), error) {
		session, ok := actor(ctx)
		if !ok {
			return func() {}, nil
		}
		release, err := sessions.Hold(session, func() { end(closeUnauthorized, "Unauthorized") })
		if err != nil {
			return nil, &gqlws.RefusedError{Code: closeTooMany, Reason: "Too many connections"}
		}
		return release, nil
	}
}

// attachStream ends a stream of server-sent events with its session.
func (r *Resolver) attachStream(sessions *identity.Watch) func(context.Context, func(gqlerror.List)) (func(), error) {
	return func(ctx context.Context, end func(gqlerror.List)) (func(), error) {
		session, ok := actor(ctx)
		if !ok {
			return func() {}, nil
		}
		return sessions.Hold(session, func() { end(gqlerror.List{presenter(r.Log)(ctx, identity.ErrUnauthenticated)}) })
	}
}

// callerOf names who makes a request.
func callerOf(ctx context.Context) string {
	session, ok := actor(ctx)
	if !ok {
		return ""
	}
	return session.User.ID.String()
}
