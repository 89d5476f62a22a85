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
// What the real Stripe does not have, for tests: a fault plan (by programme, by seed, or by the header
// Souk-Fault), a plan of what goes wrong with webhooks, a clock that can be set forward, the card
// holder's bank (OpenDispute, DecideDispute, the 3-D Secure page), and Journal, the list of every
// movement of the platform's balance, which serves as the oracle that our ledger is reconciled
// against.
//
// What happens by itself (an authorisation runs out, a refund arrives, an issuer decides) is a task in
// the agenda, which is part of the state. Tasks are performed when the fake's clock has reached them:
// before each request, at each Tick, and several times a second in a fake that listens.
//
// To add a kind of resource: a struct with base in it, one line in newResource, its fields in
// expandable, and its routes. Package spectest holds every answer in the tests against Stripe's own
// description of its API.
package stripefake
