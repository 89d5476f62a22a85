package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// ownerKinds says what owns the accounts of a kind. The others are the platform's own, or not in use.
var ownerKinds = map[ledger.Kind]id.Kind{
	ledger.Wallet: id.User, ledger.WalletHeld: id.User, ledger.SellerPending: id.User, ledger.SellerAvailable: id.User,
	ledger.SellerDebt: id.User, ledger.ReferralPending: id.User,
	ledger.Escrow: id.Order, ledger.PromoBudget: id.Promotion, ledger.RefundInFlight: id.Refund, ledger.Chargeback: id.Chargeback,
}

// causeKinds says what the ledger's causes are called in the API.
var causeKinds = map[string]id.Kind{
	"top_up": id.TopUp, "order": id.Order, "auction": id.Auction, "refund": id.Refund, "exchange": id.Exchange, "withdrawal": id.Withdrawal,
	"referral": id.Referral, "chargeback": id.Chargeback, "shipment": id.Shipment,
	"admin_action": id.AdminAction, "promotion": id.Promotion,
}

func ownerOf(a ledger.Account) *id.ID {
	kind, ok := ownerKinds[a.Kind]
	if !ok || a.Owner == uuid.Nil {
		return nil
	}
	owner := kind.ID(a.Owner)
	return &owner
}

func causeID(c ledger.Cause) *id.ID {
	kind, ok := causeKinds[c.Kind]
	if !ok {
		return nil
	}
	cause := kind.ID(c.ID)
	return &cause
}

// findCause loads what a line of the viewer's statement was for, under the viewer's own rights. All lines' are loaded
// together.
func (r *Resolver) findCause(ctx context.Context, c ledger.Cause) (id.Node, error) {
	cause := causeID(c)
	if cause == nil {
		return nil, nil
	}
	switch l := load(ctx); cause.Kind {
	case id.Order:
		return node(maybe(ctx, l.orderOfActor, c.ID))
	case id.TopUp:
		return node(maybe(ctx, l.topUpOfActor, c.ID))
	case id.Refund:
		return node(maybe(ctx, l.refundOfActor, c.ID))
	case id.Withdrawal:
		return node(maybe(ctx, l.withdrawalOfActor, c.ID))
	case id.Exchange:
		return node(maybe(ctx, l.exchangeOfActor, c.ID))
	case id.Chargeback:
		return node(maybe(ctx, l.chargebackOfActor, c.ID))
	case id.Referral:
		return node(maybe(ctx, l.referralOfActor, c.ID))
	default:
		return r.findNode(ctx, *cause)
	}
}

func accountFilter(owner *id.ID, kind *ledger.Kind, currency *money.Currency) (books.Filter, error) {
	f := books.Filter{Kind: kind, Currency: currency}
	if owner != nil {
		f.Owner = &owner.UUID
	}
	if currency == nil {
		return f, nil
	}
	_, err := money.ParseCurrency(string(*currency))
	return f, err
}

func accountName(kind ledger.Kind, owner *id.ID, ref string, currency money.Currency) (ledger.Account, error) {
	name := ledger.Account{Kind: kind, Ref: ref, Currency: currency}
	if owner != nil {
		name.Owner = owner.UUID
	}
	_, err := money.ParseCurrency(string(currency))
	return name, err
}

// loadEntry loads an entry that need not exist.
func loadEntry(ctx context.Context, entry *int64) (*books.Entry, error) {
	if entry == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).ledgerEntry, *entry)
}
