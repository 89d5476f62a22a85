package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/reconcile"
)

// Actor is the resolver for the actor field.
func (r *adminActionResolver) Actor(ctx context.Context, obj *adminlog.Action) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.ActorID)
}

// Owner is the resolver for the owner field.
func (r *ledgerAccountResolver) Owner(ctx context.Context, obj *books.Account) (*id.ID, error) {
	return ownerOf(obj.Account), nil
}

// Balance is the resolver for the balance field.
func (r *ledgerAccountResolver) Balance(ctx context.Context, obj *books.Account) (money.Amount, error) {
	minor, err := load(ctx).ledgerBalance.Load(ctx, obj.Number)
	return money.New(minor, obj.Currency), err
}

// Postings is the resolver for the postings field.
func (r *ledgerAccountResolver) Postings(ctx context.Context, obj *books.Account, first *int, after *string) (page.Page[books.Posting], error) {
	asked, err := books.AskPostings(*obj, page.Args{First: first, After: after})
	if err != nil {
		return books.PostingPage{}, err
	}
	return load(ctx).ledgerPostings.Load(ctx, asked)
}

// Cause is the resolver for the cause field.
func (r *ledgerEntryResolver) Cause(ctx context.Context, obj *books.Entry) (*id.ID, error) {
	return causeID(obj.Cause), nil
}

// Postings is the resolver for the postings field.
func (r *ledgerEntryResolver) Postings(ctx context.Context, obj *books.Entry) ([]books.Posting, error) {
	return load(ctx).ledgerLegs.Load(ctx, obj.ID)
}

// Reverses is the resolver for the reverses field.
func (r *ledgerEntryResolver) Reverses(ctx context.Context, obj *books.Entry) (*books.Entry, error) {
	return loadEntry(ctx, obj.Reverses)
}

// ReversedBy is the resolver for the reversedBy field.
func (r *ledgerEntryResolver) ReversedBy(ctx context.Context, obj *books.Entry) (*books.Entry, error) {
	return loadEntry(ctx, obj.ReversedBy)
}

// Account is the resolver for the account field.
func (r *ledgerPostingResolver) Account(ctx context.Context, obj *books.Posting) (books.Account, error) {
	return load(ctx).ledgerAccount.Load(ctx, obj.Account)
}

// Entry is the resolver for the entry field.
func (r *ledgerPostingResolver) Entry(ctx context.Context, obj *books.Posting) (books.Entry, error) {
	return load(ctx).ledgerEntry.Load(ctx, obj.Entry)
}

// LedgerEntryReverse is the resolver for the ledgerEntryReverse field.
func (r *mutationResolver) LedgerEntryReverse(ctx context.Context, input model.LedgerEntryReverseInput) (model.LedgerEntryReversePayload, error) {
	entry, err := r.Books.Reverse(ctx, actorID(ctx), books.ReverseInput{
		Entry: input.EntryID, Reason: input.Reason, IdempotencyKey: input.IdempotencyKey,
	})
	if err != nil {
		errs, err := refused(err)
		return model.LedgerEntryReversePayload{UserErrors: errs}, err
	}
	return model.LedgerEntryReversePayload{Entry: &entry}, nil
}

// LedgerAccounts is the resolver for the ledgerAccounts field.
func (r *queryResolver) LedgerAccounts(ctx context.Context, owner *id.ID, kind *ledger.Kind, currencyCode *money.Currency, first *int, after *string) (page.Page[books.Account], error) {
	filter, err := accountFilter(owner, kind, currencyCode)
	if err != nil {
		return books.AccountPage{}, err
	}
	return r.Books.Accounts(ctx, filter, page.Args{First: first, After: after})
}

// LedgerAccount is the resolver for the ledgerAccount field.
func (r *queryResolver) LedgerAccount(ctx context.Context, kind ledger.Kind, owner *id.ID, ref string, currencyCode money.Currency) (*books.Account, error) {
	name, err := accountName(kind, owner, ref, currencyCode)
	if err != nil {
		return nil, err
	}
	return r.Books.Account(ctx, name)
}

