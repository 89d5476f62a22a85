package show

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/page"
)

const showList = 'S' // marks the cursors

// ShowPage is a page of a list of Shows.
type ShowPage = page.Page[Show]

// ShowEdge is one row of it.
type ShowEdge = page.Edge[Show]

// Order says in what order shows are listed.
type Order string

// The orders.
const (
	Latest  Order = "LATEST"  // the latest start first
	Soonest Order = "SOONEST" // the earliest start first
)

// Filter narrows a list of shows by what is not nil.
type Filter struct {
	Status   *Status
	Host     *uuid.UUID
	Language *Language
	Category *string
	Follower *uuid.UUID // the shows of those whom this user follows
}

// List is the shows that pass a filter.
func (s *Service) List(ctx context.Context, f Filter, order Order, args page.Args) (ShowPage, error) {
	size, err := args.Size()
	if err != nil {
		return ShowPage{}, err
	}
	if f.Category != nil && !isCategory(*f.Category) {
		return ShowPage{}, ErrCategories.At("category")
	}
	if order == Soonest {
		return s.soonest(ctx, f, size, args)
	}
	asked := page.AskedFor(f)
	before, err := args.Before(showList, asked)
	if err != nil {
		return ShowPage{}, err
	}
	rows, err := s.q.ShowsLatest(ctx, s.pool, db.ShowsLatestParams{
		Status: (*string)(f.Status), HostID: f.Host, Language: (*string)(f.Language), Category: f.Category, FollowerID: f.Follower,
		BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, showOf, cursorOf(asked)), err
}

func (s *Service) soonest(ctx context.Context, f Filter, size int, args page.Args) (ShowPage, error) {
	asked := page.AskedFor(f, Soonest)
	after, err := args.From(showList, asked)
	if err != nil {
		return ShowPage{}, err
	}
	rows, err := s.q.ShowsSoonest(ctx, s.pool, db.ShowsSoonestParams{
		Status: (*string)(f.Status), HostID: f.Host, Language: (*string)(f.Language), Category: f.Category, FollowerID: f.Follower,
		AfterAt: after.At, AfterID: after.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, showOf, cursorOf(asked)), err
}

// cursorOf gives a show's place in the list that was asked for.
func cursorOf(asked page.Asked) func(Show) string {
	return func(s Show) string { return page.Key{At: s.StartsAt, ID: s.ID}.Encode(showList, asked) }
}
