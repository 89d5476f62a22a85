// Package wish holds what people wish for, and what they wait for, and tells them when it costs less and when there is some. docs/wishes.md
// is its design.
//
// It owns the tables wish, availability_wait and wish_change. What must stay true:
//   - what changes a price or a stock queues one row, in its own transaction, however many people wish: they are told afterwards, some
//     hundreds a transaction, each of which says how far it came;
//   - no change is lost: who begins to wish or wait holds the listing and the stock, so that of two that come at once one sees the other;
//   - nobody is told of what they may not see.
//
// Lock order: listing → stock → wish or wait → feed.
package wish
