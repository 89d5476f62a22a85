// Package gqlws serves GraphQL over WebSocket, by the protocol graphql-transport-ws and by the older one that
// subscriptions-transport-ws spoke under the name graphql-ws.
//
// Sources: github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md and
// github.com/apollographql/subscriptions-transport-ws/blob/master/PROTOCOL.md.
//
// What must stay true:
//
//   - An operation's id names one running operation of a connection. Its answers are in order, and nothing comes
//     after its client has completed it or its own last word.
//   - A connection's goroutine reads and never waits for a peer to read: answers wait in the connection's queue.
//   - Operations end with their connection.
package gqlws
