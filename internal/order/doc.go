// Package order follows a sale from the moment it is owed until the seller has earned it.
//
// It owns the tables orders and order_move. What must stay true:
//   - payment and fulfilment are two state machines; moves (in moves.go, and in the table order_move that a
//     trigger holds) are the only changes of state;
//   - price and fee are fixed when the order is made;
//   - while payment is PAID the order's escrow account holds exactly its total, otherwise nothing;
//   - only the buyer and the seller see an order: the party is part of every WHERE;
//   - each change is an event of the topic order:<id>, in the order of the row's versions.
//
// Lock order: auction → order → hold → ledger. Posting to the ledger comes last in its transaction.
package order
