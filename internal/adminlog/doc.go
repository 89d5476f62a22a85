// Package adminlog keeps what was done with a privilege: who, what, on what and why.
//
// It owns the table admin_action, which only grows. A privileged use case records its action in the transaction
// that acts, so that neither exists without the other.
package adminlog
