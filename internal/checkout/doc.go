// Package checkout turns what a buyer has reserved into orders that are paid. Today it sells what is handed over with its payment:
// codes, from the wallet. docs/codes.md is its design.
//
// It owns the table reservation_payment. What must stay true:
//   - a reservation is paid once; with it, in one transaction, its orders are made, its codes handed over and the money posted;
//   - the buyer pays what they have agreed to, or nothing: another total is refused with the one that it is now.
//
// Lock order: reservation → stock → order, which is new → code → feed → ledger. Money moves last.
package checkout
