// Package order follows a sale from the moment it is owed until the seller has earned it, or the buyer has their money back.
//
// It owns the tables orders, order_move and order_refund. What must stay true:
//   - payment and fulfilment are two state machines; moves (in moves.go, and in the table order_move that a
//     trigger holds) are the only changes of state;
//   - price and fee are fixed when the order is made; what is left of them after refunds is divided by payment.Terms alone;
//   - while payment is PAID the order's escrow account holds exactly what is left of its total, otherwise nothing;
//   - an order's state says what its payments are, because each changes with the other in one transaction: package
//     payment tells it through payment.Orders;
//   - only the buyer and the seller see an order: the party is part of every WHERE, but for what an admin does;
//   - each change is an event of the topic order:<id>, in the order of the row's versions.
//
// Lock order: auction → order → hold → order_payment → feed → ledger. Posting to the ledger comes last in its transaction.
package order
