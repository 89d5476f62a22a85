// Package idempotency keeps what a mutation answered under its user's key, so that a retry gets the same answer,
// byte for byte, whatever has changed since.
//
// It keeps answers; it does not keep money safe. That is done by the domains, whose own rows are unique by the
// user's key or by the thing's state, for ever. So a claim that a crash left behind, an answer that was too
// large to keep and one that has been pruned all end the same way: the mutation runs again, and finds its work done.
//
// Invariants: one key has one input; the first answer that is kept stays (both held by a trigger); a claim that
// runs out can be taken over, and does not keep the first from being answered. Table: idempotency_answer.
package idempotency
