package payment

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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

// post posts an entry, and turns a wallet's floor into the refusal that it is.
func post(ctx context.Context, tx pgx.Tx, e ledger.Entry) error {
	_, err := ledger.PostTx(ctx, tx, e)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "SL002" {
		var d struct {
			Kind     ledger.Kind    `json:"kind"`
			Owner    uuid.UUID      `json:"owner"`
			Currency money.Currency `json:"currency"`
			Balance  int64          `json:"balance"`
		}
		if json.Unmarshal([]byte(pgErr.Detail), &d) == nil && d.Kind == ledger.Wallet {
			return ErrInsufficientFunds.With("available", money.New(d.Balance, d.Currency)).Because(&ShortError{User: d.Owner})
		}
	}
	return err
}
