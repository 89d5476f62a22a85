package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

// onLot has the actor do something to a lot of their show: the lot right after it, or why not.
func (r *Resolver) onLot(
	ctx context.Context, v id.ID, do func(_ context.Context, host, lot uuid.UUID) (auction.Auction, error),
) (*auction.Auction, []model.UserError, error) {
	var in inputReader
	lot := in.id(v, id.Auction, "lotId")
	return orRefused(in.err, func() (auction.Auction, error) { return do(ctx, actorID(ctx), lot) })
}

// lotPage is a page of one of a show's lists of lots, read together with those of other shows.
func lotPage(ctx context.Context, of *show.Show, list auction.LotList, first *int, after *string) (auction.AuctionPage, error) {
	asked, err := auction.AskLots(of.ID, list, page.Args{First: first, After: after})
	if err != nil {
		return auction.AuctionPage{}, err
	}
	return load(ctx).lotPages.Load(ctx, asked)
}

// showChange is what a host does to a show of theirs.
type showChange = func(_ context.Context, host, in uuid.UUID) (show.Show, error)

// onShow has the actor do something to their show: the show right after it, or why not.
func (r *Resolver) onShow(ctx context.Context, v id.ID, do showChange) (*show.Show, []model.UserError, error) {
	var in inputReader
	changed := in.id(v, id.Show, "showId")
	return orRefused(in.err, func() (show.Show, error) { return do(ctx, actorID(ctx), changed) })
}

// orRefused is what do gives, unless the input was refused already.
func orRefused[T any](err error, do func() (T, error)) (*T, []model.UserError, error) {
	var done T
	if err == nil {
		done, err = do()
	}
	if err != nil {
		errs, err := refused(err)
		return nil, errs, err
	}
	return &done, nil, nil
}

// reorder puts lots that wait before the others.
func (r *Resolver) reorder(lots []id.ID) showChange {
	return func(ctx context.Context, host, in uuid.UUID) (show.Show, error) {
		var input inputReader
		order := input.ids(lots, id.Auction, "lotIds")
		if input.err != nil {
			return show.Show{}, input.err
		}
		return r.Auctions.ReorderLots(ctx, host, in, order)
	}
}

// pin shows a lot before the others, or none.
func (r *Resolver) pin(lot *id.ID) showChange {
	return func(ctx context.Context, host, in uuid.UUID) (show.Show, error) {
		var input inputReader
		pinned := input.maybeID(lot, id.Auction, "lotId")
		if input.err != nil {
			return show.Show{}, input.err
		}
		return r.Auctions.PinLot(ctx, host, in, pinned)
	}
}
