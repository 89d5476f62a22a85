// Package httpx is what each HTTP request passes before it reaches a handler: its id, the client's real
// address, the access line and the measures, recovery from a panic, headers that protect browsers, and
// the bound on its body.
//
// Refusals made here have the shape of a GraphQL answer, so that a client has one way to read an error.
package httpx