// LedgerEntry is the resolver for the ledgerEntry field.
func (r *queryResolver) LedgerEntry(ctx context.Context, id int64) (*books.Entry, error) {
	return loadEntry(ctx, &id)
}

// ReconciliationReport is the resolver for the reconciliationReport field.
func (r *queryResolver) ReconciliationReport(ctx context.Context) (*reconcile.Run, error) {
	return r.Reconcile.Last(ctx)
}

// AdminActions is the resolver for the adminActions field.
func (r *queryResolver) AdminActions(ctx context.Context, first *int, after *string) (page.Page[adminlog.Action], error) {
	return r.AdminLog.List(ctx, page.Args{First: first, After: after})
}

// ProviderID is the resolver for the providerId field.
func (r *reconciliationDifferenceResolver) ProviderID(ctx context.Context, obj *reconcile.Difference) (*string, error) {
	return textOrNil(obj.ProviderID), nil
}

// Entry is the resolver for the entry field.
func (r *reconciliationDifferenceResolver) Entry(ctx context.Context, obj *reconcile.Difference) (*books.Entry, error) {
	return loadEntry(ctx, obj.EntryID)
}

// Differences is the resolver for the differences field.
func (r *reconciliationReportResolver) Differences(ctx context.Context, obj *reconcile.Run, first *int, after *string) (page.Page[reconcile.Difference], error) {
	return r.Reconcile.Differences(ctx, obj.ID, page.Args{First: first, After: after})
}

// Cause is the resolver for the cause field.
func (r *statementLineResolver) Cause(ctx context.Context, obj *ledger.Line) (id.Node, error) {
	return r.findCause(ctx, obj.Cause)
}

// Statement is the resolver for the statement field.
func (r *walletResolver) Statement(ctx context.Context, obj *ledger.WalletBalance, first *int, after *string) (page.Page[ledger.Line], error) {
	return r.Payment.Statement(ctx, obj.Owner, obj.Currency, page.Args{First: first, After: after})
}

// AdminAction returns generated.AdminActionResolver implementation.
func (r *Resolver) AdminAction() generated.AdminActionResolver { return &adminActionResolver{r} }

// LedgerAccount returns generated.LedgerAccountResolver implementation.
func (r *Resolver) LedgerAccount() generated.LedgerAccountResolver { return &ledgerAccountResolver{r} }

// LedgerEntry returns generated.LedgerEntryResolver implementation.
func (r *Resolver) LedgerEntry() generated.LedgerEntryResolver { return &ledgerEntryResolver{r} }

// LedgerPosting returns generated.LedgerPostingResolver implementation.
func (r *Resolver) LedgerPosting() generated.LedgerPostingResolver { return &ledgerPostingResolver{r} }

// ReconciliationDifference returns generated.ReconciliationDifferenceResolver implementation.
func (r *Resolver) ReconciliationDifference() generated.ReconciliationDifferenceResolver {
	return &reconciliationDifferenceResolver{r}
}

// ReconciliationReport returns generated.ReconciliationReportResolver implementation.
func (r *Resolver) ReconciliationReport() generated.ReconciliationReportResolver {
	return &reconciliationReportResolver{r}
}

// StatementLine returns generated.StatementLineResolver implementation.
func (r *Resolver) StatementLine() generated.StatementLineResolver { return &statementLineResolver{r} }

type (
	adminActionResolver              struct{ *Resolver }
	ledgerAccountResolver            struct{ *Resolver }
	ledgerEntryResolver              struct{ *Resolver }
	ledgerPostingResolver            struct{ *Resolver }
	reconciliationDifferenceResolver struct{ *Resolver }
	reconciliationReportResolver     struct{ *Resolver }
	statementLineResolver            struct{ *Resolver }
)
