package payment

import (
	"context"
	"errors"
	"time"

	"github.com/souklive/souk/internal/money"
)

// Books are a provider's own account of our balance there. Every error that its calls return is a *ProviderError.
type Books interface {
	// Records lists one page of the movements since a time, the newest first, below the one with the id after; all
	// where since is zero.
	Records(ctx context.Context, since time.Time, after string) (page []Record, more bool, err error)
	// Record fetches one movement; ErrNoRecord where the provider knows none of that id.
	Record(ctx context.Context, id string) (Record, error)
}

// ErrNoRecord says that the provider knows no such movement.
var ErrNoRecord = errors.New("the provider knows no such record")

// Record is one movement of our balance as the provider keeps it.
type Record struct {
	ID        string
	Type      string       // in the provider's own words: charge, payout
	Kind      string       // as provider_txn has it; empty for what we never book
	Gross     money.Amount // positive is in our favour
	Fee       money.Amount
	Source    string // the charge, refund or dispute that it is about
	CreatedAt time.Time
}

// ProviderName names the provider in provider_txn and on the accounts that are kept for each.
const ProviderName = providerRef
