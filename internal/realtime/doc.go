// Package realtime carries each topic's changes to its viewers: every version once, in order, without
// a hole, from any server to any server.
//
// A topic (an auction, an order, a conversation) has a version that its own row's lock hands out in
// the transaction that makes the change, so commit order is version order. [AppendTx] stores the
// change there, in the table event; that table is the truth. After the commit [Hub.Publish] wakes the
// other servers up through Redis, which may lose, repeat or swap what it carries: a hub believes the
// version numbers, not the bus.
//
// Inside a hub each topic with viewers has one sequencer, a goroutine that alone extends the topic's
// log: the next version is appended, an older one dropped, a newer one makes it wait a moment and then
// read what is missing from Postgres, once for all viewers. The log is published as an immutable view
// behind an atomic pointer. A subscription is a cursor into the log with a goroutine of its own, so
// joining, resuming and lagging are the same thing (a cursor further back), no lock is held while a
// consumer takes its time, and what a viewer gets is contiguous by construction.
//
// What nobody needs to know later has no version: [Hub.Broadcast] brings it to every [Listener], at most
// once, the newest in place of what waits, past the sequencer and the database.
//
// Invariants:
//   - a view's events are numbered first, first+1, … without a hole, and never change once visible;
//   - only the topic's sequencer goroutine makes views;
//   - a cursor moves by exactly one, or by an explicit event of kind [KindSnapshot].
//
// The package owns the tables event and epoch. See docs/realtime.md.
package realtime
