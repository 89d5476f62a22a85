package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

// ShowCreate is the resolver for the showCreate field.
func (r *mutationResolver) ShowCreate(ctx context.Context, input model.ShowCreateInput) (model.ShowCreatePayload, error) {
	draft, err := showDraft(input)
	var created show.Show
	if err == nil {
		created, err = r.Shows.Create(ctx, actorID(ctx), draft)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowCreatePayload{UserErrors: errs}, err
	}
	return model.ShowCreatePayload{Show: &created}, nil
}

// ShowUpdate is the resolver for the showUpdate field.
func (r *mutationResolver) ShowUpdate(ctx context.Context, input model.ShowUpdateInput) (model.ShowUpdatePayload, error) {
	showID, edit, err := showEdit(input)
	var changed show.Show
	if err == nil {
		changed, err = r.Shows.Update(ctx, actorID(ctx), showID, edit)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowUpdatePayload{UserErrors: errs}, err
	}
	return model.ShowUpdatePayload{Show: &changed}, nil
}

// ShowStart is the resolver for the showStart field.
func (r *mutationResolver) ShowStart(ctx context.Context, input model.ShowStartInput) (model.ShowStartPayload, error) {
	var in inputReader
	showID := in.id(input.ShowID, id.Show, "showId")
	var started show.Show
	err := in.err
	if err == nil {
		started, err = r.Shows.Start(ctx, actorID(ctx), showID)
	}
	if err != nil {
		errs, err := refused(err)
		return model.ShowStartPayload{UserErrors: errs}, err
	}
	return model.ShowStartPayload{Show: &started}, nil
}

// Show is the resolver for the show field.
func (r *queryResolver) Show(ctx context.Context, id id.ID) (*show.Show, error) {
	return find(ctx, id, idShow, load(ctx).show)
}

// Shows is the resolver for the shows field.
func (r *queryResolver) Shows(ctx context.Context, status *show.Status, hostID *id.ID, following *bool, language *show.Language, category *string, orderBy show.Order, first *int, after *string) (page.Page[show.Show], error) {
	filter, err := showFilter(ctx, show.Filter{Status: status, Language: language, Category: category}, hostID, following)
	if err != nil {
		return page.Page[show.Show]{}, err
	}
	return r.Resolver.Shows.List(ctx, filter, orderBy, page.Args{First: first, After: after})
}

// Cover is the resolver for the cover field.
func (r *showResolver) Cover(ctx context.Context, obj *show.Show) (*media.Photo, error) {
	if obj.CoverID == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).photo, *obj.CoverID)
}

// Host is the resolver for the host field.
func (r *showResolver) Host(ctx context.Context, obj *show.Show) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.HostID)
}

// Lots is the resolver for the lots field.
func (r *showResolver) Lots(ctx context.Context, obj *show.Show) ([]auction.Auction, error) {
	return some(ctx, load(ctx).lots, obj.ID)
}

// ShowEvents is the resolver for the showEvents field.
func (r *subscriptionResolver) ShowEvents(ctx context.Context, showID id.ID, afterVersion *int, epoch *string) (<-chan model.ShowEvent, error) {
	watched, err := showID.As(id.Show)
	if err != nil {
		return nil, err
	}
	if _, err := r.Shows.Get(ctx, watched); err != nil {
		return nil, err
	}
	s := from(show.Topic(watched), afterVersion, epoch, r.Shows.Snapshot(watched))
	return streamBeside(ctx, r.Resolver, s, r.showEvent, r.counts(ctx, watched))
}

// Show returns generated.ShowResolver implementation.
func (r *Resolver) Show() generated.ShowResolver { return &showResolver{r} }

type showResolver struct{ *Resolver }
