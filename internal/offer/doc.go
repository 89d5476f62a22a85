// Package offer holds prices that a buyer and a seller agree on before anything is ordered. docs/offers.md is its design.
//
// It owns the tables price_offer, price_offer_step, price_offer_move and listing_offers. What must stay true:
//   - an offer moves as price_offer_move allows, which a trigger holds, and each move is a step that stays;
//   - nobody moves what they have not seen: a move names the version that it answers;
//   - an accepted offer makes one order at most, however often it is quoted;
//   - the two who are in it see an offer, and staff; nobody else.
//
// Lock order: the buyer, where one is made → offer → feed. A confirmation has its reservation's lock before (docs/checkout.md).
package offer
