package payment

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
)

// The kinds of a ProviderTxn.
const (
	txnCharge             = "CHARGE"
	txnRefund             = "REFUND"
	txnRefundFailure      = "REFUND_FAILURE"
	txnChargeback         = "CHARGEBACK"
	txnChargebackReversal = "CHARGEBACK_REVERSAL"
)

// ProviderTxn is a movement of our balance at the provider, by the provider's own record.
type ProviderTxn struct {
	ID    string
	Gross money.Amount // positive is in our favour
	Fee   money.Amount // taken off it; negative only where a reinstated chargeback gives its fee back
}

// postClearedTx posts an entry that moves our balance at the provider, and keeps the record that it comes
// from. The entry has the other side's legs alone; those on psp_clearing and psp_fees are the record's.
func (s *Service) postClearedTx(ctx context.Context, tx pgx.Tx, e ledger.Entry, kind string, t ProviderTxn) error {
	c := t.Gross.Currency
	if t.ID == "" || (t.Fee.Minor < 0 && kind != txnChargebackReversal) || (t.Fee.Minor != 0 && t.Fee.Currency != c) {
		return fmt.Errorf("the provider's record %q of %s with a fee of %s makes no sense", t.ID, t.Gross, t.Fee)
	}
	// An entry touches an account once, so clearing carries the net: exactly what the provider's balance moved by.
	e.Legs = append(e.Legs, atProvider(ledger.PSPClearing, c, t.Fee.Minor-t.Gross.Minor))
	if t.Fee.Minor != 0 {
		e.Legs = append(e.Legs, atProvider(ledger.PSPFees, c, -t.Fee.Minor))
	}
	err := s.q.ProviderTxnInsert(ctx, tx, db.ProviderTxnInsertParams{
		Provider: providerRef, ID: t.ID, Kind: kind, Currency: string(c), Gross: t.Gross.Minor, Fee: t.Fee.Minor, EntryKey: e.Key,
	})
	if err != nil {
		return fmt.Errorf("keep the provider's record %s: %w", t.ID, err)
	}
	return post(ctx, tx, e)
}
