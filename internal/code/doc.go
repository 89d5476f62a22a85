// Package code keeps codes that are sold: game keys, gift cards, licences. docs/codes.md is its design.
//
// It owns the tables code_batch, code and code_reveal. What must stay true:
//   - the database alone shows no code: each is sealed under its upload's data key, which is wrapped under a key that only
//     servers have; what is kept to compare codes, and requests that hold codes, are keyed hashes;
//   - a code is sold once, to one order, in the transaction that pays for it, and a seller has it once (held by the database);
//   - the codes of a variant that are not sold are its stock, at its seller's digital location;
//   - a code is shown to who bought it and to nobody else, and each time is in code_reveal before anybody reads it.
//
// Lock order: reservation → stock → code → order that is new → feed → ledger. An upload takes its codes in the order of their
// fingerprints, then the stock. Showing a code locks its order for share.
package code
