// Package listingfile takes a seller's listings from a CSV file, and gives them as one. docs/listing-files.md is its design.
//
// It owns the tables listing_import, listing_import_part and listing_import_error. What must stay true:
//   - each product of a file is imported once, and whole or not at all: what a batch has done and how far the file is done are one
//     transaction, under the import's lock;
//   - a row that is no good is told by its line, and keeps none but its own product's from being imported;
//   - no more of a file is in memory than a batch.
//
// Lock order: import → listing.
package listingfile
