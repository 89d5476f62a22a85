// Package show holds live shows: who hosts one, when, in what order its lots come, and what its viewers are told.
//
// It owns the tables show, show_feed and show_announcement. What must stay true:
//   - a show is SCHEDULED, then LIVE, then ENDED, or CANCELLED before it began; it moves under its row's lock;
//   - the show's row numbers its lots, without a hole;
//   - whatever its viewers are told, its own changes, its lots, their bids, its chat, is an event of the topic show:<id>, in one
//     order: show_feed hands out the versions, and its row is locked last of all but the ledger's.
package show
