package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/order"
)

// URL is the resolver for the url field.
func (r *invoiceResolver) URL(ctx context.Context, obj *invoice.Invoice, language *model.InvoiceLanguage) (string, error) {
	return r.Invoices.URL(*obj, invoiceLanguage(ctx, language), actorID(ctx)), nil
}

// Invoices is the resolver for the invoices field.
func (r *orderResolver) Invoices(ctx context.Context, obj *order.Order) ([]invoice.Invoice, error) {
	if who := invoiceReader(ctx); !who.May(obj.BuyerID, obj.SellerID) {
		return []invoice.Invoice{}, nil
	}
	return some(ctx, load(ctx).invoices, obj.ID)
}

// Invoice returns generated.InvoiceResolver implementation.
func (r *Resolver) Invoice() generated.InvoiceResolver { return &invoiceResolver{r} }

type invoiceResolver struct{ *Resolver }
