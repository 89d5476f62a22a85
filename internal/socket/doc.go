// Package socket holds the WebSocket connections that many messages are fanned out to: admission before the
// upgrade, a bounded queue of outgoing messages for each connection, and a drain that tells clients to come back.
//
// A message is spliced out of parts that connections share, so that a queue holds references and no copies.
// Whoever sends never waits: where the connection is idle, Send writes by itself what the kernel takes at once,
// and hands the rest to a goroutine that lives as long as there is something to write. What waits together leaves
// in one write.
//
// What must stay true:
//
//   - One goroutine at a time writes to a connection, control frames included.
//   - The critical lane is never dropped from: a peer that lets more than Config.MaxQueue bytes wait is closed
//     with 1013 and resumes elsewhere. Of the droppable lane the newest message of each key is kept, and it
//     leaves when nothing critical waits.
//   - Every write has a deadline, and a peer that answers no ping is cut.
//
// Wrap the handler in [Sockets.Guard], and call [Sockets.Accept] inside.
package socket
