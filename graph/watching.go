package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/gqlws"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/presence"
	"github.com/souklive/souk/internal/showchat"
)

// counted counts whoever watches a show into its audience, for as long as the subscription's context lasts: whether they
// join a group or are served alone.
func (r *Resolver) counted(join gqlws.JoinFunc) gqlws.JoinFunc {
	return func(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, v gqlws.Viewer) (func(), bool) {
		if show, ok := watchedShow(op); ok {
			context.AfterFunc(ctx, r.Presence.Enter(show, r.watcher(ctx)))
		}
		return join(ctx, exec, op, v)
	}
}

// watcher is who watches: a user once, however often; of those who are not signed in, each subscription.
func (r *Resolver) watcher(ctx context.Context) string {
	if session, ok := actor(ctx); ok {
		return session.User.ID.String()
	}
	return id.New().String()
}

// watchedShow is the show that a subscription's one field watches.
func watchedShow(op *graphql.OperationContext) (uuid.UUID, bool) {
	if op.Operation.Operation != ast.Subscription || len(op.Operation.SelectionSet) != 1 {
		return uuid.Nil, false
	}
	root, ok := op.Operation.SelectionSet[0].(*ast.Field)
	if !ok || root.Name != "showEvents" {
		return uuid.Nil, false
	}
	show, err := id.Show.Decode(fmt.Sprint(root.ArgumentMap(op.Variables)["showId"]))
	return show, err == nil
}

// audienceOf is what is counted, in the order in which it is shown.
func audienceOf(c presence.Counts) model.ShowAudience {
	out := model.ShowAudience{Watching: int(c.Watching), Reactions: []model.ShowReactionCount{}}
	for _, kind := range showchat.Reactions {
		if n := c.Reactions[string(kind)]; n > 0 {
			out.Reactions = append(out.Reactions, model.ShowReactionCount{Kind: kind, Count: int(n)})
		}
	}
	return out
}
