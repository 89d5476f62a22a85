package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// The refusals of this package that a user may meet.
var (
	ErrInsufficientFunds = fault.New(fault.Precondition, "INSUFFICIENT_FUNDS", "The account does not hold enough.")
	ErrKeyReused         = fault.New(fault.Conflict, "IDEMPOTENCY_KEY_REUSED", "This key was used for another entry.")
	ErrOutOfRange        = fault.New(fault.Invalid, "AMOUNT_OUT_OF_RANGE", "The balance would be larger than can be stored.")
	ErrReversed          = fault.New(fault.Conflict, "ENTRY_REVERSED", "This entry was reversed already.")
	ErrFrozen            = fault.New(fault.Precondition, "WALLET_FROZEN", "The wallet is frozen: nothing can be taken from it.")
	ErrNoEntry           = fault.New(fault.NotFound, "ENTRY_NOT_FOUND", "There is no such entry.")
)

// The refusals that only a mistake of ours can cause.
var (
	ErrCeiling   = fault.New(fault.Internal, "LEDGER_CEILING", "An account may not go above its ceiling.")
	ErrMalformed = fault.New(fault.Internal, "LEDGER_ENTRY_MALFORMED", "An entry has 2 to 1000 legs that sum to zero in each currency, on accounts that exist in the plan.")
)

// The SQLSTATEs of schema ledger, from its migration.
const (
	stateKeyReused  = "SL001"
	stateFloor      = "SL002"
	stateCeiling    = "SL003"
	stateUnbalanced = "SL004"
	stateMalformed  = "SL005"
	stateReversed   = "SL008"
	stateNoEntry    = "SL009"
	stateFrozen     = "SL013"
	stateOutOfRange = "22003" // numeric_value_out_of_range
)

// Limit is the cause inside ErrInsufficientFunds and ErrCeiling: the account that stood in the way, for the
// caller to judge what of it the client may see.
type Limit struct { //nolint:errname // it is the cause inside an error, and names what stood in the way
	Account Account
	Balance int64 // before the entry
	Amount  int64 // what the entry would have added
	cause   error
}

func (l *Limit) Error() string {
	return fmt.Sprintf("%s of %s has %d and would get %d: %v", l.Account.Kind, l.Account.Owner, l.Balance, l.Amount, l.cause)
}

// Unwrap gives the database's error.
func (l *Limit) Unwrap() error { return l.cause }

// FrozenError is the cause inside ErrFrozen: whose wallet it is, and since when the oldest freeze stands.
type FrozenError struct {
	Owner uuid.UUID
	Since time.Time
	cause error
}

func (f *FrozenError) Error() string {
	return fmt.Sprintf("the wallet of %s is frozen since %s: %v", f.Owner, f.Since.Format(time.RFC3339), f.cause)
}

// Unwrap gives the database's error.
func (f *FrozenError) Unwrap() error { return f.cause }

// asFault gives a refusal by the database its type.
func asFault(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	switch pgErr.Code {
	case stateFloor:
		return ErrInsufficientFunds.Because(limitOf(pgErr))
	case stateCeiling:
		return ErrCeiling.Because(limitOf(pgErr))
	case stateFrozen:
		return ErrFrozen.Because(frozenOf(pgErr))
	case stateKeyReused:
		return ErrKeyReused.Because(err)
	case stateUnbalanced, stateMalformed:
		return ErrMalformed.Because(err)
	case stateReversed:
		return ErrReversed.Because(err)
	case stateNoEntry:
		return ErrNoEntry.Because(err)
	case stateOutOfRange:
		return ErrOutOfRange.Because(err)
	default:
		return err
	}
}

func limitOf(pgErr *pgconn.PgError) error {
	var detail struct {
		Kind     Kind           `json:"kind"`
		Owner    uuid.UUID      `json:"owner"`
		Ref      string         `json:"ref"`
		Currency money.Currency `json:"currency"`
		Balance  int64          `json:"balance"`
		Amount   int64          `json:"amount"`
	}
	if json.Unmarshal([]byte(pgErr.Detail), &detail) != nil {
		return pgErr
	}
	return &Limit{
		Account: Account{Kind: detail.Kind, Owner: detail.Owner, Ref: detail.Ref, Currency: detail.Currency},
		Balance: detail.Balance, Amount: detail.Amount, cause: pgErr,
	}
}

func frozenOf(pgErr *pgconn.PgError) error {
	var detail struct {
		Owner uuid.UUID `json:"owner"`
		Since time.Time `json:"since"`
	}
	if json.Unmarshal([]byte(pgErr.Detail), &detail) != nil {
		return pgErr
	}
	return &FrozenError{Owner: detail.Owner, Since: detail.Since.UTC(), cause: pgErr}
}
