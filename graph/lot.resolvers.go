package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

// LotAdd is the resolver for the lotAdd field.
func (r *mutationResolver) LotAdd(ctx context.Context, input model.LotAddInput) (model.LotAddPayload, error) {
	in, err := lotInput(input)
	var added auction.Auction
	if err == nil {
		added, err = r.Auctions.AddLot(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.LotAddPayload{UserErrors: errs}, err
	}
	return model.LotAddPayload{Lot: &added}, nil
}

// LotsReorder is the resolver for the lotsReorder field.
func (r *mutationResolver) LotsReorder(ctx context.Context, input model.LotsReorderInput) (model.LotsReorderPayload, error) {
	changed, errs, err := r.onShow(ctx, input.ShowID, r.reorder(input.LotIds))
	return model.LotsReorderPayload{Show: changed, UserErrors: errs}, err
}

// LotRemove is the resolver for the lotRemove field.
func (r *mutationResolver) LotRemove(ctx context.Context, input model.LotRemoveInput) (model.LotRemovePayload, error) {
	lot, errs, err := r.onLot(ctx, input.LotID, r.Auctions.RemoveLot)
	return model.LotRemovePayload{Lot: lot, UserErrors: errs}, err
}

// LotOpen is the resolver for the lotOpen field.
func (r *mutationResolver) LotOpen(ctx context.Context, input model.LotOpenInput) (model.LotOpenPayload, error) {
	lot, errs, err := r.onLot(ctx, input.LotID, r.Auctions.OpenLot)
	return model.LotOpenPayload{Lot: lot, UserErrors: errs}, err
}

// LotPause is the resolver for the lotPause field.
func (r *mutationResolver) LotPause(ctx context.Context, input model.LotPauseInput) (model.LotPausePayload, error) {
	lot, errs, err := r.onLot(ctx, input.LotID, r.Auctions.PauseLot)
	return model.LotPausePayload{Lot: lot, UserErrors: errs}, err
}

// LotResume is the resolver for the lotResume field.
func (r *mutationResolver) LotResume(ctx context.Context, input model.LotResumeInput) (model.LotResumePayload, error) {
	lot, errs, err := r.onLot(ctx, input.LotID, r.Auctions.ResumeLot)
	return model.LotResumePayload{Lot: lot, UserErrors: errs}, err
}

// LotClose is the resolver for the lotClose field.
func (r *mutationResolver) LotClose(ctx context.Context, input model.LotCloseInput) (model.LotClosePayload, error) {
	lot, errs, err := r.onLot(ctx, input.LotID, r.Auctions.HammerLot)
	return model.LotClosePayload{Lot: lot, UserErrors: errs}, err
}

// LotPass is the resolver for the lotPass field.
func (r *mutationResolver) LotPass(ctx context.Context, input model.LotPassInput) (model.LotPassPayload, error) {
	lot, errs, err := r.onLot(ctx, input.LotID, r.Auctions.PassLot)
	return model.LotPassPayload{Lot: lot, UserErrors: errs}, err
}

// LotPin is the resolver for the lotPin field.
func (r *mutationResolver) LotPin(ctx context.Context, input model.LotPinInput) (model.LotPinPayload, error) {
	changed, errs, err := r.onShow(ctx, input.ShowID, r.pin(&input.LotID))
	return model.LotPinPayload{Show: changed, UserErrors: errs}, err
}

// LotUnpin is the resolver for the lotUnpin field.
func (r *mutationResolver) LotUnpin(ctx context.Context, input model.LotUnpinInput) (model.LotUnpinPayload, error) {
	changed, errs, err := r.onShow(ctx, input.ShowID, r.pin(nil))
	return model.LotUnpinPayload{Show: changed, UserErrors: errs}, err
}

// ShowEnd is the resolver for the showEnd field.
func (r *mutationResolver) ShowEnd(ctx context.Context, input model.ShowEndInput) (model.ShowEndPayload, error) {
	changed, errs, err := r.onShow(ctx, input.ShowID, r.Auctions.EndShow)
	return model.ShowEndPayload{Show: changed, UserErrors: errs}, err
}

// ShowCancel is the resolver for the showCancel field.
func (r *mutationResolver) ShowCancel(ctx context.Context, input model.ShowCancelInput) (model.ShowCancelPayload, error) {
	changed, errs, err := r.onShow(ctx, input.ShowID, r.Auctions.CancelShow)
	return model.ShowCancelPayload{Show: changed, UserErrors: errs}, err
}

// PinnedLot is the resolver for the pinnedLot field.
func (r *showResolver) PinnedLot(ctx context.Context, obj *show.Show) (*auction.Auction, error) {
	return maybePtr(ctx, load(ctx).auction, obj.PinnedLotID)
}

// Queue is the resolver for the queue field.
func (r *showResolver) Queue(ctx context.Context, obj *show.Show, first *int, after *string) (page.Page[auction.Auction], error) {
	return lotPage(ctx, obj, auction.WaitingLots, first, after)
}

// AllLots is the resolver for the allLots field.
func (r *showResolver) AllLots(ctx context.Context, obj *show.Show, first *int, after *string) (page.Page[auction.Auction], error) {
	return lotPage(ctx, obj, auction.AllLots, first, after)
}

// Sales is the resolver for the sales field.
func (r *showResolver) Sales(ctx context.Context, obj *show.Show, first *int, after *string) (page.Page[auction.Auction], error) {
	return lotPage(ctx, obj, auction.SoldLots, first, after)
}
