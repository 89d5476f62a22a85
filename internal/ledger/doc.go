// Package ledger posts to the books and reads them: double entry, append-only, the only truth about money.
//
// The books are the database schema ledger, which belongs to a role that no server logs in as. A server may read
// everything there and execute ledger.post, ledger.reverse, ledger.freeze, ledger.lift and ledger.roll_up; it can write
// in no other way. What those functions and their triggers hold is told in docs/ledger.md; this package gives it types and errors.
//
// Money is int64 in the currency's minor unit; credit is positive: what we owe somebody is above zero in
// their wallet, what a provider owes us is below zero in its clearing account.
package ledger
