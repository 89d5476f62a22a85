// Package spectest holds a Stripe that is not Stripe's against the official description of its API:
// Watch wraps the handler, and when the test ends, each request that was answered well is sent to
// stripe/stripe-mock, which refuses what the description does not know, and each answer, errors
// included, is checked field by field against its schema.
//
// The description and the mock are those of one released version, fetched through the Go module proxy
// and kept outside of this module's dependencies. Where they cannot be had, tests fail; none is
// skipped.
//
// The description is of Stripe's newest API version, while we speak a pinned older one. What Stripe
// adds to all versions has to be answered by the fake as well; what it took away since is listed in
// removed, each with its reason.
package spectest
