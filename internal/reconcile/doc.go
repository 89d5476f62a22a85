// Package reconcile compares our books with a payment provider's own records of our balance, both ways.
//
// The provider's records are copied page by page into a temporary table, and PostgreSQL joins: this process holds some
// thousand of them at a time, however many there are. No transaction is open while the provider is asked; then all that
// is ours is read in one snapshot.
//
// It owns the tables reconciliation_run and reconciliation_difference, and corrects nothing.
package reconcile
