// Package books is the ledger as staff see it: every account with its postings, every entry with its legs, and the
// reversal of an entry.
//
// It owns no table: it reads the schema ledger, and what it changes goes through internal/ledger. Who may look and who may
// act is the caller's to hold.
package books
