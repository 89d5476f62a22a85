// Package auction sells one listing to the highest bidder, live. docs/auctions.md is its design.
//
// It owns the tables auction, bid, bid_cancellation, auction_end and increment. What must stay true:
//   - one writer a lot: whatever changes an auction holds its row's lock, and reads the time, the
//     database's, after it has it, so that servers with other clocks decide the same;
//   - the rules are a pure function (rules.go) from state and bid to state or refusal;
//   - the bids of a lot that come while a transaction of it is under way are judged in the next one, together
//     and in the order in which they came to this server (queue.go, judging.go);
//   - on a lot that holds back, the leader, and nobody else, has an open hold for exactly their maximum; on one that cards
//     back, each bid names a card of its bidder's, and no money moves;
//   - the transaction that closes a lot makes the winner's order;
//   - each change is an event of the topic auction:<id> in the order of the row's versions, and holds
//     nothing that not everyone may see: no maximum of a leader's, no reserve.
//
// Lock order: show → listing for a start; auction → listing → order → hold → ledger for all else.
package auction
