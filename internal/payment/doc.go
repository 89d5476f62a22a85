// Package payment moves money between cards, wallets, holds and escrow, and keeps saved cards. It owns the
// tables top_up, order_payment, refund, withdrawal, hold, card, card_setup, provider_customer, provider_event, provider_cursor, provider_txn and exchange; the money itself is the ledger's, and nothing here changes a balance except by an entry.
//
// What must stay true:
//
//   - A top-up's row is committed before the provider hears of it, and the provider's id of it before
//     the provider is asked for money. So there is no charge that our rows do not lead to.
//   - A top-up is posted once: under its row's lock, with a ledger key of its own.
//   - A refund's row and its money in refund_in_flight are committed before the provider hears of it. It is sent
//     again only when the provider's list, read after each earlier request has ended, does not have it.
//   - No provider is called inside a database transaction.
//   - A provider's key is never used when it may be older than 23 hours: providers forget keys after 24.
//   - Of an event of the provider's nothing is believed but that it is time to look: its object is fetched
//     afresh, so that doubles, delays and any order lead to the same books.
//   - A card's number never comes here.
//   - The sum of a user's open holds is their wallet_held account. A hold is resolved once.
//   - An exchange gives never more than its rate: rounding is down.
//   - A refusal moves nothing, and leaves the caller's transaction usable.
//
// Lock order: the caller's rows (auction, order), then holds by id, then the top-up's, the setup's or the refund's row and
// the card's, then the user's feed, then the ledger, last.
//
// docs/payments.md tells the flows and what happens when the provider's answer is lost.
package payment
