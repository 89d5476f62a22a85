// Package address keeps where people have things sent: validated and written as each country writes addresses, so that a carrier
// can read them. docs/checkout.md is its design.
//
// It owns the table address. What must stay true:
//   - an address that is kept is one that Normalise accepts, as it writes it;
//   - of a user's addresses exactly one is the default, as long as there is one;
//   - an address is its user's alone: the user is part of every WHERE. What an order is sent to is a copy, which nothing here changes.
//
// Lock order: the user → their addresses.
package address
