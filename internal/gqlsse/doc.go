// Package gqlsse serves GraphQL over server-sent events, in both modes of graphql-sse.
//
// Source: github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
//
// Distinct connections: each operation is a request of its own that accepts text/event-stream. Where a subscription
// counts versions its events have ids, "<epoch>:<version>", and a request with a Last-Event-ID goes on behind it, so
// that a browser's EventSource resumes by itself.
//
// Single connection: PUT reserves a stream and answers its token; GET with the token opens it; each POST with the
// token starts an operation, whose id is in extensions.operationId, and DELETE ends one.
//
// What must stay true: whoever sends never waits for the client to read. What waits for it is bounded; a client that lets
// more wait is cut, and resumes.
package gqlsse
