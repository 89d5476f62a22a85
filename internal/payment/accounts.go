package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// providerRef names the provider on the accounts that are kept one for each provider.
const providerRef = "stripe"

// of is a leg on an account that somebody or something owns.
func of(kind ledger.Kind, owner uuid.UUID, c money.Currency, minor int64) ledger.Leg {
	return ledger.Leg{Account: ledger.Account{Kind: kind, Owner: owner, Currency: c}, Amount: minor}
}

// atProvider is a leg on one of the platform's accounts that are kept for each provider.
func atProvider(kind ledger.Kind, c money.Currency, minor int64) ledger.Leg {
	return ledger.Leg{Account: ledger.Account{Kind: kind, Ref: providerRef, Currency: c}, Amount: minor}
}

// post posts an entry, and turns a frozen wallet and a wallet's floor into the refusals that they are. Any other account that
// is short is a mistake of ours, and nothing that a client could mend.
func post(ctx context.Context, tx pgx.Tx, e ledger.Entry) error {
	_, err := ledger.PostTx(ctx, tx, e)
	if frozen, ok := errors.AsType[*ledger.FrozenError](err); ok {
		return ErrWalletFrozen.With("since", frozen.Since).Because(frozen)
	}
	limit, ok := errors.AsType[*ledger.Limit](err)
	switch {
	case !ok:
		return err
	case limit.Account.Kind == ledger.Wallet:
		return ErrInsufficientFunds.With("available", money.New(limit.Balance, limit.Account.Currency)).
			Because(&ShortError{User: limit.Account.Owner})
	}
	return fmt.Errorf("post %s: %w", e.Key, limit)
}
