package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// Entry is one balanced set of legs: they sum to zero in each currency. Key is unique for ever; it comes from
// what the entry is about (order:<id>:release), not from chance.
type Entry struct {
	Key   string
	Flow  Flow
	Cause Cause
	Legs  []Leg
}

// Posted tells the entry that the key stands for, and whether it was there already.
type Posted struct {
	EntryID  int64
	Replayed bool
}

// PostTx posts an entry, whole or not at all. It is the last thing that a transaction does: it takes the locks
// of the accounts. The same key with the same content answers the first entry; with other content it is
// ErrKeyReused.
func PostTx(ctx context.Context, tx pgx.Tx, e Entry) (_ Posted, err error) {
	defer fault.Wrap(&err, "post %s", e.Key)
	legs, err := normal(e.Legs)
	if err != nil {
		return Posted{}, err
	}
	params := db.LedgerPostParams{
		Key: e.Key, Hash: digest(e, legs), Flow: string(e.Flow), CauseKind: e.Cause.Kind, CauseID: e.Cause.ID,
	}
	for _, leg := range legs {
		params.Kinds = append(params.Kinds, string(leg.Account.Kind))
		params.Owners = append(params.Owners, leg.Account.Owner)
		params.Refs = append(params.Refs, leg.Account.Ref)
		params.Currencies = append(params.Currencies, string(leg.Account.Currency))
		params.Amounts = append(params.Amounts, leg.Amount)
	}
	row, err := db.New().LedgerPost(ctx, tx, params)
	if err != nil {
		return Posted{}, asFault(err)
	}
	return Posted{EntryID: row.EntryID, Replayed: row.Replayed}, nil
}

// ReverseTx posts the exact negation of an entry. An entry is reversed once: another key for the same entry is
// ErrReversed, the same key answers the first reversal.
func ReverseTx(ctx context.Context, tx pgx.Tx, entry int64, key string, cause Cause) (_ Posted, err error) {
	defer fault.Wrap(&err, "reverse entry %d", entry)
	h := sha256.New()
	writeTexts(h, "reversal", cause.Kind, string(cause.ID[:]))
	writeInt(h, entry)
	row, err := db.New().LedgerReverse(ctx, tx, db.LedgerReverseParams{
		Reverses: entry, Key: key, Hash: h.Sum(nil), Flow: string(FlowReversal), CauseKind: cause.Kind, CauseID: cause.ID,
	})
	if err != nil {
		return Posted{}, asFault(err)
	}
	return Posted{EntryID: row.EntryID, Replayed: row.Replayed}, nil
}

// normal merges the legs of one account, drops what comes to nothing, and puts them in a fixed order, so that
// entries that mean the same are the same.
func normal(legs []Leg) ([]Leg, error) {
	sums := make(map[Account]int64, len(legs))
	for _, leg := range legs {
		sum := sums[leg.Account]
		if (leg.Amount > 0 && sum > math.MaxInt64-leg.Amount) || (leg.Amount < 0 && sum < math.MinInt64-leg.Amount) {
			return nil, ErrOutOfRange
		}
		sums[leg.Account] = sum + leg.Amount
	}
	merged := make([]Leg, 0, len(sums))
	for account, sum := range sums {
		if sum != 0 {
			merged = append(merged, Leg{Account: account, Amount: sum})
		}
	}
	slices.SortFunc(merged, func(a, b Leg) int { return compare(a.Account, b.Account) })
	return merged, nil
}

func compare(a, b Account) int {
	return cmp.Or(
		slices.Compare(a.Owner[:], b.Owner[:]),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Currency, b.Currency),
		cmp.Compare(a.Ref, b.Ref),
	)
}

// digest is what tells a retry from another request under the same key. Each text is written with its length,
// so that no two entries write the same.
func digest(e Entry, legs []Leg) []byte {
	h := sha256.New()
	writeTexts(h, string(e.Flow), e.Cause.Kind, string(e.Cause.ID[:]))
	for _, leg := range legs {
		a := leg.Account
		writeTexts(h, string(a.Kind), string(a.Owner[:]), a.Ref, string(a.Currency))
		writeInt(h, leg.Amount)
	}
	return h.Sum(nil)
}

func writeTexts(h hash.Hash, texts ...string) {
	for _, text := range texts {
		writeInt(h, int64(len(text)))
		_, _ = h.Write([]byte(text)) // a hash never fails
	}
}

func writeInt(h hash.Hash, n int64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}
