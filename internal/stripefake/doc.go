// Package stripefake is a Stripe of our own: an HTTP server that keeps state and answers as the
// documented API does, so that stripe-go talks to it through its backend URL and our payment code is
// the code that runs against the real one. It is never a mock of an interface of ours.
//
// It is pinned to one API version, the one of stripe-go v76. What a request passes, in this order:
//
//	key and version → route → known parameters → fault plan → idempotency → effect → fault plan → answer
//
// The effect runs under one lock, and its resources, its events, its balance transactions and its
// idempotency record reach the state file as one line: after a kill -9 either all of them are there
// or none is. Ids follow from the seed and a persisted counter, so that the same requests in the same
// order give the same ids.
//
// Two things the real Stripe does not have, for tests: a fault plan (by programme, by seed, or by the
// header Souk-Fault), and Journal, the list of every movement of the platform's balance, which serves
// as the oracle that our ledger is reconciled against.
//
// To add a kind of resource: a struct with base in it, one line in newResource, one line in
// expandable, and its routes.
package stripefake
