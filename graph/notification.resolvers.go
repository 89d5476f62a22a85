package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/page"
)

// NotificationRead is the resolver for the notificationRead field.
func (r *mutationResolver) NotificationRead(ctx context.Context, input model.NotificationReadInput) (model.NotificationReadPayload, error) {
	var in inputReader
	notice := in.id(input.NotificationID, id.Notification, "notificationId")
	read, errs, err := answered(once(in.err, func() (notify.Notice, error) { return r.Notices.Read(ctx, actorID(ctx), notice) }))
	return model.NotificationReadPayload{Notification: read, UserErrors: errs}, err
}

// NotificationReadAll is the resolver for the notificationReadAll field.
func (r *mutationResolver) NotificationReadAll(ctx context.Context, input model.NotificationReadAllInput) (model.NotificationReadAllPayload, error) {
	left, errs, err := answered(once(r.Notices.ReadUpTo(ctx, actorID(ctx), input.UpTo), func() (int, error) { return r.Notices.Unread(ctx, actorID(ctx)) }))
	return model.NotificationReadAllPayload{UnreadNotificationCount: left, UserErrors: errs}, err
}

// Subject is the resolver for the subject field.
func (r *notificationResolver) Subject(ctx context.Context, obj *notify.Notice) (id.Node, error) {
	return r.findSubject(ctx, obj.Subject)
}

// Notifications is the resolver for the notifications field.
func (r *viewerResolver) Notifications(ctx context.Context, obj *identity.Session, unread bool, first *int, after *string) (page.Page[notify.Notice], error) {
	return r.Notices.List(ctx, obj.User.ID, unread, page.Args{First: first, After: after})
}

// UnreadNotificationCount is the resolver for the unreadNotificationCount field.
func (r *viewerResolver) UnreadNotificationCount(ctx context.Context, obj *identity.Session) (int, error) {
	return r.Notices.Unread(ctx, obj.User.ID)
}

// Notification returns generated.NotificationResolver implementation.
func (r *Resolver) Notification() generated.NotificationResolver { return &notificationResolver{r} }

type notificationResolver struct{ *Resolver }
