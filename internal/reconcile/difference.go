package reconcile

import "github.com/souklive/souk/internal/money"

// Kind says how our books and the provider's differ. The schema's enum ReconciliationDifferenceKind has the same names,
// and docs/operations.md says of each what to do.
type Kind string

// The kinds. Pending is no difference: only one side has the record yet, and it is young.
const (
	Pending             Kind = "PENDING"
	Unbooked            Kind = "UNBOOKED"              // at the provider, and not in our books
	UnbookedKind        Kind = "UNBOOKED_KIND"         // the same, of a kind that we never book: payouts, the provider's own fees
	UnknownToProvider   Kind = "UNKNOWN_TO_PROVIDER"   // in our books, and not at the provider
	AmountDiffers       Kind = "AMOUNT_DIFFERS"        // before fees
	FeeDiffers          Kind = "FEE_DIFFERS"           //
	CurrencyDiffers     Kind = "CURRENCY_DIFFERS"      //
	KindDiffers         Kind = "KIND_DIFFERS"          // booked as a charge, and a refund there
	EntryReversed       Kind = "ENTRY_REVERSED"        // an operator took back what booked it
	PostedDiffers       Kind = "POSTED_DIFFERS"        // our record and our posting are not of one amount
	PostedWithoutRecord Kind = "POSTED_WITHOUT_RECORD" // a posting on clearing that no record stands behind
	BalanceDiffers      Kind = "BALANCE_DIFFERS"       // the sums, after what is pending
)

// Kinds are all kinds of differences.
func Kinds() []Kind {
	return []Kind{
		Unbooked, UnbookedKind, UnknownToProvider, AmountDiffers, FeeDiffers, CurrencyDiffers, KindDiffers, EntryReversed, PostedDiffers,
		PostedWithoutRecord, BalanceDiffers,
	}
}

// Difference is one thing in which our books and the provider's do not agree.
type Difference struct {
	Number     int64 // in its run, from 1
	Kind       Kind
	ProviderID string // the provider's record; empty where it is about none
	EntryKey   string // of our entry; empty where there is none
	EntryID    *int64
	Currency   money.Currency
	Theirs     *money.Amount // what the provider has: gross, the fee with FeeDiffers, net with PostedDiffers and BalanceDiffers
	Ours       *money.Amount
	Detail     string // for a person, with every id that can be looked up
}
