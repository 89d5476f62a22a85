package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/page"
)

// LocationCreate is the resolver for the locationCreate field.
func (r *mutationResolver) LocationCreate(ctx context.Context, input model.LocationCreateInput) (model.LocationCreatePayload, error) {
	location, errs, err := answered(r.Inventory.AddLocation(ctx, actorID(ctx), input.Name, input.Region))
	return model.LocationCreatePayload{Location: location, UserErrors: errs}, err
}

// StockReceive is the resolver for the stockReceive field.
func (r *mutationResolver) StockReceive(ctx context.Context, input model.StockReceiveInput) (model.StockReceivePayload, error) {
	var in inputReader
	change := in.stockChange(input)
	level, errs, err := answered(once(in.err, func() (inventory.Level, error) { return r.Inventory.Receive(ctx, actorID(ctx), change) }))
	return model.StockReceivePayload{Level: level, UserErrors: errs}, err
}

// StockAdjust is the resolver for the stockAdjust field.
func (r *mutationResolver) StockAdjust(ctx context.Context, input model.StockAdjustInput) (model.StockAdjustPayload, error) {
	var in inputReader
	change := in.stockChange(model.StockReceiveInput(input))
	level, errs, err := answered(once(in.err, func() (inventory.Level, error) { return r.Inventory.Adjust(ctx, actorID(ctx), change) }))
	return model.StockAdjustPayload{Level: level, UserErrors: errs}, err
}

// StockMove is the resolver for the stockMove field.
func (r *mutationResolver) StockMove(ctx context.Context, input model.StockMoveInput) (model.StockMovePayload, error) {
	var in inputReader
	move := in.stockMove(input)
	level, errs, err := answered(once(in.err, func() (inventory.Level, error) { return r.Inventory.Move(ctx, actorID(ctx), move) }))
	return model.StockMovePayload{Level: level, UserErrors: errs}, err
}

// StockAlertSet is the resolver for the stockAlertSet field.
func (r *mutationResolver) StockAlertSet(ctx context.Context, input model.StockAlertSetInput) (model.StockAlertSetPayload, error) {
	var in inputReader
	variant, location := in.id(input.VariantID, id.Variant, "variantId"), in.id(input.LocationID, id.Location, "locationId")
	level, errs, err := answered(once(in.err, func() (inventory.Level, error) {
		return r.Inventory.SetAlert(ctx, actorID(ctx), variant, location, input.LowAt)
	}))
	return model.StockAlertSetPayload{Level: level, UserErrors: errs}, err
}

// ReservationCreate is the resolver for the reservationCreate field.
func (r *mutationResolver) ReservationCreate(ctx context.Context, input model.ReservationCreateInput) (model.ReservationCreatePayload, error) {
	var in inputReader
	wish := in.reserve(input)
	made, errs, err := answered(once(in.err, func() (inventory.Reservation, error) { return r.Inventory.Reserve(ctx, actorID(ctx), wish) }))
	return model.ReservationCreatePayload{Reservation: made, UserErrors: errs}, err
}

// ReservationRelease is the resolver for the reservationRelease field.
func (r *mutationResolver) ReservationRelease(ctx context.Context, input model.ReservationReleaseInput) (model.ReservationReleasePayload, error) {
	var in inputReader
	asked := in.id(input.ReservationID, id.Reservation, "reservationId")
	released, errs, err := answered(once(in.err, func() (inventory.Reservation, error) { return r.Inventory.Release(ctx, actorID(ctx), asked) }))
	return model.ReservationReleasePayload{Reservation: released, UserErrors: errs}, err
}

// Lines is the resolver for the lines field.
func (r *reservationResolver) Lines(ctx context.Context, obj *inventory.Reservation) ([]inventory.Line, error) {
	return r.Inventory.Lines(ctx, obj.ID)
}

// Variant is the resolver for the variant field.
func (r *reservationLineResolver) Variant(ctx context.Context, obj *inventory.Line) (catalog.Variant, error) {
	return load(ctx).variant.Load(ctx, obj.VariantID)
}

// Region is the resolver for the region field.
func (r *reservationLineResolver) Region(ctx context.Context, obj *inventory.Line) (*string, error) {
	location, err := maybePtr(ctx, load(ctx).location, obj.LocationID)
	if location == nil {
		return nil, err
	}
	return &location.Region, err
}

// Location is the resolver for the location field.
func (r *stockLevelResolver) Location(ctx context.Context, obj *inventory.Level) (inventory.Location, error) {
	return load(ctx).location.Load(ctx, obj.LocationID)
}

// Movements is the resolver for the movements field.
func (r *stockLevelResolver) Movements(ctx context.Context, obj *inventory.Level, first *int, after *string) (page.Page[inventory.Movement], error) {
	return r.Inventory.Movements(ctx, *obj, page.Args{First: first, After: after})
}

// Available is the resolver for the available field.
func (r *variantResolver) Available(ctx context.Context, obj *catalog.Variant) (int, error) {
	n, err := load(ctx).available.Load(ctx, obj.ID)
	return int(n), err
}

// Stock is the resolver for the stock field.
func (r *variantResolver) Stock(ctx context.Context, obj *catalog.Variant) ([]inventory.Level, error) {
	if obj.SellerID != actorID(ctx) && !isStaff(ctx) {
		return []inventory.Level{}, nil
	}
	return some(ctx, load(ctx).levels, obj.ID)
}

// Locations is the resolver for the locations field.
func (r *viewerResolver) Locations(ctx context.Context, obj *identity.Session) ([]inventory.Location, error) {
	return r.Inventory.Locations(ctx, obj.User.ID)
}

// Reservation returns generated.ReservationResolver implementation.
func (r *Resolver) Reservation() generated.ReservationResolver { return &reservationResolver{r} }

// ReservationLine returns generated.ReservationLineResolver implementation.
func (r *Resolver) ReservationLine() generated.ReservationLineResolver {
	return &reservationLineResolver{r}
}

// StockLevel returns generated.StockLevelResolver implementation.
func (r *Resolver) StockLevel() generated.StockLevelResolver { return &stockLevelResolver{r} }

type (
	reservationResolver     struct{ *Resolver }
	reservationLineResolver struct{ *Resolver }
	stockLevelResolver      struct{ *Resolver }
)
