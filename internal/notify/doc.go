// Package notify keeps what users are told and find again: a row for each notice, written inside the transaction that causes it.
// docs/notices.md is its design.
//
// It owns the table notification. What must stay true:
//   - one thing is told a recipient once: the key says which, and the database holds it unique;
//   - a recipient's notices have the order of their commits, as each is timed behind the lock of its recipient's feed;
//   - a notice names its subject and carries no words of it, so that nobody reads in an old notice what they may not see any more.
//
// Lock order: whatever causes the notice → feed. Retention: 90 days.
package notify
