// Package checkout turns what a buyer has set aside into orders: a cart's by a quote that is confirmed (docs/checkout.md), what was won in a lot
// by a quote of the order that there is, and codes, from the wallet, by their reservation alone (docs/codes.md).
//
// It owns the tables quote, quote_group, quote_line, quote_charge, checkout and reservation_payment, all of which are written once. What must stay true:
//   - a reservation is paid or confirmed once; with it, in one transaction, its orders are made, its codes handed over and the money posted;
//   - the buyer pays what they have agreed to, or nothing: another total is refused with the one that it is now;
//   - the order of a lot is checked out once;
//   - what a quote says is what its orders are, to the cent.
//
// Lock order: reservation → stock → order, which is new, or that of a lot → code → feed → ledger. Money moves last.
package checkout
