// Package search finds listings: by words in Arabic, English and French, by what they are filed under, by price and by place, with
// counts beside. docs/search.md is its design.
//
// It owns the tables search_document, search_word and search_synonym, and the view search_document_source. What must stay true:
//   - a document says what its listing is, in the transaction that changed the listing: triggers write it, and nothing else does;
//   - nothing is found, counted or suggested that the view public_listing does not have on the market;
//   - every Index answers the same to the same question, and has seen all that was committed before it was asked;
//   - a count respects every filter but those of its own kind;
//   - a cursor goes on with the query that gave it out, and with no other.
//
// Lock order: listing → its seller, shared, where it is new → its document → words, in their order.
package search
