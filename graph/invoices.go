package graph

import (
	"context"
	"strings"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/locale"
)

// invoiceReader is the actor as who reads invoices.
func invoiceReader(ctx context.Context) invoice.Reader {
	session, _ := actor(ctx)
	role := session.User.Role
	return invoice.Reader{User: session.User.ID, Staff: role == identity.Support || role == identity.Admin}
}

// invoiceLanguage is the one that is asked for, else the request's.
func invoiceLanguage(ctx context.Context, asked *model.InvoiceLanguage) locale.Locale {
	if asked != nil {
		return locale.Locale(strings.ToLower(string(*asked)))
	}
	return audience.KindOf(ctx).Locale
}
