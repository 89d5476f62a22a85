// Package savedsearch keeps searches for their owners, and tells them of what is found from then on. docs/search.md is its design.
//
// It owns the tables saved_search, saved_search_hit and saved_search_change. What must stay true:
//   - what changes a document queues one row, in its own transaction, however many searches find it: their owners are told afterwards;
//   - an owner is told once of a search and a listing, for good, whoever finds it first;
//   - nobody is told of what search would not show them, nor of their own;
//   - a search is its owner's alone: to others it is not there.
//
// Lock order: the owner → search → its hits → feed.
package savedsearch
