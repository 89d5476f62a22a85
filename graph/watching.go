package graph

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/audience"
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

// alone has a subscription that is served to one viewer tell its asides from its events.
func alone(ctx context.Context) (context.Context, func() bool) {
	ctx, told := audience.Alone(ctx)
	return ctx, func() bool { _, _, aside := told(); return aside }
}

// counts are the AUDIENCE events of a show, for a subscription that selects what they tell and can miss one.
func (r *Resolver) counts(ctx context.Context, where uuid.UUID) (none asides[model.ShowEvent]) {
	if !audience.TakesAsides(ctx) || !slices.Contains(graphql.CollectAllFields(ctx), "audience") {
		return none
	}
	return asides[model.ShowEvent]{r.Presence.Follow(ctx, where), r.audienceEvent}
}

func (r *Resolver) audienceEvent(now presence.Counts) model.ShowEvent {
	at := r.Clock.Now()
	return model.ShowEvent{Epoch: r.Hub.Epoch(), Kind: model.ShowEventKindAudience, At: at, ServerTime: at, Audience: new(audienceOf(now))}
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
